//! Users with the few permissions that the documents name.

use super::{OFTEN, SOON, TERMS, append, faults, lines_after, open, options};
use crate::support::binary::{Binary, within};
use crate::support::redis::{
    RedisServer, add_least_user, least_rule, own_prefix, shared_cluster_as_least_user,
};
use crate::support::stored::{ALPHA, record, total, wait};
use crate::support::{NOW, catalogue, instant, report};
use groundswell::domain::provider::Catalogue;
use groundswell::domain::time::HOUR_MS;
use groundswell::store::Store;
use groundswell::store::copy::{catalogue_of, copy};
use groundswell::store::embedded::{self, Embedded};
use groundswell::store::journal::{Lease, NodeId};
use groundswell::store::redis::Redis;
use groundswell::store::redis::address::Options;
use groundswell::store::upgrade::Carry;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn all_that_a_node_does_is_done_as_the_user_of_the_documents_and_nothing_is_allowed_in_vain() {
    let (server, options) = (RedisServer::start(&[]), options());
    add_least_user(server.port(), &options.prefix, &[]);
    let url = server.url().replace("redis://", &format!("redis://{}:pass@", options.prefix));
    server.cli(&["CONFIG", "RESETSTAT"]);
    copied(&url, &options);
    let store = open(&url, &options).unwrap();
    assert_eq!(record(&store, 100..300), Ok(200));
    // In a slot that knows no script any more, as after a restart.
    server.cli(&["SCRIPT", "FLUSH"]);
    assert_eq!(record(&store, 200..400), Ok(100));
    append(&store, "entry");
    assert!(matches!(wait(store.lease(NodeId(1), 1_000)).unwrap(), Lease::Held(_)));
    wait(store.mark_live(instant(NOW).minute()..instant(NOW).minute().plus(1))).unwrap();
    wait(store.probe()).unwrap();
    assert!(!wait(store.clocks()).unwrap().is_empty());
    assert_eq!(wait(store.newest_minute()).unwrap(), Some(instant(NOW).minute()));
    wait(store.disown_from(instant(NOW).minute())).unwrap();
    assert_eq!(total(&store), 400);
    assert_eq!(faults(&store), "", "what it may not look at is not held against it");
    // Everything ages, and all of it is forgotten at last.
    for days in [3, 20, 80] {
        wait(store.tidy(instant(NOW).plus_ms(days * 24 * HOUR_MS))).unwrap();
    }
    assert!(!wait(store.is_empty()).unwrap(), "its journal is there");
    let hours = instant(NOW).minute().hour().plus(-2)..instant(NOW).minute().hour().plus(1);
    assert!(wait(store.hours(ALPHA, hours)).unwrap().is_empty());
    let denied: BTreeSet<String> =
        lines_after(&server.cli(&["ACL", "LOG", "128"]), "object").into_iter().collect();
    let expected = ["client|setinfo", "info", "client"].map(str::to_owned);
    assert!(
        denied.iter().all(|object| expected.contains(object)),
        "neither keys nor further commands are missed: {denied:?}"
    );
    assert!(denied.contains("info"), "it may not: {denied:?}");
    let statistics = server.cli(&["INFO", "commandstats"]);
    let is_called = |command: &str| statistics.contains(&format!("cmdstat_{command}:calls="));
    let rule = least_rule();
    let allowed = rule.split_whitespace().filter_map(|word| word.strip_prefix('+'));
    let in_vain: Vec<&str> =
        allowed.filter(|command| *command != "wait" && !is_called(command)).collect();
    assert!(in_vain.is_empty(), "allowed, but never used: {in_vain:?}");
}

#[test]
fn a_server_runs_as_the_user_of_the_documents_and_may_not_leave_its_prefix() {
    let (server, prefix) = (RedisServer::start(&[]), own_prefix());
    add_least_user(server.port(), &prefix, &["+hello", "+select"]);
    let url = format!(
        "{}?protocol=resp3&db=2",
        server.url().replace("redis://", &format!("redis://{prefix}:pass@"))
    );
    let arguments =
        ["--reporter-key", "of this test", "--redis-prefix", &prefix, "--timing", OFTEN];
    let node = Binary::start(Path::new(&url), &arguments);
    for n in 0..20 {
        assert!(node.report(&report(&format!("reporter {n}"))).status < 300);
    }
    let total = || node.read("/v1/heatmap?provider=alpha&window=24h&resolution=4")["total"].clone();
    assert!(within(SOON, || total() == json!(20)), "{}", total());
    let ready = || node.send("GET", "/readyz?for=ingest", &[], b"");
    assert!(within(SOON, || ready().status == 200), "{}", ready());
    assert!(node.log().contains("does not show this user all of its settings"), "{}", node.log());
    let elsewhere = Options { prefix: own_prefix(), ..Options::default() };
    let said = open(&url, &elsewhere).unwrap_err().to_string();
    assert!(said.contains("no permissions"), "{said}");
}

#[test]
fn a_cluster_is_used_as_the_user_of_the_documents() {
    let options = options();
    let store = open(&shared_cluster_as_least_user(&options.prefix), &options).unwrap();
    assert_eq!(
        (record(&store, 0..200), record(&store, 100..300), total(&store)),
        (Ok(200), Ok(100), 300)
    );
    append(&store, "entry");
    wait(store.tidy(instant(NOW).plus_ms(72 * HOUR_MS))).unwrap();
    assert_eq!(faults(&store), "");
}

/// Copies a directory that has something of everything to that Redis.
fn copied(url: &str, options: &Options) {
    let directory = tempfile::tempdir().unwrap();
    let before =
        Store::open_embedded(directory.path(), &catalogue(), TERMS, embedded::Options::default())
            .unwrap();
    assert_eq!(record(&before, 0..100), Ok(100));
    wait(before.mark_live(instant(NOW).minute()..instant(NOW).minute().plus(1))).unwrap();
    append(&before, "entry");
    before.close().unwrap();
    drop(before);
    let from = Embedded::open(
        directory.path(),
        &Catalogue::default(),
        TERMS,
        embedded::Options::default(),
    )
    .unwrap();
    let names = catalogue_of(&from).unwrap();
    let to = Redis::open_to_copy(url, &names, TERMS, options, "a directory").unwrap();
    let totals = wait(copy(&from, &names, &to, &Carry::of_this_format(), |_, _| {})).unwrap();
    assert_eq!((totals.reporters, totals.journal.count), (100, 1));
}

//! Several nodes and many callers at once: a key dies everywhere, and nobody is turned
//! away while keys are rotated.

use super::{Keyed, by_keys, get, refused, report};
use crate::support::binary::{Binary, groundswell, within};
use crate::support::client::Client;
use crate::support::redis::{free_port, own_prefix, shared_single};
use crate::support::server::TestServer;
use crate::support::{self, NOW};
use groundswell::http::policy::Anonymous;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What servers of the tests are started with.
const REPORTER_KEY: &str = "secret of tests";

/// A process that serves from a Redis under that prefix, by keys.
pub(super) fn node(prefix: &str, more: &[&str]) -> Binary {
    let (catalogue, url) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml"), shared_single());
    let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0", "--auth", "keys"]);
    command.args(["--catalogue", catalogue, "--store", &url, "--redis-prefix", prefix]);
    command.args(["--reporter-key", REPORTER_KEY]).args(more);
    Binary::of(&mut command)
}

/// A key to run servers by, on a store that has none yet.
pub(super) fn first_key(prefix: &str) -> String {
    let server = TestServer::start_by_on_redis(by_keys(Anonymous::Nothing), prefix);
    Keyed::of(server).admin
}

/// What a call of who runs it is answered.
pub(super) fn operate(
    client: &Client,
    admin: &str,
    method: &str,
    path: &str,
    body: &str,
) -> serde_json::Value {
    let answer = super::with_key(client, admin, method, path, &[super::JSON], body.as_bytes());
    assert!((200..300).contains(&answer.status), "{method} {path}: {answer}");
    answer.json()
}

#[test]
fn a_key_that_is_revoked_on_one_node_is_refused_by_the_other_within_two_seconds() {
    let prefix = own_prefix();
    let admin = first_key(&prefix);
    let (a, b) = (node(&prefix, &[]), node(&prefix, &[]));
    operate(&a, &admin, "POST", "/v1/sources", r#"{"name": "app"}"#);
    let fields = json!({"name": "k", "source": 1, "scopes": ["report"]}).to_string();
    let created = operate(&a, &admin, "POST", "/v1/keys", &fields);
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    let is_taken = |node: &Client| report(node, key, &support::report("r")).status == 202;
    assert!(is_taken(&a), "at once where it was created");
    assert!(within(Duration::from_secs(2), || is_taken(&b)), "and soon on the other");
    operate(&a, &admin, "DELETE", &format!("/v1/keys/{id}"), "");
    let revoked = Instant::now();
    refused(&report(&a, key, &support::report("r")), 401, "unauthenticated");
    assert!(within(Duration::from_secs(10), || !is_taken(&b)));
    assert!(revoked.elapsed() < Duration::from_secs(2), "{:?}", revoked.elapsed());
    let detail = refused(&report(&b, key, &support::report("r")), 401, "unauthenticated");
    assert!(detail.starts_with("revoked"), "{detail}");
}

#[test]
fn a_days_quota_is_shared_by_all_nodes() {
    let prefix = own_prefix();
    let policy = || by_keys(Anonymous::Nothing);
    let a = Keyed::of(TestServer::start_by_on_redis(policy(), &prefix));
    let b = TestServer::start_by_on_redis(policy(), &prefix);
    let source = a.source("app");
    let (_, key) = a.key(&json!({"name": "k", "source": source, "scopes": ["report"],
        "limits": {"reports_per_day": 6}}));
    let tick = || [&*a, &b].into_iter().for_each(TestServer::step_access);
    tick();
    tick();
    for n in 0..3 {
        assert_eq!(report(&a, &key, &support::report(&format!("a{n}"))).status, 202);
        assert_eq!(report(&b, &key, &support::report(&format!("b{n}"))).status, 202);
    }
    // What each node used is told within a second, and learnt of by who uses the key: so
    // there is at most a second of more.
    tick();
    for (node, id) in [(&*a, "c"), (&b, "d")] {
        report(node, &key, &support::report(id));
    }
    tick();
    for node in [&*a, &b] {
        refused(&report(node, &key, &support::report("c")), 429, "rate_limited");
    }
}

#[test]
fn nobody_is_turned_away_while_a_key_is_rotated() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let (mut id, mut key) =
        server.key(&json!({"name": "k", "source": source, "scopes": ["report"]}));
    let is_over = AtomicBool::new(false);
    let (sent, turned_away) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let rotated = format!("/v1/keys/{id}/rotate");
            let created = server.must("POST", &rotated, &json!({"grace_seconds": 3_600}));
            let old = std::mem::replace(&mut key, created["key"].as_str().unwrap().to_owned());
            id = created["id"].as_str().unwrap().to_owned();
            let new = key.clone();
            let (server, is_over) = (&server, &is_over);
            let (sent, turned_away) = (&sent, &turned_away);
            scope.spawn(move || {
                let mut rounds = 0;
                while rounds < 20 || !is_over.load(Ordering::SeqCst) {
                    for key in [&old, &new] {
                        let body = support::report(&format!("{rounds}"));
                        let status = report(server, key, &body).status;
                        turned_away.fetch_add(usize::from(status != 202), Ordering::SeqCst);
                    }
                    rounds += 1;
                    sent.fetch_add(2, Ordering::SeqCst);
                }
            });
        }
        is_over.store(true, Ordering::SeqCst);
    });
    assert_eq!(turned_away.into_inner(), 0, "of {sent:?} at {NOW}");
    assert_eq!(get(&server, &server.admin, "/v1/keys?limit=1000").status, 200);
}

#[test]
fn metrics_have_an_address_of_their_own_that_answers_nothing_else() {
    let prefix = own_prefix();
    let admin = first_key(&prefix);
    let apart = format!("127.0.0.1:{}", free_port());
    let server = node(&prefix, &["--metrics-listen", &apart]);
    refused(&server.get("/metrics"), 401, "unauthenticated");
    assert_eq!(get(&server, &admin, "/metrics").status, 200);
    let metrics = Client::new(apart.parse().unwrap());
    let answer = metrics.get("/metrics");
    assert!(answer.status == 200 && answer.text().contains("groundswell_denied_total"), "{answer}");
    for path in ["/", "/v1/providers", "/v1/keys", "/readyz", "/docs/"] {
        refused(&metrics.get(path), 404, "not_found");
    }
    refused(&get(&metrics, &admin, "/v1/keys"), 404, "not_found");
}

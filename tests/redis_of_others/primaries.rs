//! Primaries that move, lag, lose their replicas, their disk or their data.

use super::{OFTEN, SOON, TERMS, append, faults, open, options, with_timing};
use crate::support::binary::{Binary, within};
use crate::support::proxy::Proxy;
use crate::support::redis::{RedisServer, shared_cluster, shared_cluster_servers};
use crate::support::stored::{self, record, total, wait};
use crate::support::{but, catalogue, report};
use groundswell::store::redis::address::Options;
use groundswell::store::{OpenError, Store, StoreError, Terms};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// How soon reports are taken again once somebody is there to take them.
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn posts_go_on_once_the_proxy_leads_to_the_new_primary_while_the_old_one_lives_on_as_a_replica() {
    let [old, new] = [(); 2].map(|()| RedisServer::start(&["--repl-diskless-sync-delay", "0"]));
    new.follow(&old);
    let proxy = Proxy::to(old.port());
    let node = Binary::start(
        Path::new(&proxy.url()),
        &["--reporter-key", "of this test", "--min-replicas", "1", "--timing", OFTEN],
    );
    let post = |n: u32| node.report(&but(report(&format!("reporter {n}")), json!({}))).status;
    let mut counted = (0..10).filter(|n| post(*n) < 300).count();
    assert_eq!(counted, 10);
    new.lead();
    old.follow(&new);
    assert_eq!(post(100), 503, "the connection is still there, and leads to a replica");
    let unfit = || node.send("GET", "/readyz?for=ingest", &[], b"");
    assert!(
        within(SOON, || unfit().status == 503 && unfit().text().contains("it is a replica")),
        "{}",
        unfit()
    );
    proxy.lead_to(new.port());
    let moved = Instant::now();
    assert!(within(RECOVERS_WITHIN, || post(101) < 300), "{}", node.log());
    assert!(moved.elapsed() < RECOVERS_WITHIN, "{:?}", moved.elapsed());
    counted += 1 + (200..220).filter(|n| post(*n) < 300).count();
    assert_eq!(counted, 31, "and every further one is taken");
    assert!(within(SOON, || unfit().status == 200), "{}", unfit());
    let total = || node.read("/v1/heatmap?provider=alpha&window=24h&resolution=4")["total"].clone();
    assert!(within(SOON, || total() == json!(31)), "{}", total());
}

#[test]
fn who_only_reads_notices_that_it_reads_from_a_replica() {
    let [old, new] = [(); 2].map(|()| RedisServer::start(&["--repl-diskless-sync-delay", "0"]));
    let (proxy, options) = (Proxy::to(old.port()), options());
    let reader = open(&proxy.url(), &options).unwrap();
    assert_eq!((record(&reader, 0..50), total(&reader)), (Ok(50), 50));
    new.follow(&old);
    new.lead();
    let writer = open(&new.url(), &options).unwrap();
    // As where a partition keeps the two apart.
    old.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    proxy.lead_to(new.port());
    assert_eq!(
        (record(&writer, 50..100), total(&reader)),
        (Ok(50), 50),
        "it still reads from the old one"
    );
    let said = faults(&reader);
    assert!(said.contains("it is a replica"), "{said}");
    assert_eq!(total(&reader), 100);
    assert_eq!(faults(&reader), "");
}

#[test]
fn whatever_says_not_the_one_to_write_to_is_left_for_whoever_the_name_leads_to_by_then() {
    let server = RedisServer::start(&[]);
    for answer in [
        "READONLY You can't write against a read only replica.",
        "READONLY You can't write against a read only replica. script: 1f3, on @user_script:24.",
        "ERR Error running script (call to f_1f3): @user_script:24: -READONLY You can't write \
         against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> \
         replica?)",
        "NOREPLICAS Not enough good replicas to write.",
        "CLUSTERDOWN The cluster is down",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "NOAUTH Authentication required.",
    ] {
        let proxy = Proxy::to(server.port());
        let store = open(&proxy.url(), &with_timing("stuck=300ms")).unwrap();
        assert_eq!(record(&store, 0..20), Ok(20));
        append(&store, "before");
        proxy.those_connected_hear(answer);
        let began = Instant::now();
        assert_eq!(record(&store, 10..40), Ok(20), "{answer}");
        assert!(began.elapsed() < RECOVERS_WITHIN, "{answer}: {:?}", began.elapsed());
        append(&store, "after");
        assert_eq!(total(&store), 40, "{answer}");
        assert!(proxy.connections() <= 6, "{answer}: {} connections", proxy.connections());
    }
}

#[test]
fn a_connection_that_was_forgotten_on_the_way_is_left_for_another() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::to(server.port());
    let store = open(&proxy.url(), &with_timing("reply=500ms")).unwrap();
    assert_eq!(record(&store, 0..20), Ok(20));
    proxy.those_connected_hear_nothing();
    let began = Instant::now();
    assert_eq!((record(&store, 10..40), total(&store)), (Ok(20), 40));
    assert!(began.elapsed() < RECOVERS_WITHIN, "{:?}", began.elapsed());
}

#[test]
fn masters_of_a_cluster_change_places_with_their_replicas_and_reports_are_taken_by_those_that_lead()
{
    let store = open(&shared_cluster(), &options()).unwrap();
    let mut recorded = 0;
    for server in shared_cluster_servers() {
        if !server.cli(&["ROLE"]).starts_with("slave") {
            continue;
        }
        assert_eq!(server.cli(&["CLUSTER", "FAILOVER"]).trim(), "OK");
        assert!(within(SOON, || server.cli(&["ROLE"]).starts_with("master")));
        let led = Instant::now();
        let mut taken = Err(String::new());
        let ok = within(RECOVERS_WITHIN, || {
            taken = record(&store, recorded..recorded + 100);
            taken.is_ok()
        });
        assert!(ok, "{taken:?} {:?} after it leads", led.elapsed());
        recorded += 100;
        assert!(
            within(RECOVERS_WITHIN, || total(&store) == recorded),
            "{} of {recorded}",
            total(&store)
        );
    }
    assert!(recorded >= 300, "three replicas took over");
}

#[test]
fn a_replica_is_waited_for_a_while_and_refused_and_one_that_takes_writes_is_no_primary() {
    let [first, replica] =
        [(); 2].map(|()| RedisServer::start(&["--repl-diskless-sync-delay", "0"]));
    replica.follow(&first);
    let impatient = with_timing("repeat=1s,reply=1s");
    let options = options();
    let said = open(&replica.url(), &impatient).unwrap_err().to_string();
    assert!(said.contains("does not answer") && said.contains("it is a replica"), "{said}");
    replica.cli(&["CONFIG", "SET", "replica-read-only", "no"]);
    let said = open(&replica.url(), &impatient).unwrap_err().to_string();
    assert!(said.contains("calls itself a replica"), "{said}");
    std::thread::scope(|scope| {
        replica.cli(&["CONFIG", "SET", "replica-read-only", "yes"]);
        let rejected = || {
            replica.cli(&["INFO", "commandstats"]).lines().find_map(rejected_unlinks).unwrap_or(0)
        };
        let before = rejected();
        let opening = scope.spawn(|| open(&replica.url(), &options));
        assert!(within(SOON, || before < rejected()), "it tries");
        replica.lead();
        assert_eq!(
            record(&opening.join().unwrap().unwrap(), 0..5),
            Ok(5),
            "promoted meanwhile, it is opened"
        );
    });
}

#[test]
fn a_disk_that_fails_is_called_that_and_reports_are_taken_again_once_it_works() {
    let server = RedisServer::start(&["--save", "3600 1000000"]);
    let store = open(&server.url(), &options()).unwrap();
    assert_eq!(record(&store, 0..20), Ok(20));
    // A directory where the snapshot should be: it cannot be written, as on a disk that
    // is full.
    let in_the_way = server.directory().join("dump.rdb");
    std::fs::create_dir(&in_the_way).unwrap();
    server.cli(&["BGSAVE"]);
    assert!(within(SOON, || server
        .cli(&["INFO", "persistence"])
        .contains("rdb_last_bgsave_status:err")));
    let refused = wait(store.record(&[stored::report(100)])).remove(0);
    let Err(StoreError::Unavailable(said)) = refused else { panic!("{refused:?}") };
    assert!(said.contains("its own disk") && said.contains("MISCONF"), "{said}");
    assert!(faults(&store).contains("its own disk"), "{}", faults(&store));
    assert_eq!(total(&store), 20, "what is there can be read");
    std::fs::remove_dir(&in_the_way).unwrap();
    server.cli(&["BGSAVE"]);
    assert!(within(SOON, || server
        .cli(&["INFO", "persistence"])
        .contains("rdb_last_bgsave_status:ok")));
    assert_eq!((record(&store, 10..40), total(&store)), (Ok(20), 40));
    assert_eq!(faults(&store), "");
}

#[test]
fn an_emptied_redis_is_begun_anew_and_nobody_begins_it_otherwise() {
    let (server, options) = (RedisServer::start(&[]), options());
    let store = open(&server.url(), &options).unwrap();
    assert_eq!(record(&store, 0..20), Ok(20));
    assert_eq!(total(&store), 20);
    server.cli(&["FLUSHALL"]);
    assert_eq!(faults(&store), "");
    let error = Store::open_redis(
        &server.url(),
        &catalogue(),
        Terms { reporter_key_check: 8, ..TERMS },
        &options,
    )
    .unwrap_err();
    assert!(matches!(error, OpenError::ReporterKey(_)), "{error}");
    assert_eq!(
        (total(&store), record(&store, 0..30), total(&store)),
        (0, Ok(30), 30),
        "who was lost counts again"
    );
    server.cli(&["FLUSHALL"]);
    drop(
        Store::open_redis(
            &server.url(),
            &catalogue(),
            Terms { reporter_key_check: 8, ..TERMS },
            &options,
        )
        .unwrap(),
    );
    let said = faults(&store);
    assert!(
        said.contains("another reporter key"),
        "one that was begun by others is not reported into: {said}"
    );
}

#[test]
fn a_primary_that_lost_its_replicas_is_left_for_whoever_the_name_leads_to_by_then() {
    let [alone, new, replica] =
        [(); 3].map(|()| RedisServer::start(&["--repl-diskless-sync-delay", "0"]));
    replica.follow(&new);
    let proxy = Proxy::to(alone.port());
    let store = open(&proxy.url(), &Options { min_replicas: 1, ..options() }).unwrap();
    let said = record(&store, 0..1).unwrap_err();
    assert!(said.contains("0 of 1 replicas"), "{said}");
    proxy.lead_to(new.port());
    assert_eq!((record(&store, 0..20), total(&store)), (Ok(20), 20));
}

/// The calls of `UNLINK` that were rejected, where this line of `INFO commandstats`
/// tells.
fn rejected_unlinks(line: &str) -> Option<u64> {
    line.strip_prefix("cmdstat_unlink:")?
        .split("rejected_calls=")
        .nth(1)?
        .split(',')
        .next()?
        .trim()
        .parse()
        .ok()
}

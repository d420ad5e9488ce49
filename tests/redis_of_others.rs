//! Redis as it is run by others: primaries that move, names and sentinels that know
//! where, users who may do little, disks that fail, addresses of every kind.

use crate::support::binary::{Binary, groundswell, within};
use crate::support::proxy::Proxy;
use crate::support::redis::{
    RedisServer, add_least_user, free_port, least_rule, own_prefix, shared_cluster,
    shared_cluster_as_least_user, shared_cluster_servers, shared_single,
};
use crate::support::stored::{self, ALPHA, record, total, wait};
use crate::support::{NOW, but, catalogue, instant, report};
use groundswell::domain::provider::Catalogue;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, HOUR_MS};
use groundswell::store::copy::{catalogue_of, copy};
use groundswell::store::embedded::{self, Embedded};
use groundswell::store::journal::{Appended, Lease, NodeId, Position, Tail};
use groundswell::store::redis::Redis;
use groundswell::store::redis::address::Options;
use groundswell::store::{OpenError, Store, StoreError, Terms};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };
/// How soon reports are taken again once somebody is there to take them.
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);
/// Disks and processes of a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// A server looks often whether its Redis can be trusted.
const OFTEN: &str = "housekeeping=200ms";

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
fn a_replica_is_waited_for_a_while_and_refused_with_the_reason_and_one_that_takes_writes_is_no_primary()
 {
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

#[test]
fn sentinels_are_asked_who_is_to_be_written_to_and_no_report_is_lost_or_doubled_when_it_dies() {
    let mut servers: Vec<RedisServer> =
        (0..3).map(|_| RedisServer::start(&["--repl-diskless-sync-delay", "0"])).collect();
    let sentinel_user = Some("watcher".to_owned());
    let options = Options {
        min_replicas: 1,
        sentinel_user,
        sentinel_password: Some("of a watcher".into()),
        ..options()
    };
    for server in &servers {
        add_least_user(server.port(), &options.prefix, &["+role", "+select"]);
    }
    for replica in &servers[1..] {
        replica.follow(&servers[0]);
    }
    let lines = [
        format!("sentinel monitor mymaster 127.0.0.1 {} 2", servers[0].port()),
        "sentinel down-after-milliseconds mymaster 1000".into(),
        "sentinel failover-timeout mymaster 5000".into(),
        "requirepass \"of sentinels\"".into(),
        "sentinel sentinel-pass \"of sentinels\"".into(),
        "user watcher on \">of a watcher\" resetchannels -@all +role +sentinel|masters".into(),
    ];
    let sentinels: Vec<RedisServer> = (0..3).map(|_| RedisServer::start_sentinel(&lines)).collect();
    let of = |sentinel: &RedisServer| {
        sentinel.cli(&["-a", "of sentinels", "--no-auth-warning", "SENTINEL", "MASTER", "mymaster"])
    };
    let is_whole = |sentinel: &RedisServer| {
        let said = of(sentinel);
        lines_after(&said, "num-slaves") == ["2"]
            && lines_after(&said, "num-other-sentinels") == ["2"]
    };
    assert!(within(SOON, || sentinels.iter().all(is_whole)), "{}", of(&sentinels[0]));
    let hosts: Vec<String> =
        sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
    let url = format!("redis+sentinel://{}:pass@{}/mymaster?db=3", options.prefix, hosts.join(","));
    let store = open(&url, &options).unwrap();
    assert_eq!(record(&store, 0..100), Ok(100));
    assert_eq!(
        servers[0].cli(&["-n", "0", "DBSIZE"]).trim(),
        "0",
        "the database is that of the address"
    );
    servers[0].kill();
    let killed = Instant::now();
    // As clients do: the same again until it is answered.
    let mut counted = 100;
    for start in (100..1_000).step_by(50) {
        let mut taken = Err(String::new());
        let ok = within(SOON, || {
            taken = record(&store, start..start + 50);
            taken.is_ok()
        });
        assert!(ok, "{taken:?} after {:?}", killed.elapsed());
        counted += taken.unwrap();
    }
    assert_eq!(
        (total(&store), record(&store, 0..1_000)),
        (1_000, Ok(0)),
        "each counts, and counts once"
    );
    // A try whose answer was lost may have counted: the next one then says duplicate.
    assert!(counted <= 1_000, "{counted}");
    assert_eq!(faults(&store), "");
    serves_by_flags(&url, &options, &servers[1..]);
    let wrong = open(&url.replace("mymaster", "another"), &options).unwrap_err().to_string();
    assert!(wrong.contains("not found in sentinel") && !wrong.contains("pass"), "{wrong}");
    let unknown = Options { sentinel_password: None, ..options };
    assert!(open(&url, &unknown).is_err(), "sentinels have a password of their own");
}

#[test]
fn a_primary_that_does_not_know_that_it_was_replaced_is_left() {
    let [old, new] = [(); 2].map(|()| RedisServer::start(&[]));
    let monitor = |server: &RedisServer| {
        ["SENTINEL", "MONITOR", "mymaster", "127.0.0.1", &server.port().to_string(), "1"]
            .map(str::to_owned)
    };
    let sentinel = RedisServer::start_sentinel(&[]);
    let tell =
        |words: &[String]| sentinel.cli(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(tell(&monitor(&old)).trim(), "OK");
    let url = format!("{}/mymaster", sentinel.url().replace("redis://", "redis+sentinel://"));
    let store = open(&url, &options()).unwrap();
    assert_eq!((record(&store, 0..20), faults(&store)), (Ok(20), String::new()));
    // As where a partition keeps it from them: it still calls itself a primary.
    assert_eq!(tell(&["SENTINEL", "REMOVE", "mymaster"].map(str::to_owned)).trim(), "OK");
    assert_eq!(faults(&store), "", "sentinels that do not know it say nothing against it");
    assert_eq!(tell(&monitor(&new)).trim(), "OK");
    let said = faults(&store);
    assert!(said.contains("the sentinels name another"), "{said}");
    assert_eq!(record(&store, 100..110), Ok(10));
    assert_ne!(new.cli(&["DBSIZE"]).trim(), "0", "it went to the one that they name");
    assert_eq!(faults(&store), "");
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

#[test]
fn every_address_leads_where_it_says() {
    let socket = tempfile::tempdir().unwrap();
    let path = socket.path().join("redis.sock").display().to_string();
    let server = RedisServer::start(&["--unixsocket", &path]);
    let host = server.url().replace("redis://", "");
    for (n, (url, database)) in [
        (format!("redis://{host}?db=1"), 1),
        (format!("REDIS://{host}/2"), 2),
        (format!("valkey://{host}/?db=3&protocol=resp3"), 3),
        (format!("unix://{path}?db=4"), 4),
        (format!("redis+unix://{path}?db=5&protocol=3"), 5),
        (format!("Valkey+Unix://{path}?db=6"), 6),
    ]
    .into_iter()
    .enumerate()
    {
        let store = open(&url, &options()).unwrap();
        assert_eq!((record(&store, 0..30), total(&store)), (Ok(30), 30), "{url}");
        append(&store, "entry");
        wait(store.tidy(instant(NOW).plus_ms(72 * HOUR_MS))).unwrap();
        assert_eq!(faults(&store), "", "{url}");
        assert_ne!(server.cli(&["-n", &database.to_string(), "DBSIZE"]).trim(), "0", "{url}");
        let keyspace = server.cli(&["INFO", "keyspace"]);
        assert_eq!(
            keyspace.lines().filter(|line| line.starts_with("db")).count(),
            n + 1,
            "{url}: {keyspace}"
        );
    }
    let said = open(&format!("redis://{host}?db=99"), &options()).unwrap_err().to_string();
    assert!(said.contains("out of range"), "{said}");
    let said = open(&format!("unix://{path}.not"), &options()).unwrap_err().to_string();
    assert!(said.contains("does not answer"), "{said}");
    let on_cluster =
        format!("{}?protocol=resp3", shared_cluster().replace("redis+cluster", "valkey+cluster"));
    let store = open(&on_cluster, &options()).unwrap();
    assert_eq!((record(&store, 0..30), total(&store), faults(&store)), (Ok(30), 30, String::new()));
}

#[test]
fn sentinels_and_servers_with_tls_are_reached_by_a_certificate_for_what_they_announce() {
    let directory = tempfile::tempdir().unwrap();
    let (key, cert) = self_signed(directory.path());
    let (port, sentinel_port) = (free_port(), free_port());
    let arguments = [
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ];
    let _server = RedisServer::start(&arguments);
    // It also listens in plain, for who looks whether it is there.
    let tls = format!(
        "tls-port {sentinel_port}\ntls-cert-file {cert}\ntls-key-file {key}\ntls-ca-cert-file \
         {cert}\ntls-auth-clients no"
    );
    let lines = [
        tls,
        "tls-replication yes".into(),
        format!("sentinel monitor mymaster 127.0.0.1 {port} 1"),
    ];
    let _sentinel = RedisServer::start_sentinel(&lines);
    let options = Options { authorities: Some(std::fs::read(&cert).unwrap()), ..options() };
    let url = format!("valkeys+sentinel://127.0.0.1:{sentinel_port}/mymaster");
    let mut store = open(&url, &options);
    assert!(within(SOON, || {
        store = open(&url, &options);
        store.is_ok()
    }));
    let store = store.unwrap();
    assert_eq!((record(&store, 0..30), total(&store)), (Ok(30), 30));
    assert!(
        open(&url, &Options { authorities: None, ..options }).is_err(),
        "a certificate that nobody vouches for is not trusted"
    );
}

#[test]
fn what_only_looks_like_an_address_is_refused_by_every_command_and_makes_no_directory() {
    let empty = tempfile::tempdir().unwrap();
    let stream = tempfile::NamedTempFile::new().unwrap();
    let stream = stream.path().display().to_string();
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().join("out.ndjson").display().to_string();
    for place in [
        "valky://h:1",
        "host:6379",
        "http://h",
        "redis:host",
        "redis:/h",
        "redis-sentinel://h/m",
        "//h:6379",
    ] {
        for arguments in [
            &["serve", "--listen", "127.0.0.1:0", "--store", place][..],
            &["replay", &stream, "--out", &out, "--store", place],
            &["copy", "--from", place, "--to", "redis://127.0.0.1:1"],
        ] {
            let said = groundswell(arguments).current_dir(empty.path()).output().unwrap();
            let text = String::from_utf8_lossy(&said.stderr);
            assert!(
                !said.status.success()
                    && text.contains("redis+sentinel://HOST")
                    && text.contains("./NAME"),
                "{arguments:?}: {text}"
            );
        }
        assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "{place}");
    }
    for (from, to, expected) in [
        ("redis://127.0.0.1:1", "redis://h", "--from must be a directory"),
        ("data", "data", "--to must be an address"),
    ] {
        let said = groundswell(&["copy", "--from", from, "--to", to])
            .current_dir(empty.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&said.stderr);
        assert!(!said.status.success() && text.contains(expected), "{text}");
    }
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    let said =
        open(&format!("{}?timeout=5s", shared_single()), &options()).unwrap_err().to_string();
    assert!(said.contains("no parameter \"timeout\""), "{said}");
}

/// Starts a server that finds its Redis by sentinels, as flags say.
fn serves_by_flags(url: &str, options: &Options, servers: &[RedisServer]) {
    let prefix = own_prefix();
    for server in servers {
        add_least_user(server.port(), &prefix, &["+role", "+select"]);
    }
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), format!("{}\n", options.sentinel_password.as_ref().unwrap()))
        .unwrap();
    let password = password.path().display().to_string();
    let user = options.sentinel_user.as_ref().unwrap();
    let of_sentinels = ["--redis-sentinel-user", user, "--redis-sentinel-password-file", &password];
    let arguments =
        [&["--reporter-key", "of this test", "--redis-prefix", &prefix], &of_sentinels[..]]
            .concat();
    let node = Binary::start(Path::new(&url.replace(&options.prefix, &prefix)), &arguments);
    assert!(node.report(&report("a reporter")).status < 300);
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
    let totals = wait(copy(&from, &names, &to, |_, _| {})).unwrap();
    assert_eq!((totals.reporters, totals.journal.count), (100, 1));
}

/// A key and a certificate for this machine, that nobody vouches for.
fn self_signed(directory: &Path) -> (String, String) {
    let path = |name: &str| directory.join(name).display().to_string();
    let request =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    let extensions = [
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    let (key, cert) = (path("key"), path("cert"));
    let made = std::process::Command::new("openssl")
        .args(request)
        .args(extensions)
        .args(["-keyout", &key, "-out", &cert])
        .output();
    assert!(made.expect("this test needs openssl").status.success());
    (key, cert)
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

/// What follows each line with this name, where every name has a line and every value the
/// next.
fn lines_after(text: &str, name: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.windows(2).filter(|pair| pair[0] == name).map(|pair| pair[1].to_owned()).collect()
}

fn options() -> Options {
    Options { prefix: own_prefix(), ..Options::default() }
}

fn with_timing(timing: &str) -> Options {
    Options { timing: timing.parse().unwrap(), ..options() }
}

fn open(url: &str, options: &Options) -> Result<Store, OpenError> {
    Store::open_redis(url, &catalogue(), TERMS, options)
}

/// Why it should not be reported to.
fn faults(store: &Store) -> String {
    wait(store.faults()).unwrap().join("; ")
}

/// Appends where the journal ends now.
fn append(store: &Store, entry: &str) {
    let Tail::Since(read) = wait(store.journal(Position::START)).unwrap() else {
        panic!("from its start nothing was read")
    };
    let appended = wait(store.append(None, read.end, &[entry.as_bytes().to_vec()])).unwrap();
    assert!(matches!(appended, Appended::Yes { .. }), "{appended:?}");
}

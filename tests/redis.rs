//! What only the store on Redis promises: what keys hold and when they go, tenants apart,
//! versions side by side, and what it says of a Redis that loses facts.

use crate::support::binary::{Binary, refused, within};
use crate::support::redis::{
    RedisServer, cli, own_prefix, shared_cluster, shared_single, start_shared,
};
use crate::support::stored::{record, report, total, wait};
use crate::support::{NOW, catalogue, cell, instant};
use groundswell::domain::access::key::KeyId;
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Reporter, ReporterKey};
use groundswell::domain::time::DEFAULT_LATENESS_MS;
use groundswell::store::journal::{
    AppendError, Appended, JournalName, Lease, NodeId, Position, Tail, Token,
};
use groundswell::store::redis::address::Options;
use groundswell::store::usage::Batch;
use groundswell::store::{OpenError, Recorded, SCHEMA, Store, StoreError, Terms};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };
const HOUR_S: i64 = 3_600;

#[test]
fn every_key_begins_with_the_prefix_and_none_that_holds_facts_is_left_to_expire() {
    let (server, options) = (RedisServer::start(&[]), options());
    let store = open(&server.url(), &options).unwrap();
    record(&store, 1..100).unwrap();
    wait(store.mark_live(instant(NOW).minute()..instant(NOW).minute().plus(1))).unwrap();
    append(&store, None, &["entry"]);
    let ledger = JournalName::Ledger;
    wait(store.append(ledger, None, Position::START, &[b"entry".to_vec()])).unwrap();
    let used = &[(KeyId::parse("AbCdEf12").unwrap(), 1)];
    let batch = Batch { node: NodeId(1), number: 1, day: instant(NOW).day(), used };
    wait(store.add_usage(batch)).unwrap();
    assert!(matches!(wait(store.lease(NodeId(1), 1)).unwrap(), Lease::Held(_)));
    for later in [0, 60] {
        wait(store.tidy(instant(NOW).plus_ms(later * HOUR_S * 1_000))).unwrap();
        let keys = keys_of(&server);
        assert!(keys.len() > 60, "{}", keys.len());
        let prefix = format!("{}:", options.prefix);
        for (key, left) in keys.iter().zip(of_each(&server, "TTL", "", &keys)) {
            assert!(key.starts_with(&prefix), "{key}");
            assert_eq!(left, "-1", "{key} is forgotten by a clock that nobody checks");
        }
    }
}

#[test]
fn what_an_older_version_let_expire_is_kept_once_it_is_written_to_again() {
    let (server, options) = (RedisServer::start(&[]), options());
    let store = open(&server.url(), &options).unwrap();
    record(&store, 1..100).unwrap();
    assert!(of_each(&server, "EXPIRE", "1000", &keys_of(&server)).iter().all(|set| set == "1"));
    record(&store, 100..2_000).unwrap();
    let expiring: Vec<String> = keys_of(&server)
        .into_iter()
        .filter(|key| key.ends_with(":open") || key.contains(":m:"))
        .collect();
    let left = of_each(&server, "TTL", "", &expiring);
    assert!(!left.is_empty() && left.iter().all(|left| left == "-1"), "{expiring:?}: {left:?}");
}

#[test]
fn claims_that_were_written_to_again_are_not_forgotten_with_the_half_day_before() {
    let (server, options) = (RedisServer::start(&[]), options());
    let store = open(&server.url(), &options).unwrap();
    let claims = || keys_of(&server).iter().filter(|key| key.contains(":c:")).count();
    let at = |hours: i64| instant(NOW).plus_ms(hours * HOUR_S * 1_000);
    record(&store, 1..50).unwrap();
    let of_one_half_day = claims();
    // Half of them once more, of the same day and a day later: they count for another
    // period then.
    let late = |n| Report {
        observed: Observed { arrived: at(24).minute(), late: true, ..report(n).observed },
        ..of_slot(report(n), 1)
    };
    let group: Vec<Report> = (1..25).map(late).collect();
    assert!(
        wait(store.record(&group))
            .into_iter()
            .all(|outcome| matches!(outcome, Ok(Recorded::Counted)))
    );
    assert_eq!(claims(), of_one_half_day);
    wait(store.tidy(at(48 + 25 + 13))).unwrap();
    assert!((1..of_one_half_day).contains(&claims()), "{} of {of_one_half_day}", claims());
    assert!(
        wait(store.record(&group))
            .into_iter()
            .all(|outcome| matches!(outcome, Ok(Recorded::Duplicate)))
    );
    wait(store.tidy(at(24 + 48 + 25 + 13))).unwrap();
    let left: Vec<String> = keys_of(&server)
        .into_iter()
        .filter(|key| key.contains(":c:") || key.contains(":w"))
        .collect();
    assert_eq!(left, [""; 0]);
}

fn of_slot(report: Report, slot: u8) -> Report {
    Report { reporter: Reporter { slot, ..report.reporter }, ..report }
}

/// What a command says to each of these keys, with one more argument where there is one:
/// by one script, since a process for each would take seconds.
fn of_each(server: &RedisServer, command: &str, more: &str, keys: &[String]) -> Vec<String> {
    let script = "local said = {} \
        for n, key in ipairs(KEYS) do \
            local call = ARGV[2] == '' and {ARGV[1], key} or {ARGV[1], key, ARGV[2]} \
            said[n] = redis.call(unpack(call)) \
        end \
        return said";
    let count = keys.len().to_string();
    let mut words = vec!["EVAL", script, &count];
    words.extend(keys.iter().map(String::as_str));
    words.extend([command, more]);
    let said: Vec<String> = server.cli(&words).lines().map(str::to_owned).collect();
    assert_eq!(said.len(), keys.len(), "{said:?}");
    said
}

fn keys_of(server: &RedisServer) -> Vec<String> {
    server.cli(&["--scan"]).lines().map(str::to_owned).collect()
}

#[test]
fn tenants_of_one_redis_never_meet() {
    let [one, other] =
        [options(), options()].map(|options| open(&shared_single(), &options).unwrap());
    assert_eq!(record(&one, 1..10), Ok(9));
    assert_eq!((total(&one), total(&other)), (9, 0));
    assert_eq!(record(&other, 1..10), Ok(9), "whoever counts for one may count for the other");
    append(&one, None, &["of one"]);
    assert_eq!(journal(&other), [""; 0]);
    for store in [&one, &other] {
        assert!(
            matches!(wait(store.lease(NodeId(1), 60_000)).unwrap(), Lease::Held(_)),
            "each has a lease"
        );
    }
}

#[test]
fn nodes_see_at_once_what_another_recorded_and_an_idle_look_costs_a_command_a_shard() {
    start_shared();
    for url in [shared_single(), shared_cluster()] {
        let options = options();
        let [writer, reader] = [(); 2].map(|()| open(&url, &options).unwrap());
        for n in 0..5 {
            record(&writer, 100 * n..100 * n + 50).unwrap();
            assert_eq!(total(&reader), 50 * (n + 1), "{url}");
        }
        assert_eq!(record(&reader, 0..50), Ok(0), "a retry may go to any node");
        let before = wait(reader.size()).commands;
        assert_eq!(total(&reader), 250);
        assert_eq!(
            wait(reader.size()).commands - before,
            16,
            "nothing came: only the index of each shard is read, {url}"
        );
    }
}

#[test]
fn a_reporter_all_over_a_continent_counts_once_in_a_period() {
    let store = open(&shared_single(), &options()).unwrap();
    let key = ReporterKey::new(b"secret of tests").around(instant(NOW));
    let reporter = key.reporter("one installation", instant(NOW));
    let everywhere: Vec<Report> = (0..500)
        .map(|n| Report {
            reporter,
            cell: cell((30.0 + f64::from(n) * 0.05, -120.0 + f64::from(n) * 0.1), 8),
            ..report(1)
        })
        .collect();
    let outcomes = wait(store.record(&everywhere));
    assert_eq!(
        outcomes.iter().filter(|outcome| matches!(outcome, Ok(Recorded::Counted))).count(),
        1
    );
    assert_eq!(total(&store), 1);
}

#[test]
fn scripts_that_a_server_forgot_are_told_again() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url(), &options()).unwrap();
    record(&store, 0..10).unwrap();
    append(&store, None, &["before"]);
    server.cli(&["SCRIPT", "FLUSH"]);
    assert_eq!(record(&store, 5..20), Ok(10));
    append(&store, None, &["after"]);
    assert_eq!(journal(&store), ["before", "after"]);
}

#[test]
fn a_redis_that_lost_its_last_facts_is_read_anew() {
    let (server, options) = (RedisServer::start(&[]), options());
    let store = open(&server.url(), &options).unwrap();
    record(&store, 0..200).unwrap();
    assert_eq!(total(&store), 200);
    // As after a failover: one shard has lost the end of its hour, and got another one
    // since.
    let facts = server.cli(&["--scan", "--pattern", "*:m:*"]).lines().next().unwrap().to_owned();
    let open_hours = facts.replace(&facts[facts.rfind(":m:").unwrap()..], ":open");
    let hour = facts.rsplit(':').next().unwrap().to_owned();
    let script = "local all = redis.call('GET', KEYS[1]); local kept = string.sub(all, 1, 12); \
                  redis.call('SET', KEYS[1], kept .. string.rep(kept, #all / 12 + 3)); \
                  redis.call('HSET', KEYS[2], ARGV[1], redis.call('STRLEN', KEYS[1])); return \
                  #all / 12";
    server.cli(&["EVAL", script, "2", &facts, &open_hours, &hour]);
    let now: u64 = total(&open(&server.url(), &options).unwrap());
    assert_ne!(now, 200);
    assert_eq!(total(&store), now, "a node that had read the old facts shows what a new one does");
}

#[test]
fn a_full_redis_refuses_whole_calls_and_takes_them_once_there_is_room() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let store = open(&server.url(), &options()).unwrap();
    let mut counted = record(&store, 0..1_000).unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let refused = wait(store.record(&(1_000..2_000).map(report).collect::<Vec<_>>()));
    assert!(
        refused.iter().all(|outcome| matches!(outcome, Err(StoreError::Full))),
        "{:?}",
        refused[0]
    );
    assert_eq!(total(&store), counted, "what was refused is not counted");
    let refused = wait(store.append(
        JournalName::Incidents,
        None,
        Position::START,
        &[b"one".to_vec(), b"other".to_vec()],
    ));
    assert!(matches!(refused, Err(AppendError::Store(StoreError::Full))), "{refused:?}");
    assert_eq!(journal(&store), [""; 0]);
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    counted += record(&store, 0..2_000).unwrap();
    assert_eq!((counted, total(&store)), (2_000, 2_000));
    append(&store, None, &["one", "other"]);
}

#[test]
fn a_journal_that_lost_its_last_entries_is_read_anew() {
    let (server, options) = (RedisServer::start(&[]), options());
    let [one, other] = [(); 2].map(|()| open(&server.url(), &options).unwrap());
    append(&one, None, &["kept", "lost", "lost, too"]);
    let end = end_of(&one);
    // As after a failover.
    let key = format!("{}:2:{{incidents}}:journal", options.prefix);
    assert_eq!(server.cli(&["HDEL", &key, "1", "2"]).trim(), "2");
    assert_eq!(
        wait(one.journal(JournalName::Incidents, end)).unwrap(),
        Tail::Lost,
        "it is shorter than what was read"
    );
    append(&other, None, &["another", "and another"]);
    assert_eq!(
        wait(one.journal(JournalName::Incidents, end)).unwrap(),
        Tail::Lost,
        "it is as long, but not the same"
    );
    append(&other, None, &["a third"]);
    assert_eq!(
        wait(one.journal(JournalName::Incidents, end)).unwrap(),
        Tail::Lost,
        "nor where it has grown further"
    );
    let late = [b"after what was lost".to_vec()];
    assert_eq!(
        wait(one.append(JournalName::Incidents, None, end, &late)).unwrap(),
        Appended::Behind,
        "who has not seen it appends nothing"
    );
    assert_eq!(journal(&one), ["kept", "another", "and another", "a third"]);
}

#[test]
fn an_append_waits_for_its_replica_and_survives_its_master_with_the_lease() {
    let mut master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
    let replica = RedisServer::start(&[]);
    let sure = Options { min_replicas: 1, ..options() };
    // It opens without a replica, which is only looked for where something is written.
    let store = open(&master.url(), &sure).unwrap();
    let key = format!("{}:2:{{incidents}}:journal", sure.prefix);
    assert!(
        wait(store.lease(NodeId(1), 60_000)).is_err(),
        "a lease that a failover may lose is none"
    );
    std::thread::scope(|scope| {
        let appending = scope.spawn(|| append(&store, None, &["first", "second"]));
        assert!(within(Duration::from_secs(10), || master.cli(&["HLEN", &key]).trim() == "2"));
        assert!(!appending.is_finished(), "it is there, but on no replica");
        let port = master.url().rsplit(':').next().unwrap().to_owned();
        replica.cli(&["REPLICAOF", "127.0.0.1", &port]);
        appending.join().unwrap();
    });
    assert_eq!(
        journal(&store),
        ["first", "second"],
        "repeated until a replica had it, appended once"
    );
    let Lease::Held(token) = wait(store.lease(NodeId(1), 60_000)).unwrap() else {
        panic!("nobody has it")
    };
    append(&store, Some(token), &["third"]);
    master.kill();
    assert!(
        wait(store.append(JournalName::Incidents, Some(token), Position::START, &[])).is_err(),
        "with the master away there is an error, in time"
    );
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    let after = open(&replica.url(), &Options { min_replicas: 0, ..sure }).unwrap();
    assert_eq!(journal(&after), ["first", "second", "third"]);
    assert!(matches!(wait(after.lease(NodeId(2), 60_000)).unwrap(), Lease::HeldByOther { .. }));
    append(&after, Some(token), &["fourth"]);
}

#[test]
fn an_append_whose_answer_is_an_error_may_be_there_and_is_found_by_reading_on() {
    let server = RedisServer::start(&[]);
    let timing = "repeat=1s,reply=500ms".parse().unwrap();
    let sure = Options { min_replicas: 1, timing, ..options() };
    let store = open(&server.url(), &sure).unwrap();
    let entries = [b"whole".to_vec(), b"or not at all".to_vec()];
    let unknown = wait(store.append(JournalName::Incidents, None, Position::START, &entries));
    assert!(matches!(unknown, Err(AppendError::Store(StoreError::Unavailable(_)))), "{unknown:?}");
    assert_eq!(journal(&store), ["whole", "or not at all"]);
}

#[test]
fn a_lease_of_another_clock_holds_nobody_up() {
    let (server, options) = (RedisServer::start(&[]), options());
    let store = open(&server.url(), &options).unwrap();
    let Lease::Held(first) = wait(store.lease(NodeId(1), 60_000)).unwrap() else {
        panic!("nobody has it")
    };
    // As where Redis' clock is set back by a year.
    server.cli(&[
        "HINCRBY",
        &format!("{}:1:{{incidents}}:lease", options.prefix),
        "until_ms",
        &(365 * 24 * HOUR_S * 1_000).to_string(),
    ]);
    let Lease::Held(second) = wait(store.lease(NodeId(2), 60_000)).unwrap() else {
        panic!("no lease lasts a year")
    };
    assert!(first.number < second.number);
    assert_eq!(
        wait(store.append(JournalName::Incidents, Some(first), Position::START, &[])).unwrap(),
        Appended::Fenced,
        "and who had it is kept out"
    );
}

#[test]
fn what_loses_facts_is_said_with_the_way_out() {
    let server = RedisServer::start(&["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]);
    let store = open(&server.url(), &options()).unwrap();
    let faults = || wait(store.faults()).unwrap().join("; ");
    let all = faults();
    for expected in ["appendonly yes", "maxmemory-policy noeviction"] {
        assert!(all.contains(expected), "{all}");
    }
    server.cli(&["CONFIG", "SET", "appendonly", "yes"]);
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert_eq!(faults(), "");
}

#[test]
fn a_node_says_when_no_reports_should_be_sent_to_it_and_when_they_may_again() {
    let server = RedisServer::start(&["--appendonly", "no"]);
    let arguments = ["--reporter-key", "of this test", "--timing", "maintenance=200ms"];
    let node = Binary::start(Path::new(&server.url()), &arguments);
    let ready = |path: &str| node.send("GET", path, &[], b"");
    assert_eq!(ready("/readyz").status, 200, "maps are served");
    let unfit = ready("/readyz?for=ingest");
    assert_eq!(
        (unfit.status, unfit.json()["code"].as_str()),
        (503, Some("unavailable")),
        "{unfit}"
    );
    assert!(
        unfit.text().contains("set appendonly yes") && unfit.header("retry-after").is_some(),
        "{unfit}"
    );
    assert!(node.log().contains("set appendonly yes"), "and in the log: {}", node.log());
    server.cli(&["CONFIG", "SET", "appendonly", "yes"]);
    assert!(within(Duration::from_secs(30), || ready("/readyz?for=ingest").status == 200));
}

#[test]
fn a_node_without_a_reporter_key_is_refused_with_the_way_to_make_one() {
    let said = refused(&["--listen", "127.0.0.1:0", "--store", &shared_single()]);
    let message = String::from_utf8_lossy(&said.stderr);
    assert!(
        message.contains("--reporter-key-file") && message.contains("openssl rand -hex 32"),
        "{message}"
    );
}

#[test]
fn another_format_or_number_of_shards_is_refused_with_the_way_out() {
    start_shared();
    let single = shared_single();
    let port = single.rsplit(':').next().unwrap().parse().unwrap();
    for (field, theirs, named) in [("schema", "3", "format 3"), ("shards", "32", "32 shards")] {
        let options = options();
        drop(open(&single, &options).unwrap());
        cli(port, &["HSET", &format!("{}:meta", options.prefix), field, theirs]);
        let message = open(&single, &options).unwrap_err().to_string();
        assert!(
            message.contains(named) && message.contains("run the version that wrote it"),
            "{message}"
        );
    }
}

#[test]
fn this_version_and_the_next_run_side_by_side_until_the_store_is_of_the_next() {
    for url in [shared_single(), shared_cluster()] {
        let old = options();
        let next = Options { schemas: SCHEMA..=SCHEMA + 1, ..old.clone() };
        for first_is_old in [true, false] {
            let prefix = format!("{}-{first_is_old}", old.prefix);
            let [old, next] =
                [&old, &next].map(|options| Options { prefix: prefix.clone(), ..options.clone() });
            let (one, other) = if first_is_old { (&old, &next) } else { (&next, &old) };
            let [one, other] = [one, other].map(|options| open(&url, options).unwrap());
            assert_eq!((record(&one, 0..10), record(&other, 5..15)), (Ok(10), Ok(5)));
            assert_eq!((total(&one), total(&other)), (15, 15));
        }
        // One that no longer writes this format says so.
        let later = Options {
            schemas: SCHEMA + 1..=SCHEMA + 1,
            prefix: format!("{}-true", old.prefix),
            ..options()
        };
        let message = open(&url, &later).unwrap_err().to_string();
        assert!(message.contains("(format 2)"), "{message}");
    }
}

#[test]
fn a_wrong_kind_of_address_is_refused_with_the_right_one() {
    start_shared();
    let as_cluster = shared_single().replace("redis://", "redis+cluster://");
    let as_single = format!(
        "redis://{}",
        shared_cluster().split(['/', ',']).find(|part| part.contains("127.")).unwrap()
    );
    for (url, expected) in [
        (as_cluster, "redis://"),
        (as_single, "redis+cluster://"),
        ("redis://127.0.0.1:x".into(), "redis://127.0.0.1:x"),
    ] {
        let message = open(&url, &options()).unwrap_err().to_string();
        assert!(message.contains(expected), "{url}: {message}");
    }
    let error = open("redis://:secret@127.0.0.1:1", &options()).unwrap_err();
    assert!(
        matches!(error, OpenError::Unreachable { .. }) && !error.to_string().contains("secret"),
        "{error}"
    );
}

#[test]
fn a_server_with_tls_and_a_password_is_reached_and_a_wrong_password_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let request =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    let extensions = [
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    let made = Command::new("openssl")
        .args(request)
        .args(extensions)
        .args(["-keyout", &path("key"), "-out", &path("cert")])
        .output();
    assert!(made.expect("this test needs openssl").status.success());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (key, cert) = (path("key"), path("cert"));
    let tls = [
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "pass word",
    ];
    let _server = RedisServer::start(&tls);
    let authorities = Some(std::fs::read(cert).unwrap());
    let with = |password: &str| Options {
        password: Some(password.into()),
        authorities: authorities.clone(),
        ..options()
    };
    let url = format!("rediss://localhost:{port}");
    let store = open(&url, &with("pass word")).unwrap();
    assert_eq!((record(&store, 0..50), total(&store)), (Ok(50), 50));
    let message = open(&url, &with("guess")).unwrap_err().to_string();
    assert!(message.contains("does not answer") && !message.contains("guess"), "{message}");
    let untrusted = Options { authorities: None, ..with("pass word") };
    assert!(
        open(&url, &untrusted).is_err(),
        "a certificate that nobody vouches for is not trusted"
    );
}

#[test]
fn a_backup_of_the_append_only_files_is_the_store() {
    // Otherwise what is in the files lags behind where the disk is busy.
    let mut server = RedisServer::start(&["--appendfsync", "always"]);
    let options = options();
    let store = open(&server.url(), &options).unwrap();
    record(&store, 0..500).unwrap();
    append(&store, None, &["an entry", "and another"]);
    drop(store);
    server.kill();
    let other = RedisServer::start_from(server.directory());
    let restored = open(&other.url(), &options).unwrap();
    assert_eq!((total(&restored), record(&restored, 0..500)), (500, Ok(0)), "facts and claims");
    assert_eq!(journal(&restored), ["an entry", "and another"]);
}

fn options() -> Options {
    Options { prefix: own_prefix(), ..Options::default() }
}

fn open(url: &str, options: &Options) -> Result<Store, OpenError> {
    Store::open_redis(url, &catalogue(), TERMS, options)
}

/// Appends where the journal ends now.
fn append(store: &Store, token: Option<Token>, entries: &[&str]) {
    let entries: Vec<Vec<u8>> = entries.iter().map(|entry| entry.as_bytes().to_vec()).collect();
    let appended =
        wait(store.append(JournalName::Incidents, token, end_of(store), &entries)).unwrap();
    assert!(matches!(appended, Appended::Yes { .. }), "{appended:?}");
}

fn journal(store: &Store) -> Vec<String> {
    let Tail::Since(read) = wait(store.journal(JournalName::Incidents, Position::START)).unwrap()
    else {
        panic!("from its start nothing was read")
    };
    assert!(!read.more);
    read.entries.into_iter().map(|entry| String::from_utf8(entry).unwrap()).collect()
}

fn end_of(store: &Store) -> Position {
    let Tail::Since(read) = wait(store.journal(JournalName::Incidents, Position::START)).unwrap()
    else {
        panic!("from its start nothing was read")
    };
    read.end
}

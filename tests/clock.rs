//! What a wall clock may do, to the real binary on every store: jump, be wrong at a
//! start, lie before 1970. Nothing is lost or counted twice.

use crate::support::binary::{Binary, groundswell, refused, within};
use crate::support::client::Answer;
use crate::support::fake_time::FakeTime;
use crate::support::redis::RedisServer;
use crate::support::{but, instant, report};
use groundswell::domain::clock_guard::APART_MS;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longer than any step of maintenance takes to come.
const SOON: Duration = Duration::from_secs(30);
/// Clocks are compared often.
const TIMING: [&str; 2] = ["--timing", "maintenance=200ms,look=200ms"];
/// And believed soon after they were set.
const CREDULOUS: [&str; 2] = ["--timing", "maintenance=200ms,look=200ms,settle=3s"];
/// For so long a clock is wrong: maintenance goes by it some times.
const WRONG_FOR: Duration = Duration::from_secs(1);
const KEY: [&str; 2] = ["--reporter-key", "of tests of clocks"];

fn started(store: &str, arguments: &[&str]) -> Binary {
    Binary::start(Path::new(store), &[&TIMING, arguments].concat())
}

fn started_by(clock: &FakeTime, store: &Path, arguments: &[&str]) -> Binary {
    Binary::start_by(clock, store, &[&TIMING, arguments].concat())
}

fn outcome(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    (
        answer.status,
        body["outcome"].as_str().or(body["code"].as_str()).unwrap_or_default().to_owned(),
    )
}

fn counted() -> (u16, String) {
    (202, "counted".into())
}

fn duplicate() -> (u16, String) {
    (202, "duplicate".into())
}

fn unavailable() -> (u16, String) {
    (503, "unavailable".into())
}

fn total(server: &Binary) -> u64 {
    server.read("/v1/heatmap?provider=alpha&window=1h")["total"].as_u64().unwrap()
}

fn record_six(server: &Binary) {
    for n in 0..6 {
        assert_eq!(outcome(&server.report(&report(&format!("reporter-{n}")))), counted());
    }
    assert!(within(SOON, || total(server) == 6));
}

fn takes_reports(server: &Binary) -> bool {
    server.get("/readyz?for=ingest").status == 200
}

/// The clock is wrong for a while: nothing is dated by it, and what is read goes on and
/// says that it is not fresh.
fn is_wrong_for_a_while(server: &Binary, clock: &FakeTime, offset: &str) {
    clock.set_off_by(offset);
    let began = Instant::now();
    while began.elapsed() < WRONG_FOR {
        let refused = server.report(&report("reporter-0"));
        assert_eq!(outcome(&refused), unavailable());
        assert!(
            refused.header("retry-after").is_some() && refused.json()["retryable"] == json!(true),
            "{refused}"
        );
        let map = server.read("/v1/heatmap?provider=alpha&window=1h");
        assert_eq!((&map["total"], &map["stale"]), (&json!(6), &json!(true)));
    }
    let health = server.read("/readyz");
    assert!(
        health["clock"]["problem"].as_str().unwrap().contains("the clock was set")
            && health["clock"]["trusted_for_reports"] == json!(false),
        "{health}"
    );
    assert!(!takes_reports(server));
    let metrics = server.get("/metrics");
    assert!(
        ["groundswell_clock_trusted_for_reports 0", "groundswell_clock_steps_total"]
            .iter()
            .all(|line| metrics.text().contains(line)),
        "{metrics}"
    );
    clock.set_off_by("+0");
    assert!(within(SOON, || takes_reports(server)));
}

#[test]
fn a_clock_that_jumps_loses_nothing_and_counts_nobody_twice() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), FakeTime::off_by("+0"));
    let server = started_by(&clock, directory.path(), &["--trust-clock"]);
    record_six(&server);
    for offset in ["+15d", "+13d", "-15d", "+30y", "-40y"] {
        is_wrong_for_a_while(&server, &clock, offset);
        assert_eq!(outcome(&server.report(&report("reporter-3"))), duplicate(), "after {offset}");
        assert_eq!(total(&server), 6, "after {offset}");
    }
    let log = server.log();
    assert_eq!(
        (log.matches("the clock was set").count(), log.matches("the clock is back").count()),
        (5, 5),
        "each is told of once: {log}"
    );
    drop(server);
    let again = started_by(&clock, directory.path(), &[]);
    assert_eq!(total(&again), 6, "after a restart");
    assert_eq!(outcome(&again.report(&report("reporter-3"))), duplicate());
}

#[test]
fn a_node_whose_clock_jumps_takes_nothing_from_the_others() {
    let (redis, clock) = (RedisServer::start(&[]), FakeTime::off_by("+0"));
    let url = redis.url();
    let trusting = [&KEY[..], &["--trust-clock"]].concat();
    let steady = started(&url, &trusting);
    let jumping = started_by(&clock, Path::new(&url), &trusting);
    record_six(&steady);
    assert!(within(SOON, || total(&jumping) == 6));
    for offset in ["+15d", "-15d"] {
        is_wrong_for_a_while(&jumping, &clock, offset);
    }
    for server in [&steady, &jumping] {
        assert_eq!(
            (total(server), outcome(&server.report(&report("reporter-3")))),
            (6, duplicate())
        );
    }
}

#[test]
fn a_redis_whose_clock_jumps_forgets_nothing() {
    let clock = FakeTime::off_by("+0");
    let redis = RedisServer::start_by(&clock);
    let node = started(&redis.url(), &[&KEY[..], &["--trust-clock"]].concat());
    record_six(&node);
    for offset in ["+100d", "-100d"] {
        clock.set_off_by(offset);
        assert!(within(SOON, || !takes_reports(&node)), "{offset}");
        assert_eq!(outcome(&node.report(&report("reporter-0"))), unavailable());
        clock.set_off_by("+0");
        assert!(within(SOON, || takes_reports(&node)));
        assert_eq!(
            (total(&node), outcome(&node.report(&report("reporter-3")))),
            (6, duplicate()),
            "after {offset}"
        );
    }
    assert!(
        within(SOON, || node.get("/metrics").text().contains("groundswell_holds_lease 1")),
        "a lease of the future holds nobody up"
    );
}

#[test]
fn a_node_apart_from_its_redis_takes_no_reports() {
    let redis = RedisServer::start(&[]);
    for offset in ["+10", "-10", "+1h"] {
        let clock = FakeTime::off_by(offset);
        let node = started_by(&clock, Path::new(&redis.url()), &KEY);
        let refused = node.report(&report("reporter-1"));
        assert_eq!(outcome(&refused), unavailable());
        assert!(refused.text().contains("NTP"), "{refused}");
    }
    let node = started(&redis.url(), &KEY);
    assert_eq!(outcome(&node.report(&report("reporter-1"))), counted(), "nobody dated it before");
}

#[test]
fn a_clock_that_was_ahead_at_the_start_and_is_set_right_leaves_no_answer_that_looks_fresh() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), FakeTime::off_by("+600"));
    let server = started_by(&clock, directory.path(), &[]);
    record_six(&server);
    assert_eq!(server.read("/v1/heatmap?provider=alpha&window=1h")["stale"], json!(false));
    clock.set_off_by("+0");
    let as_of = || {
        server.read("/v1/heatmap?provider=alpha&window=1h")["as_of"].as_str().unwrap().to_owned()
    };
    let before = as_of();
    assert!(within(SOON, || before < as_of()), "it does not stand still");
    for path in [
        "/v1/heatmap?provider=alpha&window=1h",
        "/v1/providers",
        "/v1/series?provider=alpha&step=1m&window=1h",
    ] {
        let answer = server.get(path);
        assert!(
            answer.status == 503
                || answer.json().get("stale").is_none_or(|stale| stale == &json!(true)),
            "{path}: {answer}"
        );
    }
}

#[test]
fn a_clock_that_stays_where_it_was_set_is_believed_after_a_while() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), FakeTime::off_by("+600"));
    let server = Binary::start_by(&clock, directory.path(), &CREDULOUS);
    assert!(within(SOON, || server.get("/v1/incidents").status == 200));
    clock.set_off_by("+0");
    assert!(within(SOON, || !takes_reports(&server)));
    assert!(within(SOON, || takes_reports(&server)));
    assert_eq!(outcome(&server.report(&report("reporter-1"))), counted());
    let fresh = |path: &str| {
        Some(server.get(path))
            .filter(|answer| answer.status == 200)
            .map(|answer| answer.json()["stale"].clone())
    };
    for path in ["/v1/heatmap?provider=alpha&window=1h", "/v1/incidents", "/v1/spikes"] {
        assert!(
            within(SOON, || [Some(json!(false)), Some(json!(null))].contains(&fresh(path))),
            "{path}: {:?}",
            fresh(path)
        );
    }
    let as_of = server.read("/v1/heatmap?provider=alpha&window=1h")["as_of"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    assert!(
        as_of.duration_since(jiff::Timestamp::now()).as_secs().abs() < 60,
        "{as_of} is when it is"
    );
}

#[test]
fn a_start_before_the_newest_report_takes_none_until_the_clock_is_right_or_vouched_for() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), FakeTime::off_by("+0"));
    record_six(&started_by(&clock, directory.path(), &[]));
    clock.set_off_by("-3h");
    let early = started_by(&clock, directory.path(), &[]);
    let refused = early.report(&report("another"));
    assert_eq!(outcome(&refused), unavailable());
    assert!(
        refused.text().contains("the newest report is of")
            && refused.text().contains("--trust-clock"),
        "{refused}"
    );
    assert_eq!(
        early.get("/v1/heatmap?provider=alpha&window=1h").status,
        200,
        "what is there is served"
    );
    drop(early);
    let vouched = started_by(&clock, directory.path(), &["--trust-clock"]);
    assert_eq!(outcome(&vouched.report(&report("another"))), counted());
    drop(vouched);
    let later = started_by(&clock, directory.path(), &[]);
    assert_eq!(
        outcome(&later.report(&report("one more"))),
        counted(),
        "reports of the future are the newest never more"
    );
    drop(later);
    clock.set_off_by("+0");
    assert_eq!(
        outcome(&started_by(&clock, directory.path(), &[]).report(&report("the last"))),
        counted()
    );
}

#[test]
fn the_same_holds_on_redis() {
    let (redis, url) = (RedisServer::start(&[]), |server: &RedisServer| server.url());
    record_six(&started(&url(&redis), &KEY));
    let early = FakeTime::off_by("-3h");
    // Redis' clock is as wrong as the node's: a machine whose clock was set back.
    let again = RedisServer::start_from_by(&early, redis.directory());
    let node = started_by(&early, Path::new(&url(&again)), &KEY);
    let refused = node.report(&report("another"));
    assert_eq!(outcome(&refused), unavailable());
    assert!(refused.text().contains("the newest report is of"), "{refused}");
    drop(node);
    for arguments in [&["--trust-clock"][..], &[]] {
        let node = started_by(&early, Path::new(&url(&again)), &[&KEY[..], arguments].concat());
        assert_eq!(outcome(&node.report(&report(&format!("with {arguments:?}")))), counted());
    }
}

#[test]
fn a_machine_that_was_off_for_weeks_takes_reports_at_once_and_forgets_nothing_yet() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), FakeTime::off_by("+0"));
    record_six(&started_by(&clock, directory.path(), &[]));
    clock.set_off_by("+70d");
    let late = started_by(&clock, directory.path(), &[]);
    assert_eq!(outcome(&late.report(&report("after the holidays"))), counted());
    let began = Instant::now();
    assert!(within(SOON, || WRONG_FOR < began.elapsed()
        && late.read("/readyz")["clock"]["trusted_for_expiry"] == json!(false)));
    drop(late);
    clock.set_off_by("+0");
    assert_eq!(
        total(&started_by(&clock, directory.path(), &[])),
        6,
        "maintenance has run by the other clock"
    );
}

#[test]
fn a_report_of_before_1970_is_refused_and_the_next_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let server =
        started(directory.path().to_str().unwrap(), &["--clock", "1970-01-01T00:10:00Z@1x"]);
    let too_old =
        server.report(&but(report("reporter-1"), json!({"observed_at": "1969-12-31T23:50:00Z"})));
    assert_eq!(outcome(&too_old), (400, "too_old".into()));
    assert_eq!(outcome(&server.report(&report("reporter-1"))), counted());
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_clock_before_1970_ends_the_server_and_no_other_starts_by_it() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), FakeTime::off_by("+0"));
    let server = started_by(&clock, directory.path(), &[]);
    clock.set_off_by("-70y");
    let (status, log) = server.wait();
    assert!(
        status.code() == Some(1) && log.contains("HTTP knows no time before 1970"),
        "{status}: {log}"
    );
    let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0", "--store"]);
    clock.rule(command.arg(directory.path()));
    let refused = command.output().unwrap();
    assert!(
        refused.status.code() == Some(1)
            && String::from_utf8_lossy(&refused.stderr).contains("before 1970"),
        "{refused:?}"
    );
}

#[test]
fn a_machine_without_a_clock_of_its_own_takes_reports_into_an_empty_store() {
    // As long as Linux lets a clock be wrong: it cannot be set to before 1970.
    let (directory, clock) = (tempfile::tempdir().unwrap(), FakeTime::off_by("-56y"));
    let server = started_by(&clock, directory.path(), &[]);
    assert_eq!(outcome(&server.report(&report("reporter-1"))), counted());
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn nodes_of_one_redis_share_a_simulated_clock_and_no_other_joins_them() {
    let redis = RedisServer::start(&[]);
    let url = redis.url();
    let simulated = [&KEY[..], &["--clock", "2022-07-08T08:30:00Z@10x"]].concat();
    let shown = |node: &Binary| {
        let answer = node.get("/healthz");
        let (at, speed) = answer.header("simulated-clock").unwrap().split_once('@').unwrap();
        assert_eq!(speed, "10x");
        instant(at)
    };
    let first = started(&url, &simulated);
    record_six(&first);
    let second = started(&url, &simulated);
    let (before, there, after) = (shown(&first), shown(&second), shown(&first));
    // As far apart as two nodes may be by time itself.
    let apart_ms = 10 * APART_MS;
    assert!(before.plus_ms(-apart_ms) <= there && there <= after.plus_ms(apart_ms));
    assert!(within(SOON, || total(&second) == 6));
    assert_eq!(outcome(&second.report(&report("reporter-3"))), duplicate());
    for node in [&first, &second] {
        assert!(within(SOON, || takes_reports(node)), "{}", node.get("/readyz"));
    }
    let meta = |server: &RedisServer| server.cli(&["HGET", "groundswell:meta", "clock"]);
    let said = meta(&redis);
    for others in [&["--clock", "2022-07-08T08:30:00Z@11x"][..], &[]] {
        let arguments = [&["--listen", "127.0.0.1:0", "--store", &url], &KEY[..], others].concat();
        let refused = refused(&arguments);
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            message.contains("goes by the simulated clock 2022-07-08T08:30:00Z@10x"),
            "{message}"
        );
    }
    drop(first);
    let again = started(&url, &simulated);
    assert!(after <= shown(&again), "it went on meanwhile");
    redis.cli(&["FLUSHALL"]);
    assert!(within(SOON, || meta(&redis) == said), "an emptied Redis is begun on the same clock");
}

#[test]
fn nodes_by_the_real_clock_are_joined_by_none_on_a_simulated_one() {
    let redis = RedisServer::start(&[]);
    let _node = started(&redis.url(), &KEY);
    let store = ["--listen", "127.0.0.1:0", "--store", &redis.url()];
    let refused = refused(&[&store, &KEY[..], &["--clock", "2022-07-08T08:30:00Z@10x"]].concat());
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        message.contains("goes by the real clock") && message.contains("--redis-prefix"),
        "{message}"
    );
}

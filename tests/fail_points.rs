//! The real binary dies at each fail point, on a directory and on a Redis. What it had
//! answered is there once after a restart, and what is repeated counts once.

use crate::support::binary::{Binary, groundswell, refused_by, within};
use crate::support::redis::{cli, own_prefix, shared_single};
use crate::support::{but, report};
use groundswell::store::fail_point::{ARE_COMPILED_IN, FailPoint, VARIABLE};
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");
/// Disks and processes of a busy machine.
const SOON: Duration = Duration::from_mins(1);
const HOUR_S: i64 = 3_600;
/// Reports of before, half of them of an hour that can age.
const BEFORE: usize = 20;
/// Reports that are sent while the process is to die, at most.
const MEANWHILE: usize = 20;
const SIGABRT: i32 = 6;

/// What leads to a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// Reports.
    Reports,
    /// A start on what is there, and reports.
    Start,
    /// A stop.
    Stop,
    /// A void, which is an entry of the journal.
    Void,
    /// Maintenance by a shorter lateness.
    Ageing,
    /// An upgrade: `tests/upgrade/dying.rs`.
    Upgrade,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Directory,
    Redis,
}

const fn way_to(point: FailPoint) -> (On, By) {
    match point {
        FailPoint::BeforeLogAppend
        | FailPoint::LogHalfAppended
        | FailPoint::LogAppended
        | FailPoint::LogSynced
        | FailPoint::GroupCounted => (On::Directory, By::Reports),
        FailPoint::LogSegmentBegun => (On::Directory, By::Start),
        FailPoint::SnapshotFrozen
        | FailPoint::SnapshotHalfWritten
        | FailPoint::SnapshotWritten
        | FailPoint::SnapshotNamed
        | FailPoint::SnapshotAlone => (On::Directory, By::Stop),
        FailPoint::BeforeHourAged | FailPoint::HourAged | FailPoint::HoursForgotten => {
            (On::Directory, By::Ageing)
        }
        FailPoint::BeforeJournalAppend | FailPoint::JournalAppended => (On::Directory, By::Void),
        FailPoint::BeforeRedisRecord | FailPoint::RedisRecorded => (On::Redis, By::Reports),
        FailPoint::BeforeRedisAge | FailPoint::RedisAged | FailPoint::BeforeRedisForget => {
            (On::Redis, By::Ageing)
        }
        FailPoint::BeforeRedisAppend | FailPoint::RedisAppended => (On::Redis, By::Void),
        FailPoint::UpgradeHalfWritten | FailPoint::UpgradeWritten | FailPoint::UpgradeSwapped => {
            (On::Directory, By::Upgrade)
        }
        FailPoint::RedisUpgradePlaced
        | FailPoint::RedisUpgradeHalfWritten
        | FailPoint::RedisUpgradeWritten
        | FailPoint::RedisUpgradeSwapped => (On::Redis, By::Upgrade),
    }
}

/// A store, and what was said of its reports.
struct Scene {
    store: String,
    prefix: String,
    /// Reports that were answered, and one at most that was not.
    answered: Vec<Value>,
    unanswered: Vec<Value>,
}

#[test]
fn wherever_a_process_dies_on_a_directory_each_report_counts_once() {
    for point in points_on(On::Directory) {
        let directory = tempfile::tempdir().unwrap();
        Scene::in_store(&directory.path().display().to_string()).survives(point);
    }
}

#[test]
fn wherever_a_process_dies_on_a_redis_each_report_counts_once() {
    for point in points_on(On::Redis) {
        Scene::in_store(&shared_single()).survives(point);
    }
}

#[test]
fn wherever_a_process_dies_that_revokes_a_key_it_is_revoked_or_it_is_not() {
    let points = FailPoint::ALL.iter().copied().filter(|point| way_to(*point).1 == By::Void);
    for point in points.filter(|_| ARE_COMPILED_IN) {
        let directory = tempfile::tempdir().unwrap();
        let store = match way_to(point).0 {
            On::Directory => directory.path().display().to_string(),
            On::Redis => shared_single(),
        };
        let scene = Scene::in_store(&store);
        let server = Binary::of(&mut scene.serve(&[]));
        let app = json!({"name": "app"});
        assert_eq!(operate(&server, "POST", "/v1/sources", &app).unwrap()["number"], 1);
        let key = json!({"name": "release 7", "source": 1, "scopes": ["report"]});
        let key = operate(&server, "POST", "/v1/keys", &key).unwrap();
        let revoke = |server: &Binary| {
            let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
            operate(server, "DELETE", &path, &Value::Null)
        };
        let bearer = format!("Bearer {}", key["key"].as_str().unwrap());
        let status = |server: &Binary| {
            let headers = [("Content-Type", "application/json"), ("Authorization", &bearer)];
            let body = new_report("somebody", 0).to_string();
            server.send("POST", "/v1/reports", &headers, body.as_bytes()).status
        };
        assert_eq!(status(&server), 202, "{point}");
        server.terminate();
        assert!(server.wait().0.success());
        let server = Binary::of(scene.serve(&[]).env(VARIABLE, point.to_string()));
        assert_eq!(revoke(&server), None, "{point}");
        let (ended, log) = server.wait();
        assert_eq!(ended.signal(), Some(SIGABRT), "{point}: {ended} {log}");
        let after = Binary::of(&mut scene.serve(&[]));
        let is_revoked = [FailPoint::JournalAppended, FailPoint::RedisAppended].contains(&point);
        assert_eq!(status(&after), if is_revoked { 401 } else { 202 }, "{point}");
        let revoked = revoke(&after).unwrap();
        assert!(revoked["revoked_at"].is_string(), "{point}: {revoked}");
        assert_eq!(status(&after), 401, "{point}");
    }
}

#[test]
fn a_step_of_a_write_that_fails_is_as_if_it_had_never_been_tried() {
    for point in [
        FailPoint::LogSegmentBegun,
        FailPoint::BeforeLogAppend,
        FailPoint::LogHalfAppended,
        FailPoint::LogAppended,
        FailPoint::RedisRecorded,
    ] {
        if !ARE_COMPILED_IN {
            continue;
        }
        let directory = tempfile::tempdir().unwrap();
        let store = match way_to(point).0 {
            On::Directory => directory.path().display().to_string(),
            On::Redis => shared_single(),
        };
        let mut scene = Scene::in_store(&store);
        scene.record_before();
        let nth = if way_to(point).1 == By::Start { 1 } else { 2 };
        let server = Binary::of(scene.serve(&[]).env(VARIABLE, format!("{point}@{nth}:error")));
        let mut failed = 0;
        for n in 0..5 {
            let report = new_report(&format!("meanwhile {n}"), 0);
            let again = || outcome(&server, &report);
            let first = again().unwrap();
            if first == "unavailable" {
                failed += 1;
                assert_eq!(again().unwrap(), "counted", "{point}: its claim was given back");
            }
            scene.answered.push(report);
        }
        let expected = match way_to(point) {
            (On::Directory, By::Reports) => 1..=1,
            // Maintenance may be the first to write.
            (On::Directory, _) => 0..=1,
            // The call is repeated.
            (On::Redis, _) => 0..=0,
        };
        assert!(expected.contains(&failed), "{point}: {failed} {}", server.log());
        scene.holds_each_once(&server, point);
        server.kill();
        scene.holds_each_once(&Binary::of(&mut scene.serve(&[])), point);
    }
}

#[test]
fn a_name_of_no_point_is_refused_and_a_release_knows_none() {
    let directory = tempfile::tempdir().unwrap();
    let scene = Scene::in_store(&directory.path().display().to_string());
    let mut command = scene.serve(&[]);
    if ARE_COMPILED_IN {
        let said = refused_by(command.env(VARIABLE, "log-half"));
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains("log-half-appended"), "{said}");
    } else {
        let server = Binary::of(command.env(VARIABLE, FailPoint::LogSynced.name()));
        assert_eq!(outcome(&server, &new_report("somebody", 0)).unwrap(), "counted");
        assert!(server.log().contains("is no setting"), "{}", server.log());
    }
}

fn points_on(on: On) -> impl Iterator<Item = FailPoint> {
    let here = move |point: &FailPoint| {
        let (there, by) = way_to(*point);
        ARE_COMPILED_IN && there == on && by != By::Upgrade
    };
    FailPoint::ALL.iter().copied().filter(here)
}

impl Scene {
    fn in_store(store: &str) -> Self {
        Self {
            store: store.into(),
            prefix: own_prefix(),
            answered: Vec::new(),
            unanswered: Vec::new(),
        }
    }

    /// A server on the store, with further arguments.
    fn serve(&self, arguments: &[&str]) -> Command {
        let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0", "--trust-clock"]);
        command.args(["--catalogue", CATALOGUE, "--timing", "maintenance=200ms"]);
        command.args(["--store", &self.store]).args(arguments);
        if self.store.starts_with("redis") {
            command.args(["--reporter-key", "of fail points", "--redis-prefix", &self.prefix]);
        }
        command
    }

    /// A server takes reports of now and of an hour that can age, and stops.
    fn record_before(&mut self) {
        let server = Binary::of(&mut self.serve(&[]));
        for n in 0..BEFORE {
            let hours_ago = if n % 2 == 0 { 0 } else { 20 };
            let report = new_report(&format!("before {n}"), hours_ago);
            assert_eq!(outcome(&server, &report).unwrap(), "counted");
            self.answered.push(report);
        }
        server.terminate();
        assert!(server.wait().0.success());
    }

    fn survives(mut self, point: FailPoint) {
        let (_, by) = way_to(point);
        self.record_before();
        let arguments: &[&str] = if by == By::Ageing { &["--lateness-hours", "1"] } else { &[] };
        // The one before the last passes. A void is recorded in the ledger first, by whom.
        let nth = if [By::Reports, By::Void].contains(&by) { 2 } else { 1 };
        let log = self.die(point, nth, by, arguments);
        let said = format!("the process dies at fail point {point}");
        assert!(log.contains(&said), "{point}: {log}");
        if self.store.starts_with("redis") {
            // Another node keeps house at once, not after a minute.
            let port = self.store.rsplit(':').next().unwrap().parse().unwrap();
            cli(port, &["DEL", &format!("{}:1:maintenance", self.prefix)]);
        }
        let after = Binary::of(&mut self.serve(arguments));
        let total = total(&after);
        let known = self.answered.len();
        assert!(
            (known..=known + self.unanswered.len()).contains(&total),
            "{point}: {total} reports, of which {known} were answered"
        );
        if by == By::Void {
            let there = usize::from(
                [FailPoint::JournalAppended, FailPoint::RedisAppended].contains(&point),
            );
            assert!(within(SOON, || voids(&after) == Some(there)), "{point}: {:?}", voids(&after));
            assert_eq!(void(&after).unwrap(), 202);
            assert!(within(SOON, || voids(&after) == Some(there + 1)), "{point}");
        }
        after.kill();
        self.holds_each_once(&Binary::of(&mut self.serve(&[])), point);
        // What one more start reads is the same.
        self.unanswered.clear();
        self.holds_each_once(&Binary::of(&mut self.serve(&[])), point);
    }

    /// A server dies at a point. Gives what it logged.
    fn die(&mut self, point: FailPoint, nth: u32, by: By, arguments: &[&str]) -> String {
        let mut command = self.serve(arguments);
        let server = match Binary::try_of(command.env(VARIABLE, format!("{point}@{nth}"))) {
            Ok(server) => server,
            // Maintenance comes before the first call.
            Err(log) => {
                assert!([By::Start, By::Ageing].contains(&by), "{point}: {log}");
                return log;
            }
        };
        for n in 0..MEANWHILE {
            let report = new_report(&format!("meanwhile {n}"), 0);
            let Some(outcome) = outcome(&server, &report) else {
                self.unanswered.push(report);
                break;
            };
            assert_eq!(outcome, "counted", "{point}");
            self.answered.push(report);
        }
        match by {
            By::Stop => server.terminate(),
            By::Void => assert_eq!(void(&server), None, "{point}"),
            By::Reports | By::Start | By::Ageing | By::Upgrade => {}
        }
        let (status, log) = server.wait();
        assert_eq!(status.signal(), Some(SIGABRT), "{point}: {status} {log}");
        log
    }

    /// Every report is sent again, and is there once.
    fn holds_each_once(&mut self, server: &Binary, point: FailPoint) {
        for report in &self.answered {
            assert_eq!(outcome(server, report).unwrap(), "duplicate", "{point}: {report}");
        }
        for report in self.unanswered.clone() {
            let told = outcome(server, &report).unwrap();
            assert!(["counted", "duplicate"].contains(&told.as_str()), "{point}: {told}");
            self.answered.push(report);
        }
        let all = self.answered.len();
        assert!(within(SOON, || total(server) == all), "{point}: {} of {all}", total(server));
    }
}

fn new_report(reporter: &str, hours_ago: i64) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let at = jiff::Timestamp::from_second(now - hours_ago * HOUR_S).unwrap();
    but(report(reporter), json!({"observed_at": at.to_string()}))
}

/// What was said of a report: its outcome, or the code of a problem; none where the
/// server went away.
fn outcome(server: &Binary, report: &Value) -> Option<String> {
    let json = [("Content-Type", "application/json")];
    let answer =
        server.try_send("POST", "/v1/reports", &json, report.to_string().as_bytes()).ok()?;
    let body = answer.json();
    let said = body["outcome"].as_str().or(body["code"].as_str());
    Some(said.unwrap_or_else(|| panic!("{answer}")).to_owned())
}

/// Withdraws what nobody sent, five days ago. Gives the status; none where the server
/// went away.
fn void(server: &Binary) -> Option<u16> {
    let day = |days: i64| {
        let now = jiff::Timestamp::now().as_second();
        jiff::Timestamp::from_second(now - days * 24 * HOUR_S).unwrap().to_string()
    };
    let void = json!({"source": 0, "from": day(5), "to": day(4), "reason": "of a test"});
    let json = [("Content-Type", "application/json")];
    let answer = server.try_send("POST", "/v1/voids", &json, void.to_string().as_bytes());
    answer.ok().map(|answer| answer.status)
}

/// What an operator on the machine itself is answered; none where the server went away.
fn operate(server: &Binary, method: &str, path: &str, body: &Value) -> Option<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let json = [("Content-Type", "application/json")];
    let answer = server.try_send(method, path, &json, body.as_bytes()).ok()?;
    assert!((200..300).contains(&answer.status), "{method} {path}: {answer}");
    Some(answer.json())
}

/// How many voids there are; none while the journal is not read.
fn voids(server: &Binary) -> Option<usize> {
    let answer = server.get("/v1/voids");
    (answer.status == 200).then(|| answer.json()["items"].as_array().unwrap().len())
}

fn total(server: &Binary) -> usize {
    let map = server.read("/v1/heatmap?provider=alpha&window=24h&resolution=4");
    map["total"].as_u64().unwrap() as usize
}

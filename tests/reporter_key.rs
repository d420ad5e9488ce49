//! A reporter key that has leaked is replaced: of a directory and of a Redis, from a day
//! on or at once, by the real binary.

use crate::support::binary::{Binary, groundswell, refused_by, within};
use crate::support::fake_time::FakeTime;
use crate::support::redis::{
    RedisServer, cli, own_prefix, shared_cluster, shared_cluster_servers, shared_single,
};
use crate::support::report;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const OFTEN: [&str; 2] = ["--timing", "maintenance=200ms"];
const DAY: Duration = Duration::from_hours(24);

/// The day of UTC so many days from now, as it is written.
fn day(days: u32) -> String {
    (jiff::Timestamp::now() + DAY * days).to_string()[..10].to_owned()
}

/// What the report of `id` is answered.
fn outcome(server: &Binary, id: &str) -> String {
    let answer = server.report(&report(id));
    assert_eq!(answer.status, 202, "{answer}");
    answer.json()["outcome"].as_str().unwrap().to_owned()
}

fn stop(server: Binary) {
    server.terminate();
    assert!(server.wait().0.success());
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

fn replace(store: &str, arguments: &[&str]) -> Command {
    groundswell(&[&["reporter-key", "replace", "--store", store], arguments].concat())
}

/// Runs it where it must be refused, and gives what it said.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    said(&output)
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    said(&output)
}

/// A directory by a clock that the test sets.
struct Directory {
    clock: FakeTime,
    parent: tempfile::TempDir,
}

impl Directory {
    fn new() -> Self {
        Self { clock: FakeTime::off_by("+0"), parent: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.parent.path().join("store").join(name)
    }

    fn start(&self) -> Binary {
        Binary::start_by(&self.clock, &self.file(""), &["--trust-clock"])
    }

    fn replace(&self, arguments: &[&str]) -> Command {
        let mut command = replace(self.file("").to_str().unwrap(), arguments);
        self.clock.rule(&mut command);
        command
    }

    fn refused(&self) -> String {
        let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0", "--store"]);
        command.arg(self.file(""));
        self.clock.rule(&mut command);
        said(&refused_by(&mut command))
    }
}

#[test]
fn the_key_of_a_directory_is_replaced_from_a_day_on_and_nobody_counts_twice() {
    let directory = Directory::new();
    let server = directory.start();
    assert_eq!(outcome(&server, "a"), "counted");
    let from = day(2);
    let in_use = refusal(&mut directory.replace(&["--from", &from]));
    assert!(in_use.contains("in use"), "{in_use}");
    stop(server);
    let told = done(&mut directory.replace(&["--from", &from]));
    assert!(told.contains(&from) && told.contains("reporter.key.next"), "{told}");
    let next = directory.file("reporter.key.next");
    assert_eq!(std::fs::metadata(&next).unwrap().permissions().mode() & 0o777, 0o600);

    let server = directory.start();
    assert_eq!(outcome(&server, "a"), "duplicate", "nobody has gone over yet");
    stop(server);

    // All have gone over, and late reports of the days before may still come.
    directory.clock.set_off_by("+3d");
    let server = directory.start();
    assert_eq!([outcome(&server, "a"), outcome(&server, "a")], ["counted", "duplicate"]);
    server.kill();
    let server = directory.start();
    assert_eq!(outcome(&server, "a"), "duplicate", "after a restart");
    stop(server);

    let away = directory.file("away");
    std::fs::rename(&next, &away).unwrap();
    let told = directory.refused();
    assert!(
        told.contains("is replaced since") && told.contains("GROUNDSWELL_NEXT_REPORTER_KEY"),
        "{told}"
    );
    let key = directory.file("reporter.key");
    let before = std::fs::read(&key).unwrap();
    std::fs::copy(&away, &key).unwrap();
    let told = directory.refused();
    assert!(told.contains("the one before hashes may come until"), "{told}");
    std::fs::write(&key, before).unwrap();
    std::fs::rename(&away, &next).unwrap();
    let told = refusal(&mut directory.replace(&["--from", &day(9)]));
    assert!(told.contains("being replaced already, until"), "{told}");

    // Nothing of the one before can come any more.
    directory.clock.set_off_by("+6d");
    let server = directory.start();
    assert_eq!(outcome(&server, "a"), "counted", "three days later");
    stop(server);
    std::fs::copy(&next, &key).unwrap();
    std::fs::rename(&next, &away).unwrap();
    let server = directory.start();
    assert_eq!(outcome(&server, "a"), "duplicate", "under the next one alone");
    stop(server);
    std::fs::rename(&away, &next).unwrap();
    done(&mut directory.replace(&["--from", &day(9)]));
    assert_ne!(std::fs::read(&next).unwrap(), std::fs::read(&key).unwrap());
    let server = directory.start();
    assert_eq!(outcome(&server, "a"), "duplicate", "a third key is named");
    stop(server);
}

#[test]
fn a_replacement_at_once_counts_whoever_reported_today_once_more() {
    let directory = Directory::new();
    let server = directory.start();
    assert_eq!([outcome(&server, "a"), outcome(&server, "a")], ["counted", "duplicate"]);
    stop(server);
    let told = done(&mut directory.replace(&["--now"]));
    assert!(told.contains("restart every node now"), "{told}");
    let server = directory.start();
    assert_eq!([outcome(&server, "a"), outcome(&server, "a")], ["counted", "duplicate"]);
}

#[test]
fn a_copy_to_a_redis_takes_the_replacement_along() {
    let directory = Directory::new();
    let server = directory.start();
    assert_eq!(outcome(&server, "a"), "counted");
    stop(server);
    done(&mut directory.replace(&["--now"]));
    let (url, prefix, from) = (shared_single(), own_prefix(), directory.file(""));
    let to = ["copy", "--from", from.to_str().unwrap(), "--to", &url, "--redis-prefix", &prefix];
    done(&mut groundswell(&to));
    let [key, next] = ["reporter.key", "reporter.key.next"].map(|name| directory.file(name));
    let alone = ["--redis-prefix", &prefix, "--reporter-key-file", key.to_str().unwrap()];
    let serve = ["serve", "--listen", "127.0.0.1:0", "--store", &url];
    let told = said(&refused_by(&mut groundswell(&[&serve[..], &alone].concat())));
    assert!(told.contains("is replaced since"), "{told}");
    let both = [&alone[..], &["--next-reporter-key-file", next.to_str().unwrap()]].concat();
    let node = Binary::start(Path::new(&url), &both);
    assert_eq!([outcome(&node, "a"), outcome(&node, "a")], ["counted", "duplicate"]);
}

#[test]
fn a_replacement_that_cannot_be_meant_is_refused_and_changes_nothing() {
    let directory = Directory::new();
    let server = directory.start();
    stop(server);
    let meta = std::fs::read(directory.file("meta.json")).unwrap();
    let key = std::fs::read_to_string(directory.file("reporter.key")).unwrap();
    let other = ["--reporter-key", "another", "--next-reporter-key", "next"];
    let (today, later) = (day(0), day(5));
    let rows: [(&[&str], &str); 8] = [
        (&["--from", &today], "must be a day after today"),
        (&["--from", "2020-02-02"], "give --now instead"),
        (&["--from", "soon"], "it must be a day like 2026-12-05"),
        (&["--from", &later, "--now"], "cannot be used with"),
        (&[], "--from"),
        (&["--from", &later, "--next-reporter-key", key.trim()], "is the one in force"),
        (&["--from", &later, "--reporter-key", key.trim()], "no next reporter key was given"),
        (&[&["--from", &later][..], &other].concat(), "written with another reporter key"),
    ];
    for (arguments, expected) in rows {
        let told = refusal(&mut directory.replace(arguments));
        assert!(told.contains(expected), "{arguments:?}: {told}");
        assert!(!told.contains(key.trim()), "no secret is repeated: {told}");
    }
    assert_eq!(std::fs::read(directory.file("meta.json")).unwrap(), meta);
    assert!(!directory.file("reporter.key.next").exists());
    let nowhere = directory.parent.path().join("nowhere");
    let told = refusal(&mut replace(nowhere.to_str().unwrap(), &["--from", &later]));
    assert!(told.contains("holds no store") && !nowhere.exists(), "{told}");
    let needless = groundswell(&["serve", "--listen", "127.0.0.1:0", "--store"])
        .arg(directory.file(""))
        .args(["--next-reporter-key", "next"])
        .output()
        .unwrap();
    assert!(said(&needless).contains("groundswell reporter-key replace first"), "{needless:?}");
}

/// A Redis or a cluster, under a prefix of its own, by the ports of its servers.
fn the_key_of_nodes_on_redis_is_replaced(url: &str, ports: &[u16]) {
    let prefix = own_prefix();
    let common = ["--redis-prefix", &prefix, OFTEN[0], OFTEN[1]];
    let (old, new) = (["--reporter-key", "the old one"], ["--reporter-key", "the new one"]);
    let next = ["--next-reporter-key", "the new one"];
    let both = [old, next].concat();
    let start = |keys: &[&str]| Binary::start(Path::new(url), &[&common, keys].concat());
    let refused = |keys: &[&str]| {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--store", url];
        said(&refused_by(&mut groundswell(&[&serve[..], &common, keys].concat())))
    };
    let replace = |keys: &[&str]| replace(url, &[&["--redis-prefix", &prefix], keys].concat());
    let told = refusal(&mut replace(&[&["--now"], &both[..]].concat()));
    assert!(told.contains("holds no store"), "{told}");

    let first = start(&old);
    assert_eq!(outcome(&first, "a"), "counted");
    let told = refusal(&mut replace(&[&["--now"], &old[..]].concat()));
    assert!(told.contains("no next reporter key was given"), "{told}");
    let told = refusal(&mut replace(&[&["--now"], &new[..], &next].concat()));
    assert!(told.contains("another reporter key"), "{told}");
    let told = refusal(&mut replace(
        &[&["--now"], &old[..], &["--next-reporter-key", "the old one"]].concat(),
    ));
    assert!(told.contains("is the one in force"), "{told}");

    // Named for a day that lies ahead, both start, and so does a node that knows nothing.
    let later = day(5);
    let told = done(&mut replace(&[&["--from", &later], &both[..]].concat()));
    assert!(told.contains(&later) && told.contains("--next-reporter-key-file"), "{told}");
    let second = start(&both);
    assert_eq!(outcome(&second, "a"), "duplicate", "nobody has gone over yet");
    assert!(within(Duration::from_secs(30), || first.get("/readyz?for=ingest").status == 200));
    let told = refused(&new);
    assert!(told.contains("the one before hashes may come until"), "{told}");

    // At once: a node that runs with less than the store says is not sent reports.
    done(&mut replace(&[&["--now"], &both[..]].concat()));
    for (node, reason) in [(&first, "is replaced since"), (&second, "restart it")] {
        let mut unfit = String::new();
        assert!(
            within(Duration::from_secs(30), || {
                let answer = node.get("/readyz?for=ingest");
                answer.text().clone_into(&mut unfit);
                answer.status == 503
            }),
            "{}",
            node.log()
        );
        assert!(unfit.contains(reason), "{unfit}");
    }
    let told = refused(&old);
    assert!(told.contains("is replaced since"), "{told}");
    let told = refused(&[old, ["--next-reporter-key", "a third one"]].concat());
    assert!(told.contains("another than the one by which"), "{told}");
    drop((first, second));
    let [one, other] = [start(&both), start(&both)];
    assert_eq!(outcome(&one, "a"), "counted", "once more");
    assert_eq!([outcome(&other, "a"), outcome(&one, "a")], ["duplicate", "duplicate"]);
    one.kill();
    assert_eq!(outcome(&start(&both), "a"), "duplicate");

    // Once that is long ago, the new one alone is enough, beside nodes that have both.
    let meta = format!("{prefix}:meta");
    let long_ago = ["HSET", &meta, "reporter_key_next_day", "20000"];
    assert!(ports.iter().any(|port| cli(*port, &long_ago).trim() == "0"));
    assert_eq!(outcome(&start(&new), "a"), "duplicate");
    let third = [&["--from", &later], &new[..], &["--next-reporter-key", "a third one"]].concat();
    done(&mut replace(&third));
    assert!(refused(&old).contains("another reporter key"));
    let fourth = start(&[&new[..], &["--next-reporter-key", "a third one"]].concat());
    assert_eq!(outcome(&fourth, "a"), "duplicate");
}

#[test]
fn the_key_of_nodes_on_one_redis_is_replaced_at_once_and_by_two_nodes_alike() {
    let url = shared_single();
    let port = url.rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
    the_key_of_nodes_on_redis_is_replaced(&url, &[port]);
}

#[test]
fn the_key_of_nodes_on_a_cluster_is_replaced_at_once_and_by_two_nodes_alike() {
    let url = shared_cluster();
    let ports: Vec<u16> = shared_cluster_servers().iter().map(RedisServer::port).collect();
    the_key_of_nodes_on_redis_is_replaced(&url, &ports);
}

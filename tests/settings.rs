//! Settings as an operator gives them to the real binary: what counts, what is refused,
//! and what a refused start leaves behind.

use crate::support::binary::{Binary, groundswell, within};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");
/// Every variable that a server reads.
const VARIABLES: [&str; 27] = [
    "LISTEN",
    "STORE",
    "CATALOGUE",
    "AUTH",
    "ANONYMOUS",
    "ANONYMOUS_MAY_OPEN",
    "TRUST_PROXY",
    "CLIENT_HEADER",
    "REPORTS_PER_MINUTE",
    "READS_PER_MINUTE",
    "FRESH_IDS",
    "METRICS_LISTEN",
    "LATENESS_HOURS",
    "WORKERS",
    "SNAPSHOT_LOG_MIB",
    "CLOCK",
    "TIMING",
    "LOG",
    "CONFIG",
    "REPORTER_KEY",
    "REPORTER_KEY_FILE",
    "REDIS_PREFIX",
    "REDIS_PASSWORD",
    "REDIS_PASSWORD_FILE",
    "REDIS_CA",
    "MIN_REPLICAS",
    "UPGRADE",
];

#[test]
fn localhost_listens() {
    let dir = tempfile::tempdir().unwrap();
    let server = Binary::of(serve(dir.path()).args(["--listen", "localhost:0"]));
    assert!(server.address().ip().is_loopback());
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn empty_variables_count_as_unset() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = serve(dir.path());
    for name in VARIABLES {
        command.env(format!("GROUNDSWELL_{name}"), "");
    }
    let server = Binary::of(command.args(["--listen", "127.0.0.1:0"]));
    assert_eq!(server.get("/healthz").status, 200);
    assert!(
        dir.path().join("groundswell-data/reporter.key").is_file(),
        "the default store, with a key of its own"
    );
}

#[test]
fn a_key_is_the_same_by_flag_variable_and_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "\u{feff}secret\r\n").unwrap();
    let listen = ["--listen", "127.0.0.1:0", "--store", "store"];
    let mut by_variable = serve(dir.path());
    by_variable.env("GROUNDSWELL_REPORTER_KEY", "\u{feff} secret\r\n");
    let mut by_flag = serve(dir.path());
    by_flag.args(["--reporter-key", "secret\n"]);
    let mut by_file = serve(dir.path());
    by_file.env("GROUNDSWELL_REPORTER_KEY_FILE", " key\n");
    for mut command in [by_variable, by_flag, by_file] {
        assert_eq!(Binary::of(command.args(listen)).get("/healthz").status, 200);
    }
    let refused = ended(serve(dir.path()).args(listen).args(["--reporter-key", "another"]));
    assert!(said(&refused).contains("written with another reporter key"), "{refused:?}");
    let none = ended(serve(dir.path()).args(listen));
    assert!(said(&none).contains("give the key that it was written with"), "{none:?}");
    assert!(!dir.path().join("store/reporter.key").exists(), "a new key would be wrong, and stay");
}

#[test]
fn as_many_workers_as_the_range_allows_answer_and_more_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for wrong in ["0", "513", "1024"] {
        let refused = ended(serve(dir.path()).args(["--workers", wrong]));
        assert!(
            said(&refused).contains("is not in 1..=512") && !said(&refused).contains("panicked"),
            "{refused:?}"
        );
    }
    assert_nothing_in(dir.path());
    for workers in ["1", "512"] {
        let server =
            Binary::of(serve(dir.path()).args(["--listen", "127.0.0.1:0", "--workers", workers]));
        assert_eq!(server.get("/healthz").status, 200);
        server.terminate();
        let (status, log) = server.wait();
        assert!(status.success() && !log.contains("panicked"), "{log}");
    }
}

#[test]
fn more_workers_than_files_may_be_open_are_refused_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_groundswell");
    let limited = |workers: u32| {
        let script = format!(
            "ulimit -n 192 && exec {binary} serve --listen 127.0.0.1:0 --workers {workers}"
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(dir.path()).env_remove("GROUNDSWELL_STORE");
        command
    };
    let refused = ended(&mut limited(33));
    assert!(
        said(&refused).contains("--workers 33 needs") && said(&refused).contains("ulimit -n"),
        "{refused:?}"
    );
    assert_nothing_in(dir.path());
    let server = Binary::of(&mut limited(32));
    let connected: Vec<_> = (0..16).map(|_| server.connect()).collect();
    assert_eq!(server.get("/healthz").status, 200);
    drop(connected);
}

#[test]
fn a_start_that_is_refused_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = elsewhere.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let in_use = TcpListener::bind("127.0.0.1:0").unwrap();
    let in_use = in_use.local_addr().unwrap().to_string();
    let missing = elsewhere.path().join("missing").to_str().unwrap().to_owned();
    let empty = file("empty", " \r\n");
    let circle =
        "[[provider]]\nid = \"a\"\nname = \"A\"\ncategory = \"mobile\"\ndepends_on = [\"a\"]\n";
    let circle = file("circle.toml", circle);
    let both = file("both.toml", "lateness-hours = 24\nlateness_hours = 48\n");
    let rows: [(&[&str], &str); 22] = [
        (&["--store", ""], "it must be a directory, or the address of a Redis"),
        (&["--store", " "], "it must be a directory"),
        (&["--catalogue", &missing], "missing"),
        (&["--catalogue", &circle], "circle.toml: line 5: provider \"a\": depends on itself"),
        (&["--catalogue", ""], "--catalogue"),
        (
            &["--config", &both],
            "both.toml: line 2: lateness_hours is the same setting as lateness-hours on line 1",
        ),
        (&["--config", &missing], "missing"),
        (&["--listen", &in_use], "cannot listen on"),
        (&["--listen", ":8080"], "expected HOST:PORT"),
        (
            &["--listen", "no-such-host.invalid:8080"],
            "cannot listen on no-such-host.invalid:8080: no such name",
        ),
        (&["--listen", "192.0.2.1:8080", "--auth", "open"], "cannot listen on 192.0.2.1:8080"),
        (&["--listen", "0.0.0.0:0"], "--auth open"),
        (&["--clock", "2022-07-08T08:30:00Z@0x"], "expected a speed of 1x to 10000x"),
        (&["--clock", "2999-01-01T00:00:00Z@1x"], "expected a time from 1970"),
        (&["--log", "debgu"], "off, error, warn"),
        (&["--lateness-hours", "337"], "1..=336"),
        (&["--reporter-key-file", &missing], "missing"),
        (&["--reporter-key-file", &empty], "expected a secret, got nothing"),
        (&["--reporter-key", ""], "must not be empty"),
        (&["--min-replicas", "6"], "0..=5"),
        (
            &["--store", "redis://127.0.0.1:1", "--reporter-key", "k", "--redis-ca", &empty],
            "--redis-ca needs TLS",
        ),
        (&["--colour", "red"], "--colour"),
    ];
    for (arguments, expected) in rows {
        // Where the port does not matter, any that is free.
        let listen: &[&str] =
            if arguments[0] == "--listen" { &[] } else { &["--listen", "127.0.0.1:0"] };
        let output = ended(serve(dir.path()).args(listen).args(arguments));
        assert!(
            said(&output).contains(expected),
            "{arguments:?} should say {expected:?}: {}",
            said(&output)
        );
        assert_nothing_in(dir.path());
    }
    let replays: [&[&str]; 3] = [
        &["--store", "", "lines.ndjson"],
        &["--store", "new", "--catalogue", &circle, &empty],
        &["--store", "new", "--catalogue", CATALOGUE, &missing],
    ];
    for arguments in replays {
        ended(
            groundswell(&["replay", "--out", "incidents.ndjson"])
                .args(arguments)
                .current_dir(dir.path()),
        );
        assert_nothing_in(dir.path());
    }
}

#[test]
fn a_variable_that_is_out_of_range_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = ended(serve(dir.path()).env("GROUNDSWELL_WORKERS", "1024"));
    assert!(
        said(&output).contains("GROUNDSWELL_WORKERS: invalid value '1024'")
            && said(&output).contains("1..=512"),
        "{output:?}"
    );
}

#[test]
fn what_has_no_effect_is_said_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = serve(dir.path());
    command.env("GROUNDSWELL_LISTNE", "127.0.0.1:1").args([
        "--listen",
        "127.0.0.1:0",
        "--min-replicas",
        "1",
    ]);
    let server = Binary::of(&mut command);
    let log = server.log();
    assert!(
        log.contains(
            "GROUNDSWELL_LISTNE, which is no setting and has no effect; did you mean \
         GROUNDSWELL_LISTEN?"
        ),
        "{log}"
    );
    assert!(log.contains("--min-replicas has no effect on an embedded store"), "{log}");
    let other = groundswell(&["openapi"]).env("GROUNDSWELL_STROE", "x").output().unwrap();
    assert!(
        other.status.success() && said(&other).contains("did you mean GROUNDSWELL_STORE?"),
        "{other:?}"
    );
}

/// A server in a directory, with the store that it makes there.
fn serve(directory: &Path) -> Command {
    let mut command = groundswell(&["serve"]);
    command.current_dir(directory);
    command
}

/// Runs a command that must end by itself, and not well.
fn ended(command: &mut Command) -> Output {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let has_ended = within(Duration::from_mins(1), || process.try_wait().unwrap().is_some());
    if !has_ended {
        process.kill().unwrap();
    }
    let output = process.wait_with_output().unwrap();
    assert!(has_ended && !output.status.success(), "it should refuse: {output:?}");
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_nothing_in(directory: &Path) {
    let left: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?} was left behind");
}

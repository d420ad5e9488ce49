//! SIGTERM ends the real binary within five seconds, whatever it is doing; a second one
//! ends it at once.

use crate::support::binary::{Binary, groundswell, within};
use crate::support::redis::{RedisServer, own_prefix};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const ENDS_WITHIN: Duration = Duration::from_secs(5);
const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// As many as take the detectors well over five seconds to come through a day.
const MANY: usize = 5_000;
/// What a process ends with that a signal ended.
const BY_SIGTERM: i32 = 128 + 15;

fn terminate(process: &Child) {
    kill_process(Pid::from_child(process), Signal::TERM).unwrap();
}

/// Asks it to stop, and gives how it ended, and after how long.
fn stopped(mut process: Child) -> (ExitStatus, Duration) {
    let began = Instant::now();
    terminate(&process);
    let ended = within(2 * ENDS_WITHIN, || process.try_wait().unwrap().is_some());
    let took = began.elapsed();
    if !ended {
        process.kill().unwrap();
    }
    (process.wait().unwrap(), took)
}

fn assert_stops_in_time(server: Binary, what: &str) {
    let began = Instant::now();
    server.terminate();
    let (status, log) = server.wait();
    assert!(began.elapsed() < ENDS_WITHIN, "{what}: {:?}\n{log}", began.elapsed());
    assert!(status.success(), "{what}: {status}\n{log}");
}

#[test]
fn a_server_that_catches_up_with_the_past_stops_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let catalogue = directory.path().join("many.toml");
    let mut text = String::new();
    for n in 0..MANY {
        write!(
            text,
            "[[provider]]\nid = \"p{n}\"\nname = \"P {n}\"\ncategory = \
             \"mobile\"\ncountries = [\"CA\"]\n"
        )
        .unwrap();
    }
    std::fs::write(&catalogue, text).unwrap();
    let server = Binary::start_with_all(
        &directory.path().join("store"),
        &["--catalogue", catalogue.to_str().unwrap()],
    );
    let has_begun = || server.read("/readyz")["progress"]["share"].as_f64().unwrap() > 0.0;
    assert!(within(STARTS_WITHIN, has_begun), "{}", server.log());
    assert_eq!(server.get("/readyz?for=detection").status, 503, "it is still at it");
    assert_stops_in_time(server, "catching up");
}

#[test]
fn a_server_whose_redis_falls_silent_stops_in_time() {
    let redis = RedisServer::start(&[]);
    let key = ["--reporter-key", "0123456789abcdef0123456789abcdef"];
    let server = Binary::start(
        redis.url().as_ref(),
        &[&key[..], &["--redis-prefix", &own_prefix()]].concat(),
    );
    assert!(
        within(STARTS_WITHIN, || server.get("/readyz?for=detection").status == 200),
        "{}",
        server.log()
    );
    // It answers nothing for a minute, whatever it is asked.
    assert!(redis.cli(&["CLIENT", "PAUSE", "60000", "ALL"]).contains("OK"));
    assert!(within(STARTS_WITHIN, || server.get("/readyz?for=ingest").status == 503
        || server.log().contains("failed")));
    assert_stops_in_time(server, "a silent Redis");
}

#[test]
fn a_server_whose_redis_never_answers_stops_before_it_is_ready() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store",
        &url,
        "--reporter-key",
        "0123456789abcdef0123456789abcdef",
    ];
    let server =
        groundswell(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _asked = silent.accept().unwrap();
    let (status, took) = stopped(server);
    assert!(took < ENDS_WITHIN && status.success(), "{status} after {took:?}");
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start(&directory.path().join("store"), &[]);
    let mut slow = server.connect();
    slow.write_all(
        b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: \
         application/json\r\nContent-Length: 100\r\n\r\n{",
    )
    .unwrap();
    // The request is under way once the server has answered another on a later
    // connection.
    assert_eq!(server.get("/healthz").status, 200);
    server.terminate();
    assert!(within(ENDS_WITHIN, || server.log().contains("\"stopping\"")), "{}", server.log());
    let began = Instant::now();
    server.terminate();
    let (status, log) = server.wait();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}\n{log}", began.elapsed());
    assert_eq!(status.code(), Some(BY_SIGTERM), "{log}");
    drop(slow.read(&mut [0; 1]));
}

#[test]
fn a_request_that_never_ends_is_waited_for_within_the_five_seconds() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start(&directory.path().join("store"), &[]);
    let mut slow = server.connect();
    slow.write_all(
        b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: \
         application/json\r\nContent-Length: 100\r\n\r\n{",
    )
    .unwrap();
    assert_eq!(server.get("/healthz").status, 200);
    assert_stops_in_time(server, "a slow request");
}

#[test]
fn a_command_that_waits_for_its_input_ends_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out.ndjson");
    let mut command = groundswell(&["replay", "/dev/stdin", "--out", out.to_str().unwrap()]);
    let mut replay =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Signals are heard before the input is opened; the thread that hears them has a
    // name.
    let tasks = format!("/proc/{}/task", replay.id());
    let is_heard = || {
        let names = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
        names
            .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
            .any(|name| name.trim() == "signals")
    };
    assert!(within(STARTS_WITHIN, is_heard));
    let input = replay.stdin.take();
    let (status, took) = stopped(replay);
    drop(input);
    assert!(took < ENDS_WITHIN, "{took:?}");
    assert_eq!(status.code(), Some(BY_SIGTERM), "{status}");
}

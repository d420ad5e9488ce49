//! Commands that are ended by a signal, or whose reader closes the pipe.

use super::{DEADLINE, Folder, OLD, done, names_in, outage};
use crate::support::binary::within;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[test]
fn a_signal_leaves_neither_half_a_file_nor_a_temporary_one() {
    for (signal, status) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 143),
        (rustix::process::Signal::HUP, 129),
    ] {
        let (folder, temporary) = (Folder::new(), tempfile::tempdir().unwrap());
        folder.write("out", OLD);
        // The stream is a pipe that never ends: the output has begun once the history has
        // been played.
        Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap();
        let mut command = folder.command(&[
            "simulate",
            "rogers-2022",
            "--crowd",
            "1",
            "--history-weeks",
            "8",
            "--out",
            ".",
        ]);
        let mut child =
            command.env("TMPDIR", temporary.path()).stderr(Stdio::null()).spawn().unwrap();
        let hidden =
            || folder.names().iter().filter(|name| name.starts_with(".groundswell-")).count();
        assert!(within(DEADLINE, || hidden() == 2), "{:?}", folder.names());
        ends_by(&mut child, signal, status);
        assert_eq!(folder.names(), ["a.ndjson", "b.ndjson", "out", "pipe"]);

        let mut command = folder.command(&[
            "replay",
            "a.ndjson",
            "--out",
            "pipe",
            "--history",
            "b.ndjson",
            "--catalogue",
        ]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml"));
        let mut child =
            command.env("TMPDIR", temporary.path()).stderr(Stdio::null()).spawn().unwrap();
        // Nobody reads the pipe, so it waits, with what the history left and a copy of
        // that.
        assert!(
            within(DEADLINE, || names_in(temporary.path()).len() == 2),
            "{:?}",
            names_in(temporary.path())
        );
        ends_by(&mut child, signal, status);
        assert_eq!(names_in(temporary.path()), [] as [&str; 0]);
        assert_eq!(folder.read("out"), OLD);
    }
}

#[track_caller]
fn ends_by(child: &mut Child, signal: rustix::process::Signal, status: i32) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
    assert!(within(Duration::from_secs(5), || child.try_wait().unwrap().is_some()));
    assert_eq!(child.wait().unwrap().code(), Some(status));
}

#[test]
fn what_was_to_be_ignored_still_is() {
    let folder = Folder::new();
    let line = "mkfifo pipe; trap '' HUP; $G replay pipe --out out & exec 9>pipe; trap - HUP; \
         kill -HUP $!; cat a.ndjson >&9; exec 9>&-; wait $!";
    done(&folder.shell(line));
    assert!(folder.path("out").is_file());
}

#[test]
fn a_closed_pipe_is_an_error_and_not_a_panic() {
    let folder = Folder::new();
    folder.write("outage.ndjson", &outage());
    let mut child = folder
        .command(&["replay", "outage.ndjson", "--out", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(
        child.wait().unwrap().code() == Some(1)
            && said.contains("Broken pipe")
            && !said.contains("panicked"),
        "{said}"
    );
}

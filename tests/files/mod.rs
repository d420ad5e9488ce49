//! The files that commands read and write: nothing that is read is written, nothing
//! appears by half, pipes are read once and whole.

mod backtest;
mod inputs;
mod outputs;
mod signals;

use crate::support::binary::{groundswell, lab};
use crate::support::{NOW, TORONTO, but, instant, ndjson, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const MINUTE_MS: i64 = 60_000;
const DEADLINE: Duration = Duration::from_mins(1);
const OLD: &[u8] = b"what was there before\n";

/// A directory with files of reports, in which commands run.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("a.ndjson", &reports(0..30));
        folder.write("b.ndjson", &reports(30..60));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Names of all that is in it, hidden files too.
    fn names(&self) -> Vec<String> {
        names_in(self.0.path())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = groundswell(arguments);
        command.current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a line of the shell, in which `$G` is the server's program and `$L` the
    /// laboratory's.
    fn shell(&self, line: &str) -> Output {
        let mut command = Command::new("bash");
        command
            .args(["-c", line])
            .current_dir(self.0.path())
            .env("G", groundswell(&[]).get_program())
            .env("L", lab());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GROUNDSWELL_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).output().unwrap()
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A report each minute, of somebody else.
fn reports(minutes: std::ops::Range<i64>) -> Vec<u8> {
    ndjson(&minutes.map(|minute| report(minute, json!({}))).collect::<Vec<_>>())
}

fn report(minute: i64, fields: Value) -> Value {
    let (lat, lon) = TORONTO;
    let (received_at, id) = (text(instant(NOW).plus_ms(minute * MINUTE_MS)), format!("d{minute}"));
    but(
        json!({
            "received_at": received_at, "provider": "alpha", "symptom": "no_service",
            "lat": lat, "lon": lon, "accuracy_m": 31, "reporter_id": id
        }),
        fields,
    )
}

/// Enough of an outage, after enough hours without, to be told: so that an output has
/// something in it.
fn outage() -> Vec<u8> {
    let quiet = (0..36).map(|n| (n * 20, json!({"lat": TORONTO.0 + (n % 7) as f64 * 0.05})));
    let outage = (0..60).map(|n| {
        (
            9 * 60 + n,
            json!({"lat": TORONTO.0 + (n % 5) as f64 * 0.003, "reporter_id": format!("o{n}")}),
        )
    });
    let mut lines: Vec<(i64, Value)> = quiet.chain(outage).collect();
    lines.sort_by_key(|(minute, _)| *minute);
    ndjson(&lines.into_iter().map(|(minute, fields)| report(minute, fields)).collect::<Vec<_>>())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fails with status 1, and says so.
#[track_caller]
fn refused(output: &Output, expected: &str) {
    let said = said(output);
    assert!(
        output.status.code() == Some(1) && said.contains(expected),
        "{expected:?} should be in {:?}: {said}",
        output.status
    );
}

#[track_caller]
fn done(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

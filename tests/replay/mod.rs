//! Replays: what counts, what is said of lines that do not, and that neither the kind of
//! store nor a shared history changes anything.

mod command;
mod lines;
mod order;
mod stores;

use crate::support::{NOW, TORONTO, but, instant, ndjson, text};
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::fact::Tally;
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, MINUTE_MS};
use groundswell::engine::detector_pool::Step;
use groundswell::engine::replay::input::Input;
use groundswell::engine::replay::past::Past;
use groundswell::engine::replay::statistics::Statistics;
use groundswell::engine::replay::{Observer, Setting};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const HOURS: i64 = 60 * MINUTE_MS;

/// Sums up all that the detectors were shown: of each provider, minute and fact, how many
/// in the last step that saw it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    facts: BTreeMap<(String, i64, u64), Tally>,
    steps: BTreeMap<String, BTreeSet<i64>>,
    steps_twice: u64,
    bytes: u64,
}

/// A report of Alpha received so many milliseconds after [`NOW`], as in the test streams,
/// but for these fields.
fn at(ms: i64, fields: Value) -> Value {
    let (lat, lon) = TORONTO;
    let received_at = text(instant(NOW).plus_ms(ms));
    let device_id = format!("d{ms}");
    let report = json!({
        "received_at": received_at, "provider": "alpha", "kind": "no_service",
        "lat": lat, "lon": lon, "accuracy_m": 31, "device_id": device_id
    });
    but(report, fields)
}

/// Some reports, every fifth minute a few, over days: of several providers and places,
/// some late, some twice.
fn busy(reports: std::ops::Range<i64>, who: &str) -> Vec<u8> {
    let line = |n: i64| {
        let ms = n / 3 * 5 * MINUTE_MS + n % 3 * 7_000;
        let late = if n % 11 == 0 { 40 * MINUTE_MS } else { n % 4 * MINUTE_MS };
        let (provider, accuracy_m) = (
            ["alpha", "bravo", "charlie"][(n % 7 % 3) as usize],
            [20, 500, 2_000][(n % 3) as usize],
        );
        let (lat, observed_at) =
            (TORONTO.0 + (n % 13) as f64 * 0.02, text(instant(NOW).plus_ms(ms - late)));
        let device_id = format!("{who}{}", n / 2 * 2 % 900);
        let fields = json!({
            "provider": provider, "lat": lat, "accuracy_m": accuracy_m,
            "observed_at": observed_at, "device_id": device_id
        });
        at(ms, fields)
    };
    ndjson(&reports.map(line).collect::<Vec<_>>())
}

fn setting() -> Setting {
    let (catalogue, key) = (crate::support::catalogue(), ReporterKey::new(b"test"));
    Setting { catalogue, key, lateness_ms: DEFAULT_LATENESS_MS, parameters: Parameters::default() }
}

/// Replays files of these contents, after a history.
fn replay(setting: &Setting, history: &[&[u8]], stream: &[&[u8]]) -> (Statistics, Shown) {
    let (history, stream) = (Files::new(history), Files::new(stream));
    let mut shown = Shown::default();
    let past = Past::play(setting, &history.paths, &mut |_| {}).unwrap();
    let statistics = past.resume().unwrap().replay(&stream.paths, &mut shown).unwrap();
    let bytes: u64 = stream.paths.iter().map(Input::bytes).sum();
    assert_eq!(std::mem::take(&mut shown.bytes), bytes);
    (statistics, shown)
}

impl Observer for Shown {
    fn step(&mut self, provider: &str, step: &Step<'_>) {
        self.steps_twice +=
            u64::from(!self.steps.entry(provider.to_owned()).or_default().insert(step.minute.0));
        for (minute, (key, tally)) in
            step.facts.iter().flat_map(|(minute, counts)| counts.rows().map(|row| (minute.0, row)))
        {
            self.facts.insert((provider.to_owned(), minute, key.number()), tally);
        }
    }

    fn read(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

/// Files of these contents, in a directory that ends with them.
struct Files {
    paths: Vec<Input>,
    _directory: tempfile::TempDir,
}

impl Files {
    fn new(contents: &[&[u8]]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |(n, content): (usize, &&[u8])| {
            let path: PathBuf = Path::new(directory.path()).join(format!("{n}.ndjson"));
            std::fs::write(&path, content).unwrap();
            path.into()
        };
        Self { paths: contents.iter().enumerate().map(write).collect(), _directory: directory }
    }
}

//! Streams of reports with known outages, as a server counts them.

use anyhow::{Context, ensure};
use flate2::read::MultiGzDecoder;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::Source;
use groundswell::domain::provider::{Catalogue, ProviderIndex};
use groundswell::domain::report::{Arrival, Report};
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::{DAY_MS, DEFAULT_LATENESS_MS, Minute, Timestamp};
use groundswell::engine::replay::input::Input;
use groundswell::engine::replay::providers;
use groundswell::store::embedded::{Durability, Options};
use groundswell::store::{Recorded, Store, Terms};
use groundswell::wire::report::RawReport;
use groundswell::wire::text::parsed;
use groundswell_lab::backtest::Seconds;
use groundswell_lab::backtest::set::{Set, Stream};
use groundswell_lab::backtest::truth::Truth;
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of its history is played before a stream. It decides who is a first of their
/// day, and who was heard of on the day before: two days, and one for late reports.
const HISTORY_MS: i64 = 3 * DAY_MS;

/// A stream after a server took it.
#[derive(Debug)]
pub struct Played {
    /// Whom it is about.
    pub catalogue: Catalogue,
    /// The reports that count, in the order in which they came.
    pub counted: Vec<Taken>,
    /// Its facts by provider: of each the minutes, in order.
    pub minutes: Vec<Vec<(Minute, Arc<Counts>)>>,
}

/// A report that counts.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// When it came.
    pub received_at: Timestamp,
    /// What it is to the server.
    pub report: Report,
}

#[derive(Deserialize)]
struct Received {
    received_at: Seconds,
}

/// A set of the shared folder.
///
/// # Errors
/// Where it is missing, or cannot be read.
pub fn set(name: &str) -> anyhow::Result<Set> {
    let folder = std::env::var_os("GROUNDSWELL_SHARED")
        .map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    Set::read(&folder.join(name)).with_context(|| {
        format!("the bench needs {name}: set GROUNDSWELL_SHARED to the folder that has it")
    })
}

impl Played {
    /// The stream after the end of its history.
    ///
    /// # Errors
    /// Where a file or the store fails.
    pub fn stream(stream: &Stream) -> anyhow::Result<Self> {
        let start = instant(stream.start);
        let files: Vec<&Path> = [&stream.history, &stream.reports]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect();
        Self::files(&files, start.plus_ms(-HISTORY_MS))
    }

    /// The reports of these files that were received since then.
    ///
    /// # Errors
    /// Where a file or the store fails.
    pub fn files(files: &[&Path], since: Timestamp) -> anyhow::Result<Self> {
        let inputs: Vec<Input> = files.iter().map(|file| file.to_path_buf().into()).collect();
        let catalogue = providers::named_in(&inputs, &Catalogue::default())?;
        let key = ReporterKey::new(b"bench");
        let mut accepted = Vec::new();
        for file in files {
            accept(file, since, &catalogue, &key, &mut accepted)?;
        }
        let directory = tempfile::tempdir()?;
        let terms =
            Terms { reporter_key_check: key.check_value(), lateness_ms: DEFAULT_LATENESS_MS };
        let options = Options { durability: Durability::Unsynced, ..Options::default() };
        let store = Store::open_embedded(directory.path(), &catalogue, terms, options)?;
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(Self::record(&store, catalogue, &accepted))
    }

    /// The places in `counted` of the reports of an outage: those of its provider that
    /// came in the seconds in which its own came. Where others came in the same second,
    /// the first are taken.
    #[must_use]
    pub fn reports_of(&self, truth: &Truth) -> Vec<usize> {
        let mut due = HashMap::<i64, usize>::new();
        for after in &truth.received_s {
            *due.entry((truth.onset.0 + after).round() as i64).or_default() += 1;
        }
        let provider = self.catalogue.find(&truth.provider);
        let mut found = Vec::new();
        for (n, Taken { received_at, report }) in self.counted.iter().enumerate() {
            if Some(report.provider) != provider {
                continue;
            }
            if let Some(left @ 1..) = due.get_mut(&received_at.0.div_euclid(1_000)) {
                *left -= 1;
                found.push(n);
            }
        }
        found
    }

    async fn record(
        store: &Store,
        catalogue: Catalogue,
        accepted: &[Taken],
    ) -> anyhow::Result<Self> {
        let mut counted = Vec::new();
        // As they come on a server: those of a minute together, at the most.
        for minute in accepted.chunk_by(|a, b| a.received_at.minute() == b.received_at.minute()) {
            let group: Vec<Report> = minute.iter().map(|taken| taken.report).collect();
            for (taken, outcome) in minute.iter().zip(store.record(&group).await) {
                if outcome? == Recorded::Counted {
                    counted.push(*taken);
                }
            }
        }
        let observed = accepted.iter().map(|taken| taken.report.observed.minute);
        let first = observed.min().context("there is a report")?;
        let last = accepted[accepted.len() - 1].received_at.minute();
        let mut minutes = Vec::new();
        for provider in (0..catalogue.len()).map(|n| ProviderIndex(n as u16)) {
            minutes.push(store.minutes_at_rest(provider, first..last.plus(1)).await?);
        }
        Ok(Self { catalogue, counted, minutes })
    }
}

/// An instant of a set, to the millisecond.
#[must_use]
pub fn instant(seconds: Seconds) -> Timestamp {
    Timestamp((seconds.0 * 1e3).round() as i64)
}

/// Accepts the reports of a file as they come.
fn accept(
    file: &Path,
    since: Timestamp,
    catalogue: &Catalogue,
    key: &ReporterKey,
    accepted: &mut Vec<Taken>,
) -> anyhow::Result<()> {
    let opened = std::fs::File::open(file).with_context(|| file.display().to_string())?;
    let mut keys = key.around(since);
    for line in BufReader::new(MultiGzDecoder::new(opened)).lines() {
        let line = line?;
        let Received { received_at } = serde_json::from_str(&line)?;
        let at = instant(received_at);
        if at < since {
            continue;
        }
        if !keys.are_for(at) {
            keys = key.around(at);
        }
        let mut room = Vec::new();
        let raw: RawReport<'_> = parsed(line.as_bytes(), &mut room)?;
        let read = raw.read(catalogue);
        ensure!(read.is_ok(), "a report of {} is not sound: {line}", file.display());
        let (source, lateness_ms) = (Source::OPEN, DEFAULT_LATENESS_MS);
        let arrival = Arrival { at, sent_at: None, source, lateness_ms };
        if let Ok(read) = read {
            let report = Report::accept(&read.submission, &arrival, &keys)?;
            accepted.push(Taken { received_at: at, report });
        }
    }
    Ok(())
}

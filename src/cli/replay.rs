//! `groundswell replay`: streams through ingest, store and detectors on simulated time; writes the incidents that were found.

use super::opened;
use crate::config::ReplayConfig;
use crate::domain::detect::episode::{Episode, State};
use crate::domain::detect::parameters::Parameters;
use crate::domain::provider::Catalogue;
use crate::domain::reporter::ReporterKey;
use crate::domain::time::{DEFAULT_LATENESS_MS, Hour};
use crate::engine::replay::account::Account;
use crate::engine::replay::past::{Past, must_be_empty};
use crate::engine::replay::simulation::Simulation;
use crate::engine::replay::{Observer, Setting, jobs, providers};
use crate::engine::watch::Step;
use crate::render::explained_line::explained_line;
use crate::render::incident_line::incident_line;
use crate::store::Store;
use crate::store::embedded::Options;
use crate::store::redis::address::is_address;
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Anybody may know the key of a store that nobody sees; one key for all, so that a replay gives the same incidents again.
const PASSING_KEY: &[u8] = b"groundswell replay";

/// Files that are played one after the other, and where what they tell is written.
#[derive(Debug, PartialEq, Eq)]
struct Stream {
    name: String,
    files: Vec<PathBuf>,
    out: PathBuf,
}

/// Where streams are played: what they go on from is the same.
enum Home<'a> {
    /// In directories that nobody keeps, each a copy of what the history left.
    Passing(Past<'a>),
    /// In a Redis, each in a copy of what the history left.
    Redis(&'a str, Past<'a>),
    /// In a directory of the operator's, where each plays the history itself.
    Directory(&'a Path),
}

pub fn run(config: &ReplayConfig) -> anyhow::Result<()> {
    let streams = streams(config)?;
    if config.explained.is_some() && streams.len() > 1 {
        bail!("--explained is for one stream: give --out a file");
    }
    let began = Instant::now();
    let setting = setting(config)?;
    let own_part = |stream: &Stream| (streams.len() > 1).then(|| stream.name.clone());
    let redis = |url: &str, stream: &Stream| opened::replay_redis(config, url, &setting.catalogue, setting.terms(), own_part(stream));
    let bar = bar(config, streams.len())?;
    let past = || -> anyhow::Result<Past<'_>> {
        let past = Past::play(&setting, &config.history, &mut |bytes| bar.inc(bytes))?;
        if !config.history.is_empty() {
            say(&bar, "history", past.account(), began)?;
        }
        Ok(past)
    };
    let home = match config.store.as_deref() {
        None => Home::Passing(past()?),
        Some(url) if is_address(url) => {
            for stream in &streams {
                must_be_empty(&redis(url, stream)?)?;
            }
            Home::Redis(url, past()?)
        }
        Some(directory) => Home::Directory(Path::new(directory)),
    };
    let replayed = jobs::each(config.jobs(), &streams, |stream| -> anyhow::Result<()> {
        let mut simulation = match &home {
            Home::Passing(past) => past.resume()?,
            Home::Redis(url, past) => past.resume_in(redis(url, stream)?)?,
            Home::Directory(directory) => in_directory(directory, own_part(stream), config, &setting, &bar)?,
        };
        let began = Instant::now();
        let mut writer = Writer { out: create(&stream.out)?, explained: config.explained.as_ref().map(|_| BTreeMap::new()), bar: &bar };
        let account = simulation.replay(&stream.files, &mut writer)?;
        writer.out.flush().with_context(|| stream.out.display().to_string())?;
        if let Some(path) = &config.explained {
            let lines = writer.explained.iter().flat_map(BTreeMap::values).flatten().copied().collect::<Vec<u8>>();
            create(path)?.write_all(&lines).with_context(|| path.display().to_string())?;
        }
        say(&bar, &stream.name, &account, began)
    });
    bar.finish_and_clear();
    for (stream, outcome) in streams.iter().zip(replayed) {
        outcome.with_context(|| stream.name.clone())?;
    }
    Ok(())
}

/// With a directory to write to, each file is a stream of its own; else all of them are one.
fn streams(config: &ReplayConfig) -> anyhow::Result<Vec<Stream>> {
    if !writes_to_directory(&config.out) {
        let name = config.files.first().map_or_else(String::new, |file| stem(file));
        return Ok(vec![Stream { name, files: config.files.clone(), out: config.out.clone() }]);
    }
    let mut names = HashSet::new();
    let stream = |file: &PathBuf| {
        let name = stem(file);
        if !names.insert(name.clone()) {
            bail!("two files are named {name}: what they tell would be written to one file; give --out a file, or the files other names");
        }
        let out = config.out.join(format!("{name}.ndjson"));
        Ok(Stream { name, files: vec![file.clone()], out })
    };
    config.files.iter().map(stream).collect()
}

fn writes_to_directory(out: &Path) -> bool {
    out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The name without the endings `.gz` and `.ndjson`.
fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".ndjson").unwrap_or(name).to_owned()
}

fn setting(config: &ReplayConfig) -> anyhow::Result<Setting> {
    // A store is made, and a key for it, only once there is something to play.
    for file in config.history.iter().chain(&config.files) {
        file.metadata().with_context(|| file.display().to_string())?;
    }
    let catalogue = match &config.catalogue {
        Some(path) => opened::catalogue(Some(path))?,
        None => providers::named_in(config.history.iter().chain(&config.files))?,
    };
    let key = match &config.store {
        None if !config.key.is_given() => ReporterKey::new(PASSING_KEY),
        store => opened::reporter_key(&config.key, store.as_deref().unwrap_or_default())?,
    };
    Ok(Setting { catalogue, key, lateness_ms: config.lateness_ms(), parameters: Parameters::default() })
}

/// The setting of a replay in a store that nobody keeps.
pub fn passing_setting(catalogue: Catalogue) -> Setting {
    let key = ReporterKey::new(PASSING_KEY);
    Setting { catalogue, key, lateness_ms: DEFAULT_LATENESS_MS, parameters: Parameters::default() }
}

/// A simulation in a directory of the operator's, after the history. Of several streams each has a directory within.
fn in_directory<'a>(
    directory: &Path,
    part: Option<String>,
    config: &ReplayConfig,
    setting: &'a Setting,
    bar: &ProgressBar,
) -> anyhow::Result<Simulation<'a>> {
    let began = Instant::now();
    let directory = part.as_ref().map_or_else(|| directory.to_owned(), |part| directory.join(part));
    let store = Store::open_embedded(&directory, &setting.catalogue, setting.terms(), Options::default())?;
    let mut simulation = Simulation::over(setting, store)?;
    let account = simulation.history(&config.history, &mut |bytes| bar.inc(bytes))?;
    if !config.history.is_empty() {
        say(bar, &part.map_or_else(|| "history".into(), |name| format!("history of {name}")), &account, began)?;
    }
    Ok(simulation)
}

/// Draws nothing where standard error is no terminal.
fn bar(config: &ReplayConfig, streams: usize) -> anyhow::Result<ProgressBar> {
    let bytes = |files: &[PathBuf]| files.iter().map(|file| file.metadata().map_or(0, |metadata| metadata.len())).sum::<u64>();
    let histories = if config.store.as_deref().is_some_and(|store| !is_address(store)) { streams as u64 } else { 1 };
    let bar = ProgressBar::new(histories * bytes(&config.history) + bytes(&config.files));
    Ok(bar.with_style(ProgressStyle::with_template("{bar:40} {percent} % of {total_bytes}, {eta} to go")?))
}

fn say(bar: &ProgressBar, name: &str, account: &Account, began: Instant) -> anyhow::Result<()> {
    let seconds = began.elapsed().as_secs_f64();
    Ok(bar.suspend(|| writeln!(std::io::stderr(), "{name}: {account}, {seconds:.1} s"))?)
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    Ok(BufWriter::new(File::create(path).with_context(|| path.display().to_string())?))
}

/// Writes what is sure enough to be told.
struct Writer<'a> {
    out: BufWriter<File>,
    /// What was left out of learning, by hour and provider, a line each; none where nobody asks.
    explained: Option<BTreeMap<(Hour, String), Vec<u8>>>,
    bar: &'a ProgressBar,
}

impl Observer for Writer<'_> {
    fn revision(&mut self, provider: &str, incident: &Episode) -> std::io::Result<()> {
        if incident.state == State::Possible { Ok(()) } else { self.out.write_all(&incident_line(provider, incident)) }
    }

    fn step(&mut self, provider: &str, step: &Step<'_>) {
        let (Some(lines), Some((hour, explained))) = (&mut self.explained, step.detector.explained()) else { return };
        let line = || explained_line(provider, *hour, explained);
        lines.entry((*hour, provider.to_owned())).or_insert_with(line);
    }

    fn read(&mut self, bytes: u64) {
        self.bar.inc(bytes);
    }
}

//! `groundswell replay`: streams through ingest, store and detectors on simulated time;
//! writes the incidents that were found.

use super::opened;
use super::output::{Output, Outputs, Target};
use crate::config::ReplayConfig;
use crate::domain::detect::episode::{Episode, State};
use crate::domain::detect::parameters::Parameters;
use crate::domain::provider::Catalogue;
use crate::domain::reporter::ReporterKey;
use crate::domain::time::{DEFAULT_LATENESS_MS, Hour};
use crate::engine::detector_pool::Step;
use crate::engine::replay::input::Input;
use crate::engine::replay::past::{Past, must_be_empty};
use crate::engine::replay::simulation::Simulation;
use crate::engine::replay::statistics::Statistics;
use crate::engine::replay::{Observer, Setting, jobs, providers};
use crate::render::explained_line::explained_line;
use crate::render::incident_line::incident_line;
use crate::store::Store;
use crate::store::embedded::Options;
use crate::store::place::Place;
use crate::store::redis::Redis;
use crate::store::redis::address;
use anyhow::{Context, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Anybody may know the key of a store that nobody sees; one key for all, so that a
/// replay gives the same incidents again.
const PASSING_KEY: &[u8] = b"groundswell replay";

/// Files that are played one after the other, and where what they tell is written.
#[derive(Debug)]
struct Stream {
    name: String,
    files: Vec<Input>,
    out: Target,
}

/// Where streams are played: what they go on from is the same.
enum Home<'a> {
    /// In directories that nobody keeps, each a copy of what the history left.
    Passing(Past<'a>),
    /// In a Redis, each in a copy of what the history left.
    Redis(&'a str, Box<address::Options>, Past<'a>),
    /// In a directory of the operator's, where each plays the history itself.
    Directory(&'a Path),
}

/// What all streams of a replay share.
struct Replay<'a> {
    config: &'a ReplayConfig,
    place: Option<Place<'a>>,
    setting: &'a Setting,
    history: &'a [Input],
    outputs: &'a Outputs,
    explained: Option<Target>,
    /// Whether there are several streams, so that each needs a part of the store.
    has_parts: bool,
    bar: ProgressBar,
}

/// Replays the files as the settings say, and writes the incidents.
///
/// # Errors
/// Where a file cannot be read or written, or the store fails.
pub fn run(config: &ReplayConfig) -> anyhow::Result<()> {
    let named = streams(config)?;
    if config.explained.is_some() && named.len() > 1 {
        bail!("--explained is for one stream: give --out a file");
    }
    let place = config.store.as_deref().map(Place::parse).transpose()?;
    let mut outputs = Outputs::beside(inputs(config))?;
    let targets =
        named.iter().map(|(_, _, out)| outputs.target(out)).collect::<Result<Vec<_>, _>>()?;
    let explained = config.explained.as_ref().map(|path| outputs.target(path)).transpose()?;
    if let Some(Place::Directory(directory)) = place {
        outputs.stay_out_of(directory)?;
    }
    let history = settled(&config.history)?;
    let streams = named
        .into_iter()
        .zip(targets)
        .map(|((name, files, _), out)| Ok(Stream { name, files: settled(&files)?, out }));
    let streams = streams.collect::<anyhow::Result<Vec<Stream>>>()?;
    let setting = setting(
        config,
        place,
        history.iter().chain(streams.iter().flat_map(|stream| &stream.files)),
    )?;
    let bar = bar(place, &history, &streams)?;
    let replay = Replay {
        config,
        place,
        setting: &setting,
        history: &history,
        outputs: &outputs,
        explained,
        has_parts: streams.len() > 1,
        bar,
    };
    let home = replay.home(&streams)?;
    let replayed = jobs::each(config.jobs(), &streams, |stream| replay.play(&home, stream));
    replay.bar.finish_and_clear();
    for (stream, outcome) in streams.iter().zip(replayed) {
        outcome.with_context(|| stream.name.clone())?;
    }
    Ok(())
}

impl<'a> Replay<'a> {
    fn home(&self, streams: &[Stream]) -> anyhow::Result<Home<'a>> {
        Ok(match self.place {
            None => Home::Passing(self.past()?),
            Some(Place::Redis(url)) => {
                let options = opened::redis_options(&self.config.redis, url)?;
                for stream in streams {
                    must_be_empty(&self.redis(url, &options, stream)?)?;
                }
                Home::Redis(url, Box::new(options), self.past()?)
            }
            Some(Place::Directory(directory)) => Home::Directory(directory),
        })
    }

    fn past(&self) -> anyhow::Result<Past<'a>> {
        let began = Instant::now();
        let past = Past::play(self.setting, self.history, &mut |bytes| self.bar.inc(bytes))?;
        if !self.history.is_empty() {
            say(&self.bar, "history", past.statistics(), began)?;
        }
        history_is_sound(past.statistics())?;
        Ok(past)
    }

    /// Plays a stream, and writes what it tells.
    fn play(&self, home: &Home<'_>, stream: &Stream) -> anyhow::Result<()> {
        let mut simulation = match home {
            Home::Passing(past) => past.resume()?,
            Home::Redis(url, options, past) => past.resume_in(self.redis(url, options, stream)?)?,
            Home::Directory(directory) => self.in_directory(directory, stream)?,
        };
        let began = Instant::now();
        let explained = self.explained.as_ref().map(|_| BTreeMap::new());
        let mut writer = Writer { out: stream.out.begin()?, explained, bar: &self.bar };
        let statistics = simulation.replay(&stream.files, &mut writer)?;
        say(&self.bar, &stream.name, &statistics, began)?;
        stream_is_sound(&statistics)?;
        let mut written = vec![writer.out.finish()?];
        if let Some(target) = &self.explained {
            let lines = writer
                .explained
                .iter()
                .flat_map(BTreeMap::values)
                .flatten()
                .copied()
                .collect::<Vec<u8>>();
            written.push(target.written(&lines)?);
        }
        Ok(self.outputs.publish(written)?)
    }

    /// A simulation in a directory of the operator's, after the history. Of several
    /// streams each has a directory within.
    fn in_directory(&self, directory: &Path, stream: &Stream) -> anyhow::Result<Simulation<'a>> {
        let (began, part) = (Instant::now(), self.part(stream));
        let directory =
            part.as_ref().map_or_else(|| directory.to_owned(), |part| directory.join(part));
        let store = Store::open_embedded(
            &directory,
            &self.setting.catalogue,
            self.setting.terms(),
            Options::default(),
        )?;
        let mut simulation = Simulation::over(self.setting, store)?;
        let statistics = simulation.history(self.history, &mut |bytes| self.bar.inc(bytes))?;
        if !self.history.is_empty() {
            say(
                &self.bar,
                &part.map_or_else(|| "history".into(), |name| format!("history of {name}")),
                &statistics,
                began,
            )?;
        }
        history_is_sound(&statistics)?;
        Ok(simulation)
    }

    fn redis(
        &self,
        url: &str,
        options: &address::Options,
        stream: &Stream,
    ) -> anyhow::Result<Redis> {
        opened::replay_redis(
            self.config,
            (url, options),
            &self.setting.catalogue,
            self.setting.terms(),
            self.part(stream),
        )
    }

    /// Its part of the store, where it has not the whole.
    fn part(&self, stream: &Stream) -> Option<String> {
        self.has_parts.then(|| stream.name.clone())
    }
}

/// Refuses a stream of which nothing counts: its file is empty, or of something else.
///
/// # Errors
/// Where that is so.
pub fn stream_is_sound(statistics: &Statistics) -> anyhow::Result<()> {
    ensure!(
        statistics.taken() > 0,
        "nothing could be read: no line is a report that could be taken"
    );
    Ok(())
}

/// Refuses a history whose every line was refused. An empty one is no fault.
///
/// # Errors
/// Where that is so.
pub fn history_is_sound(statistics: &Statistics) -> anyhow::Result<()> {
    ensure!(
        !statistics.is_all_refused(),
        "nothing could be read of the history: no line is a report that could be taken:\n\
         {statistics}"
    );
    Ok(())
}

/// All that is read: reports, and settings that come from files.
fn inputs(config: &ReplayConfig) -> impl Iterator<Item = &Path> {
    let settings = [
        &config.catalogue,
        &config.key.reporter_key_file,
        &config.redis.redis_password_file,
        &config.redis.redis_sentinel_password_file,
        &config.redis.redis_ca,
    ];
    config
        .files
        .iter()
        .chain(&config.history)
        .chain(settings.into_iter().flatten())
        .map(PathBuf::as_path)
}

fn settled(files: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    Ok(files.iter().map(|file| Input::settled(file)).collect::<Result<_, _>>()?)
}

/// Name, files and output of each stream.
type Named = (String, Vec<PathBuf>, PathBuf);

/// With a directory to write to, each file is a stream of its own; else all of them are
/// one.
fn streams(config: &ReplayConfig) -> anyhow::Result<Vec<Named>> {
    if !writes_to_directory(&config.out) {
        let name = config.files.first().map_or_else(String::new, |file| stem(file));
        return Ok(vec![(name, config.files.clone(), config.out.clone())]);
    }
    let mut names = HashSet::new();
    let stream = |file: &PathBuf| {
        let name = stem(file);
        if !names.insert(name.clone()) {
            bail!(
                "two files are named {name}: what they tell would be written to one file; give \
                 --out a file, or the files other names"
            );
        }
        let out = config.out.join(format!("{name}.ndjson"));
        Ok((name, vec![file.clone()], out))
    };
    config.files.iter().map(stream).collect()
}

fn writes_to_directory(out: &Path) -> bool {
    out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The name without the endings `.gz` or `.zst`, and `.ndjson`.
fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.strip_suffix(".ndjson").unwrap_or(name).to_owned()
}

fn setting<'a>(
    config: &ReplayConfig,
    place: Option<Place<'_>>,
    sources: impl Iterator<Item = &'a Input>,
) -> anyhow::Result<Setting> {
    let catalogue = match &config.catalogue {
        Some(path) => opened::catalogue(Some(path))?,
        None => providers::named_in(sources, &crate::catalogue::builtin())?,
    };
    let key = match place {
        None if !config.key.is_given() => ReporterKey::new(PASSING_KEY),
        place => {
            opened::reporter_key(&config.key, place.unwrap_or(Place::Directory(Path::new(""))))?
        }
    };
    Ok(Setting {
        catalogue,
        key,
        lateness_ms: config.lateness.ms(),
        parameters: Parameters::default(),
    })
}

/// The setting of a replay in a store that nobody keeps.
#[must_use]
pub fn passing_setting(catalogue: Catalogue) -> Setting {
    let key = ReporterKey::new(PASSING_KEY);
    Setting { catalogue, key, lateness_ms: DEFAULT_LATENESS_MS, parameters: Parameters::default() }
}

/// Draws nothing where standard error is no terminal.
fn bar(
    place: Option<Place<'_>>,
    history: &[Input],
    streams: &[Stream],
) -> anyhow::Result<ProgressBar> {
    let bytes = |files: &[Input]| files.iter().map(Input::bytes).sum::<u64>();
    let histories =
        if matches!(place, Some(Place::Directory(_))) { streams.len() as u64 } else { 1 };
    let bar = ProgressBar::new(
        histories * bytes(history) + streams.iter().map(|stream| bytes(&stream.files)).sum::<u64>(),
    );
    Ok(bar.with_style(ProgressStyle::with_template(
        "{bar:40} {percent} % of {total_bytes}, {eta} to go",
    )?))
}

fn say(
    bar: &ProgressBar,
    name: &str,
    statistics: &Statistics,
    began: Instant,
) -> anyhow::Result<()> {
    let seconds = began.elapsed().as_secs_f64();
    Ok(bar.suspend(|| writeln!(std::io::stderr(), "{name}: {statistics}, {seconds:.1} s"))?)
}

/// Writes what is sure enough to be told.
struct Writer<'a> {
    out: Output,
    /// What was left out of learning, by hour and provider, a line each; none where
    /// nobody asks.
    explained: Option<BTreeMap<(Hour, String), Vec<u8>>>,
    bar: &'a ProgressBar,
}

impl Observer for Writer<'_> {
    fn revision(&mut self, provider: &str, incident: &Episode) -> std::io::Result<()> {
        if incident.state == State::Possible {
            Ok(())
        } else {
            self.out.write_all(&incident_line(provider, incident))
        }
    }

    fn step(&mut self, provider: &str, step: &Step<'_>) {
        let (Some(lines), Some((hour, explained))) =
            (&mut self.explained, step.detector.explained())
        else {
            return;
        };
        let line = || explained_line(provider, *hour, explained);
        lines.entry((*hour, provider.to_owned())).or_insert_with(line);
    }

    fn read(&mut self, bytes: u64) {
        self.bar.inc(bytes);
    }
}

//! A set of streams with known outages: what `index.json`, `truth.json` and
//! `real_rises.json` of a directory say.

use super::cells::Cells;
use super::entry::{Entry, SetError};
use super::seconds::Seconds;
use super::truth::Truth;
use groundswell::domain::grid::Cell;
use std::path::{Path, PathBuf};

/// How long after a rise of the source log an alarm may still be put down to it, in
/// seconds.
const RISE_ECHO_S: f64 = 3_600.0;

/// A set.
#[derive(Debug, Clone)]
pub struct Set {
    /// Its streams, in the order of the index.
    pub streams: Vec<Stream>,
    /// All that happens in them.
    pub truths: Vec<Truth>,
    /// Where the source log itself rises.
    pub rises: Vec<Rise>,
}

/// One stream of reports.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name, which is also the name of its files.
    pub scenario: String,
    /// Of which kind it is.
    pub family: String,
    /// Its first instant.
    pub start: Seconds,
    /// Its end.
    pub stop: Seconds,
    /// The file of its reports, where the index names one.
    pub reports: Option<PathBuf>,
    /// The file of what came before, where the index names one.
    pub history: Option<PathBuf>,
    /// Whose reports it holds, as far as the index says.
    pub providers: Vec<String>,
}

/// A time and place at which the source log rises well above its other weeks: an alarm
/// there is no noise.
#[derive(Debug, Clone)]
pub struct Rise {
    /// Of which source: the streams whose name begins with it.
    pub block: String,
    /// From then on.
    pub from: Seconds,
    /// Up to then, the echo included.
    pub to: Seconds,
    /// Where; neighbours count too.
    pub cells: Cells,
}

impl Set {
    /// The set of a directory.
    ///
    /// # Errors
    /// Where a file is missing or a field is not what it should be. Only
    /// `real_rises.json` may be absent.
    pub fn read(directory: &Path) -> Result<Self, SetError> {
        let entries = |file: &str| Entry::all_of(&directory.join(file));
        let rises = if directory.join("real_rises.json").exists() {
            entries("real_rises.json")?
        } else {
            Vec::new()
        };
        Ok(Self {
            streams: entries("index.json")?
                .iter()
                .map(|entry| Stream::read(entry, directory))
                .collect::<Result<_, _>>()?,
            truths: entries("truth.json")?.iter().map(Truth::read).collect::<Result<_, _>>()?,
            rises: rises.iter().map(Rise::read).collect::<Result<_, _>>()?,
        })
    }

    /// The files that say so.
    pub fn files(directory: &Path) -> impl Iterator<Item = PathBuf> {
        let files =
            ["index.json", "truth.json", "real_rises.json"].map(|name| directory.join(name));
        files.into_iter().filter(|file| file.exists())
    }

    /// What happens in a stream.
    pub fn truths_of<'a>(&'a self, stream: &'a Stream) -> impl Iterator<Item = &'a Truth> {
        self.truths.iter().filter(|truth| truth.scenario == stream.scenario)
    }

    /// Where the source log of a stream rises.
    pub fn rises_of<'a>(&'a self, stream: &'a Stream) -> impl Iterator<Item = &'a Rise> {
        self.rises.iter().filter(|rise| rise.block == stream.block())
    }
}

impl Stream {
    /// The source that it was made from: its name up to the first hyphen.
    #[must_use]
    pub fn block(&self) -> &str {
        self.scenario.split('-').next().unwrap_or_default()
    }

    /// The number that its name ends with, if it does.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        self.scenario.rsplit('-').next()?.parse().ok()
    }

    /// Whether its name begins with `pattern`, in which `*` stands for anything.
    #[must_use]
    pub fn matches(&self, pattern: &str) -> bool {
        let mut parts = pattern.split('*');
        let Some(rest) = parts.next().and_then(|head| self.scenario.strip_prefix(head)) else {
            return false;
        };
        parts.try_fold(rest, |rest, part| rest.split_once(part).map(|(_, rest)| rest)).is_some()
    }

    fn read(entry: &Entry, directory: &Path) -> Result<Self, SetError> {
        let stream = Self {
            scenario: entry.required("scenario")?,
            family: entry.required("family")?,
            start: entry.required("start")?,
            stop: entry.required("stop")?,
            reports: entry.optional::<String>("stream")?.map(|file| directory.join(file)),
            history: entry.optional::<String>("warmup")?.map(|file| directory.join(file)),
            providers: entry.optional("providers")?.unwrap_or_default(),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !stream.scenario.bytes().all(is_name)
            || stream.scenario.starts_with('.')
            || stream.scenario.is_empty()
        {
            return Err(entry.fault(
                "scenario",
                "must be letters, digits, - _ or ., since it is also a file's name",
            ));
        }
        if stream.stop <= stream.start {
            return Err(entry.fault("stop", "must be after start"));
        }
        Ok(stream)
    }
}

impl Rise {
    fn read(entry: &Entry) -> Result<Self, SetError> {
        let cell = Cell::parse(&entry.required::<String>("cell")?)
            .map_err(|error| entry.fault("cell", format!("cannot be used: {error}")))?;
        Ok(Self {
            block: entry.required("block")?,
            from: entry.required("start")?,
            to: entry.required::<Seconds>("end")?.plus(RISE_ECHO_S),
            cells: [cell].into_iter().collect(),
        })
    }
}

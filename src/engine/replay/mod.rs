//! Replays: files of reports through the real ingest, store and detectors, on simulated
//! time, as fast as it can.
//!
//! `source` is where files come from, `unpack` and `utf16` make text of them, `lines`
//! reads it, `queue` also looks at lines ahead, and `plausible` says which of them may
//! move the time; `simulation` is a store with its detector pool at a simulated instant, and what
//! plays lines on it; `past` is what a history left, from which any number of streams go
//! on; `statistics` is what became of the lines; `leftovers` is what this process must not
//! leave behind.

pub mod input;
mod input_line;
pub mod jobs;
pub mod leftovers;
mod lines;
pub mod past;
mod plausible;
pub mod providers;
mod published_before;
mod queue;
pub mod simulation;
pub mod statistics;
mod unpack;
mod utf16;

use super::detector_pool::Step;
use crate::domain::detect::episode::Episode;
use crate::domain::detect::parameters::Parameters;
use crate::domain::incident::Incident;
use crate::domain::provider::{Catalogue, CatalogueError};
use crate::domain::reporter::ReporterKey;
use crate::store::copy::CopyError;
use crate::store::{OpenError, StoreError, Terms};
use std::path::{Path, PathBuf};

/// What all streams of a replay have in common.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Who can be reported about.
    pub catalogue: Catalogue,
    /// What turns reporter ids into hashes. It decides where a reporter's periods begin,
    /// and so who counts twice: the same incidents need the same key.
    pub key: ReporterKey,
    /// How far back a report may have been observed.
    pub lateness_ms: i64,
    /// Numbers of the detectors.
    pub parameters: Parameters,
}

/// Who looks on while a stream is replayed. Of its history only [`Observer::read`] is
/// told.
pub trait Observer {
    /// A detector has made the step of a minute.
    fn step(&mut self, _provider: &str, _step: &Step<'_>) {}

    /// An incident began, changed or ended, those that are only possible among them.
    /// Incidents that the history told are left out.
    ///
    /// # Errors
    /// Where the observer cannot go on; the replay then ends.
    fn revision(&mut self, _provider: &str, _incident: &Episode) -> std::io::Result<()> {
        Ok(())
    }

    /// Something is to be told of an incident: what a server would have made known.
    ///
    /// # Errors
    /// Where the observer cannot go on; the replay then ends.
    fn incident(&mut self, _incident: &Incident) -> std::io::Result<()> {
        Ok(())
    }

    /// Whether anybody wants to hear of incidents: they cost time.
    fn wants_incidents(&self) -> bool {
        false
    }

    /// So many bytes more of the files were read.
    fn read(&mut self, _bytes: u64) {}
}

/// Nobody looks on.
impl Observer for () {}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file cannot be read, or a directory not be made.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is of a form that is not read here.
    #[error(
        "{path} is {form}: give it as text in UTF-8 or UTF-16, plain or packed by gzip or zstd"
    )]
    Form {
        /// Which.
        path: PathBuf,
        /// What it is.
        form: &'static str,
    },
    /// The files name more providers than can be numbered.
    #[error("providers as they come: {0}")]
    Catalogue(#[from] CatalogueError),
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Facts are there already.
    #[error(
        "{0} is no empty store: a replay would count on top of what it holds; choose another \
         directory, or another --redis-prefix"
    )]
    Occupied(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the history left does not get into the store.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The observer cannot go on.
    #[error("incidents cannot be written: {0}")]
    Observer(std::io::Error),
    /// No runtime can be had.
    #[error("no runtime: {0}")]
    Runtime(std::io::Error),
}

impl Setting {
    /// What a store must agree with.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { reporter_key_check: self.key.check_value(), lateness_ms: self.lateness_ms }
    }
}

impl ReplayError {
    /// To be told of a file or directory.
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Waits for work that a store does.
fn wait<T>(work: impl Future<Output = Result<T, ReplayError>>) -> Result<T, ReplayError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ReplayError::Runtime)?
        .block_on(work)
}

//! Facts at rest. One contract for every store; `tests/conformance.rs` holds one function for each of its lines.
//!
//! 1. A report answered by [`Store::record`] survives the death of any process at any moment, and counts once.
//! 2. A recorded fact is in the next read. Other providers and minutes never leak in. Concurrent recordings add up.
//! 3. Never half a report: a failure is a [`StoreError`] within [`ANSWER_WITHIN`], and repeating the group is harmless.
//! 4. What was written by another schema, shard count or reporter key is refused with the way out.

pub mod embedded;

use crate::domain::counts::Counts;
use crate::domain::liveness::Liveness;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::report::Report;
use crate::domain::time::{Hour, Minute, Timestamp};
use embedded::Embedded;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Version of what is written. A store of another version is refused.
pub const SCHEMA: u32 = 1;
/// Reporters are spread over this many shards; fixed for the life of a store.
pub const SHARDS: u32 = 16;
/// How long minutes are kept.
pub const MINUTES_KEPT_DAYS: i64 = 14;
/// How long hours are kept.
pub const HOURS_KEPT_DAYS: i64 = 56;
/// The time within which a store answers or fails.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It counts.
    Counted,
    /// This reporter already counts for this provider, claim and period.
    Duplicate,
}

/// What a store must agree with before it opens.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Tells whether the reporter key is the one the store was written with.
    pub reporter_key_check: u64,
    /// How far back a report may have been observed; decides how long claims are remembered and when minutes age.
    pub lateness_ms: i64,
}

/// Why a store does not open. Every message says the way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0} is in use by another groundswell process: stop it, or choose another directory with --store")]
    InUse(PathBuf),
    /// Written by another version.
    #[error(
        "{dir} was written with schema {found}, this version reads schema {SCHEMA}: run the version that wrote it, or start with an empty directory"
    )]
    Schema {
        /// Where.
        dir: PathBuf,
        /// What it says.
        found: u32,
    },
    /// Written with another number of shards.
    #[error(
        "{dir} was written with {found} shards, this version uses {SHARDS}: run the version that wrote it, or start with an empty directory"
    )]
    Shards {
        /// Where.
        dir: PathBuf,
        /// What it says.
        found: u32,
    },
    /// Written under another reporter key.
    #[error(
        "{0} was written with another reporter key: give the one it was written with (GROUNDSWELL_REPORTER_KEY or its reporter.key), or reporters would count twice"
    )]
    ReporterKey(PathBuf),
    /// A file is not as it was written.
    #[error("{file} is damaged at byte {offset} ({what}): restore it from a backup, or move it away to go on without its facts")]
    Damaged {
        /// Which.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The operating system said no.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The database of aged facts said no.
    #[error("{path}: {reason}")]
    Database {
        /// Where.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

/// Why a store does not answer. Nothing was half done; the same call may be repeated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No room for what came.
    #[error("the disk is full")]
    Full,
    /// It could not be reached or written.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// What an operator watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Bytes of log that a restart would read.
    pub log_bytes: u64,
    /// Reporters remembered.
    pub claims: u64,
    /// Rows of live minutes in memory.
    pub live_rows: u64,
    /// Bytes of memory that live minutes take.
    pub live_bytes: u64,
}

/// Facts at rest.
#[derive(Debug)]
pub enum Store {
    /// One directory, one process.
    Embedded(Embedded),
}

impl Store {
    /// Opens the embedded store in a directory, which is made where it is missing.
    ///
    /// # Errors
    /// Where the directory is in use, damaged, of other [`Terms`], or cannot be read and written.
    pub fn open_embedded(
        dir: &std::path::Path,
        catalogue: &Catalogue,
        terms: Terms,
        options: embedded::Options,
    ) -> Result<Self, OpenError> {
        Embedded::open(dir, catalogue, terms, options).map(Self::Embedded)
    }

    /// Records a group of reports, durably, and says of each what became of it, in order.
    ///
    /// # Errors
    /// Where the group could not be made durable. None of it counts then, unless an answer was lost on the way: repeat it.
    #[expect(clippy::unused_async, reason = "a store behind a network answers later; callers must not depend on the difference")]
    pub async fn record(&self, group: &[Report]) -> Result<Vec<Recorded>, StoreError> {
        match self {
            Self::Embedded(store) => store.record(group),
        }
    }

    /// The facts of a provider in these minutes, oldest first; minutes without facts are left out. At most [`MINUTES_KEPT_DAYS`] back.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn minutes(&self, provider: ProviderIndex, minutes: Range<Minute>) -> Result<Vec<(Minute, Arc<Counts>)>, StoreError> {
        match self {
            Self::Embedded(store) => store.minutes(provider, minutes).await,
        }
    }

    /// The facts of a provider in these hours, in cells no finer than resolution 7. At most [`HOURS_KEPT_DAYS`] back.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn hours(&self, provider: ProviderIndex, hours: Range<Hour>) -> Result<Vec<(Hour, Arc<Counts>)>, StoreError> {
        match self {
            Self::Embedded(store) => store.hours(provider, hours).await,
        }
    }

    /// A number that changes whenever the provider's facts do.
    ///
    /// # Errors
    /// Where it cannot be read.
    #[expect(clippy::unused_async, reason = "a store behind a network answers later; callers must not depend on the difference")]
    pub async fn revision(&self, provider: ProviderIndex) -> Result<u64, StoreError> {
        match self {
            Self::Embedded(store) => Ok(store.revision(provider)),
        }
    }

    /// Says that somebody was here to take reports in these minutes.
    ///
    /// # Errors
    /// Where it cannot be written.
    #[expect(clippy::unused_async, reason = "a store behind a network answers later; callers must not depend on the difference")]
    pub async fn mark_live(&self, minutes: Range<Minute>) -> Result<(), StoreError> {
        match self {
            Self::Embedded(store) => store.mark_live(minutes),
        }
    }

    /// Writes something that changes nothing, to learn whether writing works.
    ///
    /// # Errors
    /// Where it does not.
    #[expect(clippy::unused_async, reason = "a store behind a network answers later; callers must not depend on the difference")]
    pub async fn probe(&self) -> Result<(), StoreError> {
        match self {
            Self::Embedded(store) => store.probe(),
        }
    }

    /// The minutes in which somebody was here.
    ///
    /// # Errors
    /// Where they cannot be read.
    #[expect(clippy::unused_async, reason = "a store behind a network answers later; callers must not depend on the difference")]
    pub async fn liveness(&self) -> Result<Liveness, StoreError> {
        match self {
            Self::Embedded(store) => Ok(store.liveness()),
        }
    }

    /// One step of housekeeping: ages and forgets what its time has come for. Blocks while it writes.
    ///
    /// # Errors
    /// Where something cannot be written; the next step tries again.
    pub fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Embedded(store) => store.tidy(now),
        }
    }

    /// Prepares for a quick start next time. Blocks while it writes; nothing is lost where it is not called.
    ///
    /// # Errors
    /// Where something cannot be written.
    pub fn close(&self) -> Result<(), StoreError> {
        match self {
            Self::Embedded(store) => store.snapshot(),
        }
    }

    /// What an operator watches.
    #[must_use]
    pub fn size(&self) -> StoreSize {
        match self {
            Self::Embedded(store) => store.size(),
        }
    }
}

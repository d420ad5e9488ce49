//! Why a store does not open.

use super::SHARDS;
use std::path::PathBuf;

/// Why a store does not open. Every message says the way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{0} is in use by another groundswell process: stop it, or choose another directory with \
         --store"
    )]
    InUse(PathBuf),
    /// Written by a later version.
    #[error(
        "{place} was written by a newer version of Groundswell (format {found}); this one reads \
         formats up to {reads}: run the version that wrote it, or start with an empty store"
    )]
    Newer {
        /// Where.
        place: String,
        /// Its format.
        found: u32,
        /// The latest that this version reads.
        reads: u32,
    },
    /// Written by an earlier version, and nobody asked for an upgrade.
    #[error(
        "{place} was written by an older version of Groundswell (format {found}); this one writes \
         format {writes}. An upgrade writes the journal of incidents anew: every revision in cells \
         of resolution 5 and rounded figures. Where it was exactly is kept apart, for {days} days \
         from when it was made known. This cannot be undone, and older versions refuse the store \
         afterwards. Make a backup or a copy (groundswell copy) first, stop nodes of older \
         versions, and start once with: groundswell serve --upgrade",
        days = super::places::PLACES_KEPT_DAYS
    )]
    Older {
        /// Where.
        place: String,
        /// Its format.
        found: u32,
        /// The one that it would get.
        writes: u32,
    },
    /// Of a format that no version writes, or half a copy of an older one.
    #[error(
        "{place} was written in format {found}, which cannot be upgraded: run the version that \
         wrote it, or start with an empty store"
    )]
    Format {
        /// Where.
        place: String,
        /// What it says; 0 where that is no number.
        found: u32,
    },
    /// Written with another number of shards.
    #[error(
        "{place} was written with {found} shards, this version uses {SHARDS}: run the version \
         that wrote it, or start with an empty store"
    )]
    Shards {
        /// Where.
        place: String,
        /// What it says.
        found: u32,
    },
    /// Nobody has written there.
    #[error("{0} holds no store: is it another directory, address or --redis-prefix?")]
    Missing(String),
    /// Written under another reporter key.
    #[error(
        "{0} was written with another reporter key: give the one it was written with \
         (GROUNDSWELL_REPORTER_KEY or its reporter.key), or reporters would count twice"
    )]
    ReporterKey(String),
    /// It holds something already.
    #[error(
        "{0} holds a store already: copy into one that is new, with another --redis-prefix or an \
         empty Redis"
    )]
    Occupied(String),
    /// Another store is being copied into it.
    #[error("{place} is half a copy of {from}: finish it with groundswell copy, or empty it")]
    Copying {
        /// Where.
        place: String,
        /// From where.
        from: String,
    },
    /// Not an address of a Redis, or of another kind of it.
    #[error("{place} cannot be the store: {reason}")]
    Address {
        /// What it says, without its password.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its nodes go by another clock.
    #[error(
        "{place} goes by {theirs}, and this node by {ours}: give every node of a store the same \
         --clock, or none, or choose another --redis-prefix"
    )]
    Clock {
        /// Where.
        place: String,
        /// The clock of this node.
        ours: String,
        /// The clock of its nodes.
        theirs: String,
    },
    /// Nobody answers there.
    #[error("{place} does not answer: {reason}")]
    Unreachable {
        /// Where, without its password.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A file is not as it was written.
    #[error(
        "{file} is damaged at byte {offset} ({what}): restore it from a backup, or move it away \
         to go on without its facts"
    )]
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
    /// A database said no, of aged facts or of a journal.
    #[error("{path}: {reason}")]
    Database {
        /// Where.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

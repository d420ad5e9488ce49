//! Facts at rest. One contract for every store; `tests/conformance/` holds one function
//! for each of its lines.
//!
//! 1. A report answered by [`Store::record`] survives the death of any process at any
//!    moment, and counts once.
//! 2. A recorded fact is in the next read. Other providers and minutes never leak in.
//!    Concurrent recordings add up.
//! 3. Never half a report: a failure is a [`StoreError`] within [`Timing::answer`], and
//!    repeating the group is harmless.
//! 4. What was written in another format, shard count or reporter key is refused with the
//!    way out.
//! 5. Each [`journal`] is one order of entries for all nodes: an append is in it whole,
//!    once, durably, and only where nobody was quicker and nobody has taken the lease
//!    since.
//! 6. What keys were used for ([`usage`]) counts once, and adds up over all nodes.
//! 7. A [`shown_hour`] is read as it was kept last, until its hour is forgotten.
//! 8. [`places`] that were kept are in the next read of every node, and outlive every ending
//!    until they are forgotten.

pub mod copy;
pub mod embedded;
pub mod fail_point;
pub mod journal;
mod open_error;
pub mod place;
pub mod places;
pub mod redis;
pub mod reporter_key;
pub mod shown_hour;
pub mod tally64;
pub mod timing;
pub mod upgrade;
pub mod usage;
pub mod withdrawn;

use crate::domain::counts::Counts;
use crate::domain::liveness::Liveness;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::report::Report;
use crate::domain::reporter::Replacement;
use crate::domain::time::{Hour, Minute, Timestamp};
use embedded::Embedded;
pub use open_error::OpenError;
use redis::Redis;
use std::ops::Range;
use std::sync::{Arc, RwLock};
use std::time::Duration;
#[cfg(doc)]
use timing::Timing;
use withdrawn::Hidden;

/// Format of what is written. A store of a later one is refused, one of an earlier one is
/// [upgraded](upgrade) where that is asked for.
pub const SCHEMA: u32 = 2;
/// Reporters are spread over this many shards; fixed for the life of a store.
pub const SHARDS: u32 = 16;
/// How far back readers may ask for minutes.
pub const MINUTES_KEPT_DAYS: i64 = 14;
/// How long minutes stay at rest: which cells are open in a minute follows from the day
/// before it.
pub const MINUTES_AT_REST_DAYS: i64 = MINUTES_KEPT_DAYS + 1;
/// How long hours are kept.
pub const HOURS_KEPT_DAYS: i64 = 56;
/// A minute this old is seldom added to any more, and is sorted and trimmed.
const SETTLED_AFTER_MINUTES: i64 = 10;
/// A reporter's day ends at most this long after the observation that began it; a claim
/// must be known for as long and the lateness.
const REPORTERS_DAY_HOURS: i64 = 25;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It counts.
    Counted,
    /// This reporter already counts for this provider, claim and period.
    Duplicate,
}

/// A part of a group, and what became of it.
#[derive(Debug)]
pub struct Part {
    /// The places of its reports in the group; none where it is all of them.
    pub members: Option<Vec<usize>>,
    /// Of each, in that order; or why nothing is known of them.
    pub outcome: Result<Vec<Recorded>, StoreError>,
}

/// What a store must agree with before it opens.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Tells whether the reporter key is the one the store was written with.
    pub reporter_key_check: u64,
    /// How far back a report may have been observed; decides how long claims are
    /// remembered and when minutes age.
    pub lateness_ms: i64,
}

/// Why a store does not answer. Nothing was half done; the same call may be repeated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No room for what came.
    #[error("the store is full")]
    Full,
    /// It could not be reached or written.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// The moment that the simulated clocks of all nodes of a store count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// What the store's own clock showed.
    pub at: Timestamp,
    /// How long ago that was, by that clock.
    pub ago: Duration,
}

/// What an operator watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Bytes of log that a restart would read: of the directory's, or of the append-only
    /// files of all masters.
    pub log_bytes: u64,
    /// Reporters remembered, where the store counts them.
    pub claims: u64,
    /// Rows of live minutes in memory.
    pub live_rows: u64,
    /// Bytes of memory that live minutes take.
    pub live_bytes: u64,
    /// Entries of the journal of incidents, as of the last look.
    pub journal_entries: u64,
    /// Entries of the ledger, as of the last look.
    pub ledger_entries: u64,
    /// Commands sent to another process.
    pub commands: u64,
}

/// Facts at rest.
#[derive(Debug)]
pub struct Store {
    kind: Kind,
    /// Facts that readers do not see; the lock is held to copy or replace the pointer.
    hidden: RwLock<Arc<Hidden>>,
}

/// Where they are.
#[derive(Debug)]
enum Kind {
    /// One directory, one process.
    Embedded(Box<Embedded>),
    /// A Redis or a Redis Cluster, any number of nodes.
    Redis(Box<Redis>),
}

impl Store {
    /// Opens the embedded store in a directory, which is made where it is missing.
    ///
    /// # Errors
    /// Where the directory is in use, damaged, of other [`Terms`], or cannot be read and
    /// written.
    pub fn open_embedded(
        dir: &std::path::Path,
        catalogue: &Catalogue,
        terms: Terms,
        options: embedded::Options,
    ) -> Result<Self, OpenError> {
        Embedded::open(dir, catalogue, terms, options)
            .map(|store| Self::of(Kind::Embedded(Box::new(store))))
    }

    /// Opens the store at an address of a Redis, a Redis Cluster, or sentinels.
    ///
    /// # Errors
    /// Where it does not answer, or was written under other [`Terms`].
    pub fn open_redis(
        url: &str,
        catalogue: &Catalogue,
        terms: Terms,
        options: &redis::address::Options,
    ) -> Result<Self, OpenError> {
        Redis::open(url, catalogue, terms, options).map(Self::on_redis)
    }

    /// The store on a Redis that is open.
    #[must_use]
    pub fn on_redis(redis: Redis) -> Self {
        Self::of(Kind::Redis(Box::new(redis)))
    }

    fn of(kind: Kind) -> Self {
        Self { kind, hidden: RwLock::default() }
    }

    /// Where it is, without passwords.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.kind {
            Kind::Embedded(store) => store.dir().display().to_string(),
            Kind::Redis(store) => store.shown().to_owned(),
        }
    }

    /// Fingerprint of the catalogue that it was opened with before, by this node or
    /// another.
    #[must_use]
    pub const fn catalogue_before(&self) -> Option<u64> {
        match &self.kind {
            Kind::Embedded(store) => store.catalogue_before(),
            Kind::Redis(store) => store.catalogue_before(),
        }
    }

    /// By which key its reporter key is replaced, if it is, as of the last look.
    #[must_use]
    pub fn replacement(&self) -> Option<Replacement> {
        match &self.kind {
            Kind::Embedded(store) => store.replacement(),
            Kind::Redis(store) => store.replacement(),
        }
    }

    /// Records a group of reports, durably, and says of each, in order, what became of
    /// it.
    ///
    /// A report with an error may be repeated. It does not count, unless only the answer
    /// was lost on the way.
    pub async fn record(&self, group: &[Report]) -> Vec<Result<Recorded, StoreError>> {
        let mut outcomes =
            vec![Err(StoreError::Unavailable("the answer was lost".into())); group.len()];
        self.record_in_parts(group, |part| match (part.members, part.outcome) {
            (None, Ok(told)) => outcomes = told.into_iter().map(Ok).collect(),
            (None, Err(error)) => outcomes.fill(Err(error)),
            (Some(members), told) => {
                for (n, place) in members.into_iter().enumerate() {
                    outcomes[place] = told.as_ref().map(|told| told[n]).map_err(Clone::clone);
                }
            }
        })
        .await;
        outcomes
    }

    /// Records a group of reports, durably, and says what became of each part of it as
    /// soon as that is known: parts fail by themselves.
    pub async fn record_in_parts(&self, group: &[Report], mut done: impl FnMut(Part)) {
        match &self.kind {
            Kind::Embedded(store) => done(Part { members: None, outcome: store.record(group) }),
            Kind::Redis(store) => store.record_in_parts(group, done).await,
        }
    }

    /// The facts of a provider in these minutes, oldest first; minutes without facts are
    /// left out. At most [`MINUTES_AT_REST_DAYS`] back, of which readers may ask for
    /// [`MINUTES_KEPT_DAYS`].
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn minutes(
        &self,
        provider: ProviderIndex,
        minutes: Range<Minute>,
    ) -> Result<Vec<(Minute, Arc<Counts>)>, StoreError> {
        let mut found = self.minutes_at_rest(provider, minutes).await?;
        self.hidden().take_from_minutes(provider, &mut found);
        Ok(found)
    }

    /// The same with the facts that were withdrawn. Only what finds the cells of readers may
    /// use it: which are open never changes, and nothing else of a withdrawn fact is theirs.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn minutes_at_rest(
        &self,
        provider: ProviderIndex,
        minutes: Range<Minute>,
    ) -> Result<Vec<(Minute, Arc<Counts>)>, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.minutes(provider, minutes).await,
            Kind::Redis(store) => store.minutes(provider, minutes).await,
        }
    }

    /// The facts of a provider in these hours, in cells no finer than resolution 7. At
    /// most [`HOURS_KEPT_DAYS`] back.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn hours(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<(Hour, Arc<Counts>)>, StoreError> {
        let mut found = self.hours_at_rest(provider, hours).await?;
        self.hidden().take_from_hours(provider, &mut found);
        Ok(found)
    }

    /// The same with what readers do not see.
    async fn hours_at_rest(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<(Hour, Arc<Counts>)>, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.hours(provider, hours).await,
            Kind::Redis(store) => store.hours(provider, hours).await,
        }
    }

    /// A number that changes whenever the provider's facts do.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn revision(&self, provider: ProviderIndex) -> Result<u64, StoreError> {
        let revision = match &self.kind {
            Kind::Embedded(store) => store.revision(provider),
            Kind::Redis(store) => store.revision(provider).await?,
        };
        // Facts that are hidden from now on change, too.
        Ok(revision.wrapping_add(self.hidden().generation() << 48))
    }

    /// Says that somebody was here to take reports in these minutes.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn mark_live(&self, minutes: Range<Minute>) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.mark_live(minutes),
            Kind::Redis(store) => store.mark_live(minutes).await,
        }
    }

    /// Writes something that changes nothing, to learn whether writing works.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.probe(),
            Kind::Redis(store) => store.probe().await,
        }
    }

    /// The minutes in which somebody was here.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn liveness(&self) -> Result<Liveness, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => Ok(store.liveness()),
            Kind::Redis(store) => store.liveness().await,
        }
    }

    /// Whether it holds no facts (on Redis: of this catalogue's providers) and empty
    /// journals, and nobody was ever here.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => Ok(store.is_empty()),
            Kind::Redis(store) => store.is_empty().await,
        }
    }

    /// The last minute of which it has facts (of hours that have aged: the first of their
    /// hour), but for those that were disowned.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn newest_minute(&self) -> Result<Option<Minute>, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => Ok(store.newest_minute()),
            Kind::Redis(store) => store.newest_minute().await,
        }
    }

    /// Remembers that facts from this minute on were dated by a clock that was wrong:
    /// they stay at rest, but none is the newest.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn disown_from(&self, minute: Minute) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.disown_from(minute),
            Kind::Redis(store) => store.disown_from(minute).await,
        }
    }

    /// Agrees with the other nodes on the clock: a simulated one that follows this
    /// timetable, or time itself. The first node that says it has said it for all.
    ///
    /// Gives what a simulated clock counts from; none where the store has no other nodes,
    /// and for time itself.
    ///
    /// # Errors
    /// Where the nodes of this store go by another clock, or it cannot be reached.
    pub fn agree_on_clock(&self, timetable: Option<&str>) -> Result<Option<Anchor>, OpenError> {
        match &self.kind {
            Kind::Embedded(_) => Ok(None),
            Kind::Redis(store) => store.agree_on_clock(timetable),
        }
    }

    /// What its own clocks show; none where it has no others than ours.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn clocks(&self) -> Result<Vec<Timestamp>, StoreError> {
        match &self.kind {
            Kind::Embedded(_) => Ok(Vec::new()),
            Kind::Redis(store) => store.clocks().await,
        }
    }

    /// Why no reports should be trusted to it, though it answers: each a sentence with
    /// the way out.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn faults(&self) -> Result<Vec<String>, StoreError> {
        match &self.kind {
            Kind::Embedded(_) => Ok(Vec::new()),
            Kind::Redis(store) => store.faults().await,
        }
    }

    /// A step of maintenance that forgets nothing, whatever the clock shows. The
    /// embedded store blocks while it writes.
    ///
    /// # Errors
    /// Where something cannot be written; the next step tries again.
    pub async fn settle(&self, now: Timestamp) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.settle(now),
            Kind::Redis(store) => store.settle(now).await,
        }
    }

    /// One step of maintenance: as [`Self::settle`], and it ages and forgets what its
    /// time has come for. Only for a clock that can be believed.
    ///
    /// # Errors
    /// Where something cannot be written; the next step tries again.
    pub async fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.tidy(now),
            Kind::Redis(store) => store.tidy(now).await,
        }
    }

    /// Lets a step of maintenance that is under way end as soon as it can, and every
    /// later one: what it has not done, the next start does.
    pub fn give_up_maintenance(&self) {
        match &self.kind {
            Kind::Embedded(store) => store.give_up_maintenance(),
            Kind::Redis(store) => store.give_up_maintenance(),
        }
    }

    /// Prepares for a quick start next time. Blocks while it writes; nothing is lost
    /// where it is not called.
    ///
    /// # Errors
    /// Where something cannot be written.
    pub fn close(&self) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.snapshot(),
            Kind::Redis(_) => Ok(()),
        }
    }

    /// What an operator watches.
    pub async fn size(&self) -> StoreSize {
        match &self.kind {
            Kind::Embedded(store) => store.size(),
            Kind::Redis(store) => store.size().await,
        }
    }
}

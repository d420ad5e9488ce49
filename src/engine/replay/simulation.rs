//! A store and its detector pool at a simulated instant, which moves on with the lines that are
//! played on it.

use super::input::Input;
use super::leftovers::Leftover;
use super::plausible::{self, MOST_AHEAD_MS, Move};
use super::published_before::{History, Stream, Told};
use super::queue::Queue;
use super::statistics::{Flaw, Statistics};
use super::{Observer, ReplayError, Setting, input_line, wait};
use crate::domain::detect::episode::Episode;
use crate::domain::fact;
use crate::domain::incident::entry::Entry;
use crate::domain::incident::register::Register;
use crate::domain::provider::ProviderIndex;
use crate::domain::report::{Arrival, Report};
use crate::domain::reporter::DayKeys;
use crate::domain::time::{Hour, MINUTE_MS, Minute, Timestamp};
use crate::engine::Acceptance;
use crate::engine::detection::desk::Desk;
use crate::engine::detector_pool::{DetectorPool, Step};
use crate::store::{Recorded, Store};
use crate::wire::report::RawReport;
use crate::wire::text::parsed;
use std::sync::Arc;

/// Reports that are recorded together at most; else a minute's.
const MOST_IN_A_GROUP: usize = 65_536;
/// Minutes without a line that are stepped through at once.
const MINUTES_AT_ONCE: i64 = 24 * 60;
/// Lines after which the observer hears how much was read.
const TELL_EVERY: u64 = 1_024;

/// A store and its detector pool at a simulated instant.
#[derive(Debug)]
pub struct Simulation<'a> {
    setting: &'a Setting,
    store: Store,
    reached: Reached,
    keys: Arc<DayKeys>,
    /// The reports of the present minute that are not recorded yet.
    group: Vec<Report>,
    tidied: Option<Hour>,
    statistics: Statistics,
    /// Where the store is, if it ends with this. Dropped after it.
    _directory: Option<Leftover>,
}

/// How far a simulation has come, beside what is in its store.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    pub pool: DetectorPool,
    /// When the last line was received; none before the first.
    pub now: Option<Timestamp>,
    /// Incidents that a history told.
    pub told: Told,
    /// Incidents that were told of.
    pub register: Register,
    pub desk: Desk,
}

impl<'a> Simulation<'a> {
    /// A simulation over an empty store.
    ///
    /// # Errors
    /// Where the store holds facts, or cannot be read.
    pub fn over(setting: &'a Setting, store: Store) -> Result<Self, ReplayError> {
        let is_empty = wait(async { Ok(store.is_empty().await?) })?;
        if !is_empty {
            return Err(ReplayError::Occupied(store.shown()));
        }
        Ok(Self::at(setting, store, Reached::nothing(setting), None))
    }

    /// A simulation that has come so far over its store, which lies in a directory that
    /// ends with it where that is given.
    pub(super) fn at(
        setting: &'a Setting,
        store: Store,
        reached: Reached,
        directory: Option<Leftover>,
    ) -> Self {
        Self {
            keys: Arc::new(setting.key.around(reached.now.unwrap_or(Timestamp(0)))),
            setting,
            store,
            reached,
            group: Vec::new(),
            tidied: None,
            statistics: Statistics::default(),
            _directory: directory,
        }
    }

    /// The store, for those who want to look at its facts.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Plays files as history: the detectors learn from it, and what incidents they find
    /// is kept from the observers of the streams after it.
    ///
    /// # Errors
    /// Where a file or the store fails.
    pub fn history(
        &mut self,
        files: &[Input],
        progress: &mut impl FnMut(u64),
    ) -> Result<Statistics, ReplayError> {
        let mut history = History { told: std::mem::take(&mut self.reached.told), progress };
        wait(self.play(files, &mut history))?;
        self.reached.told = history.told;
        Ok(std::mem::take(&mut self.statistics))
    }

    /// Plays files one after the other as a stream, up to the end of the last line's
    /// minute.
    ///
    /// # Errors
    /// Where a file or the store fails, or the observer cannot go on.
    pub fn replay(
        &mut self,
        files: &[Input],
        observer: &mut impl Observer,
    ) -> Result<Statistics, ReplayError> {
        let mut stream =
            Stream { before: std::mem::take(&mut self.reached.told), told: Told::new(), observer };
        wait(async {
            self.play(files, &mut stream).await?;
            match self.reached.now {
                Some(now) => self.advance(now.minute().plus(1), &mut stream).await,
                None => Ok(()),
            }
        })?;
        self.reached.told = stream.before;
        self.statistics.incidents = stream.told.len() as u64;
        Ok(std::mem::take(&mut self.statistics))
    }

    /// Prepares the store to be copied, and lets go of it.
    pub(super) fn close(self) -> Result<Reached, ReplayError> {
        self.store.close()?;
        Ok(self.reached)
    }

    async fn play(
        &mut self,
        files: &[Input],
        observer: &mut impl Observer,
    ) -> Result<(), ReplayError> {
        let (mut queue, mut line, mut lines) = (Queue::of(files), Vec::new(), 0_u64);
        while let Some(read) = queue.next(&mut line)? {
            let flaw = match read {
                Ok(()) => self.take(&line, &mut queue, observer).await?,
                Err(flaw) => Some(flaw),
            };
            if let Some(flaw) = flaw {
                self.statistics.note(flaw, || queue.place());
            }
            lines += 1;
            if lines.is_multiple_of(TELL_EVERY) {
                observer.read(queue.newly_read());
            }
        }
        observer.read(queue.newly_read());
        // So that what follows on it finds the same, whether it follows on the store or
        // on a copy.
        self.record().await
    }

    /// Takes the report of a line, and moves the time to when it was received. Gives what
    /// is wrong with the line.
    async fn take(
        &mut self,
        line: &[u8],
        queue: &mut Queue<'_>,
        observer: &mut impl Observer,
    ) -> Result<Option<Flaw>, ReplayError> {
        let mut room = Vec::new();
        let raw = match parsed::<RawReport>(line, &mut room) {
            Ok(raw) => raw,
            Err(error) => return Ok(Some(Flaw::of_json(&error))),
        };
        let sent = match input_line::read(line, &raw, &self.setting.catalogue) {
            Ok(sent) => sent,
            Err(flaw) => return Ok(Some(flaw)),
        };
        let (now, received_at) = (self.reached.now, sent.received_at);
        let after = if plausible::depends_on_others(now, received_at) {
            queue.received_next()?
        } else {
            Vec::new()
        };
        let (at, flaw) = match plausible::judge(now, received_at, &after) {
            Move::On => (received_at, None),
            Move::Stay => (now.unwrap_or(received_at), Some(Flaw::OutOfOrder)),
            Move::Refused(flaw) => return Ok(Some(flaw)),
        };
        self.advance(at.minute(), observer).await?;
        self.reached.now = Some(at);
        let report = match self.accept(at).report(&sent.submission) {
            Ok(report) => report,
            Err(error) => return Ok(Some(error.into())),
        };
        self.group.push(report);
        if self.group.len() == MOST_IN_A_GROUP {
            self.record().await?;
        }
        Ok(flaw)
    }

    fn accept(&mut self, at: Timestamp) -> Acceptance {
        if !self.keys.are_for(at) {
            self.keys = Arc::new(self.setting.key.around(at));
        }
        Acceptance {
            arrival: Arrival {
                at,
                sent_at: None,
                source: fact::Source::OPEN,
                lateness_ms: self.setting.lateness_ms,
            },
            keys: Arc::clone(&self.keys),
            // Nobody withdraws what is replayed.
            hidden: Arc::default(),
        }
    }

    /// Moves the time on to the start of a minute, as a server would have lived through
    /// it: reports recorded, minutes marked as live, detectors stepped, house kept.
    async fn advance(
        &mut self,
        to: Minute,
        observer: &mut impl Observer,
    ) -> Result<(), ReplayError> {
        let Some(now) = self.reached.now else {
            // The detector pool begins here: its first tick steps to no minute before.
            return self.tick(to, observer).await;
        };
        if now.minute() < to {
            self.record().await?;
        }
        // Of a gap in which all is forgotten, the end says as much as the whole.
        let mut minute = now.minute().max(to.plus(-MOST_AHEAD_MS / MINUTE_MS));
        while minute < to {
            let until = to.min(minute.plus(MINUTES_AT_ONCE));
            self.store.mark_live(minute..until).await?;
            self.tick(until, observer).await?;
            if self.tidied != Some(until.hour()) {
                self.store.tidy(until.start()).await?;
                self.tidied = Some(until.hour());
            }
            self.statistics.minutes += (until.0 - minute.0) as u64;
            minute = until;
        }
        Ok(())
    }

    async fn tick(
        &mut self,
        minute: Minute,
        observer: &mut impl Observer,
    ) -> Result<(), ReplayError> {
        let id = |provider| &*self.setting.catalogue.get(provider).id;
        let mut seen = |step: &Step<'_>| observer.step(id(step.provider), step);
        let found = self.reached.pool.tick(&self.store, minute.start(), &mut seen).await?;
        if observer.wants_incidents() {
            self.tell_incidents(&found, minute.start(), observer).await?;
        }
        let mut tell =
            |(provider, incident): &(_, Episode)| observer.revision(id(*provider), incident);
        found.iter().try_for_each(&mut tell).map_err(ReplayError::Observer)
    }

    /// Tells what a server would have made known of these episodes.
    async fn tell_incidents(
        &mut self,
        found: &[(ProviderIndex, Episode)],
        now: Timestamp,
        observer: &mut impl Observer,
    ) -> Result<(), ReplayError> {
        let (catalogue, Reached { pool, desk, register, .. }) =
            (&self.setting.catalogue, &mut self.reached);
        desk.take(found.to_vec());
        desk.forget(now);
        let mut told = desk.drafts(catalogue, pool, register, now);
        Desk::count(&self.store, catalogue, pool, &mut told, now).await?;
        for incident in told {
            observer.incident(&incident).map_err(ReplayError::Observer)?;
            register.take(Some(Entry::Revision(Arc::new(incident))));
        }
        Ok(())
    }

    async fn record(&mut self) -> Result<(), ReplayError> {
        if self.group.is_empty() {
            return Ok(());
        }
        for outcome in self.store.record(&self.group).await {
            match outcome? {
                Recorded::Counted => self.statistics.counted += 1,
                Recorded::Duplicate => self.statistics.duplicates += 1,
            }
        }
        self.group.clear();
        Ok(())
    }
}

impl Reached {
    pub fn nothing(setting: &Setting) -> Self {
        Self {
            pool: DetectorPool::new(&setting.catalogue, &setting.parameters),
            now: None,
            told: Told::new(),
            register: Register::default(),
            desk: Desk::new(&setting.catalogue, &setting.parameters),
        }
    }

    /// As far, over a copy of the store.
    pub fn over_copy(&self) -> Self {
        Self { pool: self.pool.over_copy(), ..self.clone() }
    }
}

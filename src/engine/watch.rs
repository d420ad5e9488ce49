//! The watch: the detectors of all providers over one store, fed every minute once and every hour once, in order.
//!
//! Knows when and what to read; what it means, the detectors know. A pause is caught up with minute by minute, so that a server that was
//! away, a replay and a test give the same incidents. A server also looks at the minute that still runs.

use crate::domain::counts::Counts;
use crate::domain::detect::episode::Episode;
use crate::domain::detect::explain::Explanation;
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::spike::Spike;
use crate::domain::detect::{Detector, Outage, QuietDay, REREAD_MINUTES, Taken};
use crate::domain::grid::Cell;
use crate::domain::liveness::Liveness;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::time::{Hour, Minute, Timestamp};
use crate::engine::kin::Kin;
use crate::engine::local_clocks::LocalClocks;
use crate::store::{HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS, Store, StoreError};
use futures_util::future::try_join_all;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Minutes ahead of now that may hold facts: another node's clock may run ahead of ours.
const AHEAD_MINUTES: i64 = 3;
/// Hours that are read at once while the past is learnt.
const HOURS_AT_ONCE: i64 = 24;
/// Minutes that [`Watch::catch_up`] steps through at most, and hours that it learns.
pub const MOST_STEPS_A_TICK: i64 = 6 * 60;
const MOST_HOURS_A_TICK: i64 = 7 * 24;
/// A provider is not looked at again for so many times as long as its last look took: looks take a tenth of a core at most.
const LOOK_EVERY: u32 = 10;

/// Minutes and their facts, sorted.
type Minutes = Vec<(Minute, Arc<Counts>)>;

/// The detectors of all providers.
#[derive(Debug, Clone)]
pub struct Watch {
    /// By the provider's place in the catalogue. All in one place, since they may learn from each other.
    detectors: Vec<Detector>,
    kin: Kin,
    clocks: LocalClocks,
    readings: Vec<Reading>,
    /// Where the first tick begins to step, where that is not the present.
    begin: Option<Minute>,
    /// None before the first tick.
    next: Option<Next>,
    /// Found in a tick that then failed: told by the next.
    found: Vec<(ProviderIndex, Episode)>,
}

/// What one detector saw in one minute's step.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Whose.
    pub provider: ProviderIndex,
    /// At the start of which minute.
    pub minute: Minute,
    /// The detector after the step.
    pub detector: &'a Detector,
    /// The facts it saw: of the last [`REREAD_MINUTES`] minutes before this one, sorted, those without facts left out.
    pub facts: &'a [(Minute, Arc<Counts>)],
}

/// How far the detectors have come.
#[derive(Debug, Clone, Copy)]
struct Next {
    minute: Minute,
    hour: Hour,
}

/// What is known of a provider's facts without reading them.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    found_nothing: bool,
    /// The store's revision before the last reading, where that found nothing. As long as it stays, there is nothing to find.
    quiet_at: Option<u64>,
    /// The store's revision before the last look.
    looked_at: Option<u64>,
    /// When the next look may come, on the caller's stopwatch.
    next_look: Duration,
}

impl Watch {
    /// A watch over all providers of the catalogue. It has seen nothing.
    #[must_use]
    pub fn new(catalogue: &Catalogue, parameters: &Parameters) -> Self {
        let detectors = vec![Detector::new(parameters.clone()); catalogue.len()];
        let readings = vec![Reading::default(); catalogue.len()];
        let (kin, clocks) = (Kin::of(catalogue), LocalClocks::new(catalogue.len()));
        Self { detectors, kin, clocks, readings, begin: None, next: None, found: Vec::new() }
    }

    /// The same, but its first tick steps from that minute on: so it knows again, from the facts, what goes on since before it began.
    #[must_use]
    pub fn beginning_at(self, minute: Minute) -> Self {
        Self { begin: Some(minute), ..self }
    }

    /// Takes over what quiet days taught of a provider before; of a watch that has not begun, and begins at a minute of its own.
    pub fn recall(&mut self, provider: ProviderIndex, days: impl IntoIterator<Item = QuietDay>) {
        if let (Some(begin), None) = (self.begin, self.next) {
            self.detectors[usize::from(provider.0)].recall(days, begin);
        }
    }

    /// Takes over which outages of a provider were told; of a watch that has not begun. Those since its beginning it finds itself.
    pub fn recall_outages(&mut self, provider: ProviderIndex, outages: impl IntoIterator<Item = Outage>) {
        if let (Some(begin), None) = (self.begin, self.next) {
            let before = outages.into_iter().filter(|outage| outage.began < begin);
            self.detectors[usize::from(provider.0)].recall_outages(before);
        }
    }

    /// Quiet days of a provider that this watch has seen from their first minute to their last, oldest first.
    pub fn whole_quiet_days(&self, provider: ProviderIndex) -> impl Iterator<Item = &QuietDay> {
        let days = self.detectors[usize::from(provider.0)].quiet_days();
        days.filter(|of| self.begin.is_none_or(|begin| begin <= of.begins()))
    }

    /// The same watch over a copy of its store, whose revisions are other ones.
    #[must_use]
    pub fn over_copy(&self) -> Self {
        Self { readings: vec![Reading::default(); self.readings.len()], ..self.clone() }
    }

    /// The detectors, by the provider's place in the catalogue.
    #[must_use]
    pub fn detectors(&self) -> &[Detector] {
        &self.detectors
    }

    /// Which zone decides about a cell now, with every number of its score; none before the first step.
    pub fn explain(&mut self, provider: ProviderIndex, cell: Cell) -> Option<Explanation> {
        let (detector, others) = self.kin.apart(&mut self.detectors, provider);
        detector.explain(cell, &others)
    }

    /// What is too surprising of a provider now.
    pub fn spikes_of(&mut self, provider: ProviderIndex) -> Vec<Spike> {
        let (detector, others) = self.kin.apart(&mut self.detectors, provider);
        detector.spikes_now(&others)
    }

    /// Steps every detector up to the start of the minute of `now`, each minute since the last tick once. Gives every incident that began,
    /// changed or ended, in order. `seen` may look at each detector after each step.
    ///
    /// The first tick learns what hours the store has, then steps to the present minute only. A pause longer than minutes are kept is
    /// shortened to that. A clock that was set back is waited for.
    ///
    /// # Errors
    /// Where the store cannot be read. The next tick goes on where this one failed, and tells what this one found.
    pub async fn tick(
        &mut self,
        store: &Store,
        now: Timestamp,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<Vec<(ProviderIndex, Episode)>, StoreError> {
        self.go_on(store, now.minute(), i64::MAX, i64::MAX, seen).await?;
        Ok(std::mem::take(&mut self.found))
    }

    /// As [`Self::tick`], but learns at most a week of hours and steps through at most [`MOST_STEPS_A_TICK`] minutes, so that its caller may
    /// do something else meanwhile. Whether it has come to the present, [`Self::is_behind`] tells.
    ///
    /// # Errors
    /// Where the store cannot be read. The next goes on where this one failed, and tells what this one found.
    pub async fn catch_up(
        &mut self,
        store: &Store,
        now: Timestamp,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<Vec<(ProviderIndex, Episode)>, StoreError> {
        self.go_on(store, now.minute(), MOST_HOURS_A_TICK, MOST_STEPS_A_TICK, seen).await?;
        Ok(std::mem::take(&mut self.found))
    }

    /// Whether there are minutes before the present one that it has not stepped to.
    #[must_use]
    pub fn is_behind(&self, now: Timestamp) -> bool {
        self.next.is_none_or(|next| next.minute <= now.minute())
    }

    /// Looks at the minute that runs at `now`, of each provider for which the store holds something new since its last look. A watch that is
    /// behind sees nothing, and neither does a provider whose pause is not over: the next look, or the minute's step, will.
    ///
    /// `stopwatch` shows the time that has gone by since some moment: how long a look takes decides how long the provider pauses.
    ///
    /// # Errors
    /// Where the store cannot be read. The next look or tick tells what this one found.
    pub async fn look(
        &mut self,
        store: &Store,
        now: Timestamp,
        stopwatch: &mut impl FnMut() -> Duration,
    ) -> Result<Vec<(ProviderIndex, Episode)>, StoreError> {
        let end = now.minute().plus(1);
        if self.next.is_some_and(|next| next.minute == end) {
            // What is recorded after the revision was asked for shows as another one.
            let revisions = try_join_all(self.providers().map(|provider| store.revision(provider))).await?;
            for (provider, revision) in self.providers().zip(revisions) {
                let reading = &mut self.readings[usize::from(provider.0)];
                let (nothing_new, began) = ([reading.looked_at, reading.quiet_at].contains(&Some(revision)), stopwatch());
                if nothing_new || began < reading.next_look {
                    continue;
                }
                let facts = store.minutes(provider, end.plus(-REREAD_MINUTES)..end).await?;
                let (detector, others) = self.kin.apart(&mut self.detectors, provider);
                let found = detector.look(end, now, &facts, &others);
                self.found.extend(found.into_iter().map(|episode| (provider, episode)));
                reading.looked_at = Some(revision);
                reading.next_look = began + LOOK_EVERY * stopwatch().saturating_sub(began);
            }
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// Goes on towards the present, by so many hours and minutes at most.
    async fn go_on(
        &mut self,
        store: &Store,
        now: Minute,
        most_hours: i64,
        most_steps: i64,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<(), StoreError> {
        let liveness = store.liveness().await?;
        let begin = self.begin.map_or(now, |begin| begin.min(now));
        let mut next = self.next.unwrap_or_else(|| Next::first(begin, &liveness)).within_kept(now);
        let stop = Minute(next.minute.0.saturating_add(most_steps).min(now.0 + 1));
        let last_hour = Hour(next.hour.0.saturating_add(most_hours));
        while next.minute < stop {
            let due = next.minute.plus(-REREAD_MINUTES).hour();
            next = self.learn(store, &liveness, next, due.min(last_hour)).await?;
            if next.hour < due {
                break;
            }
            // An hour is learnt between two steps, at its time: this far it goes without.
            let until_hour_is_due = next.hour.minutes().end.plus(REREAD_MINUTES);
            next = self.step(store, &liveness, next, until_hour_is_due.min(stop), now, seen).await?;
        }
        Ok(())
    }

    /// Teaches the hours before `until`.
    async fn learn(&mut self, store: &Store, liveness: &Liveness, mut next: Next, until: Hour) -> Result<Next, StoreError> {
        while next.hour < until {
            let hours = next.hour..until.min(next.hour.plus(HOURS_AT_ONCE));
            let mut facts = Vec::with_capacity(self.detectors.len());
            for provider in self.providers() {
                facts.push(store.hours(provider, hours.clone()).await?);
            }
            for hour in (hours.start.0..hours.end.0).map(Hour) {
                let live_minutes = liveness.minutes_within(hour.minutes());
                for (provider, detector) in self.detectors.iter_mut().enumerate() {
                    if let Some(clock) = self.clocks.another(provider, detector.baseline(), hour) {
                        detector.go_by(clock, hour);
                    }
                }
                // The provider that was heard of most lends the others its shape of the week and of the map.
                let most = self.detectors.iter().map(Detector::baseline).max_by(|a, b| a.reports().total_cmp(&b.reports())).cloned();
                // Nobody learns from what another learns of the same hour.
                self.detectors.par_iter_mut().zip(&facts).for_each(|(detector, facts)| {
                    let of_hour = facts.binary_search_by_key(&hour, |(hour, _)| *hour).ok().map(|n| &*facts[n].1);
                    detector.learn(hour, of_hour, live_minutes, most.as_ref());
                });
            }
            next.hour = hours.end;
            self.next = Some(next);
        }
        Ok(next)
    }

    /// Steps to the minutes before `until`, `now` being the last.
    async fn step(
        &mut self,
        store: &Store,
        liveness: &Liveness,
        mut next: Next,
        until: Minute,
        now: Minute,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<Next, StoreError> {
        let until = until.min(now.plus(1));
        let wanted = next.minute.plus(-REREAD_MINUTES)..until.plus(AHEAD_MINUTES);
        let mut facts: Vec<Minutes> = Vec::with_capacity(self.detectors.len());
        for provider in self.providers() {
            facts.push(self.readings[usize::from(provider.0)].read(store, provider, wanted.clone(), now).await?);
        }
        for minute in (next.minute.0..until.0).map(Minute) {
            let live = liveness.covers(minute.plus(-1)..minute);
            let of_minute = |facts| within(facts, minute.plus(-REREAD_MINUTES)..minute);
            let taken = self.detectors.iter_mut().zip(&facts).map(|(detector, facts)| detector.take(minute, of_minute(facts), live));
            let taken: Vec<Taken> = taken.collect();
            for ((provider, facts), taken) in self.providers().zip(&facts).zip(&taken) {
                let (detector, others) = self.kin.apart(&mut self.detectors, provider);
                let found = detector.step_among(&others, taken);
                self.found.extend(found.into_iter().map(|incident| (provider, incident)));
                seen(&Step { provider, minute, detector, facts: of_minute(facts) });
            }
            // From here on this minute is done, whatever fails.
            next.minute = minute.plus(1);
            self.next = Some(next);
            for provider in self.providers() {
                let detector = &mut self.detectors[usize::from(provider.0)];
                if let Some(history) = detector.wants_history() {
                    let history = store.minutes(provider, history.start..history.end.min(minute)).await?;
                    self.found.extend(detector.date(&history).into_iter().map(|incident| (provider, incident)));
                }
            }
        }
        Ok(next)
    }

    fn providers(&self) -> impl Iterator<Item = ProviderIndex> + use<> {
        (0..self.detectors.len()).map(|n| ProviderIndex(n as u16))
    }
}

impl Next {
    /// Where a new watch begins: with the first hour in which anybody was here, and with the present minute.
    fn first(now: Minute, liveness: &Liveness) -> Self {
        Self { minute: now, hour: liveness.spans().first().map_or(now.hour(), |span| span.start.hour().min(now.hour())) }
    }

    /// What lies further back than the store keeps is left out.
    fn within_kept(self, now: Minute) -> Self {
        let minute = self.minute.max(now.plus(-MINUTES_KEPT_DAYS * 24 * 60));
        Self { minute, hour: self.hour.max(now.hour().plus(-HOURS_KEPT_DAYS * 24)) }
    }
}

impl Reading {
    /// The facts of these minutes, unless it is known without reading that there are none.
    async fn read(&mut self, store: &Store, provider: ProviderIndex, minutes: Range<Minute>, now: Minute) -> Result<Minutes, StoreError> {
        // Asked for only once nothing was found, and before it is read again: what is recorded in between shows as another revision.
        let revision = if self.found_nothing { Some(store.revision(provider).await?) } else { None };
        if revision.is_some() && revision == self.quiet_at {
            return Ok(Minutes::new());
        }
        let reaches_now = now.plus(1) < minutes.end;
        let found = store.minutes(provider, minutes).await?;
        self.found_nothing = found.is_empty() && reaches_now;
        self.quiet_at = revision.filter(|_| self.found_nothing);
        Ok(found)
    }
}

/// Those of a range.
fn within(minutes: &[(Minute, Arc<Counts>)], range: Range<Minute>) -> &[(Minute, Arc<Counts>)] {
    let place = |of: Minute| minutes.partition_point(|(minute, _)| *minute < of);
    &minutes[place(range.start)..place(range.end)]
}

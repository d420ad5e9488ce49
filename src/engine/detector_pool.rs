//! The detector pool: the detectors of all providers over one store, fed every minute once and
//! every hour once, in order.
//!
//! Knows when and what to read; what it means, the detectors know. A pause is caught up
//! with minute by minute, so that a server that was away, a replay and a test give the
//! same incidents. A server also looks at the minute that still runs.

use crate::domain::counts::Counts;
use crate::domain::detect::episode::Episode;
use crate::domain::detect::explain::Explanation;
use crate::domain::detect::hearing::Hearing;
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::spike::Spike;
use crate::domain::detect::{Detector, Outage, QuietDay, REREAD_MINUTES, Taken};
use crate::domain::grid::Cell;
use crate::domain::liveness::Liveness;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::time::{Hour, Minute, Timestamp};
use crate::engine::local_clocks::LocalClocks;
use crate::store::{HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS, Store, StoreError};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Minutes ahead of now that may hold facts: another node's clock may run ahead of ours.
const AHEAD_MINUTES: i64 = 3;
/// Hours that are read at once while the past is learnt.
const HOURS_AT_ONCE: i64 = 24;
/// Providers whose facts are read at the same time.
const READ_AT_ONCE: usize = 32;
/// Minutes that [`DetectorPool::catch_up`] steps through at most, and hours that it learns.
pub const MOST_STEPS_A_TICK: i64 = 6 * 60;
const MOST_HOURS_A_TICK: i64 = 7 * 24;
/// A provider is not looked at again for so many times as long as its last look took:
/// looks take a tenth of a core at most.
const STEP_EVERY: u32 = 10;

/// Minutes and their facts, sorted.
type Minutes = Vec<(Minute, Arc<Counts>)>;

/// The detectors of all providers.
#[derive(Debug, Clone)]
pub struct DetectorPool {
    /// By the provider's place in the catalogue. All in one place, since they may learn
    /// from each other.
    detectors: Vec<Detector>,
    hearing: Hearing,
    clocks: LocalClocks,
    readings: Vec<Reading>,
    /// Where the first tick begins to step, where that is not the present.
    begin: Option<Minute>,
    /// None before the first tick.
    next: Option<Next>,
    /// Where the first tick began; none before it.
    first: Option<Next>,
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
    /// The facts it saw: of the last [`REREAD_MINUTES`] minutes before this one, sorted,
    /// those without facts left out.
    pub facts: &'a [(Minute, Arc<Counts>)],
}

/// How far the detectors have come.
#[derive(Debug, Clone, Copy)]
struct Next {
    minute: Minute,
    hour: Hour,
}

/// How far a detector pool goes on before its caller may do something else.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    most_hours: i64,
    most_steps: i64,
    pause: &'a Pause<'a>,
}

/// The minutes of a step: those before `until`, of which `now` is the last that there may
/// be.
#[derive(Debug, Clone, Copy)]
struct Span {
    until: Minute,
    now: Minute,
}

/// What makes a detector pool return before it has come to the present. Nothing that it found is
/// lost: the next call goes on.
pub struct Pause<'a> {
    /// Whether it is to return as soon as it can.
    pub is_stopped: &'a (dyn Fn() -> bool + Sync),
    /// Whether it is to return once what it has read is stepped through.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
}

impl Pause<'static> {
    /// Nothing makes it return.
    pub const NEVER: Self = Self { is_stopped: &|| false, is_over: &|| false };
}

impl std::fmt::Debug for Pause<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pause").finish_non_exhaustive()
    }
}

/// What is known of a provider's facts without reading them.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    found_nothing: bool,
    /// The store's revision before the last reading, where that found nothing. As long as
    /// it stays, there is nothing to find.
    quiet_at: Option<u64>,
    /// The store's revision before the last look.
    looked_at: Option<u64>,
    /// When the next look may come, on the caller's stopwatch.
    next_look: Duration,
}

impl DetectorPool {
    /// A detector pool over all providers of the catalogue. It has seen nothing.
    #[must_use]
    pub fn new(catalogue: &Catalogue, parameters: &Parameters) -> Self {
        let detectors = vec![Detector::new(parameters.clone()); catalogue.len()];
        let readings = vec![Reading::default(); catalogue.len()];
        let (hearing, clocks) = (Hearing::of(catalogue), LocalClocks::new(catalogue.len()));
        Self {
            detectors,
            hearing,
            clocks,
            readings,
            begin: None,
            next: None,
            first: None,
            found: Vec::new(),
        }
    }

    /// The same, but its first tick steps from that minute on: so it knows again, from
    /// the facts, what goes on since before it began.
    #[must_use]
    pub fn beginning_at(self, minute: Minute) -> Self {
        Self { begin: Some(minute), ..self }
    }

    /// Takes over what quiet days taught of a provider before; of a detector pool that has not
    /// begun, and begins at a minute of its own.
    pub fn recall(&mut self, provider: ProviderIndex, days: impl IntoIterator<Item = QuietDay>) {
        if let (Some(begin), None) = (self.begin, self.next) {
            self.detectors[usize::from(provider.0)].recall(days, begin);
        }
    }

    /// Takes over which outages of a provider were told; of a detector pool that has not begun.
    /// Those since its beginning it finds itself.
    pub fn recall_outages(
        &mut self,
        provider: ProviderIndex,
        outages: impl IntoIterator<Item = Outage>,
    ) {
        if let (Some(begin), None) = (self.begin, self.next) {
            let before = outages.into_iter().filter(|outage| outage.began < begin);
            self.detectors[usize::from(provider.0)].recall_outages(before);
        }
    }

    /// Quiet days of a provider that this pool has seen from their first minute to their
    /// last, oldest first.
    pub fn whole_quiet_days(&self, provider: ProviderIndex) -> impl Iterator<Item = &QuietDay> {
        let days = self.detectors[usize::from(provider.0)].quiet_days();
        days.filter(|of| self.begin.is_none_or(|begin| begin <= of.begins()))
    }

    /// The same pool over a copy of its store, whose revisions are other ones.
    #[must_use]
    pub fn over_copy(&self) -> Self {
        Self { readings: vec![Reading::default(); self.readings.len()], ..self.clone() }
    }

    /// The detectors, by the provider's place in the catalogue.
    #[must_use]
    pub fn detectors(&self) -> &[Detector] {
        &self.detectors
    }

    /// Which zone decides about a cell now, with every number of its score; none before
    /// the first step.
    pub fn explain(&mut self, provider: ProviderIndex, cell: Cell) -> Option<Explanation> {
        let (detector, others) = self.hearing.apart(&mut self.detectors, provider);
        detector.explain(cell, &others)
    }

    /// What is too surprising of a provider now.
    pub fn spikes_of(&mut self, provider: ProviderIndex) -> Vec<Spike> {
        let (detector, others) = self.hearing.apart(&mut self.detectors, provider);
        detector.spikes_now(&others)
    }

    /// Steps every detector up to the start of the minute of `now`, each minute since the
    /// last tick once. Gives every incident that began, changed or ended, in order.
    /// `seen` may look at each detector after each step.
    ///
    /// The first tick learns what hours the store has, then steps to the present minute
    /// only. A pause longer than minutes are kept is shortened to that. A clock that was
    /// set back is waited for.
    ///
    /// # Errors
    /// Where the store cannot be read. The next tick goes on where this one failed, and
    /// tells what this one found.
    pub async fn tick(
        &mut self,
        store: &Store,
        now: Timestamp,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<Vec<(ProviderIndex, Episode)>, StoreError> {
        let whole = Piece { most_hours: i64::MAX, most_steps: i64::MAX, pause: &Pause::NEVER };
        self.go_on(store, now.minute(), whole, seen).await?;
        Ok(std::mem::take(&mut self.found))
    }

    /// As [`Self::tick`], but learns at most a week of hours and steps through at most
    /// [`MOST_STEPS_A_TICK`] minutes, so that its caller may do something else meanwhile,
    /// and returns before that where `pause` says so. Whether it has come to the present,
    /// [`Self::is_behind`] tells, and how far, [`Self::share_done`].
    ///
    /// # Errors
    /// Where the store cannot be read. The next goes on where this one failed, and tells
    /// what this one found.
    pub async fn catch_up(
        &mut self,
        store: &Store,
        now: Timestamp,
        pause: &Pause<'_>,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<Vec<(ProviderIndex, Episode)>, StoreError> {
        let piece = Piece { most_hours: MOST_HOURS_A_TICK, most_steps: MOST_STEPS_A_TICK, pause };
        self.go_on(store, now.minute(), piece, seen).await?;
        Ok(std::mem::take(&mut self.found))
    }

    /// The share of the hours and minutes between its beginning and `now` that it has
    /// come through, 0 to 1.
    #[must_use]
    pub fn share_done(&self, now: Timestamp) -> f64 {
        let (Some(first), Some(next)) = (self.first, self.next) else { return 0.0 };
        let end = now.minute().plus(1);
        let whole =
            (end.0 - first.minute.0) + (end.plus(-REREAD_MINUTES).hour().0 - first.hour.0).max(0);
        let done = (next.minute.0 - first.minute.0) + (next.hour.0 - first.hour.0);
        if whole <= 0 { 1.0 } else { (done as f64 / whole as f64).clamp(0.0, 1.0) }
    }

    /// The instant up to which it has looked at every minute; none before the first step.
    #[must_use]
    pub fn looked_up_to(&self) -> Option<Timestamp> {
        self.next.map(|next| next.minute.start())
    }

    /// Whether there are minutes before the present one that it has not stepped to.
    #[must_use]
    pub fn is_behind(&self, now: Timestamp) -> bool {
        self.next.is_none_or(|next| next.minute <= now.minute())
    }

    /// Looks at the minute that runs at `now`, of each provider for which the store holds
    /// something new since its last look. A detector pool that is behind sees nothing, and
    /// neither does a provider whose pause is not over: the next look, or the minute's
    /// step, will.
    ///
    /// `stopwatch` shows the time that has gone by since some moment: how long a look
    /// takes decides how long the provider pauses.
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
            let revisions =
                try_join_all(self.providers().map(|provider| store.revision(provider))).await?;
            for (provider, revision) in self.providers().zip(revisions) {
                let reading = &mut self.readings[usize::from(provider.0)];
                let (nothing_new, began) =
                    ([reading.looked_at, reading.quiet_at].contains(&Some(revision)), stopwatch());
                if nothing_new || began < reading.next_look {
                    continue;
                }
                let facts = store.minutes(provider, end.plus(-REREAD_MINUTES)..end).await?;
                let found = {
                    let (detector, others) = self.hearing.apart(&mut self.detectors, provider);
                    detector.look(end, now, &facts, &others)
                };
                self.hearing.note(provider, &self.detectors[usize::from(provider.0)]);
                self.found.extend(found.into_iter().map(|episode| (provider, episode)));
                reading.looked_at = Some(revision);
                reading.next_look = began + STEP_EVERY * stopwatch().saturating_sub(began);
            }
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// Goes on towards the present, by so many hours and minutes at most.
    async fn go_on(
        &mut self,
        store: &Store,
        now: Minute,
        piece: Piece<'_>,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<(), StoreError> {
        let liveness = store.liveness().await?;
        let begin = self.begin.map_or(now, |begin| begin.min(now));
        let mut next = self.next.unwrap_or_else(|| Next::first(begin, &liveness)).within_kept(now);
        self.first.get_or_insert(next);
        let stop = Minute(next.minute.0.saturating_add(piece.most_steps).min(now.0 + 1));
        let last_hour = Hour(next.hour.0.saturating_add(piece.most_hours));
        while next.minute < stop {
            let due = next.minute.plus(-REREAD_MINUTES).hour();
            next = self.learn(store, &liveness, next, due.min(last_hour), piece.pause).await?;
            if next.hour < due {
                break;
            }
            // An hour is learnt between two steps, at its time: this far it goes without.
            let until_hour_is_due = next.hour.minutes().end.plus(REREAD_MINUTES);
            let span = Span { until: until_hour_is_due.min(stop).min(now.plus(1)), now };
            next = self.step(store, &liveness, next, span, piece.pause, seen).await?;
            // Something is done in each piece, however short it is to be.
            if (piece.pause.is_over)() || (piece.pause.is_stopped)() {
                break;
            }
        }
        Ok(())
    }

    /// Teaches the hours before `until`, or some of them where it is to pause.
    async fn learn(
        &mut self,
        store: &Store,
        liveness: &Liveness,
        mut next: Next,
        until: Hour,
        pause: &Pause<'_>,
    ) -> Result<Next, StoreError> {
        while next.hour < until {
            let hours = next.hour..until.min(next.hour.plus(HOURS_AT_ONCE));
            let Some(facts) = together(
                self.providers().map(|provider| store.hours(provider, hours.clone())),
                pause,
            )
            .await?
            else {
                break;
            };
            for hour in (hours.start.0..hours.end.0).map(Hour) {
                let live_minutes = liveness.minutes_within(hour.minutes());
                for (provider, detector) in self.detectors.iter_mut().enumerate() {
                    if let Some(clock) = self.clocks.another(provider, detector.baseline(), hour) {
                        detector.go_by(clock, hour);
                    }
                }
                // The provider that was heard of most lends the others its shape of the
                // week and of the map.
                let most = self
                    .detectors
                    .iter()
                    .map(Detector::baseline)
                    .max_by(|a, b| a.reports().total_cmp(&b.reports()))
                    .cloned();
                // Nobody learns from what another learns of the same hour.
                self.detectors.par_iter_mut().zip(&facts).for_each(|(detector, facts)| {
                    let of_hour = facts
                        .binary_search_by_key(&hour, |(hour, _)| *hour)
                        .ok()
                        .map(|n| &*facts[n].1);
                    detector.learn(hour, of_hour, live_minutes, most.as_ref());
                });
            }
            self.note_where_heard();
            next.hour = hours.end;
            self.next = Some(next);
            if (pause.is_over)() {
                break;
            }
        }
        Ok(next)
    }

    /// Steps to the minutes of a span, or to some of them where it is to pause.
    async fn step(
        &mut self,
        store: &Store,
        liveness: &Liveness,
        mut next: Next,
        Span { until, now }: Span,
        pause: &Pause<'_>,
        seen: &mut impl FnMut(&Step<'_>),
    ) -> Result<Next, StoreError> {
        let wanted = next.minute.plus(-REREAD_MINUTES)..until.plus(AHEAD_MINUTES);
        let read = (0..).map(ProviderIndex).zip(&mut self.readings);
        let read =
            read.map(|(provider, reading)| reading.read(store, provider, wanted.clone(), now));
        let Some(facts) = together(read, pause).await? else { return Ok(next) };
        for minute in (next.minute.0..until.0).map(Minute) {
            if (pause.is_stopped)() {
                break;
            }
            let live = liveness.covers(minute.plus(-1)..minute);
            let of_minute = |facts| within(facts, minute.plus(-REREAD_MINUTES)..minute);
            let taken = self
                .detectors
                .iter_mut()
                .zip(&facts)
                .map(|(detector, facts)| detector.take(minute, of_minute(facts), live));
            let taken: Vec<Taken> = taken.collect();
            self.note_where_heard();
            for ((provider, facts), taken) in self.providers().zip(&facts).zip(&taken) {
                let (detector, others) = self.hearing.apart(&mut self.detectors, provider);
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
                    let history =
                        store.minutes(provider, history.start..history.end.min(minute)).await?;
                    self.found.extend(
                        detector.date(&history).into_iter().map(|incident| (provider, incident)),
                    );
                }
            }
        }
        Ok(next)
    }

    /// Notes where detectors were heard of since the last time.
    fn note_where_heard(&mut self) {
        for (n, detector) in self.detectors.iter().enumerate() {
            self.hearing.note(ProviderIndex(n as u16), detector);
        }
    }

    fn providers(&self) -> impl Iterator<Item = ProviderIndex> + use<> {
        (0..self.detectors.len()).map(|n| ProviderIndex(n as u16))
    }
}

impl Next {
    /// Where a new pool begins: with the first hour in which anybody was here, and with
    /// the present minute.
    fn first(now: Minute, liveness: &Liveness) -> Self {
        Self {
            minute: now,
            hour: liveness
                .spans()
                .first()
                .map_or(now.hour(), |span| span.start.hour().min(now.hour())),
        }
    }

    /// What lies further back than the store keeps is left out.
    fn within_kept(self, now: Minute) -> Self {
        let minute = self.minute.max(now.plus(-MINUTES_KEPT_DAYS * 24 * 60));
        Self { minute, hour: self.hour.max(now.hour().plus(-HOURS_KEPT_DAYS * 24)) }
    }
}

impl Reading {
    /// The facts of these minutes, unless it is known without reading that there are
    /// none.
    async fn read(
        &mut self,
        store: &Store,
        provider: ProviderIndex,
        minutes: Range<Minute>,
        now: Minute,
    ) -> Result<Minutes, StoreError> {
        // Asked for only once nothing was found, and before it is read again: what is
        // recorded in between shows as another revision.
        let revision =
            if self.found_nothing { Some(store.revision(provider).await?) } else { None };
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

/// What these give, in order; none where it is to stop before that. On Redis some are
/// under way at once: there are as many as providers.
async fn together<T>(
    all: impl Iterator<Item = impl Future<Output = Result<T, StoreError>>>,
    pause: &Pause<'_>,
) -> Result<Option<Vec<T>>, StoreError> {
    let mut given = Vec::with_capacity(all.size_hint().0);
    let mut under_way = stream::iter(all).buffered(READ_AT_ONCE);
    while let Some(one) = under_way.next().await {
        given.push(one?);
        if (pause.is_stopped)() {
            return Ok(None);
        }
    }
    Ok(Some(given))
}

/// Those of a range.
fn within(minutes: &[(Minute, Arc<Counts>)], range: Range<Minute>) -> &[(Minute, Arc<Counts>)] {
    let place = |of: Minute| minutes.partition_point(|(minute, _)| *minute < of);
    &minutes[place(range.start)..place(range.end)]
}

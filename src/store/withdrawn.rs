//! Reports that were withdrawn: their facts stay at rest, and no reader sees them.
//!
//! A late report stands in two minutes. Where it was observed, the interval tells that it
//! is withdrawn; where it came, its fact does not say when it was observed, so
//! `domain/late_arrivals.rs` matches the two. That is computed once for each interval, from
//! what the store holds, and so is the same on every node and after every start.

use super::shown_hour::ShownHour;
use super::{HOURS_KEPT_DAYS, Store, StoreError};
use crate::domain::counts::Counts;
use crate::domain::fact::{FactKey, Lane, Source, Tally};
use crate::domain::grid::Resolution;
use crate::domain::incident::entry::Withdrew;
use crate::domain::late_arrivals::{TimedFact, arrivals_of};
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{HOUR_MS, Hour, MINUTE_MS, Minute, ON_TIME_MS, Window};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Hours of a provider's minutes that are read at once: an interval may have fourteen
/// days.
const HOURS_AT_ONCE: usize = 24;
/// Minutes of which it is remembered what is left of them.
const MOST_REMEMBERED: usize = 20_000;

/// Reports of one source that were observed in an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Whose.
    pub source: Source,
    /// Observed in which minutes.
    pub window: Window,
    /// About which providers, by their places in the catalogue.
    pub providers: Range<u16>,
    /// Late reports that came before this minute have a fact of their arrival; every node
    /// knew of the interval by then, and records none of those that come later.
    pub arrived_before: Minute,
}

/// What readers do not see.
#[derive(Debug, Default)]
pub struct Hidden {
    /// In the order in which they were withdrawn.
    entries: Vec<Entry>,
    /// Arrivals of late reports, of all entries.
    arrivals: Arrivals,
    /// How often it changed.
    generation: u64,
    /// What is left of minutes that a store keeps in memory: readers come again every
    /// second. Held to look one up or note one.
    left: Mutex<HashMap<(ProviderIndex, Minute), Left>>,
}

/// What is left of a minute; none where nothing is taken out of it.
#[derive(Debug, Clone)]
struct Left {
    of: Weak<Counts>,
    counts: Option<Arc<Counts>>,
}

/// What is hidden of one interval.
#[derive(Debug, Clone)]
struct Entry {
    withdrawn: Withdrawn,
    arrivals: Arc<Arrivals>,
    /// Whether no further arrival can belong to it.
    is_settled: bool,
}

/// Facts of arrivals, of minutes and of hours.
#[derive(Debug, Default)]
struct Arrivals {
    minutes: HashMap<(ProviderIndex, Minute), Vec<(FactKey, Tally)>>,
    hours: HashMap<(ProviderIndex, Hour), Vec<(FactKey, Tally)>>,
}

impl Withdrawn {
    fn is_about(&self, provider: ProviderIndex) -> bool {
        self.providers.contains(&provider.0)
    }

    /// The hours that it touches.
    fn hours(&self) -> Range<Hour> {
        self.window.from.hour()..self.window.to.plus(59).hour()
    }

    /// The minutes in which its late reports may have come.
    fn arriving(&self, lateness_ms: i64) -> Range<Minute> {
        let end = self.window.to.plus(lateness_ms / MINUTE_MS).min(self.arrived_before);
        self.window.from.plus(ON_TIME_MS / MINUTE_MS)..end
    }
}

impl Hidden {
    /// Whether reports that this source observed of a provider in this minute are
    /// withdrawn.
    #[must_use]
    pub fn withdraws(&self, source: Source, provider: ProviderIndex, minute: Minute) -> bool {
        self.entries.iter().map(|entry| &entry.withdrawn).any(|one| {
            one.source == source && one.is_about(provider) && one.window.contains(minute)
        })
    }

    /// Takes what is hidden out of the minutes of a provider.
    pub(super) fn take_from_minutes(
        &self,
        provider: ProviderIndex,
        minutes: &mut Vec<(Minute, Arc<Counts>)>,
    ) {
        if self.entries.is_empty() {
            return;
        }
        for (minute, counts) in minutes.iter_mut() {
            let place = (provider, *minute);
            let sources = self.sources(provider, |one| one.window.contains(place.1));
            let arrivals = self.arrivals.minutes.get(&place);
            if sources.is_empty() && arrivals.is_none() {
                continue;
            }
            let left = if let Some(left) = self.remembered(place, counts) {
                left.counts
            } else {
                let left = left_of(counts, &sources, arrivals);
                self.remember(place, counts, left.clone());
                left
            };
            if let Some(left) = left {
                *counts = left;
            }
        }
        minutes.retain(|(_, counts)| !counts.is_empty());
    }

    /// Takes what is hidden out of the hours of a provider. Of an hour that an interval
    /// cuts, all that the source observed goes: what is learnt of it must not be spoiled,
    /// and which of its reports belong to which minute is not kept.
    pub(super) fn take_from_hours(
        &self,
        provider: ProviderIndex,
        hours: &mut Vec<(Hour, Arc<Counts>)>,
    ) {
        if self.entries.is_empty() {
            return;
        }
        for (hour, counts) in hours.iter_mut() {
            let hour = *hour;
            let sources = self.sources(provider, |one| one.hours().contains(&hour));
            let arrivals = self.arrivals.hours.get(&(provider, hour));
            if let Some(left) = left_of(counts, &sources, arrivals) {
                *counts = left;
            }
        }
        hours.retain(|(_, counts)| !counts.is_empty());
    }

    /// Takes what is hidden out of the public twins of a provider's hours, as out of the
    /// hours. Arrivals are in no twin.
    pub(super) fn take_from_shown_hours(
        &self,
        provider: ProviderIndex,
        hours: &mut [(Hour, ShownHour)],
    ) {
        for (hour, shown) in hours {
            let sources = self.sources(provider, |one| one.hours().contains(hour));
            if let Some(left) = left_of(&shown.counts, &sources, None) {
                shown.counts = left;
            }
        }
    }

    /// What was left of a minute when it was looked at before, where it is still the same.
    fn remembered(&self, place: (ProviderIndex, Minute), counts: &Arc<Counts>) -> Option<Left> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        // As long as it is referred to, nothing else stands at its address.
        left.get(&place).filter(|left| left.of.as_ptr() == Arc::as_ptr(counts)).cloned()
    }

    fn remember(
        &self,
        place: (ProviderIndex, Minute),
        of: &Arc<Counts>,
        counts: Option<Arc<Counts>>,
    ) {
        // What nobody else holds was read from the disk, and does not come again.
        if Arc::strong_count(of) == 1 {
            return;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.len() == MOST_REMEMBERED {
            left.clear();
        }
        left.insert(place, Left { of: Arc::downgrade(of), counts });
    }

    /// Differs after each change.
    #[must_use]
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    fn sources(
        &self,
        provider: ProviderIndex,
        is_of_time: impl Fn(&Withdrawn) -> bool,
    ) -> Vec<Source> {
        let entries = self.entries.iter().map(|entry| &entry.withdrawn);
        entries
            .filter(|one| one.is_about(provider) && is_of_time(one))
            .map(|one| one.source)
            .collect()
    }

    /// The first `n` of its entries.
    fn first(&self, n: usize) -> Self {
        Self::of(self.entries[..n].to_vec(), self.generation)
    }

    fn of(entries: Vec<Entry>, generation: u64) -> Self {
        let mut arrivals = Arrivals::default();
        for of_entry in entries.iter().map(|entry| &entry.arrivals) {
            for (place, facts) in &of_entry.minutes {
                arrivals.minutes.entry(*place).or_default().extend(facts);
            }
            for (place, facts) in &of_entry.hours {
                arrivals.hours.entry(*place).or_default().extend(facts);
            }
        }
        Self { entries, arrivals, generation, left: Mutex::default() }
    }
}

impl Store {
    /// From now on, readers see none of these reports; `all` are in the order in which they
    /// were withdrawn. What was computed of them before is taken over.
    ///
    /// # Errors
    /// Where the store cannot be read. Then nobody sees what was observed, and arrivals are
    /// hidden by the next call.
    pub async fn withdraw(
        &self,
        all: Vec<Withdrawn>,
        lateness_ms: i64,
        now: Minute,
    ) -> Result<(), StoreError> {
        let known = self.hidden();
        let entry = |(n, withdrawn): (usize, Withdrawn)| match known.entries.get(n) {
            Some(entry) if entry.withdrawn == withdrawn => entry.clone(),
            _ => Entry { withdrawn, arrivals: Arc::default(), is_settled: false },
        };
        let entries: Vec<Entry> = all.into_iter().enumerate().map(entry).collect();
        // What was observed is hidden at once, and no arrival is recorded any more.
        self.hide(Hidden::of(entries, known.generation + 1));
        let oldest = now.hour().plus(-24 * HOURS_KEPT_DAYS);
        for n in 0..self.hidden().entries.len() {
            let hidden = self.hidden();
            let entry = &hidden.entries[n];
            if entry.is_settled {
                continue;
            }
            // Of what is kept no longer there is nothing to hide.
            let arrivals = if oldest < entry.withdrawn.hours().end {
                let before = hidden.first(n);
                Arc::new(self.arrivals(&entry.withdrawn, &before, lateness_ms, now).await?)
            } else {
                Arc::default()
            };
            let mut entries = hidden.entries.clone();
            entries[n].arrivals = arrivals;
            entries[n].is_settled = entry.withdrawn.arrived_before < now;
            self.hide(Hidden::of(entries, hidden.generation + 1));
        }
        Ok(())
    }

    /// How many reports it withdraws, of those that readers see.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn count(&self, withdrawn: &Withdrawn) -> Result<Withdrew, StoreError> {
        let mut sum = Withdrew::default();
        let hours: Vec<Hour> = each(withdrawn.hours()).collect();
        for provider in withdrawn.providers.clone().map(ProviderIndex) {
            for some in hours.chunks(HOURS_AT_ONCE) {
                let minutes = self.minutes(provider, minutes_of(some)).await?;
                for (minute, key, tally) in facts(&minutes) {
                    if key.source() != withdrawn.source || !key.lane().is_history() {
                        continue;
                    }
                    let count = u64::from(tally.count);
                    if !withdrawn.window.contains(minute) {
                        sum.beyond += count;
                        continue;
                    }
                    sum.reports += count;
                    sum.late += if key.lane() == Lane::LateObserved { count } else { 0 };
                }
            }
        }
        Ok(sum)
    }

    /// What readers do not see.
    #[must_use]
    pub fn hidden(&self) -> Arc<Hidden> {
        Arc::clone(&self.hidden.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn hide(&self, hidden: Hidden) {
        *self.hidden.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(hidden);
    }

    /// The arrivals of late reports that are withdrawn, of those that `before` leaves.
    async fn arrivals(
        &self,
        withdrawn: &Withdrawn,
        before: &Hidden,
        lateness_ms: i64,
        now: Minute,
    ) -> Result<Arrivals, StoreError> {
        let mut arrivals = Arrivals::default();
        // Before this hour all have aged, and are read as one.
        let young = now.plus(-lateness_ms / MINUTE_MS).hour().plus(-2);
        for provider in withdrawn.providers.clone().map(ProviderIndex) {
            let late = async |hours: Range<Hour>, lane: Lane| {
                self.late_hours(provider, hours, (withdrawn.source, lane), young).await
            };
            // Few sources have late reports, and of few hours.
            let mut observed = late(withdrawn.hours(), Lane::LateObserved).await?;
            let observed_in: Vec<Hour> = observed.iter().map(|(hour, _)| *hour).collect();
            if observed_in.is_empty() {
                continue;
            }
            let arriving = withdrawn.arriving(lateness_ms);
            let hours = withdrawn.hours().start..arriving.end.plus(59).hour();
            let mut arrived = late(hours, Lane::LateArrived).await?;
            let arrived_in: Vec<Hour> = arrived.iter().map(|(hour, _)| *hour).collect();
            before.take_from_hours(provider, &mut observed);
            before.take_from_hours(provider, &mut arrived);
            let of_hours = arrivals_of(
                facts_of_hours(&observed),
                facts_of_hours(&arrived),
                &(0..=(lateness_ms + HOUR_MS - 1) / HOUR_MS),
            );
            for (hour, key, tally) in of_hours {
                let place = (provider, Hour(hour));
                arrivals.hours.entry(place).or_default().push((key, tally));
            }
            let Window { from, to } = withdrawn.window;
            let of_source = |fact: &TimedFact| fact.1.source() == withdrawn.source;
            let read = async |hours: &[Hour], within: Range<Minute>| {
                self.facts_left(provider, hours, within, before).await
            };
            let of_minutes = arrivals_of(
                read(&observed_in, from..to).await?.into_iter().filter(of_source),
                read(&arrived_in, arriving).await?.into_iter().filter(of_source),
                &(ON_TIME_MS / MINUTE_MS..=lateness_ms / MINUTE_MS),
            );
            for (minute, key, tally) in of_minutes {
                let place = (provider, Minute(minute));
                arrivals.minutes.entry(place).or_default().push((key, tally));
            }
        }
        Ok(arrivals)
    }

    /// The hours that have facts of this source in this lane, with these alone. Hours from
    /// `young` on are summed from their minutes: to roll up all of them takes ten times as
    /// long.
    async fn late_hours(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
        of: (Source, Lane),
        young: Hour,
    ) -> Result<Vec<(Hour, Arc<Counts>)>, StoreError> {
        let mut found = self.hours_at_rest(provider, hours.start..hours.end.min(young)).await?;
        for (_, counts) in &mut found {
            *counts = Arc::new(Counts::from_rows(rows_of(counts, of).collect()));
        }
        let minutes = hours.start.max(young).first_minute()..hours.end.first_minute();
        let minutes = self.minutes_at_rest(provider, minutes).await?;
        for of_hour in minutes.chunk_by(|a, b| a.0.hour() == b.0.hour()) {
            let rows = of_hour.iter().flat_map(|(_, counts)| rows_of(counts, of));
            let rows = rows.map(|(key, tally)| (key.rolled_up_to(Resolution::HOURLY), tally));
            found.push((of_hour[0].0.hour(), Arc::new(Counts::from_rows(rows.collect()))));
        }
        found.retain(|(_, counts)| !counts.is_empty());
        Ok(found)
    }

    /// Late facts of these hours and of a range of minutes, those that `before` leaves.
    async fn facts_left(
        &self,
        provider: ProviderIndex,
        hours: &[Hour],
        within: Range<Minute>,
        before: &Hidden,
    ) -> Result<Vec<TimedFact>, StoreError> {
        let mut left = Vec::new();
        for run in hours.chunk_by(|a, b| a.plus(1) == *b) {
            for some in run.chunks(HOURS_AT_ONCE) {
                let Range { start, end } = minutes_of(some);
                let range = start.max(within.start)..end.min(within.end);
                let mut minutes = self.minutes_at_rest(provider, range).await?;
                before.take_from_minutes(provider, &mut minutes);
                let late = facts(&minutes).filter(|(_, key, _)| key.lane() != Lane::OnTime);
                left.extend(late.map(|(minute, key, tally)| (minute.0, key, tally)));
            }
        }
        Ok(left)
    }
}

fn each(hours: Range<Hour>) -> impl Iterator<Item = Hour> {
    (hours.start.0..hours.end.0).map(Hour)
}

/// The minutes of hours that follow each other.
fn minutes_of(hours: &[Hour]) -> Range<Minute> {
    let (first, last) = (hours[0], hours[hours.len() - 1]);
    first.first_minute()..last.plus(1).first_minute()
}

fn facts(minutes: &[(Minute, Arc<Counts>)]) -> impl Iterator<Item = (Minute, FactKey, Tally)> + '_ {
    minutes
        .iter()
        .flat_map(|(minute, counts)| counts.rows().map(|(key, tally)| (*minute, key, tally)))
}

fn facts_of_hours(hours: &[(Hour, Arc<Counts>)]) -> impl Iterator<Item = TimedFact> + '_ {
    hours.iter().flat_map(|(hour, counts)| counts.rows().map(|(key, tally)| (hour.0, key, tally)))
}

/// The rows of this source in this lane.
fn rows_of(
    counts: &Counts,
    (source, lane): (Source, Lane),
) -> impl Iterator<Item = (FactKey, Tally)> + '_ {
    counts.rows().filter(move |(key, _)| key.source() == source && key.lane() == lane)
}

/// What is left of a minute or an hour without what these sources observed, and without
/// these arrivals; none where nothing is taken out.
fn left_of(
    counts: &Counts,
    sources: &[Source],
    arrivals: Option<&Vec<(FactKey, Tally)>>,
) -> Option<Arc<Counts>> {
    let is_observed =
        |key: FactKey| key.lane() != Lane::LateArrived && sources.contains(&key.source());
    let is_touched =
        arrivals.is_some() || !sources.is_empty() && counts.rows().any(|(key, _)| is_observed(key));
    if !is_touched {
        return None;
    }
    let mut gone: HashMap<FactKey, Tally> = HashMap::new();
    for (key, tally) in arrivals.into_iter().flatten() {
        let of_key = gone.entry(*key).or_default();
        *of_key = of_key.plus(*tally);
    }
    let left = |(key, tally): (FactKey, Tally)| {
        if is_observed(key) {
            return None;
        }
        let gone = gone.get(&key).copied().unwrap_or_default();
        let left = Tally {
            count: tally.count.saturating_sub(gone.count),
            first: tally.first.saturating_sub(gone.first),
        };
        (0 < left.count).then_some((key, left))
    };
    Some(Arc::new(Counts::from_rows(counts.rows().filter_map(left).collect())))
}

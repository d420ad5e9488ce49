//! What is usual of what the public sees, learnt hour by hour while a server runs.

use super::reader::Reader;
use crate::domain::baseline::Baseline;
use crate::domain::detect::shown::ShownBaseline;
use crate::domain::detect::{Explained, Outage, REREAD_MINUTES};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::liveness::Liveness;
use crate::domain::provider::ProviderIndex;
use crate::domain::symptom::Symptoms;
use crate::domain::time::{Hour, Timestamp};
use crate::engine::local_clocks::LocalClocks;
use crate::store::{HOURS_KEPT_DAYS, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Hours that are learnt in one step at most: a week.
const HOURS_A_STEP: i64 = 7 * 24;
/// Hours that are read at once.
const HOURS_AT_ONCE: i64 = 24;

/// What was learnt of all providers.
#[derive(Debug)]
pub struct Usual {
    /// By the provider's place in the catalogue.
    providers: Vec<ShownBaseline>,
    clocks: LocalClocks,
    /// The hour that is learnt next; none before the first step.
    next: Option<Hour>,
    /// By which rules hours are shown; none before the first step.
    rules: Option<u64>,
}

impl Usual {
    /// Nothing was learnt of so many providers.
    #[must_use]
    pub fn new(providers: usize) -> Self {
        Self {
            providers: vec![ShownBaseline::default(); providers],
            clocks: LocalClocks::new(providers),
            next: None,
            rules: None,
        }
    }

    /// Forgets all where hours are shown by other rules than they were learnt by. Gives
    /// whether they are.
    pub fn begin_anew_by(&mut self, rules: u64) -> bool {
        let is_other = self.rules.is_some_and(|before| before != rules);
        if is_other {
            *self = Self::new(self.providers.len());
        }
        self.rules = Some(rules);
        is_other
    }

    /// Whether an hour is over that was not learnt.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next.is_none_or(|next| next < due(now))
    }

    /// Learns the hours that are over, some of them where there are many. Gives whether
    /// all are learnt. `outages` are those of each provider that people were told of.
    ///
    /// # Errors
    /// Where the store cannot be read: the next step goes on where this one failed.
    pub async fn learn(
        &mut self,
        reader: &Reader,
        now: Timestamp,
        outages: &[Vec<Outage>],
    ) -> Result<bool, StoreError> {
        let due = due(now);
        let liveness = reader.store().liveness().await?;
        let first = || {
            let first = liveness.spans().first().map_or(due, |span| span.start.hour());
            first.max(due.plus(-HOURS_KEPT_DAYS * 24))
        };
        let begin = self.next.unwrap_or_else(first);
        let end = due.min(begin.plus(HOURS_A_STEP));
        let mut next = begin;
        while next < end {
            let until = end.min(next.plus(HOURS_AT_ONCE));
            let mut read = Vec::new();
            for provider in (0..self.providers.len()).map(|n| ProviderIndex(n as u16)) {
                let hours = reader.hours(provider, next..until, now).await?;
                let by_cell = |(hour, seen): (Hour, super::reader::Seen)| (hour, by_cell(&seen));
                read.push(hours.into_iter().map(by_cell).collect::<BTreeMap<_, _>>());
            }
            for hour in (next.0..until.0).map(Hour) {
                self.learn_hour(hour, &mut read, &liveness, outages);
            }
            next = until;
            self.next = Some(next);
        }
        Ok(self.next == Some(due))
    }

    fn learn_hour(
        &mut self,
        hour: Hour,
        read: &mut [BTreeMap<Hour, Vec<(Cell, f64)>>],
        liveness: &Liveness,
        outages: &[Vec<Outage>],
    ) {
        let live = f64::from(liveness.minutes_within(hour.minutes())) / 60.0;
        for (n, shown) in self.providers.iter_mut().enumerate() {
            if let Some(clock) = self.clocks.another(n, &shown.baseline(), hour) {
                shown.go_by(clock, hour);
            }
        }
        // Who was heard of most lends the others its shape of the week and of the map.
        let most: Option<Arc<Baseline>> = self
            .providers
            .iter()
            .map(ShownBaseline::baseline)
            .max_by(|a, b| a.reports().total_cmp(&b.reports()));
        for (n, (shown, read)) in self.providers.iter_mut().zip(read).enumerate() {
            let reports = read.remove(&hour).unwrap_or_default();
            let explained = Explained::by(outages.get(n).into_iter().flatten(), hour);
            shown.learn(hour, reports, live, &explained, most.as_ref());
        }
    }

    /// The hour that is learnt next.
    #[must_use]
    pub const fn next(&self) -> Option<Hour> {
        self.next
    }

    /// What was learnt, by the provider's place in the catalogue.
    #[must_use]
    pub fn providers(&self) -> &[ShownBaseline] {
        &self.providers
    }
}

/// The hour before which all are over, with what came late for them.
fn due(now: Timestamp) -> Hour {
    now.minute().plus(-REREAD_MINUTES).hour()
}

/// Reports of problems by the cell in which they are shown, sorted; those without a place
/// are left out.
fn by_cell(seen: &super::reader::Seen) -> Vec<(Cell, f64)> {
    let mut sums: BTreeMap<Cell, f64> = BTreeMap::new();
    for (cell, _, count) in seen.rows(Symptoms::AllProblems) {
        if !cell.is_nowhere() {
            *sums.entry(cell.rolled_up_to(Resolution::HOURLY)).or_default() += f64::from(count);
        }
    }
    sums.into_iter().collect()
}

//! The minutes that can still change, in memory.

use super::aged_hours::AgedHours;
use super::entry::Entry;
use crate::domain::counts::Counts;
use crate::domain::liveness::Liveness;
use crate::domain::time::{Hour, Minute};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// What readers see, all of one moment.
#[derive(Debug, Default)]
pub struct Live {
    /// By the provider's number.
    pub providers: Vec<ProviderMinutes>,
    /// When we ran.
    pub liveness: Liveness,
    /// Which hours readers must look for in the database too.
    pub aged: AgedHours,
}

/// The live minutes of one provider. A reader that holds a minute keeps it as it was; the
/// next addition then works on a copy.
#[derive(Debug, Default)]
pub struct ProviderMinutes {
    minutes: BTreeMap<Minute, Arc<Counts>>,
    revision: u64,
}

impl Live {
    /// Counts a report.
    pub fn add(&mut self, entry: &Entry) {
        let provider = self.provider(entry.provider);
        provider.revision += 1;
        for (minute, key, tally) in entry.counted.facts() {
            Arc::make_mut(provider.minutes.entry(minute).or_default()).add(key, tally);
        }
    }

    /// Counts a logged report again, but for the facts that were in the database by then.
    pub fn add_unless_aged(&mut self, number: u64, entry: &Entry) {
        for (minute, key, tally) in entry.counted.facts() {
            if !self.aged.includes(minute.hour(), number) {
                let provider = self.provider(entry.provider);
                Arc::make_mut(provider.minutes.entry(minute).or_default()).add(key, tally);
            }
        }
    }

    /// Puts a minute in place.
    pub fn restore(&mut self, provider: u16, minute: Minute, counts: Counts) {
        self.provider(provider).minutes.insert(minute, Arc::new(counts));
    }

    /// The live minutes of a provider, made where it has none.
    pub fn provider(&mut self, number: u16) -> &mut ProviderMinutes {
        let index = usize::from(number);
        if self.providers.len() <= index {
            self.providers.resize_with(index + 1, ProviderMinutes::default);
        }
        &mut self.providers[index]
    }

    /// The live minutes of a provider within a range.
    pub fn minutes(
        &self,
        number: u16,
        range: Range<Minute>,
    ) -> impl Iterator<Item = (Minute, Arc<Counts>)> + '_ {
        let minutes = self.providers.get(usize::from(number)).filter(|_| !range.is_empty());
        minutes.into_iter().flat_map(move |p| {
            p.minutes.range(range.clone()).map(|(minute, counts)| (*minute, Arc::clone(counts)))
        })
    }

    /// Every live minute of every provider.
    pub fn all(&self) -> impl Iterator<Item = (u16, Minute, &Arc<Counts>)> + '_ {
        (0..).zip(&self.providers).flat_map(|(number, p)| {
            p.minutes.iter().map(move |(minute, counts)| (number, *minute, counts))
        })
    }

    /// A number that changes whenever the provider's facts do.
    #[must_use]
    pub fn revision(&self, number: u16) -> u64 {
        self.providers.get(usize::from(number)).map_or(0, |p| p.revision)
    }

    /// Settles the minutes before `minute` that were added to since.
    pub fn settle_before(&mut self, minute: Minute) {
        for provider in &mut self.providers {
            for counts in provider
                .minutes
                .range_mut(..minute)
                .map(|(_, counts)| counts)
                .filter(|counts| !counts.is_settled())
            {
                Arc::make_mut(counts).settle();
            }
        }
    }

    /// The hours before `hour` that have live minutes, oldest first.
    #[must_use]
    pub fn hours_before(&self, hour: Hour) -> Vec<Hour> {
        let end = hour.first_minute();
        let mut hours: Vec<Hour> = self
            .providers
            .iter()
            .flat_map(|p| p.minutes.range(..end).map(|(minute, _)| minute.hour()))
            .collect();
        hours.sort_unstable();
        hours.dedup();
        hours
    }

    /// Takes the minutes of an hour out, now that the database has all that frames before
    /// `number` said of them.
    pub fn hand_over(&mut self, hour: Hour, number: u64) {
        for provider in &mut self.providers {
            for minute in hour.minutes().start.0..hour.minutes().end.0 {
                provider.minutes.remove(&Minute(minute));
            }
        }
        self.aged.insert(hour, number);
    }
}

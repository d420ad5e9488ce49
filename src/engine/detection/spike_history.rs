//! What was told of spikes lately: each provider's list from when on it stood. Kept in
//! memory only, each node for itself (docs/decisions/0050).

use crate::domain::detect::spike::Spike;
use crate::domain::grid::Cell;
use crate::domain::incident::spike::PublishedSpike;
use crate::domain::privacy::rule::Rule;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{DAY_MS, Timestamp};
use crate::engine::Engine;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

/// How long lists are kept, in milliseconds: a day.
const KEPT_MS: i64 = DAY_MS;
/// Bytes of lists that are kept at most. Of more, the oldest go before their day is over.
const MOST_BYTES: usize = 64 << 20;

/// The lists of all providers, oldest first.
#[derive(Debug)]
pub(super) struct SpikeHistory {
    most_bytes: usize,
    /// What stood at an instant, by the provider's place in the catalogue: nothing is known of
    /// before. None before the first list.
    first: Option<(Timestamp, Vec<SpikesTold>)>,
    /// Whether the latest list of each is empty.
    are_empty: Vec<bool>,
    /// Lists that came after it.
    later: VecDeque<(ProviderIndex, SpikesTold)>,
    /// Of those.
    bytes: usize,
}

/// The spikes of a provider as they were told from an instant on, until the next list.
#[derive(Debug, Clone)]
pub struct SpikesTold {
    /// From when on.
    pub at: Timestamp,
    spikes: Arc<Vec<Spike>>,
    public: Arc<Vec<PublishedSpike>>,
    /// By which rule the public ones were told.
    by: Rule,
}

impl SpikesTold {
    /// A list.
    pub(super) fn new(
        at: Timestamp,
        (spikes, public): (Arc<Vec<Spike>>, Arc<Vec<PublishedSpike>>),
        by: Rule,
    ) -> Self {
        Self { at, spikes, public, by }
    }

    /// As the detector saw them.
    #[must_use]
    pub fn exact(&self) -> Vec<PublishedSpike> {
        self.spikes.iter().map(PublishedSpike::from).collect()
    }

    /// As everybody was told of them: none where the rule of now hides more than the one by
    /// which they were told.
    #[must_use]
    pub fn public(&self, rule: Rule) -> &[PublishedSpike] {
        if self.by.stricter(rule) == self.by { &self.public } else { &[] }
    }

    fn is_empty(&self) -> bool {
        self.spikes.is_empty() && self.public.is_empty()
    }

    fn bytes(&self) -> usize {
        let exact = self.spikes.iter().map(|spike| size_of::<Spike>() + of(&spike.cells));
        let public = self.public.iter();
        let public = public.map(|spike| size_of::<PublishedSpike>() + of(&spike.cells));
        size_of::<Self>() + exact.chain(public).sum::<usize>()
    }
}

fn of(cells: &[Cell]) -> usize {
    size_of_val(cells)
}

impl Default for SpikeHistory {
    fn default() -> Self {
        Self::with_bound(MOST_BYTES)
    }
}

impl SpikeHistory {
    const fn with_bound(most_bytes: usize) -> Self {
        Self { most_bytes, first: None, are_empty: Vec::new(), later: VecDeque::new(), bytes: 0 }
    }

    /// Nothing was told before this instant, where nothing is known yet; and what was told
    /// later, where the clock was set back, is forgotten.
    pub(super) fn begin(&mut self, now: Timestamp, providers: usize, by: Rule) {
        let latest = self.later.back().map(|(_, told)| told.at);
        let latest = latest.or(self.first.as_ref().map(|(at, _)| *at));
        if latest.is_none_or(|latest| now < latest) {
            let nothing = SpikesTold::new(now, (Arc::default(), Arc::default()), by);
            (self.first, self.bytes) = (Some((now, vec![nothing; providers])), 0);
            (self.are_empty, self.later) = (vec![true; providers], VecDeque::new());
        }
    }

    /// Keeps what a provider is told of from now on, and lets go of what is too old.
    pub(super) fn keep(&mut self, provider: ProviderIndex, told: SpikesTold) {
        let Some((since, first)) = &mut self.first else { return };
        let oldest = told.at.plus_ms(-KEPT_MS);
        let is_empty = &mut self.are_empty[usize::from(provider.0)];
        if !(told.is_empty() && *is_empty) {
            *is_empty = told.is_empty();
            self.bytes += told.bytes();
            self.later.push_back((provider, told));
        }
        *since = oldest.max(*since);
        while let Some((provider, told)) =
            self.later.front().filter(|(_, told)| told.at <= *since || self.most_bytes < self.bytes)
        {
            self.bytes -= told.bytes();
            *since = told.at.max(*since);
            first[usize::from(provider.0)] = told.clone();
            self.later.pop_front();
        }
    }

    /// The lists that stood at some time from `from` until `until`, both included, as far
    /// as they are kept: in no order but, of each provider, oldest first.
    ///
    /// # Errors
    /// Where what stood at one of them is not kept: since when it is; none where nothing is.
    fn during(
        &self,
        from: Option<Timestamp>,
        until: Timestamp,
    ) -> Result<Vec<(ProviderIndex, SpikesTold)>, Option<Timestamp>> {
        let Some((since, first)) = &self.first else { return Err(None) };
        let from = from.unwrap_or(*since);
        if from < *since || until < *since {
            return Err(Some(*since));
        }
        let mut standing: Vec<(ProviderIndex, SpikesTold)> =
            (0..).map(ProviderIndex).zip(first.iter().cloned()).collect();
        let mut since_then = Vec::new();
        for (provider, told) in self.later.iter().take_while(|(_, told)| told.at <= until) {
            if told.at <= from {
                standing[usize::from(provider.0)].1 = told.clone();
            } else {
                since_then.push((*provider, told.clone()));
            }
        }
        standing.append(&mut since_then);
        Ok(standing)
    }
}

impl Engine {
    /// What this node told of spikes at some time from `from` until `until`, both included:
    /// of each provider the lists that stood then, oldest first. Without `from`, since it
    /// is kept.
    ///
    /// # Errors
    /// Where that is not kept: since when it is; none where nothing is.
    pub fn spikes_told(
        &self,
        from: Option<Timestamp>,
        until: Timestamp,
    ) -> Result<Vec<(ProviderIndex, SpikesTold)>, Option<Timestamp>> {
        let history = self.detection.spikes_told.read().unwrap_or_else(PoisonError::into_inner);
        history.during(from, until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::evidence::PublishedEvidence;
    use crate::domain::time::{MINUTE_MS, Minute, Window};

    fn list(minute: i64, spikes: usize, by: Rule) -> SpikesTold {
        let window = Window { from: Minute(minute - 5), to: Minute(minute) };
        let evidence = PublishedEvidence {
            zone: None,
            window,
            late_only: false,
            observed: 5.0,
            expected: None,
            dispersion: 0.1,
            score: None,
        };
        let spike = PublishedSpike { cells: Vec::new(), evidence, opens_at: 6.0 };
        let public = Arc::new(vec![spike; spikes]);
        SpikesTold::new(at(minute), (Arc::default(), public), by)
    }

    const fn at(minute: i64) -> Timestamp {
        Timestamp(minute * MINUTE_MS)
    }

    fn rule() -> Rule {
        crate::domain::privacy::rule::Rules::default().latest()
    }

    /// When each list began, and how many spikes it has.
    fn during(history: &SpikeHistory, from: i64, until: i64) -> Vec<(u16, i64, usize)> {
        let told = history.during(Some(at(from)), at(until)).unwrap();
        let one = |(provider, told): &(ProviderIndex, SpikesTold)| {
            let spikes = told.public(rule()).len();
            (provider.0, told.at.0 / MINUTE_MS, spikes)
        };
        told.iter().map(one).collect()
    }

    #[test]
    fn a_list_stands_until_the_next_one_of_its_provider() {
        let mut history = SpikeHistory::with_bound(1 << 20);
        history.begin(at(10), 2, rule());
        for (provider, minute, spikes) in [(0, 11, 2), (1, 11, 0), (1, 12, 1), (0, 14, 0)] {
            history.keep(ProviderIndex(provider), list(minute, spikes, rule()));
        }
        assert_eq!(during(&history, 10, 10), [(0, 10, 0), (1, 10, 0)]);
        assert_eq!(during(&history, 13, 13), [(0, 11, 2), (1, 12, 1)]);
        assert_eq!(during(&history, 11, 13), [(0, 11, 2), (1, 10, 0), (1, 12, 1)]);
        assert_eq!(during(&history, 14, 20), [(0, 14, 0), (1, 12, 1)]);
        assert_eq!(history.during(Some(at(9)), at(20)).unwrap_err(), Some(at(10)));
    }

    #[test]
    fn a_day_is_kept_and_no_more_than_fits() {
        let mut history = SpikeHistory::with_bound(usize::MAX);
        history.begin(at(0), 1, rule());
        (1..=2_000).for_each(|minute| history.keep(ProviderIndex(0), list(minute, 1, rule())));
        assert_eq!(history.during(Some(at(0)), at(9)).unwrap_err(), Some(at(2_000 - 1_440)));
        assert_eq!(during(&history, 560, 560), [(0, 560, 1)]);
        let mut history = SpikeHistory::with_bound(10 * list(0, 1, rule()).bytes());
        history.begin(at(0), 1, rule());
        (1..=100).for_each(|minute| history.keep(ProviderIndex(0), list(minute, 1, rule())));
        assert_eq!(history.during(Some(at(0)), at(9)).unwrap_err(), Some(at(90)));
        assert_eq!(during(&history, 90, 90), [(0, 90, 1)]);
    }

    #[test]
    fn what_a_rule_of_now_hides_is_not_told_again_and_a_clock_set_back_begins_anew() {
        let mut history = SpikeHistory::default();
        history.begin(at(10), 1, rule());
        history.keep(ProviderIndex(0), list(11, 3, rule()));
        let told = history.during(Some(at(11)), at(11)).unwrap().remove(0).1;
        let higher = Rule { k: rule().k + 1, ..rule() };
        assert_eq!(told.public(rule()).len(), 3);
        assert_eq!(told.public(higher).len(), 0);
        history.begin(at(5), 1, rule());
        assert_eq!(during(&history, 5, 30), [(0, 5, 0)]);
    }
}

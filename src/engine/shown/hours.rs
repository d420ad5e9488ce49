//! Hours as the public sees them. While minutes are there they are made of those; before
//! they go, a twin of each hour is kept beside the exact one.

use super::Sight;
use super::openness::Terms;
use super::reader::{Reader, Seen};
use crate::domain::counts::Counts;
use crate::domain::fact::Tally;
use crate::domain::grid::Resolution;
use crate::domain::privacy::groups::Groups;
use crate::domain::privacy::rule::Rule;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{DAY_MS, HOUR_MS, Hour, Minute, Timestamp};
use crate::engine::Engine;
use crate::store::shown_hour::ShownHour;
use crate::store::{MINUTES_KEPT_DAYS, StoreError};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

/// Hours whose twins are made in one step at most: a day.
const HOURS_A_STEP: i64 = 24;
/// How fine an hour is shown that has no twin and no minutes any more.
const WITHOUT_TWIN: Resolution = Resolution::ALL[5];

/// How far twins were made, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    until: Hour,
    by: Rule,
}

impl Reader {
    /// The hours of a provider that have facts, in order.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn hours(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
        now: Timestamp,
    ) -> Result<Vec<(Hour, Seen)>, StoreError> {
        let exact = self.store().hours(provider, hours.clone()).await?;
        let Some(terms) = self.terms() else {
            return Ok(exact.into_iter().map(|(hour, counts)| (hour, Seen::all(counts))).collect());
        };
        let mut twins: HashMap<Hour, ShownHour> =
            self.store().shown_hours(provider, hours).await?.into_iter().collect();
        let kept_since = minutes_kept_since(now);
        let mut seen = Vec::with_capacity(exact.len());
        for (hour, counts) in exact {
            let rule = terms.rules.at(hour.first_minute().start());
            let twin = twins.remove(&hour);
            let hides_enough = |twin: &ShownHour| {
                let by = Rule { k: twin.k, finest: twin.finest };
                by.stricter(rule) == by
            };
            let shown = match twin {
                _ if rule.is_off() => Seen::new(counts, Arc::new(Groups::all(rule.finest)), None),
                Some(twin) if hides_enough(&twin) => Seen::all(twin.counts),
                _ if kept_since <= hour => {
                    let minutes = self.minutes(provider, hour.minutes()).await?;
                    Seen::all(Arc::new(shown_rows(&minutes)))
                }
                // Coarser than it was shown: what was hidden then stays hidden.
                twin => {
                    let finest = WITHOUT_TWIN.min(rule.finest);
                    let counts = twin.map_or(counts, |twin| twin.counts);
                    Seen::new(counts, Arc::new(Groups::all(finest)), None)
                }
            };
            seen.push((hour, shown));
        }
        Ok(seen)
    }

    /// The twin of an hour, of what was withdrawn, too.
    async fn twin(
        &self,
        terms: &Terms,
        provider: ProviderIndex,
        hour: Hour,
    ) -> Result<ShownHour, StoreError> {
        let minutes = self.minutes_at_rest(provider, hour.minutes()).await?;
        let Rule { k, finest } = terms.rules.at(hour.first_minute().start());
        Ok(ShownHour { k, finest, counts: Arc::new(shown_rows(&minutes)) })
    }
}

impl Engine {
    /// Makes the twins of hours that no report can change any more, some of them where
    /// there are many.
    ///
    /// # Errors
    /// Where the store fails: the next step goes on where this one did not.
    pub(in crate::engine) async fn keep_shown_hours(&self) -> Result<(), StoreError> {
        let (reader, now) = (self.reader(Sight::Public), self.now());
        let Some(terms) = reader.terms().cloned() else { return Ok(()) };
        let by = terms.rules.latest();
        let due = now.plus_ms(-self.lateness_ms - HOUR_MS).minute().hour();
        let before = *self.twins.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = before.filter(|made| made.by == by).map(|made| made.until);
        let begin = begin.unwrap_or(Hour(i64::MIN)).max(minutes_kept_since(now));
        let until = due.min(begin.plus(HOURS_A_STEP));
        if by.is_off() || until <= begin {
            return Ok(());
        }
        for provider in (0..self.catalogue.len()).map(|n| ProviderIndex(n as u16)) {
            let kept: HashMap<Hour, Rule> = self
                .store
                .shown_hours_kept(provider, begin..until)
                .await?
                .into_iter()
                .map(|kept| (kept.hour, Rule { k: kept.k, finest: kept.finest }))
                .collect();
            // Hours without facts need none: nothing is shown of them.
            for (hour, _) in self.store.hours(provider, begin..until).await? {
                let rule = terms.rules.at(hour.first_minute().start());
                if kept.get(&hour).is_some_and(|by| by.stricter(rule) == *by) {
                    continue;
                }
                let twin = reader.twin(&terms, provider, hour).await?;
                self.store.keep_shown_hour(provider, hour, &twin).await?;
            }
        }
        let made = Made { until, by };
        *self.twins.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        Ok(())
    }
}

/// The first hour of which all minutes are shown, and the day before is at rest.
fn minutes_kept_since(now: Timestamp) -> Hour {
    now.plus_ms(-MINUTES_KEPT_DAYS * DAY_MS).minute().hour().plus(1)
}

/// The rows of these minutes, in the cells in which they are shown.
fn shown_rows(minutes: &[(Minute, Seen)]) -> Counts {
    let mut sums = Counts::default();
    for (_, seen) in minutes {
        for (key, count) in seen.history() {
            sums.add(key.rolled_up_to(Resolution::HOURLY), Tally { count, first: 0 });
        }
    }
    sums.settle();
    sums
}

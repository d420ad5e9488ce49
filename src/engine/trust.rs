//! How far the clock is believed, and what follows: whether reports are dated by it, and
//! whether anything is forgotten.

use super::Engine;
use super::cache::Served;
use super::ingest::IngestError;
use crate::domain::clock_guard::{Doubt, StoreClock, Trust};
use crate::domain::time::{CLOCK_TOLERANCE_MS, Timestamp};
use crate::store::StoreError;
use std::sync::PoisonError;

impl Engine {
    /// Holds the clock against the newest fact and the store's own clock, before the
    /// first report is taken.
    ///
    /// With `vouched` the operator says that it is right: facts after now were dated by a
    /// clock that was wrong, and never count as newest again.
    ///
    /// # Errors
    /// Where the store cannot be read, or not be written where the operator vouches.
    pub async fn check_clock(&self, vouched: bool) -> Result<(), StoreError> {
        if vouched {
            self.clock.vouch();
            self.store.disown_from(self.now().plus_ms(CLOCK_TOLERANCE_MS).minute().plus(1)).await?;
        }
        if let Some(newest) = self.store.newest_minute().await? {
            self.clock.knows_fact(newest);
        }
        self.compare_clocks().await
    }

    /// Holds the clock against the store's own, and brings the gauges of both up to date.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn compare_clocks(&self) -> Result<(), StoreError> {
        let asked_at = self.clock.of_store();
        let clocks = self.store.clocks().await;
        let answered_at = self.clock.of_store();
        let ahead = |clocks: &Vec<Timestamp>| {
            clocks
                .iter()
                .map(|clock| ahead_ms(*clock, asked_at, answered_at))
                .max_by_key(|ms| ms.abs())
        };
        self.clock.compare(match &clocks {
            Ok(clocks) => ahead(clocks).map_or(StoreClock::None, StoreClock::Ahead),
            Err(_) => StoreClock::Unknown,
        });
        self.note_doubt();
        self.refresh_clock();
        clocks.map(drop)
    }

    /// The time, for what is dated by it and kept.
    ///
    /// # Errors
    /// While the clock is in doubt.
    pub fn dated_now(&self) -> Result<Timestamp, IngestError> {
        self.doubt().map_or_else(|| Ok(self.now()), |doubt| Err(IngestError::Clock(doubt)))
    }

    /// Ends a process whose clock was set to before 1970: what dates HTTP's answers knows
    /// no such time, and has ended in a panic of its own.
    pub(super) fn give_up_before_1970(&self) {
        let shown = self.clock.shown();
        if shown < Timestamp(0) && self.clock.simulated_now().is_none() {
            tracing::error!("the clock shows {shown}: HTTP knows no time before 1970");
            self.threads.give_up("clock");
        }
    }

    /// Logs what speaks against the clock, once for each kind of doubt, and when nothing
    /// does any more.
    fn note_doubt(&self) {
        let kind = |doubt: &Doubt| std::mem::discriminant(doubt);
        let doubt = self.doubt();
        if matches!(doubt, Some(Doubt::Stepped { .. })) {
            // Said by the clock at the moment itself.
            return;
        }
        let before = std::mem::replace(
            &mut *self.doubted.lock().unwrap_or_else(PoisonError::into_inner),
            doubt,
        );
        match (before, doubt) {
            (before, Some(doubt)) if before.as_ref().map(kind) != Some(kind(&doubt)) => {
                tracing::error!("no reports are taken: {doubt}");
            }
            (Some(_), None) => {
                tracing::warn!("reports are taken again: nothing speaks against the clock");
            }
            _ => {}
        }
    }

    /// How far the clock is believed.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.clock.trust()
    }

    /// What speaks against the clock, if anything does.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        match self.trust() {
            Trust::Doubted(doubt) => Some(doubt),
            Trust::Confirmed | Trust::Probation { .. } => None,
        }
    }

    /// Brings the gauges of the clock up to date.
    pub fn refresh_clock(&self) {
        let (trust, (steps, _)) = (self.trust(), self.clock.steps());
        self.metrics.clock_trusted_for_reports.set(i64::from(trust.dates()));
        self.metrics.clock_trusted_for_expiry.set(i64::from(trust.forgets()));
        self.metrics.clock_steps.inc_by(steps.saturating_sub(self.metrics.clock_steps.get()));
    }

    /// While the clock is in doubt, nothing is served as fresh.
    pub(super) fn fresh_by_clock<V>(&self, served: Served<V>) -> Served<V> {
        Served { stale: served.stale || self.doubt().is_some(), ..served }
    }
}

/// By how many milliseconds we are ahead of a clock that was read between two moments of
/// ours.
fn ahead_ms(clock: Timestamp, asked_at: Timestamp, answered_at: Timestamp) -> i64 {
    if clock < asked_at { asked_at.ms_since(clock) } else { answered_at.ms_since(clock).min(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_read_in_between_is_not_apart() {
        for (clock, expected) in [(99, 1), (100, 0), (150, 0), (200, 0), (203, -3)] {
            assert_eq!(
                ahead_ms(Timestamp(clock), Timestamp(100), Timestamp(200)),
                expected,
                "{clock}"
            );
        }
    }
}

//! Coverage of readers: what is usual of what they see, put together once an hour.

use super::Engine;
use super::shown::Sight;
use crate::domain::coverage::Coverage;
use crate::domain::detect::expectation::Expectation;
use crate::domain::liveness::Liveness;
use crate::domain::provider::Subject;
use crate::domain::time::{Hour, Minute, Window};
use crate::store::StoreError;
use std::sync::{Arc, Mutex, PoisonError};

/// Subjects whose coverage is kept.
const MOST_KEPT: usize = 64;
/// Minutes of which what is usual of a day is the mean: every hour of the week counts once.
const WEEK_MINUTES: i64 = 7 * 24 * 60;
/// That the service runs is recorded every few seconds: of the last minutes it may not yet be.
const RECORDED_WITHIN_MINUTES: i64 = 2;

/// What was put together, the newest last.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Vec<(CoverageKey, Arc<Coverage>)>>);

impl Kept {
    /// Forgets all, since it was of what is no longer shown.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Which coverage. Another one wherever it may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageKey {
    /// For whose eyes.
    sight: Sight,
    /// Of whom.
    subject: Subject,
    /// The hour in which detection looked last.
    hour: Hour,
    /// Where that is which was learnt of what is shown: an address, to be compared alone.
    learnt: usize,
}

impl Engine {
    /// Which coverage of a subject is the one of now. None while detection is catching up, or
    /// what is usual is not learnt yet.
    #[must_use]
    pub fn coverage_key(&self, sight: Sight, subject: Subject) -> Option<CoverageKey> {
        let hour = self.detection_snapshot().looked_at?.minute().hour();
        let learnt = match sight {
            Sight::Exact => 0,
            Sight::Public => {
                let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
                shown.as_ref()?.as_ptr().addr()
            }
        };
        let is_behind = self.detection_snapshot().is_behind;
        (!is_behind).then_some(CoverageKey { sight, subject, hour, learnt })
    }

    /// The coverage of a key.
    #[must_use]
    pub fn coverage(&self, key: CoverageKey) -> Arc<Coverage> {
        let kept = || self.coverage.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = kept().iter().find(|(of, _)| *of == key) {
            return Arc::clone(found);
        }
        let (snapshot, brands) = (self.detection_snapshot(), self.catalogue.brands(key.subject));
        // Of a brand with too little history, ordinary days are not known.
        let known: Vec<Expectation> = self
            .expected_by(key.sight, &snapshot, brands)
            .into_iter()
            .filter(|(_, is_cold)| !is_cold)
            .map(|(expectation, _)| expectation)
            .collect();
        let to = key.hour.first_minute();
        let week = Window { from: to.plus(-WEEK_MINUTES), to };
        let made = Arc::new(Coverage::of(&known, week));
        let mut kept = kept();
        kept.retain(|(of, _)| (of.sight, of.subject) != (key.sight, key.subject));
        if kept.len() >= MOST_KEPT {
            kept.remove(0);
        }
        kept.push((key, Arc::clone(&made)));
        made
    }

    /// Whether the service has run for so few days that no ordinary day is known of any
    /// provider.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn is_young(&self) -> Result<bool, StoreError> {
        let liveness = self.read(self.store.liveness().await)?;
        let all = Minute(0)..self.now().minute().plus(1);
        let weeks = f64::from(liveness.minutes_within(all)) / WEEK_MINUTES as f64;
        Ok(weeks < self.parameters().cold_weeks)
    }

    /// Whether the service ran in all minutes of a window, as far as that is recorded.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn ran_in(&self, window: Window) -> Result<bool, StoreError> {
        let liveness: Liveness = self.read(self.store.liveness().await)?;
        let recorded = self.now().minute().plus(1 - RECORDED_WITHIN_MINUTES);
        let minutes = window.from..window.to.min(recorded);
        Ok(minutes.is_empty() || liveness.covers(minutes))
    }
}

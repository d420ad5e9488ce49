//! What readers may see of the facts: the only way from the store to an answer for the
//! public.

mod hours;
pub mod openness;
pub mod reader;
pub mod spoke;
pub mod usual;

use super::Engine;
use super::detection::snapshot::{DetectionSnapshot, DetectorState};
use crate::domain::detect::expectation::Expectation;
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::rule::{LeftOut, Rules};
use crate::domain::provider::ProviderIndex;
use crate::domain::time::DAY_MS;
use crate::store::HOURS_KEPT_DAYS;
pub use hours::Made;
use openness::Terms;
use reader::Reader;
use std::sync::{Arc, PoisonError};

/// How much somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Every report in the cell that it was recorded in.
    Exact,
    /// Reports where the rule of the store shows them.
    Public,
}

impl Engine {
    /// Reads facts for whoever sees that much.
    pub(super) fn reader(&self, sight: Sight) -> Reader {
        let terms = Arc::new(self.shown_by());
        Reader::new(Arc::clone(&self.store), Arc::clone(&self.openness), terms, sight)
    }

    /// Learns what is usual of what the public sees, as far as hours are over: all that
    /// are left, or a week of them. A step that fails is made up for by the next.
    pub async fn learn_what_is_shown(&self) {
        let mut usual = self.usual.lock().await;
        let (now, reader) = (self.now(), self.reader(Sight::Public));
        // What cells were shown by another rule may say of them what this one hides.
        if usual.begin_anew_by(reader.rules_digest()) {
            *self.shown.write().unwrap_or_else(PoisonError::into_inner) = None;
            self.coverage.forget();
        }
        if !usual.is_due(now) {
            return;
        }
        let since = now.plus_ms(-HOURS_KEPT_DAYS * DAY_MS);
        let mut outages = vec![Vec::new(); self.catalogue.len()];
        for (provider, outage) in self.outages_since(since) {
            outages[usize::from(provider.0)].push(outage);
        }
        let before = usual.next();
        match usual.learn(&reader, now, &outages).await {
            Ok(is_all) if usual.next() != before => {
                let shown = is_all.then(|| usual.providers().into());
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
            }
            Ok(_) => {}
            Err(error) => {
                self.metrics.store_errors.inc();
                tracing::error!(%error, "what is usual of the map is learnt a step later");
            }
        }
    }

    /// What is to be expected of what somebody sees of these providers. None of any while
    /// detection is catching up, or it is not learnt yet.
    pub(super) fn expected_by(
        &self,
        sight: Sight,
        snapshot: &DetectionSnapshot,
        providers: &[ProviderIndex],
    ) -> Vec<(Expectation, bool)> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let of = |(provider, state): (&ProviderIndex, &DetectorState)| match sight {
            Sight::Exact => Some((state.expectation.clone(), state.is_cold)),
            Sight::Public => {
                let shown = shown.as_deref()?.get(usize::from(provider.0))?;
                Some((state.expectation.of_shown(shown), state.is_cold))
            }
        };
        providers.iter().zip(snapshot.detectors(providers)).filter_map(of).collect()
    }

    /// What is left out of the rule: nothing but in tests.
    fn left_out(&self) -> LeftOut {
        #[cfg(debug_assertions)]
        return *self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        #[cfg(not(debug_assertions))]
        LeftOut::default()
    }

    /// Leaves something out of the rule, before anything was asked, so that a test can show
    /// that it would notice. Builds without debug assertions cannot.
    #[cfg(debug_assertions)]
    pub fn leave_out(&self, left_out: LeftOut) {
        *self.left_out.lock().unwrap_or_else(PoisonError::into_inner) = left_out;
    }

    /// By what the cells of this store are shown: by default where that was never agreed on,
    /// as in a program that serves nobody.
    pub(super) fn shown_by(&self) -> Terms {
        let access = self.access();
        let (rules, coin) = access.privacy().map_or_else(
            || (Rules::default(), Coin::new([0; 16])),
            |privacy| (privacy.rules.clone(), privacy.coin.clone()),
        );
        Terms { rules, coin, left_out: self.left_out() }
    }
}

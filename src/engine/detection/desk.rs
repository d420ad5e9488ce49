//! The desk at work: what detectors follow, made into revisions of incidents with their
//! figures. A server records them, a rehearsal collects them.

use super::active_clusters::ActiveClusters;
use super::figures;
use crate::domain::detect::episode::Episode;
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::{Detector, METHOD, WINDOWS};
use crate::domain::grid::Cell;
use crate::domain::incident::attribution::Count;
use crate::domain::incident::desk::{Seen, drafts};
use crate::domain::incident::register::Register;
use crate::domain::incident::{Incident, Method};
use crate::domain::privacy::coin::Coin;
use crate::domain::provider::{Catalogue, Provider, ProviderIndex};
use crate::domain::time::Timestamp;
use crate::engine::detector_pool::DetectorPool;
use crate::store::{Store, StoreError};

/// What detectors follow, and by which method.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Episodes, as they were last told.
    pub(super) active_clusters: ActiveClusters,
    method: Method,
    /// What blinds the names of incidents that begin; none where nobody else reads them.
    pub(super) coin: Option<Coin>,
    /// The score that opens an episode at best.
    opens_at: f64,
}

impl Desk {
    /// A desk nothing lies on.
    #[must_use]
    pub fn new(catalogue: &Catalogue, parameters: &Parameters) -> Self {
        let method = Method {
            version: METHOD.to_owned(),
            parameters: parameters.fingerprint(),
            catalogue: catalogue.fingerprint(),
        };
        Self {
            active_clusters: ActiveClusters::default(),
            method,
            coin: None,
            opens_at: parameters.opens_at.0,
        }
    }

    /// Takes what a tick of the detector pool told.
    pub fn take(&mut self, told: Vec<(ProviderIndex, Episode)>) {
        self.active_clusters.take(told);
    }

    /// Forgets what was over long before `now`.
    pub fn forget(&mut self, now: Timestamp) {
        self.active_clusters.forget(now);
    }

    /// The revisions that should be told now.
    #[must_use]
    pub fn drafts(
        &self,
        catalogue: &Catalogue,
        pool: &DetectorPool,
        register: &Register,
        now: Timestamp,
    ) -> Vec<Incident> {
        let seen: Vec<Seen<'_>> =
            catalogue.iter().map(|provider| self.seen(pool, provider)).collect();
        drafts(register, &seen, &self.method, now)
    }

    /// Counts the figures of revisions that are to be told.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn count(
        store: &Store,
        catalogue: &Catalogue,
        pool: &DetectorPool,
        told: &mut [Incident],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for incident in told {
            incident.figures = figures::figures(store, catalogue, pool, incident, now).await?;
        }
        Ok(())
    }

    fn seen<'a>(
        &'a self,
        pool: &'a DetectorPool,
        (index, provider): (ProviderIndex, &'a Provider),
    ) -> Seen<'a> {
        let detector = &pool.detectors()[usize::from(index.0)];
        let episodes = self.active_clusters.of(index).cloned().collect();
        Seen {
            provider,
            episodes,
            is_cold: detector.is_cold(),
            opens_at: self.opens_at,
            coin: self.coin.as_ref(),
            counts: Box::new(move |cells: &[Cell]| counts_in(detector, cells)),
        }
    }
}

/// What a detector counts in some cells, in each window.
fn counts_in(detector: &Detector, cells: &[Cell]) -> Vec<Count> {
    let late = detector.late_in_windows(cells);
    let late_in = |w: usize| late.get(w).copied().map_or(0.0, f64::from);
    let windows = detector.windows(cells).into_iter().zip(WINDOWS).enumerate();
    windows
        .map(|(w, ((observed, expected), minutes))| Count {
            minutes,
            observed,
            late: late_in(w),
            expected,
        })
        .collect()
}

//! The snapshot: what the detectors see, copied after each look for all who read.

use crate::domain::detect::expectation::Expectation;
use crate::domain::detect::spike::Spike;
use crate::domain::incident::State;
use crate::domain::incident::attribution::Verdict;
use crate::domain::incident::register::Register;
use crate::domain::incident::spike::PublishedSpike;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::time::{MINUTE_MS, Timestamp};
use std::sync::Arc;

/// Detection that is this late is late: nothing is said of providers then.
pub const LATE_AFTER_MS: i64 = 2 * MINUTE_MS;
/// How far below the score that opens an incident a spike makes problems possible.
const POSSIBLE_BELOW: f64 = 1.5;

/// What the detectors see.
#[derive(Debug)]
pub struct DetectionSnapshot {
    /// When the last look was; none before the first is done.
    pub looked_at: Option<Timestamp>,
    /// When the last look was that saw the present; none before one did.
    pub saw_present_at: Option<Timestamp>,
    /// Whether the detectors are still catching up with the past.
    pub is_behind: bool,
    /// Whether this node records incidents.
    pub holds_lease: bool,
    /// By the provider's place in the catalogue; none before the first look.
    pub providers: Vec<DetectorState>,
}

/// What the detector of one provider sees.
#[derive(Debug, Clone)]
pub struct DetectorState {
    /// What is to be expected of it, anywhere and at any time.
    pub expectation: Expectation,
    /// What is too surprising now, most first.
    pub spikes: Arc<Vec<Spike>>,
    /// The same as everybody is told of them.
    pub public_spikes: Arc<Vec<PublishedSpike>>,
    /// Whether too little is known of its quiet days.
    pub is_cold: bool,
}

/// How a provider is doing, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As many reports as on any day, or no more than its neighbour's failure explains.
    NoProblems,
    /// More than usual, or an incident that is told with reserve.
    PossibleProblems,
    /// An incident goes on.
    Problems,
    /// Not known: detection is late, or knows too little of the provider.
    Unknown,
}

impl DetectionSnapshot {
    /// What is seen before the first look.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            looked_at: None,
            saw_present_at: None,
            is_behind: true,
            holds_lease: false,
            providers: Vec::new(),
        }
    }

    /// How far behind the present detection is, in milliseconds; none before it has come
    /// there once.
    #[must_use]
    pub fn lag_ms(&self, now: Timestamp) -> Option<i64> {
        self.saw_present_at.map(|at| now.ms_since(at).max(0))
    }

    /// Whether what it says is of the present.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        !self.is_behind && self.lag_ms(now).is_some_and(|lag| lag <= LATE_AFTER_MS)
    }

    /// What is seen of these providers; nothing while detection is catching up.
    pub fn detectors<'a>(
        &'a self,
        providers: &'a [ProviderIndex],
    ) -> impl Iterator<Item = &'a DetectorState> {
        providers
            .iter()
            .filter(|_| !self.is_behind)
            .filter_map(|provider| self.providers.get(usize::from(provider.0)))
    }

    /// How a provider is doing.
    #[must_use]
    pub fn status(
        &self,
        register: &Register,
        catalogue: &Catalogue,
        provider: ProviderIndex,
        now: Timestamp,
    ) -> Status {
        let id = &catalogue.get(provider).id;
        let mut of_open = register
            .open()
            .filter_map(|incident| incident.brand(id))
            .map(|brand| brand.state)
            .filter(|state| state.is_open());
        let open = of_open.next().map(|first| of_open.fold(first, Ord::max));
        let Some(detector) =
            self.providers.get(usize::from(provider.0)).filter(|_| self.is_fresh(now))
        else {
            return Status::Unknown;
        };
        match open {
            Some(State::Possible) => Status::PossibleProblems,
            Some(_) => Status::Problems,
            None if detector.is_cold => Status::Unknown,
            None if detector
                .spikes
                .iter()
                .any(|spike| spike.opens_at - POSSIBLE_BELOW <= spike.evidence.score)
                && !is_blamed(register, id) =>
            {
                Status::PossibleProblems
            }
            None => Status::NoProblems,
        }
    }
}

/// Whether an incident that goes on explains the reports of a provider.
fn is_blamed(register: &Register, provider: &str) -> bool {
    let of = |incident: &crate::domain::incident::Incident| {
        incident
            .attributions
            .iter()
            .any(|other| other.provider == provider && other.verdict == Verdict::Collateral)
    };
    register.open().any(|incident| of(incident))
}

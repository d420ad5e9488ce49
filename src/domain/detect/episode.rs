//! An episode: a region in which one provider has more reports than chance explains,
//! followed through time.
//!
//! What people are told of is an incident: the episodes of all brands of a network that
//! belong together (`domain/incident`). A replay, which knows no networks, calls each
//! episode an incident.

use crate::domain::grid::Cell;
use crate::domain::time::{Timestamp, Window};

/// How far an episode has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet sure enough to be told.
    Possible,
    /// It is there.
    Confirmed,
    /// Its reports have ebbed away, for how long is not yet known.
    Recovering,
    /// It is over.
    Resolved,
}

/// An episode as it is known at one moment: each change is a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Unique among the episodes of a provider, and the same whenever the same facts are
    /// replayed.
    pub id: u64,
    /// Of which revision.
    pub revision: u32,
    /// How far it has come.
    pub state: State,
    /// When it was first told.
    pub detected_at: Timestamp,
    /// When it began, as far as the reports say.
    pub onset: Timestamp,
    /// When it was over, once it is.
    pub resolved_at: Option<Timestamp>,
    /// Where, sorted, disjoint, of mixed resolutions.
    pub cells: Vec<Cell>,
    /// What decided.
    pub evidence: Evidence,
}

/// The zone that decided, with every number of its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The cell in the middle of the zone; none where the zone is everywhere.
    pub centre: Option<Cell>,
    /// Cells of the centre's resolution up to so many steps away belong to it.
    pub ring: u8,
    /// Which minutes.
    pub window: Window,
    /// Whether only late reports were counted.
    pub late_only: bool,
    /// Reports that counted.
    pub observed: f64,
    /// Reports that were to be expected.
    pub expected: f64,
    /// Variance is `expected + dispersion * expected^2`.
    pub dispersion: f64,
    /// -log10 of the probability of so many or more.
    pub score: f64,
}

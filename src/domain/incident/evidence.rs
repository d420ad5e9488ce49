//! The evidence of a brand as it is published: all that decided, or what everybody may be
//! told of it.

use crate::domain::detect::episode::Evidence;
use crate::domain::grid::Cell;
use crate::domain::privacy::rounding::rounded_down;
use crate::domain::time::Window;

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedEvidence {
    /// The zone; none where too few people spoke in one of its cells for it to be told.
    pub zone: Option<Zone>,
    /// Which minutes.
    pub window: Window,
    /// Whether only late reports were counted.
    pub late_only: bool,
    /// Reports that counted; rounded down for everybody.
    pub observed: f64,
    /// Reports that were to be expected; none where nothing is known of it.
    pub expected: Option<f64>,
    /// Variance is `expected + dispersion * expected^2`.
    pub dispersion: f64,
    /// -log10 of the probability of so many or more; none where `expected` is.
    pub score: Option<f64>,
}

/// Cells that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    /// The cell in the middle; none where the zone is everywhere.
    pub centre: Option<Cell>,
    /// Cells of the centre's resolution up to so many steps away belong to it.
    pub ring: u8,
}

impl From<Evidence> for PublishedEvidence {
    fn from(evidence: Evidence) -> Self {
        let Evidence { centre, ring, window, late_only, observed, expected, dispersion, score } =
            evidence;
        Self {
            zone: Some(Zone { centre, ring }),
            window,
            late_only,
            observed,
            expected: Some(expected),
            dispersion,
            score: Some(score),
        }
    }
}

impl PublishedEvidence {
    /// What everybody may be told of it: no more of the zone than that it is everywhere, and
    /// how many reports counted, rounded down.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self {
            zone: self.zone.filter(|zone| zone.centre.is_none()),
            observed: rounded_down(self.observed.max(0.0) as u64) as f64,
            expected: None,
            score: None,
            ..self
        }
    }

    /// Its score; 0 where that is not told.
    #[must_use]
    pub fn strength(&self) -> f64 {
        self.score.unwrap_or(0.0)
    }
}

impl Zone {
    /// Its cells, of one resolution; none where it is everywhere.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let disk = self.centre.map(|centre| centre.disk(self.ring)).unwrap_or_default();
        disk.into_iter().map(|(cell, _)| cell).collect()
    }
}

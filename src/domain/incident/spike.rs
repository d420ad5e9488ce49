//! Spikes as they are published: as the detector sees them, or as everybody is told of them.

use super::evidence::PublishedEvidence;
use crate::domain::detect::spike::Spike;
use crate::domain::grid::Cell;

/// A spike as somebody is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedSpike {
    /// Where; none where it is everywhere.
    pub cells: Vec<Cell>,
    /// What decided.
    pub evidence: PublishedEvidence,
    /// The score at which it would open an incident.
    pub opens_at: f64,
}

impl PublishedSpike {
    /// Whether no region stands out.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.evidence.zone.is_some_and(|zone| zone.centre.is_none())
    }

    /// The cell by which spikes of one provider are told apart; none of one that is
    /// everywhere.
    #[must_use]
    pub fn place(&self) -> Option<Cell> {
        match self.evidence.zone {
            Some(zone) => zone.centre,
            None => self.cells.first().copied(),
        }
    }
}

impl From<&Spike> for PublishedSpike {
    fn from(spike: &Spike) -> Self {
        let Spike { evidence, cells, opens_at } = spike;
        Self { cells: cells.clone(), evidence: (*evidence).into(), opens_at: *opens_at }
    }
}

//! What decided, as clients see it: a zone, a window, and every number of the score.

use super::cell::Hex;
use super::time::Window;
use crate::domain::detect::episode::Evidence;
use crate::domain::incident::evidence::{PublishedEvidence, Zone};
use serde::Serialize;
use utoipa::ToSchema;

/// The evidence that decided. The score can be computed again: it is -log10 of the
/// probability that a negative binomial variable of mean `expected` and variance
/// `expected + dispersion * expected^2` is `observed` or more (docs/detection.md).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceJson {
    /// The cells that were counted together; null where too few people reported from one of
    /// them for it to be told.
    #[schema(required = true)]
    pub zone: Option<ZoneJson>,
    /// The minutes that were counted.
    pub window: Window,
    /// Whether only late reports were counted, in the minute they arrived.
    pub late_only: bool,
    /// Reports that counted: fewer than arrived where most came from one point source. Where
    /// everybody is told of it, rounded down.
    #[schema(examples(41.0))]
    pub observed: f64,
    /// Expected reports; null where that is not known of what everybody may see.
    #[schema(required = true, examples(3.2))]
    pub expected: Option<f64>,
    /// How far the counts of ordinary days vary beyond chance.
    #[schema(examples(0.1))]
    pub dispersion: f64,
    /// -log10 of the probability of so many reports or more on an ordinary day; null where
    /// `expected` is.
    #[schema(required = true, examples(12.5))]
    pub score: Option<f64>,
}

/// Cells that are counted together: those of one resolution within a grid distance of a
/// centre; all cells where there is no centre.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Zone)]
pub struct ZoneJson {
    /// The cell in the middle; null where the zone is global.
    #[schema(required = true)]
    pub centre: Option<Hex>,
    /// Its resolution; null where the zone is global.
    #[schema(required = true, minimum = 0, maximum = 8, examples(6))]
    pub resolution: Option<u8>,
    /// Greatest grid distance of a cell of the zone from the centre, in cells.
    #[schema(examples(1))]
    pub radius_cells: u8,
}

impl From<&Evidence> for EvidenceJson {
    fn from(evidence: &Evidence) -> Self {
        (&PublishedEvidence::from(*evidence)).into()
    }
}

impl From<&PublishedEvidence> for EvidenceJson {
    fn from(evidence: &PublishedEvidence) -> Self {
        let PublishedEvidence { zone, window, late_only, observed, expected, dispersion, score } =
            *evidence;
        let zone = zone.map(|Zone { centre, ring }| ZoneJson {
            centre: centre.map(Hex),
            resolution: centre.map(|centre| centre.resolution().number()),
            radius_cells: ring,
        });
        Self { zone, window: window.into(), late_only, observed, expected, dispersion, score }
    }
}

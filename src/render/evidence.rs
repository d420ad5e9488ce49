//! What decided, as clients see it: a zone, a window, and every number of the score.

use super::cell::Hex;
use super::time::Window;
use crate::domain::detect::episode::Evidence;
use serde::Serialize;
use utoipa::ToSchema;

/// What decided. The score can be computed again: it is -log10 of the probability that a
/// negative binomial variable of mean `expected` and variance `expected + dispersion *
/// expected^2` is `observed` or more (docs/detection.md).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceJson {
    /// The cells that were counted together.
    pub zone: ZoneJson,
    /// The minutes that were counted.
    pub window: Window,
    /// Whether only late reports were counted, in the minute they came: those of phones
    /// that are back.
    pub late_only: bool,
    /// Reports that counted. Fewer than came where most came from one street corner.
    #[schema(examples(41.0))]
    pub observed: f64,
    /// Reports that were to be expected.
    #[schema(examples(3.2))]
    pub expected: f64,
    /// How much more than chance the expected number scatters.
    #[schema(examples(0.1))]
    pub dispersion: f64,
    /// -log10 of the probability of so many reports or more on an ordinary day.
    #[schema(examples(12.5))]
    pub score: f64,
}

/// Cells that are counted together: those of the centre's resolution up to so many steps
/// from it; everywhere where there is no centre.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ZoneJson {
    /// The cell in the middle; null where the zone is everywhere.
    #[schema(required = true)]
    pub centre: Option<Hex>,
    /// Its resolution; null where the zone is everywhere.
    #[schema(required = true, minimum = 0, maximum = 8, examples(6))]
    pub resolution: Option<u8>,
    /// How many steps from the centre a cell of the zone may be.
    #[schema(examples(1))]
    pub ring: u8,
}

impl From<&Evidence> for EvidenceJson {
    fn from(evidence: &Evidence) -> Self {
        let Evidence { centre, ring, window, late_only, observed, expected, dispersion, score } =
            *evidence;
        let zone = ZoneJson {
            centre: centre.map(Hex),
            resolution: centre.map(|centre| centre.resolution().number()),
            ring,
        };
        Self { zone, window: window.into(), late_only, observed, expected, dispersion, score }
    }
}

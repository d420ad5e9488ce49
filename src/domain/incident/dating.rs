//! When it began, where several parts say so: the brands of an incident, or the episodes
//! of a brand.

use super::Brand;
use crate::domain::detect::episode::Episode;
use crate::domain::time::Timestamp;

/// What a part says of the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Dated {
    detected_at: Timestamp,
    score: f64,
    onset: Timestamp,
}

impl From<&Episode> for Dated {
    fn from(episode: &Episode) -> Self {
        Self {
            detected_at: episode.detected_at,
            score: episode.evidence.score,
            onset: episode.onset,
        }
    }
}

impl From<&Brand> for Dated {
    fn from(brand: &Brand) -> Self {
        Self {
            detected_at: brand.detected_at,
            score: brand.evidence.strength(),
            onset: brand.onset,
        }
    }
}

/// The onset of the whole: that of the part which was told first, or that of the
/// strongest where it is earlier.
///
/// Not the earliest of all: a part that came later, with few reports of its own, may be
/// dated by one stray report.
#[must_use]
pub fn onset(parts: impl Iterator<Item = Dated>) -> Option<Timestamp> {
    let parts: Vec<Dated> = parts.collect();
    let first = parts.iter().min_by_key(|part| part.detected_at)?;
    let strongest = parts.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    Some(first.onset.min(strongest.onset))
}

/// The onset of an incident, by its brands that have episodes of their own.
#[must_use]
pub fn onset_of_brands(brands: &[Brand]) -> Option<Timestamp> {
    onset(brands.iter().filter(|brand| !brand.episodes.is_empty()).map(Dated::from))
}

//! What is expected of a part of the map, once the rest of the map is known.

use super::parameters::Parameters;
use crate::domain::shrunk_ratio::ShrunkRatio;

/// The rest of the map may say that this is less, or more, than a usual hour, up to these
/// ratios.
pub const REST_RANGE: (f64, f64) = (0.8, 3.0);

/// What is expected of a zone once the rest of the map is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corrected {
    /// Reports counted outside the zone, and expected there.
    pub rest: (f64, f64),
    /// By how much the rest says that this is more than usual.
    pub ratio: f64,
    /// What is then expected.
    pub expected: f64,
    /// The dispersion that comes of not knowing that better.
    pub unsure: f64,
}

/// What the rest of the map does, it is taken to do here too; where a zone is most of the
/// map, little is taken over.
///
/// A gamma prior of mean 1 and weight `usual_weight`, updated by a Poisson count (the
/// space-time permutation of Kulldorff 2005 in closed form, with a prior).
pub fn corrected(
    count: f64,
    expected: f64,
    whole: f64,
    whole_expected: f64,
    parameters: &Parameters,
) -> Corrected {
    let rest = ((whole - count).max(0.0), (whole_expected - expected).max(0.0));
    let weight = parameters.usual_weight;
    let ratio = ShrunkRatio { prior: 1.0, weight, range: REST_RANGE }.of(rest.0, rest.1);
    Corrected { rest, ratio, expected: expected * ratio, unsure: 1.0 / (rest.1 + weight) }
}

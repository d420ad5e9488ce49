//! The score of a zone: how surprising its count is.

use statrs::function::gamma::ln_gamma;
use std::f64::consts::TAU;

/// Below this dispersion the negative binomial is a Poisson for every count that occurs
/// here.
const POISSON_BELOW: f64 = 1e-6;

/// -log10 of the probability of `count` or more, where `mean` is expected and the
/// variance is `mean + dispersion * mean^2`.
///
/// The upper tail of a negative binomial of size `1/dispersion`, summed from `count` on;
/// a Poisson where nothing is dispersed. Zero where the count is not above the mean:
/// nothing there is of interest, and the sum would be long.
#[must_use]
pub fn score(count: f64, mean: f64, dispersion: f64) -> f64 {
    if count <= mean || count <= 0.0 {
        return 0.0;
    }
    let size = 1.0 / dispersion.max(POISSON_BELOW);
    let share = mean / (size + mean);
    let ln_first = ln_gamma(count + size) - ln_gamma(size) - ln_gamma(count + 1.0)
        + count * share.ln()
        - size * (mean / size).ln_1p();
    let (mut sum, mut term, mut k) = (1.0, 1.0, count);
    // Each term is a share of the one before, which falls towards `share`: the rest is
    // smaller than a geometric series.
    while term > 1e-12 * sum {
        k += 1.0;
        term *= (k - 1.0 + size) / k * share;
        sum += term;
    }
    -(ln_first + sum.ln()) / std::f64::consts::LN_10
}

/// An upper bound of the score that costs two logarithms: the likelihood ratio, which no
/// tail falls below by much.
#[must_use]
pub fn bound(count: f64, mean: f64) -> f64 {
    (count * (count / mean).ln() - (count - mean)) / std::f64::consts::LN_10 + 1.5
}

/// An upper bound of the score that knows the dispersion, and costs three logarithms: the
/// tail is no less than its first term, which is by Stirling's formula no less than the
/// likelihood ratio times `sqrt(size / (2 pi count (count + size)))`, but for what a
/// twelfth of each covers.
#[must_use]
pub fn dispersed_bound(count: f64, mean: f64, dispersion: f64) -> f64 {
    let size = 1.0 / dispersion.max(POISSON_BELOW);
    let ratio =
        count * (count / mean).ln() - (count + size) * ((count + size) / (mean + size)).ln();
    let first = 0.5 * (TAU * count * (1.0 + count / size)).ln()
        + 1.0 / (12.0 * size)
        + 1.0 / (12.0 * count);
    (ratio + first) / std::f64::consts::LN_10
}

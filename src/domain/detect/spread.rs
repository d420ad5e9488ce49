//! How much counts scatter about what is expected of them, beyond chance: those of a
//! zone, and in bursts. Learnt from the hours that passed.

use super::parameters::Parameters;
use crate::domain::shrunk_ratio::ShrunkRatio;

/// Bounds of what was ever worth believing of a dispersion.
const RANGE: (f64, f64) = (0.005, 0.8);
/// Windows of two hours and more are judged by how blocks of four hours scatter.
const LONG_MINUTES: i64 = 120;
/// Over four hours, chance of the day evens out: half of the dispersion of an hour is
/// what is believed before anything is known.
const LONG_PRIOR: f64 = 0.5;
/// A zone's own mean is as uncertain as that of so many reports more than were learnt of
/// it.
const MEAN_PRIOR: f64 = 8.0;
/// Of so few reports all is believed, however few are expected: so of most hours no root
/// need be drawn.
const FEW: f64 = 3.0;
/// Bursts are learnt of places where no more than this is expected in an hour: where more
/// is, chance of the day outweighs them.
const BURSTS_BELOW: f64 = 0.3;
/// What is believed of bursts rests on so many expected reports more than were learnt:
/// with few, there are none.
const BURSTS_PRIOR: f64 = 50.0;
/// Reports around a place that are no outage yet, however few are expected: two bursts,
/// of as many as are seen.
pub const FEW_IN_BURSTS: f64 = 10.0;
/// Sums of bursts are kept in millionths: whole numbers, so that it does not matter which
/// place is summed first.
const MILLIONTHS: f64 = 1e6;

/// What the dispersion of a zone in a window is made of: `held`, and `mean_unsure`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scatter {
    /// Sum of `(count - mean)^2 - variance by chance` over the hours, or blocks of four
    /// hours, that were learnt (`Q`).
    pub excess: f64,
    /// Sum of `mean^2` over them (`M`).
    pub square: f64,
    /// The dispersion that is believed before anything is known (`a0`, half of it in long
    /// windows).
    pub prior: f64,
    /// What that weighs, as a sum of squared means.
    pub weight: f64,
    /// What is ever believed.
    pub range: (f64, f64),
    /// `(excess + weight prior) / (square + weight)`, clamped to that range.
    pub held: f64,
    /// Reports that the zone's share rests on (`n`); infinite for everywhere.
    pub learnt: f64,
    /// Reports more than that, as many of which the mean is as uncertain as.
    pub mean_prior: f64,
    /// `1 / (learnt + mean_prior)`.
    pub mean_unsure: f64,
}

/// How many more reports each one brings, of the same event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bursting {
    /// Sum of `(count - mean)^2 - count` over hours of places where little is expected.
    pub excess: f64,
    /// Sum of `mean` over them.
    pub mean: f64,
    /// Expected reports more than that, which brought none.
    pub prior: f64,
    /// What is taken for small differences between hours.
    pub usual: f64,
    /// Which part of the rest is believed.
    pub believed: f64,
    /// `believed (excess / (mean + prior) - usual)`, if that is more than nothing.
    pub each: f64,
}

/// Sums over what was learnt: of hours, of blocks of four hours, and of the block that is
/// not yet whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread {
    hour: Sums,
    block: Sums,
    open: Block,
}

/// Sums of `(count - mean)^2 - variance by chance`, and of `mean^2`: their ratio
/// estimates the dispersion (method of moments).
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    excess: f32,
    square: f32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Block {
    count: f32,
    mean: f32,
    unsure: f32,
}

/// How much a provider's reports come in bursts, one event bringing several: sums over
/// the places of the finest resolution.
///
/// A Poisson number of events of which each brings a logarithmic number of reports is a
/// negative binomial whose variance is a fixed multiple of its mean (Quenouille 1949):
/// `mean (1 + each)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bursts {
    excess: i64,
    mean: i64,
}

impl Bursts {
    /// Learns from an hour of a place in which `mean` was expected.
    ///
    /// Of more reports than `bursts_held` nothing more is learnt: they are an outage, or
    /// a corner that is bounded before it opens an episode. One report alone says that
    /// there was no burst, whatever was expected.
    pub fn learn(&mut self, count: f64, mean: f64, parameters: &Parameters) {
        if mean <= BURSTS_BELOW {
            let millionths = |number: f64| (number * MILLIONTHS).round() as i64;
            let held = count.min(parameters.bursts_held);
            self.excess += millionths((held - mean).powi(2) - held);
            self.mean += millionths(mean);
        }
    }

    /// What is believed of them.
    pub fn bursting(&self, parameters: &Parameters) -> Bursting {
        let (excess, mean) = (self.excess as f64 / MILLIONTHS, self.mean as f64 / MILLIONTHS);
        let (usual, believed) = (parameters.bursts_usual, parameters.bursts_believed);
        let each = believed * (excess / (mean + BURSTS_PRIOR) - usual).max(0.0);
        Bursting { excess, mean, prior: BURSTS_PRIOR, usual, believed, each }
    }
}

impl Spread {
    /// Learns from an hour in which `mean` was expected, with a dispersion of `unsure`
    /// from not knowing that better, and where each report brings `bursts` more.
    pub fn learn(&mut self, count: f64, mean: f64, unsure: f64, bursts: f64, block_ends: bool) {
        // An outage would teach that anything may happen here: what no undisturbed hour
        // exceeds is not believed.
        let count = if count <= FEW { count } else { count.min(mean + 6.0 * mean.sqrt() + FEW) };
        self.hour.add(count, mean, unsure, bursts);
        self.open.count += count as f32;
        self.open.mean += mean as f32;
        self.open.unsure += unsure as f32 / 8.0;
        if block_ends {
            let Block { count, mean, unsure } = std::mem::take(&mut self.open);
            self.block.add(count.into(), mean.into(), unsure.into(), bursts);
        }
    }

    /// The dispersion of a window of that length, in a zone whose mean rests on `learnt`
    /// reports.
    pub fn dispersion(
        &self,
        window_minutes: i64,
        learnt: f64,
        prior: f64,
        parameters: &Parameters,
    ) -> f64 {
        let scatter = self.scatter(window_minutes, learnt, prior, parameters);
        scatter.held + scatter.mean_unsure
    }

    /// The same in its parts.
    pub fn scatter(
        &self,
        window_minutes: i64,
        learnt: f64,
        prior: f64,
        parameters: &Parameters,
    ) -> Scatter {
        let (sums, prior) = if window_minutes < LONG_MINUTES {
            (self.hour, prior)
        } else {
            (self.block, prior * LONG_PRIOR)
        };
        let (excess, square, weight) =
            (f64::from(sums.excess), f64::from(sums.square), parameters.dispersion_weight);
        let held = ShrunkRatio { prior, weight, range: RANGE }.of(excess, square);
        Scatter {
            excess,
            square,
            prior,
            weight,
            range: RANGE,
            held,
            learnt,
            mean_prior: MEAN_PRIOR,
            mean_unsure: 1.0 / (learnt + MEAN_PRIOR),
        }
    }
}

impl Sums {
    fn add(&mut self, count: f64, mean: f64, unsure: f64, bursts: f64) {
        self.excess +=
            ((count - mean).powi(2) - mean * (1.0 + bursts) - unsure * mean * mean) as f32;
        self.square += (mean * mean) as f32;
    }
}

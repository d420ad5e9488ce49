//! How much the counts of a zone scatter about what is expected of them, beyond chance: learnt from the hours that passed.

use super::parameters::Parameters;

/// Bounds of what was ever worth believing of a dispersion.
const RANGE: (f64, f64) = (0.005, 0.8);
/// Windows of two hours and more are judged by how blocks of four hours scatter.
const LONG_MINUTES: i64 = 120;
/// Over four hours, chance of the day evens out: half of the dispersion of an hour is what is believed before anything is known.
const LONG_PRIOR: f64 = 0.5;
/// A zone's own mean is as uncertain as that of so many reports more than were learnt of it.
const MEAN_PRIOR: f64 = 8.0;

/// What the dispersion of a zone in a window is made of: `held`, and `mean_unsure`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scatter {
    /// Sum of `(count - mean)^2 - variance by chance` over the hours, or blocks of four hours, that were learnt (`Q`).
    pub excess: f64,
    /// Sum of `mean^2` over them (`M`).
    pub square: f64,
    /// The dispersion that is believed before anything is known (`a0`, half of it in long windows).
    pub prior: f64,
    /// What that weighs, as a sum of squared means.
    pub weight: f64,
    /// What is ever believed.
    pub range: (f64, f64),
    /// `(excess + weight prior) / (square + weight)`, held in that range.
    pub held: f64,
    /// Reports that the zone's share rests on (`n`); infinite for everywhere.
    pub learnt: f64,
    /// Reports more than that, as many of which the mean is as uncertain as.
    pub mean_prior: f64,
    /// `1 / (learnt + mean_prior)`.
    pub mean_unsure: f64,
}

/// Sums over what was learnt: of hours, of blocks of four hours, and of the block that is not yet whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread {
    hour: Sums,
    block: Sums,
    open: Block,
}

/// Sums of `(count - mean)^2 - variance by chance`, and of `mean^2`: their ratio estimates the dispersion (method of moments).
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

impl Spread {
    /// Learns from an hour in which `mean` was expected, with a dispersion of `unsure` from not knowing that better.
    pub fn learn(&mut self, count: f64, mean: f64, unsure: f64, block_ends: bool) {
        // An outage would teach that anything may happen here: what no undisturbed hour exceeds is not believed.
        let count = count.min(mean + 6.0 * mean.sqrt() + 3.0);
        self.hour.add(count, mean, unsure);
        self.open.count += count as f32;
        self.open.mean += mean as f32;
        self.open.unsure += unsure as f32 / 8.0;
        if block_ends {
            let Block { count, mean, unsure } = std::mem::take(&mut self.open);
            self.block.add(count.into(), mean.into(), unsure.into());
        }
    }

    /// The dispersion of a window of that length, in a zone whose mean rests on `learnt` reports.
    pub fn dispersion(&self, window_minutes: i64, learnt: f64, prior: f64, parameters: &Parameters) -> f64 {
        let scatter = self.scatter(window_minutes, learnt, prior, parameters);
        scatter.held + scatter.mean_unsure
    }

    /// The same in its parts.
    pub fn scatter(&self, window_minutes: i64, learnt: f64, prior: f64, parameters: &Parameters) -> Scatter {
        let (sums, prior) = if window_minutes < LONG_MINUTES { (self.hour, prior) } else { (self.block, prior * LONG_PRIOR) };
        let (excess, square, weight) = (f64::from(sums.excess), f64::from(sums.square), parameters.dispersion_weight);
        let held = ((excess + weight * prior) / (square + weight)).clamp(RANGE.0, RANGE.1);
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
    fn add(&mut self, count: f64, mean: f64, unsure: f64) {
        self.excess += ((count - mean).powi(2) - mean - unsure * mean * mean) as f32;
        self.square += (mean * mean) as f32;
    }
}

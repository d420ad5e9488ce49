//! A ratio of two sums of which little may be known yet.

/// Shrinks a ratio towards what is believed before anything is counted, and clamps it to
/// what is ever believed: the posterior mean of a gamma prior of mean `prior` and weight
/// `weight` after a Poisson count.
#[derive(Debug, Clone, Copy)]
pub struct ShrunkRatio {
    /// What is believed before.
    pub prior: f64,
    /// How much that weighs, in units of the denominator.
    pub weight: f64,
    /// The least and the greatest ratio that is believed.
    pub range: (f64, f64),
}

impl ShrunkRatio {
    /// Every ratio.
    pub const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    /// The ratio of a count to what was expected.
    #[must_use]
    pub const fn of(&self, count: f64, expected: f64) -> f64 {
        ((count + self.weight * self.prior) / (expected + self.weight))
            .clamp(self.range.0, self.range.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_prior_where_nothing_is_known_and_the_ratio_where_much_is() {
        let ratio = ShrunkRatio { prior: 1.5, weight: 8.0, range: (1.0, 3.0) };
        let rows = [
            ((0.0, 0.0), 1.5),
            ((0.0, 8.0), 1.0),
            ((4.0, 8.0), 1.0),
            ((20.0, 8.0), 2.0),
            ((2e9, 1e9), 2.0),
            ((9e9, 1e9), 3.0),
        ];
        for ((count, expected), shrunk) in rows {
            let got = ratio.of(count, expected);
            assert!((got - shrunk).abs() < 1e-6, "{count} of {expected}: {got}");
        }
        let unbounded = ShrunkRatio { range: ShrunkRatio::ANY, ..ratio };
        assert!((unbounded.of(-812.0, 0.0) + 100.0).abs() < 1e-9);
    }
}

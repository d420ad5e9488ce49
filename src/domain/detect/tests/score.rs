//! Scores against sums that can be made by hand.

#![expect(clippy::float_cmp, reason = "the same number comes out, not one near it")]

use crate::domain::detect::score::{bound, dispersed_bound, score};
use proptest::prelude::*;

/// -log10 of the probability of `count` or more, by one minus the sum of what is fewer.
fn summed(count: u32, mean: f64, dispersion: f64) -> f64 {
    let size = 1.0 / dispersion;
    let (mut term, mut fewer) = ((1.0 + dispersion * mean).powf(-size), 0.0);
    for k in 0..count {
        fewer += term;
        term *= (f64::from(k) + size) / f64::from(k + 1) * mean / (size + mean);
    }
    -(1.0 - fewer).log10()
}

#[test]
fn undispersed_it_is_the_tail_of_a_poisson() {
    // By 50 digits of 1 - exp(-mean) * sum of mean^k / k! over k < count.
    let rows = [
        (1.0, 0.01, 2.002_170),
        (3.0, 1.0, 1.095_277),
        (3.0, 0.02, 5.881_572),
        (10.0, 2.0, 4.332_566),
        (9.0, 0.78, 6.834_667),
        (30.0, 10.0, 6.600_335),
        (100.0, 50.0, 9.494_841),
    ];
    for (count, mean, expected) in rows {
        let score = score(count, mean, 0.0);
        assert!((score - expected).abs() < 1e-3, "{count} of {mean}: {score}, expected {expected}");
    }
}

#[test]
fn dispersed_it_is_the_tail_of_a_negative_binomial() {
    for dispersion in [0.005, 0.05, 0.3, 0.8] {
        for mean in [0.02, 0.3, 1.0, 4.0, 12.0] {
            for count in (1..=40).filter(|count| f64::from(*count) > mean) {
                let (score, expected) =
                    (score(f64::from(count), mean, dispersion), summed(count, mean, dispersion));
                // One minus a sum loses its digits where the tail is small, and at last
                // itself.
                let is_exact = expected < 9.0;
                assert!(
                    !is_exact || (score - expected).abs() < 1e-5,
                    "{count} of {mean}, {dispersion}: {score}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn what_is_no_more_than_expected_scores_nothing() {
    for (count, mean) in [(0.0, 0.0), (0.0, 1.0), (3.0, 3.0), (3.0, 4.0), (1e6, 1e9)] {
        assert_eq!(score(count, mean, 0.1), 0.0, "{count} of {mean}");
    }
}

#[test]
fn the_most_extreme_counts_have_a_score_too() {
    for count in [1.0, 3.0, 1e3, 1e6] {
        for mean in [1e-9, 0.02, 1.0, 1e4] {
            for dispersion in [0.0, 1e-9, 0.005, 0.8, 10.0] {
                let score = score(count, mean, dispersion);
                assert!(
                    score.is_finite() && 0.0 <= score,
                    "{count} of {mean}, {dispersion}: {score}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn more_reports_never_score_less(
        count in 0.0..300.0,
        more in 0.0..50.0,
        mean in 1e-4..200.0,
        dispersion in 0.0..1.0,
    ) {
        let with_more = score(count + more, mean, dispersion);
        prop_assert!(score(count, mean, dispersion) <= with_more + 1e-9);
    }

    #[test]
    fn more_expected_never_scores_more(
        count in 0.0..300.0,
        more in 0.0..50.0,
        mean in 1e-4..200.0,
        dispersion in 0.0..1.0,
    ) {
        let with_more = score(count, mean + more, dispersion);
        prop_assert!(with_more <= score(count, mean, dispersion) + 1e-9);
    }

    #[test]
    fn the_bound_is_never_below_the_score(
        count in 1_u32..300,
        mean in 1e-3..100.0,
        dispersion in 0.005..1.0,
    ) {
        let count = f64::from(count);
        prop_assume!(1.2 * mean < count);
        let (bound, score) = (bound(count, mean), score(count, mean, dispersion));
        prop_assert!(score <= bound, "{} {}", score, bound);
    }

    #[test]
    fn nor_is_the_bound_that_knows_the_dispersion_which_is_near(
        count in 1_u32..100_000,
        share in 1e-6..0.99,
        dispersion in 0.005..1.2,
    ) {
        let (count, mean) = (f64::from(count), share * f64::from(count));
        let bound = dispersed_bound(count, mean, dispersion);
        let score = score(count, mean, dispersion);
        // The bound knows the first term alone: it is away by what the others add, at
        // most a geometric series, and by what Stirling leaves.
        let size = 1.0 / dispersion;
        let falls_by = mean / (size + mean) * ((count + size) / (count + 1.0)).max(1.0);
        let is_near = bound < score - (1.0 - falls_by).log10() + 0.2;
        prop_assert!(score <= bound + 1e-9 && is_near, "{} {}", score, bound);
    }
}

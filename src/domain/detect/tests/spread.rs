//! Dispersion as it is learnt.

#![expect(clippy::float_cmp, reason = "the same number comes out, not one near it")]

use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::spread::Spread;

/// The dispersion of an hour and of four hours, after these counts have come over and
/// over where ten were expected.
fn after(counts: &[f64]) -> [f64; 2] {
    let mut spread = Spread::default();
    for hour in 0..400 {
        spread.learn(counts[hour % counts.len()], 10.0, 0.0, 0.0, hour % 4 == 3);
    }
    [60, 240].map(|minutes| spread.dispersion(minutes, f64::INFINITY, 0.05, &Parameters::default()))
}

#[test]
fn of_nothing_learnt_the_prior_remains_and_half_of_it_over_four_hours() {
    let of = |minutes, learnt| {
        Spread::default().dispersion(minutes, learnt, 0.05, &Parameters::default())
    };
    for (minutes, learnt, expected) in [
        (5, f64::INFINITY, 0.05),
        (90, f64::INFINITY, 0.05),
        (120, f64::INFINITY, 0.025),
        (5, 0.0, 0.175),
        (5, 12.0, 0.1),
    ] {
        assert!((of(minutes, learnt) - expected).abs() < 1e-9, "{minutes} {learnt}");
    }
}

#[test]
fn what_scatters_as_chance_does_is_hardly_dispersed_and_what_scatters_more_is() {
    // The variance of a Poisson of ten is ten: sqrt(10) up and down.
    let by_chance = after(&[10.0 + 10_f64.sqrt(), 10.0 - 10_f64.sqrt()]);
    let more = after(&[10.0 + 50_f64.sqrt(), 10.0 - 50_f64.sqrt()]);
    assert!(by_chance[0] < 0.01, "{by_chance:?}");
    // Variance 50 is ten by chance, and 0.4 times ten squared.
    assert!((more[0] - 0.4).abs() < 0.02, "{more:?}");
    // Over four hours up and down cancel each other.
    assert_eq!(more[1], 0.005, "{more:?}");
}

#[test]
fn an_hour_beyond_belief_teaches_no_more_than_one_that_is_just_believed() {
    assert_eq!(after(&[10.0, 10.0, 10.0, 1e6]), after(&[10.0, 10.0, 10.0, 100.0]));
}

#[test]
fn it_stays_in_its_range() {
    for counts in [&[10.0][..], &[0.0, 30.0], &[1e9], &[0.0]] {
        assert!(
            after(counts).iter().all(|dispersion| (0.005..=0.8).contains(dispersion)),
            "{counts:?}"
        );
    }
}

//! Thresholds follow from quiet days.

#![expect(clippy::float_cmp, reason = "the same number comes out, not one near it")]

use super::world::{DAY, HOUR, START, TORONTO, WEEK, World, cell, town};
use crate::domain::detect::explain::Origin;
use crate::domain::detect::others::Others;
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::threshold::{KINDS, LEAST_DAYS, QuietDay, Thresholds, kind};

/// What so many quiet days of that highest score teach.
fn thresholds_after(days: i64, score: f64) -> Thresholds {
    let mut thresholds = Thresholds::default();
    (0..=days).for_each(|day| {
        thresholds.note(START.plus(day * DAY), kind(1.0, false), score, &Parameters::default());
    });
    thresholds
}

/// What opens an episode then where one report is expected.
fn after(days: i64, score: f64) -> f64 {
    thresholds_after(days, score).of(kind(1.0, false), false, &Parameters::default())
}

#[test]
fn a_zone_is_of_a_kind_by_what_is_expected_of_it() {
    let rows =
        [(0.0, 0), (0.03, 0), (0.031, 1), (1.0, 3), (9.9, 5), (10.0, 5), (10.1, 6), (1e6, 6)];
    for (expected, number) in rows {
        assert_eq!(kind(expected, false), number, "{expected}");
        assert_eq!(kind(expected, true), KINDS - 1, "{expected}");
    }
}

#[test]
fn before_a_week_of_quiet_days_nothing_is_chosen() {
    let untaught = Parameters::default().opens_untaught_at;
    for (days, taught) in [(0, false), (6, false), (7, true), (40, true)] {
        assert_eq!(after(days, 0.0) < untaught, taught, "{days} days");
    }
}

#[test]
fn whatever_quiet_days_bring_the_threshold_stays_in_its_range() {
    let (least, greatest) = Parameters::default().opens_at;
    for (score, expected) in [(0.0, least), (3.5, least), (300.0, greatest)] {
        assert_eq!(after(28, score), expected, "{score}");
    }
}

#[test]
fn where_others_were_asked_the_least_is_lower_and_all_else_the_same() {
    let parameters = Parameters::default();
    for (score, asked, unasked) in [
        (0.0, parameters.opens_asked_at, parameters.opens_at.0),
        (300.0, parameters.opens_at.1, parameters.opens_at.1),
    ] {
        let thresholds = thresholds_after(28, score);
        assert_eq!(
            (
                thresholds.of(kind(1.0, false), true, &parameters),
                thresholds.of(kind(1.0, false), false, &parameters)
            ),
            (asked, unasked)
        );
    }
}

#[test]
fn a_day_without_any_score_is_a_quiet_day_too() {
    let (mut thresholds, parameters) = (Thresholds::default(), Parameters::default());
    (0..=7 * 24).for_each(|hour| thresholds.pass(START.plus(hour * HOUR), &parameters));
    assert_eq!(
        thresholds.days().iter().map(|of| of.highest).collect::<Vec<_>>(),
        [[0.0; KINDS]; 7]
    );
    assert_eq!(thresholds.of(kind(1.0, false), false, &parameters), parameters.opens_at.0);
}

#[test]
fn a_provider_of_few_reports_learns_what_is_enough_while_somebody_is_there() {
    let origin = |away: std::ops::Range<i64>| {
        let seldom = World::new(3).reports(&town(TORONTO, 3), 0.2, 0..4 * WEEK).away(away);
        seldom
            .watched(2 * WEEK + HOUR..4 * WEEK)
            .detector
            .explain(cell(TORONTO), &Others::default())
            .unwrap()
            .threshold
            .origin
    };
    assert!(
        matches!(origin(0..0), Origin::Chosen(choice) if choice.days >= 12),
        "{:?}",
        origin(0..0)
    );
    assert!(
        matches!(origin(16 * DAY..4 * WEEK), Origin::Untaught(days) if days <= 2),
        "{:?}",
        origin(16 * DAY..4 * WEEK)
    );
}

#[test]
fn ten_times_as_many_reports_want_a_score_that_is_one_higher() {
    let (usual, parameters) = (kind(1.0, false), Parameters::default());
    let (least, greatest) = parameters.opens_at;
    for (reports_a_day, more) in [(1.0, 0.0), (1_000.0, 0.0), (10_000.0, 1.0), (100_000.0, 2.0)] {
        let (mut restless, mut quiet) = (Thresholds::default(), Thresholds::default());
        for (thresholds, score, taught) in
            [(&mut restless, 300.0, greatest + more), (&mut quiet, 0.0, least)]
        {
            thresholds.expect(reports_a_day, &parameters);
            assert_eq!(
                thresholds.of(usual, false, &parameters),
                parameters.opens_untaught_at + more
            );
            (0..=28)
                .for_each(|day| thresholds.note(START.plus(day * DAY), usual, score, &parameters));
            assert_eq!(thresholds.of(usual, false, &parameters), taught);
        }
    }
}

#[test]
fn restless_days_raise_the_threshold() {
    let restless = [0.0, 4.0, 4.5, 5.0, 5.5].map(|score| after(28, score));
    assert!(restless.is_sorted() && restless[0] < restless[4], "{restless:?}");
}

#[test]
fn who_starts_anew_and_recalls_quiet_days_chooses_as_if_it_had_seen_them() {
    let (usual, parameters) = (kind(1.0, false), Parameters::default());
    let score = |day: i64| 3.0 + 0.3 * (day % 7) as f64;
    let seen_until = |thresholds: &mut Thresholds,
                      days: std::ops::RangeInclusive<i64>,
                      hour: i64| {
        for day in days {
            thresholds.note(START.plus(day * DAY + hour * HOUR), usual, score(day), &parameters);
        }
    };
    let (mut seen, mut anew) = (Thresholds::default(), Thresholds::default());
    seen_until(&mut seen, 0..=20, 9);
    // It begins in the afternoon of the last of these days, of which it sees no more than
    // the evening.
    let today =
        QuietDay { highest: [score(20) as f32; KINDS], ..QuietDay::of(START.plus(20 * DAY)) };
    anew.recall(
        seen.days().iter().copied().chain([today]),
        START.plus(20 * DAY + 15 * HOUR),
        &parameters,
    );
    for thresholds in [&mut seen, &mut anew] {
        thresholds.note(START.plus(20 * DAY + 20 * HOUR), usual, 0.5, &parameters);
        seen_until(thresholds, 21..=22, 9);
    }
    assert_eq!(
        seen.days().iter().map(|of| of.day).collect::<Vec<_>>(),
        anew.days().iter().map(|of| of.day).collect::<Vec<_>>()
    );
    assert!(LEAST_DAYS <= seen.days().len());
    assert_eq!(seen.of(usual, false, &parameters), anew.of(usual, false, &parameters));
}

#[test]
fn days_after_the_beginning_are_not_recalled_but_seen() {
    let mut thresholds = Thresholds::default();
    let days = (0..30).map(|day| QuietDay::of(START.plus(day * DAY)));
    thresholds.recall(days, START.plus(9 * DAY), &Parameters::default());
    assert_eq!(thresholds.days().len(), 9);
}

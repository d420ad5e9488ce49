//! Where one event brings several reports.

#![expect(clippy::float_cmp, reason = "the same number comes out, not one near it")]

use super::world::{DAY, HOUR, START, WEEK, World, town};
use crate::domain::detect::episode::Episode;
use crate::domain::detect::others::Others;
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::spread::Bursts;
use crate::domain::grid::Cell;
use crate::domain::time::Window;

/// What is believed of bursts after these counts have come over and over where a tenth of
/// a report was expected.
fn after(counts: &[f64]) -> f64 {
    let (mut bursts, parameters) = (Bursts::default(), Parameters::default());
    for hour in 0..counts.len() * 1_000 {
        bursts.learn(counts[hour % counts.len()], 0.1, &parameters);
    }
    bursts.bursting(&parameters).each
}

fn nine_of_ten_silent(one: f64) -> Vec<f64> {
    [vec![0.0; 9], vec![one]].concat()
}

#[test]
fn single_reports_are_no_bursts_and_where_two_come_together_one_brings_another() {
    assert_eq!(after(&nine_of_ten_silent(1.0)), 0.0);
    // Nineteen silent hours and one with two: (19 * 0.1^2 + 1.9^2 - 2) / 20 = 0.09, so
    // 0.9 of another report for each expected.
    let pairs = [nine_of_ten_silent(0.0), nine_of_ten_silent(2.0)].concat();
    let Parameters { bursts_usual, bursts_believed, .. } = Parameters::default();
    let learnt = 0.9 * 2_000.0 / (2_000.0 + 50.0);
    assert!(
        (after(&pairs) - bursts_believed * (learnt - bursts_usual)).abs() < 1e-6,
        "{}",
        after(&pairs)
    );
}

#[test]
fn an_hour_of_an_outage_teaches_no_more_of_bursts_than_one_of_four_people() {
    assert_eq!(after(&nine_of_ten_silent(500.0)), after(&nine_of_ten_silent(4.0)));
}

#[test]
fn where_little_was_expected_so_far_there_are_no_bursts() {
    let (mut bursts, parameters) = (Bursts::default(), Parameters::default());
    (0..10).for_each(|_| bursts.learn(2.0, 0.01, &parameters));
    assert!(bursts.bursting(&parameters).each < 0.6);
    assert_eq!(Bursts::default().bursting(&parameters).each, 0.0);
}

#[test]
fn an_outage_of_half_a_day_is_no_burst() {
    let quiet = World::new(4).reports(&villages(), 10.0, 0..3 * WEEK);
    let learnt = |world: World| {
        let detector = world.watched(3 * WEEK - 2 * HOUR..3 * WEEK).detector;
        let bursts = detector.explain(villages()[0], &Others::default()).unwrap().bursts;
        bursts.excess / (bursts.mean + bursts.prior)
    };
    let usual = learnt(quiet.clone());
    for (cells, an_hour) in
        [(villages(), 400.0), (villages(), 50.0), (town((44.3, -79.0), 2), 20.0)]
    {
        let disturbed =
            learnt(quiet.clone().reports(&cells, an_hour, 15 * DAY..15 * DAY + 12 * HOUR));
        assert!(
            (disturbed - usual).abs() < 0.05,
            "{usual} without, {disturbed} with {an_hour} an hour in {} cells",
            cells.len()
        );
    }
}

/// Fifty villages, four calls an hour together, each of one to eight people.
fn calls(seed: u64) -> World {
    calls_of(4.0, seed)
}

/// So many calls an hour, of which most come from a place of their own where they are
/// few.
fn calls_of(an_hour: f64, seed: u64) -> World {
    World::new(seed).calls(&villages(), an_hour, 8, 0..4 * WEEK)
}

fn villages() -> Vec<Cell> {
    (0..50)
        .flat_map(|n| town((44.0 + 0.15 * f64::from(n / 10), -80.0 + 0.2 * f64::from(n % 10)), 2))
        .collect()
}

#[test]
fn as_many_are_expected_as_come_however_many_call_together() {
    let world = calls(1);
    let detector = world.watched(4 * WEEK - HOUR..4 * WEEK).detector;
    let next = Window { from: START.plus(4 * WEEK), to: START.plus(5 * WEEK) };
    let came = (WEEK..4 * WEEK)
        .filter_map(|minute| world.minute(minute))
        .map(|counts| counts.rows().len())
        .sum::<usize>() as f64
        / 3.0;
    let expected = detector.expected(&Cell::of_the_earth().collect::<Vec<_>>(), next).mean;
    assert!((expected / came - 1.0).abs() < 0.1, "{expected} are expected in a week, {came} came");
}

#[test]
fn where_one_event_brings_several_reports_chance_is_not_taken_for_an_outage() {
    for (an_hour, seed) in
        [4.0, 1.0, 0.2].into_iter().flat_map(|an_hour| (1..=3).map(move |seed| (an_hour, seed)))
    {
        let story = calls_of(an_hour, seed).watched(3 * WEEK..4 * WEEK);
        // Of four an hour there are about thirty without what is learnt of bursts.
        assert!(story.episodes().len() <= 1, "{an_hour} calls an hour: {story}");
    }
}

#[test]
fn and_an_outage_is_still_found() {
    let (village, down) = (town((44.3, -79.0), 2), 3 * WEEK + 2 * DAY);
    for seed in 1..=3 {
        let story = calls(seed)
            .reports(&village, 90.0, down..down + HOUR)
            .watched(down - HOUR..down + HOUR);
        let names_it = |episode: &&&Episode| {
            village.iter().any(|cell| episode.cells.iter().any(|named| named.contains(*cell)))
        };
        assert_eq!(story.episodes().iter().filter(names_it).count(), 1, "{story}");
    }
}

//! What an outage explains is not learnt: the next one at the same place is found as
//! soon.

use super::story::{Story, minute_of};
use super::world::{DAY, HOUR, MIAMI, START, TORONTO, World, town};
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::{Detector, Outage};
use crate::domain::time::{Timestamp, Window};
use std::ops::Range;

const FIRST: Range<i64> = 9 * DAY + 2 * HOUR..9 * DAY + 6 * HOUR;
const NEXT: Range<i64> = 10 * DAY + 2 * HOUR..10 * DAY + 6 * HOUR;

/// A city that reports as usual, and a part of it that fails in these hours.
fn city(failing: &[Range<i64>]) -> World {
    let usual = World::new(31).reports(&town(TORONTO, 5), 12.0, 0..11 * DAY);
    failing.iter().fold(usual, |world, span| world.reports(&town(TORONTO, 1), 14.0, span.clone()))
}

/// Reports expected of the part that fails, in the hours of the next outage.
fn expected(detector: &Detector) -> f64 {
    let window = Window { from: START.plus(NEXT.start), to: START.plus(NEXT.end) };
    detector.expected(&town(TORONTO, 1), window).mean
}

#[test]
fn an_outage_is_found_as_soon_where_there_was_another_the_day_before() {
    let watched = FIRST.start - HOUR..NEXT.end;
    let (once, twice) =
        (city(&[NEXT]).watched(watched.clone()), city(&[FIRST, NEXT]).watched(watched));
    assert_eq!(twice.episodes().len(), 2, "{twice}");
    let delay =
        |story: &Story| minute_of(story.episodes().last().unwrap().detected_at) - NEXT.start;
    assert!(
        delay(&twice) <= delay(&once) + 2,
        "{} minutes instead of {}:\n{once}{twice}",
        delay(&twice),
        delay(&once)
    );
    let dispersion = |story: &Story| story.episodes().last().unwrap().evidence.dispersion;
    assert!(
        dispersion(&twice) < 1.2 * dispersion(&once),
        "{} {}",
        dispersion(&twice),
        dispersion(&once)
    );
}

#[test]
fn who_is_told_of_an_outage_takes_none_of_it_for_usual() {
    let world = city(&[FIRST]);
    let seen = world.watched(FIRST.start - HOUR..NEXT.start);
    let episode = seen.only();
    let outage = Outage {
        cells: episode.cells.clone(),
        everywhere: false,
        began: episode.onset.minute(),
        ended: episode.resolved_at.map(Timestamp::minute),
    };
    let anew = |world: &World, outages: &[Outage]| {
        let mut detector = Detector::new(Parameters::default());
        detector.recall_outages(outages.iter().cloned());
        Story::new(world, detector, NEXT.start - 10..NEXT.start).detector
    };
    let undisturbed = anew(&city(&[]), &[]);
    let [usual, seen, told, untold] =
        [&undisturbed, &seen.detector, &anew(&world, &[outage]), &anew(&world, &[])].map(expected);
    let than_usual = |expected: f64| (expected / usual - 1.0).abs();
    assert!(
        than_usual(seen) < 0.07 && than_usual(told) < 0.07,
        "{usual} usual, {seen} seen, {told} told"
    );
    assert!(1.09 * usual < untold, "{usual} usual, {untold} untold");
}

#[test]
fn what_stays_for_more_than_a_day_is_learnt() {
    let days = 9 * DAY..11 * DAY;
    let before = city(&[]).watched(days.start..days.start + 1);
    let after = city(std::slice::from_ref(&days)).watched(days.clone());
    assert!(!after.episodes().is_empty(), "{after}");
    let (before, after) = (expected(&before.detector), expected(&after.detector));
    assert!(1.5 * before < after, "{before} {after}");
}

#[test]
fn a_town_that_is_just_reached_is_usual_within_a_week_and_its_outages_are_then_found() {
    let reached = 14 * DAY;
    let world = World::new(12).reports(&town(TORONTO, 5), 12.0, 0..22 * DAY).reports(
        &town(MIAMI, 4),
        4.0,
        reached..22 * DAY,
    );
    let first_days = world.watched(reached..reached + 2 * DAY);
    assert!(!first_days.episodes().is_empty(), "{first_days}");
    world.watched(reached + 6 * DAY..reached + 8 * DAY).is_silent();
    let outage = reached + 7 * DAY..reached + 7 * DAY + 2 * HOUR;
    let failing =
        world.reports(&town(MIAMI, 2), 80.0, outage.clone()).watched(reached + 6 * DAY..outage.end);
    let delay = minute_of(failing.only().detected_at) - outage.start;
    assert!((0..30).contains(&delay), "{failing}");
}

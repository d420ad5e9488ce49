//! What other providers hear of a place: it raises what is expected of one there, and by
//! how much can be computed again.

use super::outage::DOWN;
use super::story::{Story, minute_of};
use super::world::{DAY, HOUR, START, TORONTO, VANCOUVER, World, cell, town};
use crate::domain::detect::hearing::Hearing;
use crate::domain::detect::others::{Heard, Others};
use crate::domain::detect::parameters::Parameters;
use crate::domain::detect::{Detector, WINDOWS};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::provider::{Catalogue, Provider, ProviderIndex};
use std::ops::Range;

/// The window of an hour.
const AN_HOUR: usize = 6;
const SPAN: Range<i64> = DOWN - 30..DOWN + 2 * HOUR;

/// So many reports an hour for nine days, and so many more in the hour from [`DOWN`] on.
fn provider(seed: u64, an_hour: f64, more: f64) -> World {
    let usual = World::new(seed).reports(&town(TORONTO, 5), an_hour, 0..9 * DAY);
    if more > 0.0 { usual.reports(&town(TORONTO, 2), more, DOWN..DOWN + HOUR) } else { usual }
}

/// A provider as it is at the start of each minute of a span, once that is taken.
fn by_minute(world: &World, span: Range<i64>) -> Vec<Detector> {
    let mut taken = Vec::new();
    let step = |detector: &mut Detector, now, facts: &[_], live| {
        let of_minute = detector.take(now, facts, live);
        taken.push(detector.clone());
        detector.step_among(&Others::default(), &of_minute)
    };
    Story::played(world, Detector::new(Parameters::default()), span, step, |_, _, _, _| Vec::new());
    taken
}

/// What is told of a provider beside another.
fn beside(world: &World, other: &World, span: Range<i64>) -> Story {
    let others = by_minute(other, span.clone());
    let step = |detector: &mut Detector, now: crate::domain::time::Minute, facts: &[_], live| {
        let taken = detector.take(now, facts, live);
        let other = &others[(now.0 - START.0 - span.start) as usize];
        detector
            .step_among(&Others::beside(&[], std::slice::from_ref(other), &hearing(other)), &taken)
    };
    Story::played(world, Detector::new(Parameters::default()), span.clone(), step, |_, _, _, _| {
        Vec::new()
    })
}

/// Of the first of two providers that have nothing to do with each other, and of this
/// one.
fn hearing(other: &Detector) -> Hearing {
    let two = ["own", "other"].map(|id| Provider::of_id(id.to_owned()));
    let mut hearing = Hearing::of(&Catalogue::new(two.to_vec()).unwrap());
    hearing.note(ProviderIndex(1), other);
    hearing
}

fn heard_in(other: &Detector, centre: Cell, steps: usize, window: usize) -> Option<Heard> {
    Others::beside(&[], std::slice::from_ref(other), &hearing(other)).about(centre).heard(
        steps,
        window,
        &Parameters::default(),
    )
}

fn toronto(resolution: usize) -> Cell {
    cell(TORONTO).rolled_up_to(Resolution::ALL[resolution])
}

#[test]
fn a_place_that_is_busy_for_all_for_half_an_hour_is_no_outage_of_one() {
    let (own, span) = (provider(1, 12.0, 50.0), DOWN - 30..DOWN + 35);
    let alone = own.watched(span.clone());
    assert!(!alone.told.is_empty(), "{alone}");
    beside(&own, &provider(2, 40.0, 100.0), span).is_silent();
}

#[test]
fn an_outage_is_told_of_though_another_fails_at_the_same_place() {
    let own = provider(1, 12.0, 90.0);
    let (alone, beside) = (own.watched(SPAN), beside(&own, &provider(2, 40.0, 300.0), SPAN));
    let later = minute_of(beside.only().detected_at) - minute_of(alone.only().detected_at);
    assert!((0..=5).contains(&later), "{alone}{beside}");
}

#[test]
fn others_that_are_as_usual_or_less_change_nothing() {
    let own = provider(1, 12.0, 90.0);
    let quiet = provider(2, 40.0, 0.0).away(DOWN - HOUR..DOWN + HOUR);
    assert_eq!(own.watched(SPAN).told, beside(&own, &quiet, SPAN).told);
}

#[test]
fn what_others_hear_can_be_computed_again() {
    let taken = by_minute(&provider(2, 40.0, 70.0), DOWN - 30..DOWN + 50);
    let other = taken.last().unwrap();
    for (resolution, steps) in [(7, 0), (7, 2), (6, 1), (5, 3)] {
        let centre = toronto(resolution);
        let cells: Vec<Cell> = centre.disk(steps).into_iter().map(|(cell, _)| cell).collect();
        let ((count, usual), whole) = (other.windows(&cells)[AN_HOUR], other.windows(&[])[AN_HOUR]);
        let rest = (whole.0 - count + 80.0) / ((whole.1 - usual).max(0.0) + 80.0);
        let expected = usual * rest.clamp(0.8, 3.0);
        let heard = heard_in(other, centre, usize::from(steps), 0).unwrap();
        assert!(
            (heard.counted - count).abs() < 1e-9 && (heard.expected - expected).abs() < 1e-6,
            "{heard:?}, {count} on {expected}"
        );
        assert!(
            (heard.ratio - ((count + 8.0) / (expected + 8.0)).clamp(1.0, 1.5)).abs() < 1e-6,
            "{heard:?}"
        );
        assert!(heard.ratio > 1.2, "{heard:?}");
    }
}

#[test]
fn they_are_asked_of_small_zones_in_windows_up_to_an_hour_and_a_half() {
    let taken = by_minute(&provider(2, 40.0, 70.0), DOWN - 30..DOWN + 50);
    let other = taken.last().unwrap();
    for (resolution, (window, minutes)) in (0..=7).flat_map(|resolution| {
        WINDOWS.into_iter().enumerate().map(move |window| (resolution, window))
    }) {
        let heard = heard_in(other, toronto(resolution), 1, window);
        assert_eq!(
            heard.is_some(),
            resolution >= 5 && minutes <= 90,
            "{resolution}, {minutes} minutes"
        );
    }
}

#[test]
fn one_that_does_not_know_yet_what_is_usual_is_not_heard() {
    let new = World::new(2).reports(&town(TORONTO, 5), 40.0, 0..2 * DAY);
    let taken = by_minute(&new, DAY..DAY + HOUR);
    let other = taken.last().unwrap();
    assert!(other.is_cold() && other.windows(&[toronto(5)])[AN_HOUR].0 > 20.0);
    assert_eq!(heard_in(other, toronto(5), 3, 0), None);
}

#[test]
fn where_they_were_never_heard_of_in_the_middle_what_is_around_counts() {
    let beside: Vec<Cell> = town(TORONTO, 12)
        .into_iter()
        .filter(|cell| cell.rolled_up_to(Resolution::HOURLY) != toronto(7))
        .collect();
    let world =
        World::new(2).reports(&beside, 40.0, 0..9 * DAY).reports(&beside, 90.0, DOWN..DOWN + HOUR);
    let taken = by_minute(&world, DOWN - 30..DOWN + 50);
    let other = taken.last().unwrap();
    assert!(heard_in(other, toronto(7), 0, 0).unwrap().counted < 1.0);
    assert!(heard_in(other, toronto(7), 2, 0).unwrap().counted > 15.0);
}

#[test]
fn who_was_never_heard_of_within_a_hundred_kilometres_is_not_asked() {
    let far = World::new(2).reports(&town(VANCOUVER, 5), 40.0, 0..9 * DAY);
    let taken = by_minute(&far, DOWN - 30..DOWN);
    assert_eq!(heard_in(taken.last().unwrap(), toronto(5), 3, 0), None);
    let own = provider(1, 12.0, 90.0);
    assert_eq!(own.watched(SPAN).told, beside(&own, &far, SPAN).told);
}

#[test]
fn it_does_not_matter_which_zone_of_a_cell_is_asked_about_first() {
    let taken = by_minute(&provider(2, 40.0, 100.0), DOWN..DOWN + 30);
    let other = taken.last().unwrap();
    let hearing = hearing(other);
    let others = Others::beside(&[], std::slice::from_ref(other), &hearing);
    let (centre, parameters) = (toronto(7), Parameters::default());
    let alone = |steps: usize| others.about(centre).heard(steps, AN_HOUR, &parameters).unwrap();
    let mut asked = others.about(centre);
    for steps in [2, 0, 1, 1, 3, 0] {
        assert_eq!(asked.heard(steps, AN_HOUR, &parameters), Some(alone(steps)), "{steps} steps");
    }
    assert!(alone(3).counted > alone(0).counted);
}

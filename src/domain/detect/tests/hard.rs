//! What is hard for the detector: floods that look like outages, what a gap or an outage
//! leaves behind.

use super::gap::six_hours_away;
use super::spam::{SPAM, VILLAGE, village_and_city};
use super::world::{DAY, HOUR, Place, START, TORONTO, WEEK, World, cell, town};
use crate::domain::grid::{Cell, Position, Resolution, Spot};
use crate::domain::time::Window;

/// Where phones at one street corner think they are: true to some twenty metres.
pub fn street_corner((lat, lon): (f64, f64), random: &mut fastrand::Rng) -> Vec<Place> {
    let mut blur = || 20.0 / 111_000.0 * (0..12).map(|_| random.f64() - 0.5).sum::<f64>();
    let positions = (0..500)
        .map(|_| Position::new(lat + blur(), lon + blur() / lat.to_radians().cos()).unwrap());
    positions
        .map(|position| (Cell::at(position, Resolution::FINEST), Cell::spot_at(position)))
        .collect()
}

/// Some corners of the village, and some of the city.
fn corners(random: &mut fastrand::Rng) -> Vec<(f64, f64)> {
    let near = |(lat, lon): (f64, f64), random: &mut fastrand::Rng| {
        (lat + 0.02 * (random.f64() - 0.5), lon + 0.02 * (random.f64() - 0.5))
    };
    (0..20).map(|n| near(if n % 2 == 0 { VILLAGE } else { TORONTO }, random)).collect()
}

#[test]
fn five_hundred_fresh_ids_at_one_street_corner_are_seldom_heard() {
    let random = fastrand::Rng::with_seed(4);
    let world = village_and_city();
    // Where three spots meet, or chance adds reports of its own beside the corner, a
    // flood looks like a small outage.
    let silent = |at: &(f64, f64)| {
        let corner = street_corner(*at, &mut random.clone());
        world.clone().ids(&corner, 500, SPAM..SPAM + HOUR).watched(SPAM..SPAM + 75).told.is_empty()
    };
    let at = corners(&mut random.clone());
    let silent = at.iter().filter(|at| silent(at)).count();
    assert!(silent >= 17, "only {silent} of 20");
}

#[test]
fn eight_devices_at_one_spot_of_a_city_are_not_heard() {
    let heard = |seed: &u64| {
        let city = World::new(*seed).reports(&town(TORONTO, 6), 40.0, 0..9 * DAY);
        !city
            .ids(&[(cell(TORONTO), Spot::Odd)], 8, SPAM..SPAM + HOUR)
            .watched(SPAM..SPAM + 70)
            .told
            .is_empty()
    };
    assert_eq!((0..20).filter(heard).count(), 0);
}

#[test]
fn reports_that_waited_for_us_on_phones_are_no_outage() {
    let end = 7 * DAY + 16 * HOUR;
    for seed in 0..3 {
        let queued = six_hours_away(seed).late_ids(
            &town(TORONTO, 5),
            150,
            end - 6 * HOUR..end - 6,
            end..end + 15,
        );
        queued.watched(7 * DAY + 8 * HOUR..8 * DAY).is_silent();
    }
}

#[test]
fn an_outage_of_half_a_day_does_not_poison_what_is_expected_afterwards() {
    let (town, part) = (town(TORONTO, 5), town(TORONTO, 2));
    let outage = 14 * DAY..14 * DAY + 12 * HOUR;
    let world = World::new(4).reports(&town, 20.0, 0..4 * WEEK).reports(&part, 400.0, outage);
    let expected = |at: i64| {
        let detector = world.watched(at..at + 1).detector;
        let window = Window { from: START.plus(at), to: START.plus(at + 2 * HOUR) };
        [&town[..], &part, &part[..1]].map(|cells| detector.expected(cells, window).mean)
    };
    let hours = [3 * HOUR, 10 * HOUR, 19 * HOUR];
    for hour in hours {
        let before = expected(13 * DAY + hour);
        for after in [16 * DAY + hour, 21 * DAY + hour] {
            for (before, after) in before.into_iter().zip(expected(after)) {
                assert!(
                    (after / before - 1.0).abs() < 0.3,
                    "{before} {after}, hour {}",
                    hour / HOUR
                );
            }
        }
    }
}

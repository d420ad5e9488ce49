//! Few people, and machines, that report much.

use super::world::{DAY, HOUR, Place, TORONTO, WEEK, World, cell, country, town};
use crate::domain::grid::{Cell, Position, Resolution, Spot};

/// A quiet village and a busy city, over eight days.
pub fn village_and_city() -> World {
    World::new(1).reports(&town(VILLAGE, 3), 0.3, 0..9 * DAY).reports(
        &town(TORONTO, 6),
        40.0,
        0..9 * DAY,
    )
}

pub const VILLAGE: (f64, f64) = (44.9, -81.2);
/// When the spam begins.
pub const SPAM: i64 = 8 * DAY + 12 * HOUR;

#[test]
fn one_who_reports_every_two_hours_for_three_days_is_not_heard() {
    let minutes = (5 * DAY..8 * DAY).step_by(2 * HOUR as usize);
    let world = World::new(2).reports(&town(TORONTO, 5), 5.0, 0..9 * DAY);
    world
        .one_reporter((cell(TORONTO), Spot::Middle), minutes.clone())
        .watched(5 * DAY..8 * DAY + 8 * HOUR)
        .is_silent();
    World::new(3)
        .one_reporter((cell(TORONTO), Spot::Middle), minutes)
        .watched(5 * DAY..8 * DAY + 8 * HOUR)
        .is_silent();
}

#[test]
fn five_hundred_fresh_ids_at_one_spot_of_a_village_are_not_heard() {
    for spot in [Spot::Middle, Spot::Even] {
        village_and_city()
            .ids(&[(cell(VILLAGE), spot)], 500, SPAM..SPAM + HOUR)
            .watched(SPAM..SPAM + 2 * HOUR)
            .is_silent();
    }
}

#[test]
fn a_flood_in_a_village_delays_no_outage_of_a_city() {
    let down = || village_and_city().reports(&town(TORONTO, 2), 90.0, SPAM..SPAM + HOUR);
    let found = |world: World| world.watched(SPAM - 10..SPAM + HOUR).only().detected_at;
    let flooded = down().ids(&[(cell(VILLAGE), Spot::Odd)], 1_000, SPAM - 10..SPAM + HOUR);
    assert_eq!(found(flooded), found(down()));
}

#[test]
fn eight_devices_at_one_spot_of_a_village_are_not_heard() {
    for near in town(VILLAGE, 1) {
        village_and_city()
            .ids(&[(near, Spot::Odd)], 8, SPAM..SPAM + HOUR)
            .watched(SPAM..SPAM + 90)
            .is_silent();
    }
}

#[test]
fn bots_spread_evenly_over_a_country_are_no_local_outage() {
    let mut random = fastrand::Rng::with_seed(6);
    let anywhere = |random: &mut fastrand::Rng| {
        Position::new(37.0 + 9.0 * random.f64(), -102.0 + 13.0 * random.f64()).unwrap()
    };
    let bots: Vec<Place> = (0..2_000)
        .map(|_| Cell::at(anywhere(&mut random), Resolution::FINEST))
        .map(|c| (c, Spot::Odd))
        .collect();
    let quiet = World::new(7).reports(&country(6, 10), 20.0, 0..9 * DAY);
    let story = quiet.ids(&bots, 3_000, SPAM..SPAM + HOUR).watched(SPAM..SPAM + 2 * HOUR);
    assert!(story.episodes().len() <= 1, "{story}");
    assert!(story.episodes().iter().all(|episode| episode.evidence.centre.is_none()), "{story}");
}

#[test]
fn a_provider_with_one_report_a_week_is_silent() {
    let world = (0..8).fold(World::new(8), |world, week| {
        world.ids(&[(cell(TORONTO), Spot::Even)], 1, week * WEEK..week * WEEK + HOUR)
    });
    let story = world.watched(7 * WEEK - HOUR..7 * WEEK + DAY);
    story.is_silent();
    assert!(story.detector.baseline().reports() > 0.0);
}

//! Twice a year clocks are set, and a whole country does everything an hour sooner or
//! later by UTC.

use super::story::Story;
use super::world::{DAY, HOUR, START, TORONTO, World, town};
use crate::domain::detect::Detector;
use crate::domain::detect::parameters::Parameters;
use crate::domain::local_clock::LocalClock;
use crate::domain::time::Hour;

/// When clocks are set forward: a Monday, at two in the morning.
const SET: i64 = 28 * DAY + 7 * HOUR;

fn clock() -> LocalClock {
    let at = |minute: i64| START.plus(minute).hour();
    LocalClock::new(vec![(at(0), -5), (at(SET), -4)])
}

/// A city that sleeps from eleven to seven by the clock, and then gets up within the
/// hour.
fn city() -> World {
    let usual = |world: World, hour: i64| {
        let shown = clock().shows(Hour(START.hour().0 + hour)).0.rem_euclid(24);
        let an_hour = if (7..23).contains(&shown) { 90.0 } else { 6.0 };
        world.reports(&town(TORONTO, 5), an_hour, hour * HOUR..(hour + 1) * HOUR)
    };
    (0..30 * 24).fold(World::new(8), usual)
}

/// What is told of the two days around the change.
fn told(by: LocalClock) -> Story {
    let mut detector = Detector::new(Parameters::default());
    detector.go_by(by, START.hour());
    Story::new(&city(), detector, SET - 12 * HOUR..SET + 36 * HOUR)
}

#[test]
fn a_morning_that_comes_an_hour_sooner_since_clocks_were_set_is_no_outage() {
    told(clock()).is_silent();
    // By UTC it would be one.
    let by_utc = told(LocalClock::default());
    assert!(!by_utc.episodes().is_empty(), "{by_utc}");
}

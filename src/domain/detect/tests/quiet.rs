//! Background without any outage.

use super::world::{DAY, TORONTO, VANCOUVER, WEEK, World, town};
use crate::domain::fact::Lane;
use crate::domain::grid::{Cell, Spot};

#[test]
fn four_weeks_of_chance_bring_one_episode_at_most_in_the_last_two() {
    let town: Vec<Cell> = [TORONTO, VANCOUVER]
        .into_iter()
        .flat_map(|at| town(at, 3))
        .chain(town(VILLAGE, 2))
        .chain(town(HAMLET, 1))
        .collect();
    assert_eq!(town.len(), 100);
    let story = World::new(1).reports(&town, 50.0, 0..4 * WEEK).watched(2 * WEEK..4 * WEEK);
    assert!(story.episodes().len() <= 1, "{story}");
}

const VILLAGE: (f64, f64) = (44.9, -81.2);
const HAMLET: (f64, f64) = (45.8, -81.9);

#[test]
fn a_busy_provider_is_silent_from_the_first_minute_it_is_watched_in() {
    let world = World::new(3).reports(&town(TORONTO, 6), 400.0, 0..9 * DAY);
    for from in 8 * DAY..8 * DAY + 20 {
        world.watched(from..from + 20).is_silent();
    }
}

#[test]
fn a_constant_series_never_flags() {
    let place = (super::world::cell(TORONTO), Spot::Middle);
    for an_hour in 0..=30 {
        let mut world = World::new(0);
        for n in 0..an_hour * 24 * 15 {
            world.row(n * 60 / an_hour, place, Lane::OnTime, 1);
        }
        for span in [0..DAY / 2, 2 * WEEK..2 * WEEK + DAY / 4] {
            let story = world.watched(span.clone());
            assert!(story.told.is_empty(), "{an_hour} an hour, {span:?}\n{story}");
        }
    }
}

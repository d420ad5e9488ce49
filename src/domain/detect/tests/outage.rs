//! Outages that are found, wherever and however they come: as one episode each.

use super::story::{Story, minute_of};
use super::world::{DAY, HOUR, TORONTO, VANCOUVER, WEEK, World, cell, country, town};
use crate::domain::detect::episode::{Episode, State};
use crate::domain::grid::{Cell, Resolution};
use std::collections::BTreeSet;

/// When the outages of these tests begin: at noon in UTC, after eight days.
pub const DOWN: i64 = 8 * DAY + 12 * HOUR;

fn names(episode: &Episode, cell: Cell) -> bool {
    episode.cells.iter().any(|named| named.contains(cell) || cell.contains(*named))
}

/// An outage of an hour somewhere, which is to be one episode that names it, dates it and
/// ends.
fn is_one_episode(town: &[Cell], down: &[Cell]) {
    let world =
        World::new(1).reports(town, 12.0, 0..9 * DAY).reports(down, 90.0, DOWN..DOWN + HOUR);
    let story = world.watched(DOWN - 30..DOWN + 2 * HOUR);
    let episode = story.only();
    assert!((DOWN..DOWN + 20).contains(&minute_of(episode.detected_at)), "{story}");
    assert!((minute_of(episode.onset) - DOWN).abs() < 10, "{story}");
    assert_eq!(episode.state, State::Resolved, "{story}");
    assert!(names(episode, down[0]), "{story}");
}

#[test]
fn a_plain_outage_is_found_named_dated_and_over() {
    is_one_episode(&town(TORONTO, 5), &town(TORONTO, 2));
}

#[test]
fn around_a_pentagon_too() {
    for base in Cell::of_the_earth().filter(|base| base.is_pentagon()).step_by(6) {
        let pentagon =
            base.descendants(Resolution::HOURLY).find(|cell| cell.is_pentagon()).unwrap();
        let near =
            |steps| pentagon.disk(steps).into_iter().map(|(cell, _)| cell).collect::<Vec<_>>();
        assert_eq!(near(1).len(), 6);
        is_one_episode(&near(3), &near(1));
    }
}

#[test]
fn across_the_antimeridian_too() {
    // Taveuni, Fiji, lies on both sides.
    let taveuni = (-16.84, 180.0);
    let town = town(taveuni, 5);
    let east = |cell: &&Cell| cell.centre().lon() < 0.0;
    assert!(town.iter().any(|cell| east(&cell)) && !town.iter().all(|cell| east(&cell)));
    is_one_episode(&town, &super::world::town(taveuni, 2));
}

#[test]
fn a_country_without_service_is_one_episode_that_says_everywhere() {
    let country = country(6, 10);
    let world = World::new(2).reports(&country, 60.0, 0..9 * DAY).reports(
        &country,
        1_200.0,
        DOWN..DOWN + 90,
    );
    let story = world.watched(DOWN - HOUR..DOWN + 60);
    let [episode] = story.open()[..] else { panic!("{story}") };
    assert_eq!(episode.evidence.centre, None, "{story}");
    assert!(story.episodes().len() <= 2, "{story}");
    assert!(country.iter().all(|cell| names(episode, *cell)), "{story}");
}

#[test]
fn a_region_of_which_every_town_fails_is_one_episode() {
    let country = country(6, 10);
    let region: Vec<Cell> =
        country.iter().filter(|cell| cell.centre().lon() > -94.0).copied().collect();
    let world = World::new(2).reports(&country, 300.0, 0..9 * DAY).reports(
        &region,
        3_000.0,
        DOWN..DOWN + 20,
    );
    let story = world.watched(DOWN - HOUR..DOWN + 18);
    let [episode] = story.open()[..] else { panic!("{story}") };
    let (inside, outside): (Vec<Cell>, Vec<Cell>) =
        country.into_iter().partition(|cell| region.contains(cell));
    let part_named = |cells: &[Cell]| {
        cells.iter().filter(|cell| names(episode, **cell)).count() as f64 / cells.len() as f64
    };
    assert!(
        part_named(&inside) > 0.9 && part_named(&outside) < 0.1,
        "{} {}\n{story}",
        part_named(&inside),
        part_named(&outside)
    );
}

#[test]
fn two_outages_far_apart_are_two_episodes() {
    two_cities_down(0, DOWN + 40);
}

/// Half an hour of both being down, which is to be two episodes that each name one of
/// them.
pub fn two_cities_down(seed: u64, second: i64) {
    let cities: Vec<Cell> = [TORONTO, VANCOUVER].into_iter().flat_map(|at| town(at, 5)).collect();
    let first_down = World::new(seed).reports(&cities, 20.0, 0..9 * DAY).reports(
        &town(TORONTO, 2),
        90.0,
        DOWN..second + 30,
    );
    let story = first_down
        .reports(&town(VANCOUVER, 2), 90.0, second..second + 30)
        .watched(DOWN - 10..second + 30);
    let episodes = story.episodes();
    assert_eq!(episodes.len(), 2, "{story}");
    for middle in [TORONTO, VANCOUVER].map(cell) {
        assert_eq!(episodes.iter().filter(|episode| names(episode, middle)).count(), 1, "{story}");
    }
}

#[test]
fn a_city_that_fails_beside_a_fiercer_village_is_told_too() {
    // Hardly anybody lives in the village: it has hundreds of times as many as are
    // expected, the city eight kilometres away five times.
    let (village, city) = ((43.73, -79.40), town(TORONTO, 2));
    let cells = |story: &Story| {
        story.episodes().into_iter().map(|episode| episode.cells.clone()).collect::<Vec<_>>()
    };
    for seed in 0..8 {
        let elsewhere = World::new(seed).reports(&town(VANCOUVER, 5), 40.0, 0..9 * DAY).reports(
            &town(TORONTO, 12),
            4.0,
            0..9 * DAY,
        );
        let fierce = elsewhere.reports(&city, 6.0, 0..9 * DAY).reports(
            &town(village, 1),
            30.0,
            DOWN..DOWN + 2 * HOUR,
        );
        let world = fierce.reports(&city, 24.0, DOWN + 10..DOWN + 2 * HOUR);
        let span = DOWN - 10..DOWN + 2 * HOUR;
        let story = world.watched(span.clone());
        for middle in [village, TORONTO].map(cell) {
            assert!(
                story.episodes().iter().any(|episode| names(episode, middle)),
                "{seed}: {middle:?} is named by none of\n{story}"
            );
        }
        assert!(story.episodes().len() <= 2, "{seed}: told anew again and again\n{story}");
        let looked = world.looked_at(span);
        assert_eq!(cells(&looked), cells(&story), "{seed}: looked at or not\n{looked}\n{story}");
    }
}

/// Far from each other.
const CITIES: [(f64, f64); 6] = [
    (40.71, -74.01),
    (41.88, -87.63),
    (34.05, -118.24),
    (25.76, -80.19),
    (39.74, -104.99),
    (47.61, -122.33),
];

/// Cells of a city, each as often as people report from it: most in the middle, few at
/// the edge.
fn people(random: &mut fastrand::Rng, (lat, lon): (f64, f64)) -> Vec<Cell> {
    let mut side = || 0.025 * ((0..12).map(|_| random.f64()).sum::<f64>() - 6.0);
    (0..2_000).map(|_| cell((lat + side(), lon + side()))).collect()
}

#[test]
fn cities_that_fail_one_after_the_other_are_an_outage_each_whoever_looks_and_from_when_on() {
    for seed in [5, 6] {
        let mut random = fastrand::Rng::with_seed(seed);
        let cities = CITIES.map(|city| people(&mut random, city));
        let quiet = World::new(seed).reports(&cities.concat(), 3.0, 0..9 * DAY);
        let world = (0..)
            .zip(&cities[..3])
            .fold(quiet, |world, (n, city)| world.reports(city, 4_000.0, DOWN + n..DOWN + 4));
        let cells = |story: &Story| {
            story.open().into_iter().map(|episode| episode.cells.clone()).collect::<BTreeSet<_>>()
        };
        let stepped = world.watched(DOWN - 10..DOWN + 9);
        assert_eq!(cells(&stepped).len(), 3, "{stepped}");
        for from in [0, 2, 4] {
            let looked = world.looked_at_from(DOWN + from, DOWN - 10..DOWN + 9);
            assert_eq!(
                cells(&looked),
                cells(&stepped),
                "{seed}, looked at from minute {from} on:\n{looked}\n{stepped}"
            );
        }
    }
}

#[test]
fn what_flaps_is_an_episode_that_opens_again_not_many() {
    let (town, down) = (town(TORONTO, 5), town(TORONTO, 2));
    let quiet = World::new(4).reports(&town, 12.0, 0..9 * DAY);
    let flaps = (0..4)
        .map(|n| DOWN + n * 55)
        .fold(quiet, |world, from| world.reports(&down, 120.0, from..from + 30));
    let story = flaps.watched(DOWN - 30..DOWN + 5 * HOUR);
    assert!((1..=2).contains(&story.episodes().len()), "{story}");
    assert_eq!(story.open().len(), 0, "{story}");
}

#[test]
fn what_lasts_all_day_keeps_its_onset() {
    let world = World::new(7).reports(&town(TORONTO, 5), 12.0, 0..9 * DAY).reports(
        &town(TORONTO, 2),
        90.0,
        DOWN..DOWN + 11 * HOUR,
    );
    let story = world.watched(DOWN - 30..DOWN + 11 * HOUR);
    let episode = story.only();
    assert_eq!(episode.state, State::Confirmed, "{story}");
    assert!((DOWN..DOWN + 3).contains(&minute_of(episode.onset)), "{story}");
}

#[test]
fn those_who_tell_us_afterwards_are_heard() {
    // Nobody in the middle of it can report before it is over.
    let down = town(TORONTO, 2);
    let world = World::new(5).reports(&town(TORONTO, 5), 12.0, 0..9 * DAY);
    let story = world
        .late_ids(&down, 40, DOWN..DOWN + HOUR, DOWN + HOUR..DOWN + HOUR + 20)
        .watched(DOWN..DOWN + 2 * HOUR);
    let episode = story.only();
    assert!((DOWN + HOUR..DOWN + HOUR + 20).contains(&minute_of(episode.detected_at)), "{story}");
    assert!(minute_of(episode.onset) < DOWN + 15, "{story}");
}

#[test]
fn the_same_world_tells_the_same_story_twice() {
    let country = country(3, 3);
    let world =
        World::new(6).reports(&country, 30.0, 0..WEEK).reports(&country, 600.0, WEEK - HOUR..WEEK);
    let tell = || world.watched(WEEK - 2 * HOUR..WEEK).told;
    assert!(!tell().is_empty());
    assert_eq!(tell(), tell());
}

#[test]
fn however_fierce_the_core_the_edge_is_named_too() {
    let (whole, core) = (town(TORONTO, 9), town(TORONTO, 5));
    let edge: Vec<Cell> = whole.iter().filter(|cell| !core.contains(cell)).copied().collect();
    let quiet = World::new(3).reports(&whole, 0.4, 0..9 * DAY);
    let world =
        quiet.reports(&core, 7_200.0, DOWN..DOWN + 20).reports(&edge, 60.0, DOWN..DOWN + 20);
    let story = world.watched(DOWN - 30..DOWN + 18);
    let heard = (DOWN..DOWN + 17).filter_map(|minute| world.minute(minute));
    let heard: Vec<Cell> = heard
        .flat_map(|counts| counts.rows().map(|(key, _)| key.cell()).collect::<Vec<_>>())
        .collect();
    assert!(heard.iter().filter(|cell| edge.contains(cell)).count() > 10);
    let unnamed: Vec<&Cell> = heard.iter().filter(|cell| !names(story.only(), **cell)).collect();
    assert!(unnamed.is_empty(), "{unnamed:?}\n{story}");
}

#[test]
fn it_does_not_grow_over_what_is_as_usual() {
    let (city, down) = (town(TORONTO, 14), town(TORONTO, 2));
    let world =
        World::new(9).reports(&city, 200.0, 0..9 * DAY).reports(&down, 600.0, DOWN..DOWN + 60);
    let story = world.watched(DOWN - 30..DOWN + 60);
    let near = town(TORONTO, 5);
    let beside =
        story.only().cells.iter().filter(|named| !near.iter().any(|cell| named.contains(*cell)));
    assert_eq!(beside.count(), 0, "{story}");
}

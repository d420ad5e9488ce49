//! Who attacks the map by reading it: asks every call, keeps every answer, and works out
//! where each report must lie. None may lie for certain where fewer than `k` people were
//! heard of; and without any one part of the rule, some does.

mod answers;
mod nodes;
mod posting;
mod reading;
mod solver;
mod steady;
mod world;

use groundswell::domain::privacy::rule::LeftOut;
use groundswell::domain::time::Minute;
use reading::Reader;
use solver::{BESIDE, PLACES, Puzzle, Region, ShownIn};
use world::{World, beside_one_that_closes, beside_those_left, exclusion, six_of_seven, sparse};

/// People whom a region must hold in which a report lies for certain.
const K: usize = 3;

/// What a reader of a world finds: reports that lie for certain in regions with too few
/// people.
fn attacked(world: &World, left_out: LeftOut) -> Vec<String> {
    let told = Reader::of(world).told();
    let none_coarsened = left_out.coarsening;
    found_by(world, Puzzle { all_count: left_out.coin, none_coarsened, ..told })
}

/// What follows from all that was told.
fn found_by(world: &World, told: Puzzle) -> Vec<String> {
    let puzzle = Puzzle { least: 2 * K as u32 - 1, ..told };
    assert!(puzzle.has_a_solution(), "the truth is one: {puzzle:?}");
    let mut found = Vec::new();
    for (minute, shown_in) in puzzle.hidden() {
        let mut places = puzzle.places_of(minute, shown_in);
        // Anywhere on earth is no place.
        places.retain(|place| shown_in != ShownIn::Nowhere || *place != BESIDE);
        for region in too_small(world, minute, &places) {
            if !puzzle.can_be_empty(minute, shown_in, region) {
                found.push(said(world, minute, region));
            }
        }
    }
    // What is shown in a child is about that child.
    for (minute, told) in &puzzle.minutes {
        for child in (0..PLACES - 1).filter(|child| 0 < told.shown[*child]) {
            let region = std::array::from_fn(|place| place == child);
            if world.people_in(region, *minute) < K {
                found.push(said(world, *minute, region));
            }
        }
    }
    found
}

fn said(world: &World, minute: Minute, region: Region) -> String {
    let people = world.people_in(region, minute);
    format!("in minute {} one of {people} people in {region:?}", minute.0 - world.began.0)
}

/// The largest regions of these places with fewer than `K` people in every day around a
/// minute: a report that lies in a smaller one for certain lies in these for certain.
fn too_small(world: &World, minute: Minute, places: &[usize]) -> Vec<Region> {
    let regions = (1_u32..1 << places.len()).map(|bits| {
        let is_in = |place: usize| {
            places.iter().position(|one| *one == place).is_some_and(|n| bits >> n & 1 == 1)
        };
        std::array::from_fn(is_in)
    });
    let small: Vec<Region> =
        regions.filter(|region| world.people_in(*region, minute) < K).collect();
    let is_within = |a: &Region, b: &Region| a.iter().zip(b).all(|(a, b)| !a | b);
    let is_largest =
        |region: &&Region| !small.iter().any(|other| other != *region && is_within(region, other));
    small.iter().filter(is_largest).copied().collect()
}

const NOTHING: LeftOut = LeftOut { rests: false, coin: false, coarsening: false };

/// By chance no report was coarsened, and the reader is told so: what another part of the
/// rule is for shows by itself.
const NOT_COARSENED: LeftOut = LeftOut { coarsening: true, ..NOTHING };

/// By chance every report counted where it was reported.
const NO_CHANCE: LeftOut = LeftOut { coin: true, ..NOT_COARSENED };

#[test]
fn nobody_is_found_in_the_smallest_places_of_a_sparse_world() {
    for seed in 0..4 {
        let found = attacked(&sparse(seed, NOTHING), NOTHING);
        assert!(found.is_empty(), "seed {seed}: {found:?}");
    }
}

#[test]
fn a_lone_reporter_beside_six_open_neighbours_is_not_found_but_without_the_threshold_of_rests() {
    for left_out in [NOTHING, NOT_COARSENED] {
        let found = attacked(&six_of_seven(left_out), left_out);
        assert!(found.is_empty(), "{found:?}");
    }
    let left_out = LeftOut { rests: true, ..NOT_COARSENED };
    assert!(!attacked(&six_of_seven(left_out), left_out).is_empty());
}

#[test]
fn who_lies_where_nothing_else_is_left_is_not_found_but_without_the_coin() {
    for left_out in [NOTHING, NOT_COARSENED] {
        let found = attacked(&exclusion(left_out), left_out);
        assert!(found.is_empty(), "{found:?}");
    }
    assert!(!attacked(&exclusion(NO_CHANCE), NO_CHANCE).is_empty());
}

#[test]
fn who_opens_the_parent_of_a_closed_cell_is_not_found_but_with_one_coin_for_both() {
    let world = beside_those_left(NO_CHANCE);
    let told = Puzzle { none_coarsened: true, ..Reader::of(&world).told() };
    assert!(!told.parent_alone.is_empty(), "{told:?}");
    let found = found_by(&world, told.clone());
    assert!(found.is_empty(), "{found:?}");
    let found = found_by(&world, Puzzle { one_coin: true, ..told });
    assert!(!found.is_empty(), "the fifth lies beside the other four for certain");
}

/// Where somebody was shown tells which cells were not open then, and that their parent opens
/// later that they count.
#[test]
fn who_spoke_beside_an_open_cell_that_closes_is_not_found_but_where_none_are_coarsened() {
    let world = beside_one_that_closes(NO_CHANCE);
    let told = Reader::of(&world).told();
    assert!(!told.parent_alone.is_empty(), "{told:?}");
    let found = found_by(&world, told.clone());
    assert!(found.is_empty(), "{found:?}");
    let found = found_by(&world, Puzzle { none_coarsened: true, ..told });
    assert!(!found.is_empty(), "the fifth lies beside the cell that was open for certain");
}

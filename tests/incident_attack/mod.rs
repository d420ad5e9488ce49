//! Who attacks incidents by reading them: keeps every revision, spike and explanation in
//! every form, and works out where each report must lie. None may lie for certain where
//! fewer than `k` people reported; and without any one part of the rule, some does.

mod posting;
mod reading;
mod solver;
mod world;

use groundswell::domain::privacy::rule::LeftOut;
use reading::{Reader, Told};
use solver::Attacker;
use world::{Scene, World};

/// People whom a region must hold in which a report lies for certain.
const K: usize = 3;

/// The coins that could have shown tails showed none: what is told then could have been told
/// in any world, and a reader knows the most. Nor was any report coarsened, and the reader
/// knows that, too.
const NO_TAILS: LeftOut = LeftOut { rests: false, coin: true, coarsening: true };

/// What a reader of a world finds.
fn attacked(scene: &Scene, left_out: LeftOut, attacker: Attacker) -> Vec<String> {
    let world = World::play(scene, left_out, K as u8);
    attacker.found(&world, &Reader::of(&world).told())
}

/// Who knows what the rule is.
const ATTACKER: Attacker =
    Attacker { left_out: LeftOut { coin: false, ..NO_TAILS }, one_coin: false };

#[test]
fn nobody_is_found_in_the_incidents_of_sparse_worlds() {
    for seed in 0..4 {
        let found = attacked(&Scene::sparse(seed), NO_TAILS, ATTACKER);
        assert_eq!(found, [""; 0], "seed {seed}");
    }
}

#[test]
fn nobody_is_found_after_late_reports_a_void_and_a_restart() {
    for seed in 0..2 {
        let before = World::play(&Scene::sparse(seed), NO_TAILS, K as u8);
        let (of_before, mut told) = (Reader::of(&before).incidents(), Reader::of(&before).told());
        let world = before.after_late_reports_a_void_and_a_restart(NO_TAILS);
        let now = Reader::of(&world).told();
        assert!(of_before.iter().all(|before| now.contains(before)), "{of_before:?} {now:?}");
        // Spikes of before are told no more: a reader has kept them.
        told.extend(now);
        assert_eq!(ATTACKER.found(&world, &told), [""; 0], "seed {seed}");
    }
}

#[test]
fn who_is_left_of_a_larger_place_is_not_found_but_without_the_threshold_of_rests() {
    let scene = Scene::beside_a_named_place();
    assert_eq!(attacked(&scene, NO_TAILS, ATTACKER), [""; 0]);
    let left_out = LeftOut { rests: true, ..NO_TAILS };
    let knows = Attacker { left_out: LeftOut { coin: false, ..left_out }, ..ATTACKER };
    assert!(!attacked(&scene, left_out, knows).is_empty());
}

#[test]
fn who_is_beside_four_is_not_found_but_without_coins_or_with_one_for_all_resolutions() {
    let scene = Scene::beside_four();
    assert_eq!(attacked(&scene, NO_TAILS, ATTACKER), [""; 0]);
    let no_coin = Attacker { left_out: NO_TAILS, ..ATTACKER };
    assert!(!attacked(&scene, NO_TAILS, no_coin).is_empty());
    let one_coin = Attacker { one_coin: true, ..ATTACKER };
    assert!(!attacked(&scene, NO_TAILS, one_coin).is_empty());
}

#[test]
fn people_of_two_brands_together_open_nothing_that_names_one_of_them() {
    assert_eq!(attacked(&Scene::of_two_brands(), NO_TAILS, ATTACKER), [""; 0]);
}

#[test]
fn where_nothing_is_hidden_somebody_is_found() {
    let world = World::play(&Scene::beside_four(), NO_TAILS, 1);
    let told = Reader::of(&world).told();
    let named = told.iter().flat_map(|told: &Told| &told.cells);
    let few = named.filter(|cell| (1..K).contains(&world.people_in(&|at| cell.contains(at))));
    assert!(few.count() > 0, "{told:?}");
}

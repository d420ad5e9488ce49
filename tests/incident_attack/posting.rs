//! Who posts reports of invented people, to see what an incident tells of somebody else.

use super::NO_TAILS;
use super::reading::Reader;
use super::world::{Scene, World};
use groundswell::domain::time::Minute;

/// When the place of a lone report was first named.
fn named(world: &World) -> Option<Minute> {
    let child = world.children[6];
    let told = Reader::of(world).told();
    let of_child = told.iter().filter(|told| told.cells.contains(&child));
    of_child.map(|told| told.minutes.end).min()
}

/// The figures of docs/privacy.md: run it with `--nocapture`.
#[test]
fn four_invented_people_in_a_cell_have_the_fifth_report_name_it() {
    let alone = World::play(&Scene::four_and(0), NO_TAILS, 3);
    assert_eq!(named(&alone), None, "four name nothing");
    let world = World::play(&Scene::four_and(1), NO_TAILS, 3);
    let reported = world.sent.last().unwrap().0;
    let after = named(&world).unwrap().0 - reported.0;
    println!("beside four invented people a report named its cell within {after} minutes");
    assert!((0..=3).contains(&after), "{after}");
}

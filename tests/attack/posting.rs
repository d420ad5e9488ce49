//! Who posts reports of invented people: what they gain is known, and written down.

use super::reading::Reader;
use super::world::World;
use crate::support::server::TestServer;

const DAY_MINUTES: i64 = 24 * 60;

#[test]
fn who_invents_enough_people_opens_a_cell_for_a_day_and_no_longer() {
    let mut world = World::on(TestServer::start());
    // Five at once share a coin: of six times five all are passed over once in 260,000.
    for _ in 0..6 {
        (0..5).for_each(|_| world.report(0));
        world.pass(1);
    }
    world.pass(60);
    let alone = world.server.now().minute();
    world.report(0);
    world.pass(DAY_MINUTES + 30);
    let later = world.server.now().minute();
    world.report(0);
    world.pass(60);
    let reader = Reader::of(&world);
    let child = Some(world.children[0]);
    assert_eq!(reader.rows(alone).get(&child), Some(&1), "somebody else is shown in their cell");
    assert_eq!(reader.rows(later).get(&child), None, "and is not a day later");
}

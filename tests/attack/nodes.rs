//! Nodes of one store show the same; and a rule that is changed hides at once, or speaks for
//! what comes.

use super::reading::{Reader, Rows};
use super::world::{World, six_of_seven_on, sparse};
use super::{NOTHING, attacked};
use crate::support::redis::own_prefix;
use crate::support::server::TestServer;
use groundswell::domain::access::entry::Actor;
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::domain::time::Minute;
use groundswell::http::policy::Policy;
use std::collections::BTreeMap;

fn all(reader: &Reader<'_>) -> BTreeMap<Minute, Rows> {
    reader.minutes().map(|minute| (minute, reader.rows(minute))).collect()
}

fn k_of(k: u8) -> AskedRule {
    AskedRule { k: Some(k), finest: None }
}

/// The rule of a world's store is set while it runs.
fn set(world: &World, k: u8) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(world.server.engine.set_privacy(Actor::CommandLine, k_of(k))).unwrap();
    world.server.next_tick();
}

/// Reports that are shown in one of the children, by minute.
fn in_children(world: &World, rows: &BTreeMap<Minute, Rows>) -> BTreeMap<Minute, u32> {
    let is_child = |cell: &Option<_>| cell.is_some_and(|cell| world.children.contains(&cell));
    let of = |rows: &Rows| rows.iter().filter(|(cell, _)| is_child(cell)).map(|(_, n)| n).sum();
    rows.iter().map(|(minute, rows)| (*minute, of(rows))).collect()
}

#[test]
fn without_hiding_anything_somebody_is_found() {
    let server = TestServer::start_by_asking(Policy::default(), k_of(1));
    assert!(!attacked(&six_of_seven_on(World::on(server)), NOTHING).is_empty());
}

#[test]
fn two_nodes_show_the_same_and_neither_names_anybody() {
    let prefix = own_prefix();
    let [a, b] = [(); 2].map(|()| TestServer::start_by_on_redis(Policy::default(), &prefix));
    let world = six_of_seven_on(World::on(a));
    b.advance_ms(world.server.now().ms_since(b.now()));
    b.step_access();
    let (here, there) = (Reader::of(&world), Reader::through(&world, &b));
    let rows = all(&here);
    assert!(rows.len() > 40);
    assert_eq!(all(&there), rows);
    assert_eq!(there.told().open, here.told().open);
    assert_eq!(attacked(&world, NOTHING), [""; 0]);
}

#[test]
fn a_higher_k_hides_what_was_shown_and_a_lower_one_shows_nothing_of_before() {
    let world = sparse(8, NOTHING);
    let by_three = all(&Reader::of(&world));
    set(&world, 8);
    let by_eight = all(&Reader::of(&world));
    let totals = |rows: &BTreeMap<Minute, Rows>| -> BTreeMap<Minute, u32> {
        rows.iter().map(|(minute, rows)| (*minute, rows.values().sum())).collect()
    };
    assert_eq!(totals(&by_eight), totals(&by_three), "nothing is lost");
    let (fine, hidden) = (in_children(&world, &by_three), in_children(&world, &by_eight));
    assert!(hidden.iter().all(|(minute, count)| *count <= fine[minute]));
    assert!(hidden.values().sum::<u32>() < fine.values().sum(), "{fine:?}, {hidden:?}");
    set(&world, 2);
    assert_eq!(all(&Reader::of(&world)), by_eight);
}

//! Nodes of one store show the same, also after their Redis has failed over; and a rule that
//! is changed hides at once, or speaks for what comes.

use super::reading::{Reader, Rows, number};
use super::world::{World, six_of_seven_on, sparse};
use super::{NO_CHANCE, NOTHING, attacked};
use crate::support::redis::{RedisServer, own_prefix};
use crate::support::server::TestServer;
use crate::support::text;
use groundswell::domain::access::entry::Actor;
use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::domain::time::Minute;
use groundswell::http::policy::Policy;
use std::collections::BTreeMap;

fn all(reader: &Reader<'_>) -> BTreeMap<Minute, Rows> {
    reader.minutes().map(|minute| (minute, reader.rows(minute))).collect()
}

/// Reports of each hour since then, in each child and in their parent.
fn hours_of(reader: &Reader<'_>, began: Minute) -> Vec<Vec<u32>> {
    let from = began.hour().first_minute();
    let (from, to) = (text(from.start()), text(from.plus(4 * 60).start()));
    let of = |cell: Cell| {
        let path = format!("/v1/series?provider=alpha&cell={cell}&from={from}&to={to}&step=1h");
        let series = reader.get(&path);
        let points = series["points"].as_array().unwrap().iter();
        points.map(|point| number(&point["count"])).collect()
    };
    reader.cells().map(of).collect()
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

/// A node of a Redis, brought to the time of another.
fn node(redis: &RedisServer, prefix: &str, at: Option<&TestServer>) -> TestServer {
    let node = TestServer::start_by_on_redis_at(&redis.url(), Policy::default(), prefix);
    // Then it is known what opens.
    node.engine.leave_out(NO_CHANCE);
    if let Some(other) = at {
        node.advance_ms(other.now().ms_since(node.now()));
        node.step_access();
        node.catch_up();
    }
    node
}

#[test]
fn two_nodes_show_the_same_after_late_reports_a_void_a_failover_a_restart_and_ageing() {
    let (mut master, replica) = (RedisServer::start(&[]), RedisServer::start(&[]));
    replica.follow(&master);
    let prefix = own_prefix();
    let (a, b) = (node(&master, &prefix, None), node(&master, &prefix, None));
    let mut world = six_of_seven_on(World::on(a));
    for child in 0..5 {
        world.report(child);
        world.pass(1);
    }
    for minutes in [90, 100, 110] {
        world.report_late(6, minutes);
    }
    world.server.catch_up();
    world.void(9, 13);
    world.pass(60);
    b.advance_ms(world.server.now().ms_since(b.now()));
    b.step_access();
    b.catch_up();
    let (rows, open) = (all(&Reader::of(&world)), Reader::of(&world).told().open);
    assert!(rows.len() > 40);
    assert_eq!(all(&Reader::through(&world, &b)), rows);
    assert_eq!(attacked(&world, NOTHING), [""; 0]);

    assert_eq!(master.cli(&["WAIT", "1", "5000"]).trim(), "1");
    let began = world.began;
    let (c, d) = {
        master.kill();
        replica.lead();
        (node(&replica, &prefix, Some(&world.server)), node(&replica, &prefix, Some(&b)))
    };
    drop(b);
    let world = World { server: c, ..world };
    for client in [&world.server, &d] {
        let reader = Reader::through(&world, client);
        assert_eq!(all(&reader), rows, "nothing moved");
        assert_eq!(reader.told().open, open);
    }
    assert_eq!(attacked(&world, NOTHING), [""; 0]);

    let hours = |client: &TestServer| hours_of(&Reader::through(&world, client), began);
    let before = hours(&world.server);
    assert!(before[..7].iter().flatten().sum::<u32>() > 3, "{before:?}");
    // Minutes are at rest for 15 days: then only hours are left.
    for _ in 0..17 {
        world.server.advance_minutes(24 * 60);
        d.advance_ms(world.server.now().ms_since(d.now()));
        (0..2).for_each(|_| world.server.maintain());
        (0..2).for_each(|_| d.maintain());
    }
    assert_eq!((hours(&world.server), hours(&d)), (before.clone(), before));
}

#[test]
fn a_higher_k_hides_at_once_what_is_still_in_the_cache() {
    let world = sparse(8, NOTHING);
    let map = |world: &World| {
        let cells = "/v1/heatmap?provider=alpha&window=1440m&resolution=7";
        Reader::of(world).get(cells)
    };
    let before = map(&world);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(world.server.engine.set_privacy(Actor::CommandLine, k_of(50))).unwrap();
    // Not a moment has passed.
    let after = map(&world);
    assert_eq!(after["privacy"]["k"], 50);
    assert_eq!(after["cells"], serde_json::json!([]), "{before}");
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

#[test]
fn a_higher_k_shows_hours_without_minutes_more_coarsely_and_nothing_that_was_hidden() {
    let world = sparse(8, NOTHING);
    let around = world.parent.rolled_up_to(Resolution::ALL[5]);
    let hours_in = |cell: Cell| -> u32 {
        let [from, to] = [world.began, world.began.plus(5 * 24 * 60)]
            .map(|at| text(at.hour().first_minute().start()));
        let path = format!("/v1/series?provider=alpha&cell={cell}&from={from}&to={to}&step=1h");
        let series = Reader::of(&world).get(&path);
        let points = series["points"].as_array().unwrap().iter();
        points.map(|point| number(&point["count"])).sum()
    };
    for _ in 0..17 {
        world.server.advance_minutes(24 * 60);
        (0..3).for_each(|_| world.server.maintain());
    }
    let (fine, before) = (hours_in(world.children[0]), hours_in(around));
    let sent = world.sent.len() as u32;
    assert!(
        0 < fine && before < sent,
        "{fine} in a child, {before} of {sent} around: some are hidden"
    );
    set(&world, 8);
    assert_eq!((hours_in(world.children[0]), hours_in(around)), (0, before));
}

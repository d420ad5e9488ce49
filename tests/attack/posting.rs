//! Who posts reports of invented people: what they gain is known, and written down.

use super::reading::Reader;
use super::world::World;
use super::{NO_CHANCE, NOT_COARSENED};
use crate::keys::by_keys;
use crate::support::server::TestServer;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::domain::privacy::coin::{Chance, Coin};
use groundswell::domain::privacy::mass::{Heard, Mass, heard};
use groundswell::domain::privacy::rule::{LeftOut, Rule};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::Minute;
use groundswell::http::policy::{Anonymous, Policy};

const DAY_MINUTES: i64 = 24 * 60;

#[test]
fn who_invents_enough_people_opens_a_cell_for_a_day_and_no_longer() {
    let mut world = World::on(TestServer::start());
    world.server.engine.leave_out(NOT_COARSENED);
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

/// How likely so many invented people open a cell: all in one minute, and one a minute.
fn odds(people: u32) -> [f64; 2] {
    const SECRETS: u32 = 4_000;
    let cell = Cell::at(Position::new(48.4, -81.3).unwrap(), Resolution::FINEST);
    let opens = |secret: u32, in_minutes: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&secret.to_le_bytes());
        let (coin, count) = (Coin::new(bytes), people / in_minutes);
        let key = FactKey::new(cell, Symptom::NoData, Lane::OnTime, Source(0));
        let fact = (key, Tally { count, first: count });
        let mut mass = Mass::default();
        for n in 0..in_minutes {
            let at = Minute(30_000_000 + i64::from(n));
            mass.enter(heard([fact], Chance::of(&coin), "alpha", at).map(Heard::row));
        }
        let groups = mass.groups(Rule::default(), LeftOut::default());
        groups.holds(cell.rolled_up_to(Resolution::DEFAULT))
    };
    [1, people].map(|in_minutes| {
        let opened = (0..SECRETS).filter(|secret| opens(*secret, in_minutes)).count();
        opened as f64 / f64::from(SECRETS)
    })
}

/// The figures of docs/privacy.md: run it with `--nocapture`.
#[test]
fn five_invented_people_open_a_cell_at_the_odds_of_chance_and_more_of_them_nearly_always() {
    // Of one minute 7 in 8 have heads, and five reports of those stay 31 in 32 each; one a
    // minute, each has both chances.
    let rows =
        [(4, 0.0, 0.0), (5, 0.747, 0.438), (6, 0.863, 0.771), (7, 0.874, 0.924), (8, 0.875, 0.978)];
    for (people, at_once, in_minutes) in rows {
        let [one, many] = odds(people);
        println!("{people} invented people: {one:.2} in one minute, {many:.2} one a minute");
        assert!((one - at_once).abs() < 0.02 && (many - in_minutes).abs() < 0.03, "{people}");
    }
}

/// Minutes until invented people have opened a cell, and what is shown in it of a report of
/// somebody else just after; none where it does not open within half an hour.
fn gained(mut world: World, people: usize) -> (Option<i64>, Option<u32>) {
    world.server.engine.leave_out(NO_CHANCE);
    let posted = world.server.now().minute();
    (0..people).for_each(|_| world.report(0));
    let child = Some(world.children[0]);
    let mut opened = None;
    for _ in 0..30 {
        world.pass(1);
        let to = crate::support::text(world.server.now().minute().start());
        let from = crate::support::text(world.server.now().minute().plus(-1).start());
        let path = format!(
            "/v1/series?provider=alpha&cell={}&from={from}&to={to}&step=1m",
            world.children[0]
        );
        if Reader::of(&world).get(&path)["points"][0]["partial"] != true {
            opened = Some(world.server.now().minute().0 - 1 - posted.0);
            break;
        }
    }
    let alone = world.server.now().minute();
    world.report(0);
    world.server.next_tick();
    (opened, Reader::of(&world).rows(alone).get(&child).copied())
}

#[test]
fn who_invents_five_people_sees_the_next_report_of_the_cell_at_once_and_alone() {
    for _ in 0..3 {
        let (opened, shown) = gained(World::on(TestServer::start()), 5);
        println!("five invented people opened a cell after {opened:?} minutes: {shown:?} shown");
        assert!((6..=11).contains(&opened.unwrap()));
        assert_eq!(shown, Some(1), "who made it, and in which minute, is certain");
    }
    assert_eq!(gained(World::on(TestServer::start()), 4), (None, None));
}

#[test]
fn people_whom_a_source_invents_that_may_not_open_open_nothing() {
    let policy = Policy { anonymous_may_open: false, ..by_keys(Anonymous::All) };
    let asked = AskedRule { k: Some(3), finest: Some(Resolution::DEFAULT) };
    let world = World::on(TestServer::start_by_asking(policy, asked));
    assert_eq!(gained(world, 40), (None, None));
}

//! What was shown once stays where it was shown: whatever comes later, late, is taken back,
//! or starts anew.

use super::NOTHING;
use super::reading::{Reader, Rows, number};
use super::world::{World, sparse, sparse_seen};
use crate::support::text;
use groundswell::domain::grid::Cell;
use groundswell::domain::time::Minute;
use std::collections::BTreeMap;

/// All rows of a world.
fn all(world: &World) -> BTreeMap<Minute, Rows> {
    let reader = Reader::of(world);
    reader.minutes().map(|minute| (minute, reader.rows(minute))).collect()
}

#[test]
fn rows_never_move_as_time_goes_by() {
    let mut seen: BTreeMap<Minute, Rows> = BTreeMap::new();
    let world = sparse_seen(7, NOTHING, |world| {
        for (minute, rows) in all(world) {
            let before = seen.entry(minute).or_insert_with(|| rows.clone());
            for (cell, count) in before.iter() {
                assert!(rows.get(cell) >= Some(count), "{minute:?}: {before:?}, then {rows:?}");
            }
            *before = rows;
        }
    });
    assert!(seen.len() > 20 && seen == all(&world), "{seen:?}");
}

#[test]
fn late_reports_take_the_place_of_their_minute_and_open_nothing() {
    let world = sparse(3, NOTHING);
    let (before, open) = (all(&world), Reader::of(&world).told().open);
    for child in 0..7 {
        for minutes in [10, 1_500, 2_000, 2_600] {
            for n in 0..6 {
                world.report_late(child, minutes + n);
            }
        }
    }
    world.server.advance_minutes(30);
    let after = all(&world);
    for (minute, rows) in &before {
        for (cell, count) in rows {
            assert!(after[minute].get(cell) >= Some(count), "{minute:?}");
        }
    }
    let now_open = Reader::of(&world).told().open;
    assert!(open.iter().all(|(epoch, open)| now_open[epoch] == *open));
}

#[test]
fn a_void_lowers_counts_and_moves_nothing() {
    let world = sparse(11, NOTHING);
    let (before, open) = (all(&world), Reader::of(&world).told().open);
    world.void(200, 900);
    let after = all(&world);
    assert!(after.len() < before.len());
    for (minute, rows) in &after {
        for (cell, count) in rows {
            assert!(Some(count) <= before[minute].get(cell), "{minute:?}");
        }
    }
    assert_eq!(Reader::of(&world).told().open, open, "what was taken back decides still");
}

#[test]
fn a_restart_shows_everything_where_it_was() {
    let world = sparse(5, NOTHING);
    let (before, open) = (all(&world), Reader::of(&world).told().open);
    let world = world.restarted();
    assert_eq!(all(&world), before);
    assert_eq!(Reader::of(&world).told().open, open);
}

#[test]
fn hours_stay_where_their_minutes_were_shown_when_those_are_gone() {
    let world = sparse(4, NOTHING);
    let cells = || world.children.iter().copied().chain([world.parent]);
    let hour = |minute: Minute| minute.hour().first_minute();
    let (from, to) = (hour(world.began), hour(world.server.now().minute()));
    let hours = |cell: Cell| {
        let (from, to) = (text(from.start()), text(to.start()));
        let path = format!("/v1/series?provider=alpha&cell={cell}&from={from}&to={to}&step=1h");
        let series = Reader::of(&world).get(&path);
        let points = series["points"].as_array().unwrap().iter();
        points.map(|point| number(&point["count"])).collect::<Vec<u32>>()
    };
    let before: Vec<Vec<u32>> = cells().map(hours).collect();
    assert!(before.iter().flatten().sum::<u32>() > 10, "{before:?}");
    for _ in 0..17 {
        world.server.advance_minutes(24 * 60);
        (0..3).for_each(|_| world.server.maintain());
    }
    let after: Vec<Vec<u32>> = cells().map(hours).collect();
    assert_eq!(after, before);
    let map = "/v1/heatmap?provider=alpha&window=1m&to=";
    let gone = world.server.get(&format!("{map}{}", text(from.start())));
    assert_eq!(gone.json()["code"], "out_of_retention");
}

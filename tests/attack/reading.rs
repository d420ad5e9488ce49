//! Reads all that can be read of a world, over HTTP, as a page of a stranger would.

use super::solver::{Puzzle, Told};
use super::world::World;
use crate::support::client::Client;
use crate::support::text;
use groundswell::domain::grid::Cell;
use groundswell::domain::privacy::epoch::{EPOCH_MINUTES, Epoch};
use groundswell::domain::time::Minute;
use serde_json::Value;
use std::collections::BTreeMap;

/// A caller whom a proxy passes on: nobody's neighbour.
const STRANGER: (&str, &str) = ("X-Forwarded-For", "203.0.113.9");

/// Points of a series at most.
const MOST_POINTS: usize = 5_000;

/// Reports by the cell in which they are shown; those without a place.
pub type Rows = BTreeMap<Option<Cell>, u32>;

/// Who reads.
pub struct Reader<'a> {
    world: &'a World,
    client: &'a Client,
}

impl<'a> Reader<'a> {
    pub fn of(world: &'a World) -> Self {
        Self::through(world, &world.server)
    }

    /// Who reads the world through another node.
    pub const fn through(world: &'a World, client: &'a Client) -> Self {
        Self { world, client }
    }

    /// The children, and their parent.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        self.world.children.iter().copied().chain([self.world.parent])
    }

    /// All that is told of the world since it began.
    pub fn told(&self) -> Puzzle {
        let (began, end) = (self.world.began, self.world.server.now().minute());
        let minutes = self.minutes().map(|minute| (minute, self.told_of(&self.rows(minute))));
        let minutes = minutes.collect();
        let (from, to) = (Epoch::of(began).0, Epoch::of(end).0);
        let open = self.open(from, to);
        let is_alone = |epoch: &Epoch| !open[epoch].contains(&true);
        let parent = self.open_of(self.world.parent, from, to);
        let parent = parent.into_iter().filter(|(epoch, is_open)| *is_open && is_alone(epoch));
        let parent_alone = parent.map(|(epoch, _)| epoch).collect();
        let (all_count, one_coin, none_coarsened) = (false, false, false);
        Puzzle { minutes, open, parent_alone, least: 0, all_count, one_coin, none_coarsened }
    }

    /// Minutes in which something was reported, as a series tells.
    pub fn minutes(&self) -> impl Iterator<Item = Minute> {
        let (began, end) = (self.world.began, self.world.server.now().minute());
        let mut found = Vec::new();
        for from in (began.0..end.0).step_by(MOST_POINTS) {
            let to = end.0.min(from + MOST_POINTS as i64);
            let (from_text, to_text) = (text(Minute(from).start()), text(Minute(to).start()));
            let series = self
                .get(&format!("/v1/series?provider=alpha&from={from_text}&to={to_text}&step=1m"));
            let points = series["points"].as_array().unwrap();
            let counted = (from..to).zip(points).filter(|(_, point)| point["count"] != 0);
            found.extend(counted.map(|(minute, _)| Minute(minute)));
        }
        found.into_iter()
    }

    pub fn get(&self, path: &str) -> Value {
        let answer = self.client.send("GET", path, &[STRANGER], b"");
        assert_eq!(answer.status, 200, "{path}: {answer}");
        answer.json()
    }

    /// The bytes of an answer; none where nothing is on a tile.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let answer = self.client.send("GET", path, &[STRANGER], b"");
        assert!([200, 204].contains(&answer.status), "{path}: {answer}");
        answer.body
    }

    /// The same of emergency calls that failed.
    pub fn emergency(&self, minute: Minute) -> Rows {
        let to = text(minute.plus(1).start());
        rows_of(&self.get(&format!(
            "/v1/heatmap?provider=alpha&window=1m&to={to}&resolution=8&symptom=no_emergency_calls"
        )))
    }

    /// What the map of one minute shows: reports by cell, and without a place.
    pub fn rows(&self, minute: Minute) -> Rows {
        let to = text(minute.plus(1).start());
        rows_of(&self.get(&format!("/v1/heatmap?provider=alpha&window=1m&to={to}&resolution=8")))
    }

    fn told_of(&self, rows: &Rows) -> Told {
        let mut told = Told::default();
        for (cell, count) in rows {
            let Some(cell) = cell else {
                told.unplaced += count;
                continue;
            };
            match self.world.children.iter().position(|child| child == cell) {
                Some(child) => told.shown[child] += count,
                None if *cell == self.world.parent => told.in_parent += count,
                None => told.coarser += count,
            }
        }
        told
    }

    /// Which children are open in these epochs.
    fn open(&self, from: i64, to: i64) -> BTreeMap<Epoch, [bool; 7]> {
        let mut open: BTreeMap<Epoch, [bool; 7]> = BTreeMap::new();
        for (n, child) in self.world.children.iter().enumerate() {
            for (epoch, is_open) in self.open_of(*child, from, to) {
                open.entry(epoch).or_default()[n] = is_open;
            }
        }
        open
    }

    /// In which of these epochs a cell, or one in it, is open.
    fn open_of(&self, cell: Cell, from: i64, to: i64) -> Vec<(Epoch, bool)> {
        let at = |epoch: i64| text(Epoch(epoch).start());
        let (from_text, to_text) = (at(from), at(to));
        let series = self.get(&format!(
            "/v1/series?provider=alpha&cell={cell}&from={from_text}&to={to_text}\
             &step={EPOCH_MINUTES}m"
        ));
        let points = series["points"].as_array().unwrap().iter();
        (from..to).zip(points).map(|(at, point)| (Epoch(at), point["partial"] != true)).collect()
    }
}

/// The rows of a map.
pub fn rows_of(map: &Value) -> Rows {
    let mut rows = Rows::new();
    let placed = [&map["cells"], &map["coarser"]];
    for row in placed.into_iter().flat_map(|rows| rows.as_array().unwrap()) {
        let cell = Cell::parse(row["hex"].as_str().unwrap()).unwrap();
        rows.insert(Some(cell), number(&row["count"]));
    }
    match number(&map["unplaced"]) {
        0 => {}
        unplaced => drop(rows.insert(None, unplaced)),
    }
    rows
}

pub fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

//! Reads all that can be read of a world, over HTTP, as a page of a stranger would.

use super::solver::{Puzzle, Told};
use super::world::World;
use crate::support::text;
use groundswell::domain::grid::Cell;
use groundswell::domain::privacy::epoch::{EPOCH_MINUTES, Epoch};
use groundswell::domain::time::Minute;
use serde_json::Value;
use std::collections::BTreeMap;

/// A caller whom a proxy passes on: nobody's neighbour.
const STRANGER: (&str, &str) = ("X-Forwarded-For", "203.0.113.9");

/// Who reads.
pub struct Reader<'a> {
    world: &'a World,
}

impl<'a> Reader<'a> {
    pub const fn of(world: &'a World) -> Self {
        Self { world }
    }

    /// All that is told of the world since it began.
    pub fn told(&self) -> Puzzle {
        let end = self.world.server.now().minute();
        let mut minutes = BTreeMap::new();
        for minute in (self.world.began.0..end.0).map(Minute) {
            let told = self.minute(minute);
            if told != Told::default() {
                minutes.insert(minute, told);
            }
        }
        let epochs = Epoch::of(self.world.began).0..Epoch::of(end).0;
        let open = self.open(epochs.start, epochs.end);
        Puzzle { minutes, open, least: 0, all_count: false }
    }

    pub fn get(&self, path: &str) -> Value {
        let answer = self.world.server.send("GET", path, &[STRANGER], b"");
        assert_eq!(answer.status, 200, "{path}: {answer}");
        answer.json()
    }

    /// What the map of one minute shows.
    fn minute(&self, minute: Minute) -> Told {
        let to = text(minute.plus(1).start());
        let map = self.get(&format!("/v1/heatmap?provider=alpha&window=1m&to={to}&resolution=7"));
        let mut told = Told { unplaced: number(&map["unplaced"]), ..Told::default() };
        for of in [&map["cells"], &map["coarser"]] {
            for row in of.as_array().unwrap() {
                let cell = Cell::parse(row["hex"].as_str().unwrap()).unwrap();
                let count = number(&row["count"]);
                match self.world.children.iter().position(|child| *child == cell) {
                    Some(child) => told.shown[child] += count,
                    None if cell == self.world.parent => told.in_parent += count,
                    None => told.coarser += count,
                }
            }
        }
        told
    }

    /// Which children are open in these epochs.
    fn open(&self, from: i64, to: i64) -> BTreeMap<Epoch, [bool; 7]> {
        let mut open: BTreeMap<Epoch, [bool; 7]> = BTreeMap::new();
        let at = |epoch: i64| text(Epoch(epoch).start());
        for (n, child) in self.world.children.iter().enumerate() {
            let (from_text, to_text) = (at(from), at(to));
            let series = self.get(&format!(
                "/v1/series?provider=alpha&cell={child}&from={from_text}&to={to_text}\
                 &step={EPOCH_MINUTES}m"
            ));
            for (epoch, point) in (from..to).zip(series["points"].as_array().unwrap()) {
                open.entry(Epoch(epoch)).or_default()[n] = point["partial"] != true;
            }
        }
        open
    }
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

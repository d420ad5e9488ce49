//! A heatmap of the morning of 8 July 2022, for the tests of every format.

use super::table::Credit;
use super::{Heatmap, HeatmapFormat, Subject};
use crate::domain::grid::{Cell, Position, Resolution};
use crate::domain::level::Level;
use crate::domain::privacy::rule::Rule;
use crate::domain::time::{Timestamp, Window};

pub fn at(lat: f64, lon: f64, resolution: i64) -> Cell {
    Cell::at(Position::new(lat, lon).unwrap(), Resolution::new(resolution).unwrap())
}

pub fn level(resolution: i64, cells: &[(Cell, u32)], coarser: &[(Cell, u32)]) -> Level {
    let (cells, counts) = cells.iter().copied().unzip();
    Level::new(Resolution::new(resolution).unwrap(), cells, counts, coarser.to_vec())
}

pub fn heatmap(level: &Level) -> Heatmap<'_> {
    let as_of = Timestamp(1_657_269_852_000);
    Heatmap {
        subject: Subject::Provider("rogers"),
        window: Window::ending_at(as_of, 15),
        as_of,
        stale: false,
        privacy: Some(Rule::default()),
        level,
        assessment: None,
        fields: None,
        credit: &Credit::NOBODY,
    }
}

pub fn parsed(heatmap: &Heatmap<'_>, format: HeatmapFormat) -> serde_json::Value {
    serde_json::from_slice(&super::heatmap(heatmap, format)).unwrap()
}

//! Where an outage is felt: so many different cells of a region.

use fastrand::Rng;
use groundswell::domain::bbox::BoundingBox;
use groundswell::domain::grid::{Cell, Position, Resolution};
use std::collections::HashSet;

/// Continental North America south of 50° N; west, south, east, north.
pub const CONTINENT: [f64; 4] = [-124.0, 26.0, -67.0, 50.0];
/// The region of Toronto: about 3,300 cells of the finest resolution.
pub const METRO: [f64; 4] = [-79.75, 43.5, -79.05, 43.9];

/// Sides as a box.
#[must_use]
pub fn bounding_box([west, south, east, north]: [f64; 4]) -> BoundingBox {
    BoundingBox::new(west, south, east, north).expect("the sides of this region are in order")
}

/// Different cells of the finest resolution in these sides, in no order, of those whose
/// centre is wanted.
pub fn distinct_cells(
    random: &mut Rng,
    sides: [f64; 4],
    number: usize,
    wanted: impl Fn(Position) -> bool,
) -> Vec<Cell> {
    let [west, south, east, north] = sides;
    let mut seen = HashSet::with_capacity(number);
    let mut cells = Vec::with_capacity(number);
    while cells.len() < number {
        let (lat, lon) =
            (south + (north - south) * random.f64(), west + (east - west) * random.f64());
        let cell = Cell::at(
            Position::new(lat, lon).expect("a region is on the earth"),
            Resolution::FINEST,
        );
        if wanted(cell.centre()) && seen.insert(cell) {
            cells.push(cell);
        }
    }
    cells
}

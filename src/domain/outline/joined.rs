//! The outline of many cells as one: edges between them dissolved, holes kept.
//!
//! The union is taken of outlines that are already cut at the antimeridian and closed
//! round the poles, in whole millionths of a degree: what comes out needs no rounding,
//! which could make it invalid again.

use super::super::grid::{Cell, Resolution};
use super::{doubled_area, in_degrees, of_cell, parts_of_cell};
use geo::{Coord, LineString, MultiPolygon, Polygon};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::core::solver::Solver;
use i_overlay::i_float::int::point::IntPoint;
use std::collections::HashMap;

/// More cells than this are rolled up before they are joined, until they are as few: as
/// many as the largest map shows.
pub const MOST_CELLS: usize = 50_000;

// In square millionths of a degree: a quarter of the smallest cell, and more than two
// readings of one corner of the largest leave between them.
const LEAST_HOLE: f64 = 1e7;

/// The outline in degrees of cells of any resolutions. Outer rings run counter-clockwise,
/// holes clockwise, and all of it is valid.
///
/// Where cells of several resolutions lie side by side, the coarser ones are drawn by
/// their descendants: a hexagon and its children have not the same edge, which would
/// leave gaps. More than [`MOST_CELLS`] are drawn more coarsely.
#[must_use]
pub fn of_cells(cells: &[Cell]) -> MultiPolygon {
    let cells = fitted(&disjoint(cells));
    match cells[..] {
        [] => MultiPolygon::new(vec![]),
        [cell] => of_cell(cell),
        _ => union(cells.into_iter().flat_map(parts_of_cell)),
    }
}

/// The cells sorted, none within another, at most [`MOST_CELLS`].
fn disjoint(cells: &[Cell]) -> Vec<Cell> {
    let mut cells = cells.to_vec();
    let mut finest = Resolution::FINEST;
    loop {
        for cell in &mut cells {
            *cell = cell.rolled_up_to(finest);
        }
        // A cell sorts behind its descendants, so the last of each family is the one that
        // contains the others.
        cells.sort_unstable_by(|a, b| b.cmp(a));
        cells.dedup_by(|later, kept| kept.contains(*later));
        cells.reverse();
        match Resolution::new(i64::from(finest.number()) - 1) {
            Ok(coarser) if cells.len() > MOST_CELLS => finest = coarser,
            _ => return cells,
        }
    }
}

/// The cells such that those side by side are of one resolution, as far as [`MOST_CELLS`]
/// allow.
fn fitted(cells: &[Cell]) -> Vec<Cell> {
    if cells.iter().all(|cell| cell.resolution() == cells[0].resolution()) {
        return cells.to_vec();
    }
    let mut left = MOST_CELLS.saturating_sub(cells.len()) as u64;
    let mut fitted = Vec::with_capacity(cells.len());
    for neighbours in groups(cells) {
        let finest =
            neighbours.iter().map(|cell| cell.resolution()).max().expect("a group has a cell");
        let more: u64 = neighbours.iter().map(|cell| cell.descendant_count(finest) - 1).sum();
        if more <= left {
            left -= more;
            fitted.extend(neighbours.iter().flat_map(|cell| cell.descendants(finest)));
        } else {
            fitted.extend(neighbours);
        }
    }
    fitted
}

/// Sorted disjoint cells in groups: neighbours, and neighbours of those, are in one.
fn groups(cells: &[Cell]) -> Vec<Vec<Cell>> {
    let mut chief_of: Vec<usize> = (0..cells.len()).collect();
    for (n, cell) in cells.iter().enumerate() {
        // From the finer of two neighbours the other is found: it is the one that
        // contains what lies a step away.
        for (near, _) in cell.disk(1) {
            let other = cells.partition_point(|c| *c < near);
            if cells.get(other).is_some_and(|c| c.contains(near)) {
                let (a, b) = (chief(&mut chief_of, n), chief(&mut chief_of, other));
                chief_of[a.max(b)] = a.min(b);
            }
        }
    }
    let mut place = HashMap::new();
    let mut groups: Vec<Vec<Cell>> = Vec::new();
    for (n, cell) in cells.iter().enumerate() {
        let group = *place.entry(chief(&mut chief_of, n)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(*cell);
    }
    groups
}

/// The first of a cell's group, as far as is known; the way to it is halved for those who
/// ask later.
fn chief(chief_of: &mut [usize], mut n: usize) -> usize {
    while chief_of[n] != n {
        chief_of[n] = chief_of[chief_of[n]];
        n = chief_of[n];
    }
    n
}

fn union(rings: impl Iterator<Item = Vec<Coord>>) -> MultiPolygon {
    let options = IntOverlayOptions { ogc: true, ..IntOverlayOptions::default() };
    let mut overlay = Overlay::new_custom(0, options, Solver::default());
    for ring in rings {
        overlay.add_path_iter(
            ring.into_iter().map(|c| IntPoint::new(c.x as i32, c.y as i32)),
            ShapeType::Subject,
        );
    }
    let shapes = overlay.overlay(OverlayRule::Subject, FillRule::NonZero);
    MultiPolygon::new(shapes.into_iter().map(polygon).collect())
}

fn polygon(shape: Vec<Vec<IntPoint>>) -> Polygon {
    let ring = |points: Vec<IntPoint>| {
        points.into_iter().map(|p| Coord { x: f64::from(p.x), y: f64::from(p.y) }).collect()
    };
    let mut rings = shape.into_iter().map(ring);
    let outer = rings.next().expect("a shape has an outer ring");
    // The same corner, computed from two cells, may round to two places. What lies
    // between is no hole.
    let holes: Vec<LineString> = rings
        .filter(|hole: &Vec<Coord>| doubled_area(hole) <= -2.0 * LEAST_HOLE)
        .map(in_degrees)
        .collect();
    Polygon::new(in_degrees(outer), holes)
}

#[cfg(test)]
mod tests;

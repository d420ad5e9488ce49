//! Outlines on a flat map: cells as polygons that are valid in RFC 7946, over the
//! antimeridian and the poles too.
//!
//! Corners are rounded to a millionth of a degree (about 0.1 m) before anything else, so
//! that cuts are exact and outlines are written with six decimals as they are: rounded
//! after the cut, a sliver at the antimeridian would no longer be valid.

mod joined;

pub use joined::{MOST_CELLS, of_cells};

use super::grid::{Cell, Position};
use geo::{Coord, LineString, MultiPolygon, Polygon};

// Until `in_degrees`, coordinates are whole numbers of millionths of a degree, which an
// f64 holds exactly.
const PER_DEGREE: f64 = 1e6;
const ANTIMERIDIAN: f64 = 180.0 * PER_DEGREE;
const POLE: f64 = 90.0 * PER_DEGREE;
// Up to ten corners, and the first again.
const MOST_COORDS: usize = 11;

/// The outline of a cell in degrees: one polygon, or two where the antimeridian cuts it.
/// Rings run counter-clockwise, as corners do.
///
/// A cell round a pole is the band from -180° to 180° between its corners and the map's
/// edge.
#[must_use]
pub fn of_cell(cell: Cell) -> MultiPolygon {
    MultiPolygon::new(
        parts_of_cell(cell)
            .into_iter()
            .map(|part| Polygon::new(in_degrees(part), vec![]))
            .collect(),
    )
}

/// The rings of the outline, in millionths of a degree, the first corner not repeated.
fn parts_of_cell(cell: Cell) -> Vec<Vec<Coord>> {
    let mut ring = Vec::with_capacity(MOST_COORDS);
    ring.extend(cell.corners().map(rounded));
    parts_of_ring(ring)
}

fn parts_of_ring(mut ring: Vec<Coord>) -> Vec<Vec<Coord>> {
    let leap = (0..ring.len()).find(|n| leaps(ring[*n], ring[(n + 1) % ring.len()]));
    match leap {
        None => vec![ring],
        Some(last) => {
            let start = (last + 1) % ring.len();
            ring.rotate_left(start);
            cut_at_leaps(&ring)
        }
    }
}

fn rounded(corner: Position) -> Coord {
    let x = (corner.lon() * PER_DEGREE).round();
    // One spelling for the antimeridian, so that an edge along it is no leap.
    let x = if x == -ANTIMERIDIAN { ANTIMERIDIAN } else { x };
    Coord { x, y: (corner.lat() * PER_DEGREE).round() }
}

/// Whether the edge crosses the antimeridian: its short way round does, where its
/// longitudes are more than half a turn apart.
fn leaps(from: Coord, to: Coord) -> bool {
    (to.x - from.x).abs() > ANTIMERIDIAN
}

/// The parts of a ring that begins just behind the antimeridian: one for each run of
/// corners on one side of it.
fn cut_at_leaps(ring: &[Coord]) -> Vec<Vec<Coord>> {
    let runs: Vec<&[Coord]> = ring.chunk_by(|from, to| !leaps(*from, *to)).collect();
    let first_of = |n: usize| runs[n % runs.len()][0];
    let last_of = |n: usize| runs[n % runs.len()][runs[n % runs.len()].len() - 1];
    let parts = (0..runs.len()).map(|n| {
        let entry = crossing(last_of(n + runs.len() - 1), first_of(n));
        let exit = crossing(first_of(n + 1), last_of(n));
        let mut part = Vec::with_capacity(MOST_COORDS + 4);
        part.push(entry);
        part.extend(runs[n]);
        part.push(exit);
        // A ring that leaps only once goes round a pole: eastward round the north pole,
        // so that it ends at 180°, westward round the south.
        if runs.len() == 1 {
            let pole = POLE.copysign(exit.x);
            part.extend([Coord { x: exit.x, y: pole }, Coord { x: entry.x, y: pole }]);
        }
        part.dedup();
        part
    });
    // What reaches over by less than the rounding has become a line, and is left out.
    parts.filter(|part| doubled_area(part) > 0.0).collect()
}

/// Where an edge that leaps meets the antimeridian, on the side of `to`. The latitude is
/// the same from either end.
fn crossing(from: Coord, to: Coord) -> Coord {
    let (before, behind) = (ANTIMERIDIAN - from.x.abs(), ANTIMERIDIAN - to.x.abs());
    let y = (from.y * behind + to.y * before) / (before + behind);
    Coord { x: ANTIMERIDIAN.copysign(to.x), y: y.round() }
}

/// Twice the area within a ring, below zero where it runs clockwise.
fn doubled_area(ring: &[Coord]) -> f64 {
    // From the first corner, so that the products stay small enough to be exact.
    let arm = |n: usize| ring[n] - ring[0];
    (2..ring.len()).map(|n| arm(n - 1).x * arm(n).y - arm(n).x * arm(n - 1).y).sum()
}

fn in_degrees(mut ring: Vec<Coord>) -> LineString {
    for coord in &mut ring {
        *coord = *coord / PER_DEGREE;
    }
    ring.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Resolution;
    use geo::{Area, Contains, Point, Validation};
    use proptest::prelude::*;

    fn cell(lat: f64, lon: f64, r: Resolution) -> Cell {
        Cell::at(Position::new(lat, lon).unwrap(), r)
    }

    fn assert_valid(cell: Cell) {
        let outline = of_cell(cell);
        assert!(outline.is_valid(), "{cell}: {outline:?}");
        for part in &outline {
            assert!(
                part.exterior().coords().all(|c| c.x.abs() <= 180.0 && c.y.abs() <= 90.0),
                "{cell}"
            );
            assert!(part.signed_area() > 0.0, "{cell}: an outer ring runs counter-clockwise");
        }
        let centre = cell.centre();
        assert!(outline.contains(&Point::new(centre.lon(), centre.lat())), "{cell}: {outline:?}");
    }

    #[test]
    fn poles_pentagons_and_the_antimeridian_give_valid_outlines() {
        for r in Resolution::ALL {
            for lat in [-90.0, -89.9, -64.0, -17.0, 0.0, 17.0, 64.0, 89.9, 90.0] {
                for lon in [-180.0, -179.999, -10.0, 0.0, 10.536, 179.99, 180.0] {
                    assert_valid(cell(lat, lon, r));
                }
            }
        }
    }

    #[test]
    fn a_cell_on_the_antimeridian_is_two_polygons_that_share_the_cut() {
        for r in Resolution::ALL {
            let outline = of_cell(cell(0.0, 180.0, r));
            let cut = |part: &Polygon| {
                let mut latitudes: Vec<f64> = part
                    .exterior()
                    .coords()
                    .skip(1)
                    .filter(|c| c.x.abs() >= 180.0)
                    .map(|c| c.y)
                    .collect();
                latitudes.sort_by(f64::total_cmp);
                latitudes
            };
            assert_eq!((outline.0.len(), cut(&outline.0[0]).len()), (2, 2), "{outline:?}");
            assert_eq!(cut(&outline.0[0]), cut(&outline.0[1]));
        }
    }

    #[test]
    fn a_cell_round_a_pole_is_one_band_from_end_to_end_of_the_map() {
        for (r, pole) in Resolution::ALL.into_iter().flat_map(|r| [(r, 90.0), (r, -90.0)]) {
            let outline = of_cell(cell(pole, 0.0, r));
            let corners: Vec<Coord> = outline.0[0].exterior().coords().copied().collect();
            assert_eq!(outline.0.len(), 1);
            for x in [180.0, -180.0] {
                assert!(corners.contains(&Coord { x, y: pole }), "{r:?} {pole}: {corners:?}");
            }
        }
    }

    #[test]
    fn what_reaches_over_by_less_than_the_rounding_leaves_no_sliver() {
        let rings = [
            // A corner on the antimeridian, an edge along it, and a corner a millionth of
            // a degree behind.
            [(179.0, 0.0), (180.0, 1.0), (179.0, 2.0)],
            [(-179.0, 2.0), (180.0, 1.0), (180.0, 0.0)],
            [(179.0, 0.0), (-179.999_999, 1e-6), (179.0, 2e-6)],
        ];
        for corners in rings {
            let ring: Vec<Coord> = corners
                .iter()
                .map(|(lon, lat)| rounded(Position::new(*lat, *lon).unwrap()))
                .collect();
            let parts = parts_of_ring(ring);
            assert_eq!(parts.len(), 1, "{corners:?}");
            let outline = Polygon::new(in_degrees(parts[0].clone()), vec![]);
            assert!(outline.is_valid(), "{corners:?}: {outline:?}");
        }
    }

    proptest! {
        #[test]
        fn outlines_are_valid_everywhere(
            lat in -90.0..=90.0,
            lon in -180.0..=180.0,
            r in 0_usize..9,
        ) {
            assert_valid(cell(lat, lon, Resolution::ALL[r]));
        }

        #[test]
        fn outlines_are_valid_all_along_the_antimeridian(
            lat in -90.0..=90.0,
            lon in -0.01..0.01,
            r in 0_usize..9,
        ) {
            assert_valid(cell(lat, 180_f64.copysign(lon) - lon, Resolution::ALL[r]));
        }
    }
}

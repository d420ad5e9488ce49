use super::*;
use crate::domain::grid::Position;
use geo::{Area, Contains, Point, Validation};
use proptest::prelude::*;

fn cell(lat: f64, lon: f64, r: usize) -> Cell {
    Cell::at(Position::new(lat, lon).unwrap(), Resolution::ALL[r])
}

fn disk(lat: f64, lon: f64, r: usize, steps: u8) -> Vec<Cell> {
    cell(lat, lon, r).disk(steps).into_iter().map(|(cell, _)| cell).collect()
}

/// What is true of every outline; gives it back.
#[track_caller]
fn sound(cells: &[Cell]) -> MultiPolygon {
    let outline = of_cells(cells);
    if let Err(error) = outline.check_validation() {
        panic!("{error}: {}", named(cells));
    }
    for part in &outline {
        assert!(
            doubled_area(&part.exterior().0) > 0.0,
            "an outer ring runs counter-clockwise: {}",
            named(cells)
        );
        assert!(
            part.interiors().iter().all(|hole| doubled_area(&hole.0) < 0.0),
            "a hole runs clockwise: {}",
            named(cells)
        );
        assert!(
            part.exterior().coords().all(|c| c.x.abs() <= 180.0 && c.y.abs() <= 90.0),
            "{}",
            named(cells)
        );
    }
    for cell in cells {
        let centre = Point::new(cell.centre().lon(), cell.centre().lat());
        assert!(outline.contains(&centre), "{cell} has its centre outside: {}", named(cells));
    }
    let (area, drawn, own) =
        (outline.unsigned_area(), area_of(&fitted(&disjoint(cells))), area_of(&disjoint(cells)));
    assert!(
        (area / drawn - 1.0).abs() < 0.01,
        "{area} square degrees drawn by cells of {drawn}: {}",
        named(cells)
    );
    // The straight edges of a large cell, or of one near a pole, enclose quite another
    // part of a flat map than those of its descendants.
    let bent = cells
        .iter()
        .any(|cell| cell.resolution() < Resolution::ALL[3] || cell.centre().lat().abs() > 70.0);
    assert!(
        bent || (area / own - 1.0).abs() < 0.01,
        "{area} square degrees for cells of {own}: {}",
        named(cells)
    );
    outline
}

fn area_of(cells: &[Cell]) -> f64 {
    cells.iter().map(|cell| of_cell(*cell).unsigned_area()).sum()
}

fn named(cells: &[Cell]) -> String {
    cells.iter().map(Cell::to_string).collect::<Vec<_>>().join(" ")
}

/// Outer rings, and holes.
fn rings(outline: &MultiPolygon) -> (usize, usize) {
    (outline.0.len(), outline.iter().map(|part| part.interiors().len()).sum())
}

#[test]
fn no_cells_have_no_outline_and_one_has_its_own() {
    assert_eq!(of_cells(&[]), MultiPolygon::new(vec![]));
    for cell in [cell(43.65, -79.38, 7), cell(-17.0, 180.0, 5), cell(90.0, 0.0, 3)] {
        assert_eq!(of_cells(&[cell]), of_cell(cell));
        assert_eq!(of_cells(&[cell, cell]), of_cell(cell), "a cell named twice is one");
    }
}

#[test]
fn a_cell_within_another_adds_nothing() {
    let coarse = cell(43.65, -79.38, 5);
    assert_eq!(of_cells(&[coarse, cell(43.65, -79.38, 8)]), of_cell(coarse));
}

#[test]
fn neighbours_have_one_outline_without_the_edge_between_them() {
    let pair = &disk(43.65, -79.38, 7, 1)[..2];
    let outline = sound(pair);
    assert_eq!(rings(&outline), (1, 0));
    // Ten corners, the first repeated.
    assert_eq!(outline.0[0].exterior().0.len(), 11);
}

#[test]
fn a_ring_of_cells_keeps_its_hole() {
    for r in 0..9 {
        let ring = &disk(43.65, -79.38, r, 1)[1..];
        assert_eq!(rings(&sound(ring)), (1, 1), "resolution {r}");
    }
}

#[test]
fn what_two_roundings_of_a_corner_leave_open_is_no_hole() {
    let ring = |corners: [(i32, i32); 3]| corners.map(|(x, y)| IntPoint::new(x, y)).to_vec();
    let outer = ring([(0, 0), (20_000_000, 0), (0, 20_000_000)]);
    let cell = ring([(1_000, 1_000), (1_001, 900_000), (900_000, 900_000)]);
    let crack = ring([(1_000, 1_000), (9_000_000, 9_000_001), (9_000_000, 9_000_000)]);
    let holes = |hole| polygon(vec![outer.clone(), hole]).interiors().len();
    assert_eq!((holes(cell), holes(crack)), (1, 0));
}

#[test]
fn an_island_in_a_hole_is_a_polygon_of_its_own() {
    let around = cell(43.65, -79.38, 7).disk(2);
    let cells: Vec<Cell> =
        around.into_iter().filter(|(_, away)| *away != 1).map(|(cell, _)| cell).collect();
    assert_eq!(rings(&sound(&cells)), (2, 1));
}

#[test]
fn cells_apart_are_polygons_apart() {
    assert_eq!(
        rings(&sound(&[cell(43.65, -79.38, 7), cell(45.4, -75.7, 7), cell(51.5, 0.0, 4)])),
        (3, 0)
    );
}

#[test]
fn a_missing_cell_is_a_hole_in_the_middle_and_a_bay_at_the_rim() {
    let around = cell(43.65, -79.38, 7).disk(3);
    let (middle, outer) = (around[0].0, around[19].0);
    let cells: Vec<Cell> = around
        .iter()
        .map(|(cell, _)| *cell)
        .filter(|cell| ![middle, outer].contains(cell))
        .collect();
    let (parts, holes) = rings(&sound(&cells));
    assert_eq!((parts, holes), (1, 1));
}

#[test]
fn outlines_are_cut_at_the_antimeridian() {
    for r in 0..9 {
        let outline = sound(&disk(-17.0, 180.0, r, 2));
        assert_eq!(rings(&outline), (2, 0), "resolution {r}");
        let hole = sound(&disk(-17.0, 180.0, r, 2)[1..]);
        assert!(hole.unsigned_area() < outline.unsigned_area(), "resolution {r}");
    }
}

#[test]
fn disks_and_rings_round_the_poles_are_sound() {
    for (r, pole, steps) in
        (0..9).flat_map(|r| [(r, 90.0, 1), (r, -90.0, 1), (r, 90.0, 3), (r, -90.0, 3)])
    {
        let cells = disk(pole, 0.0, r, steps);
        let outline = sound(&cells);
        let edge: Vec<Coord> =
            outline.iter().flat_map(|part| part.exterior().coords()).copied().collect();
        assert!(
            [180.0, -180.0].into_iter().all(|x| edge.contains(&Coord { x, y: pole })),
            "resolution {r}: {edge:?}"
        );
        sound(&cells[1..]);
    }
}

#[test]
fn disks_and_rings_round_a_pentagon_are_sound() {
    for r in 0..9 {
        let middle = cell(64.7, 10.536, r);
        let pentagon = Cell::of_the_earth()
            .flat_map(|base| base.descendants(Resolution::COARSEST))
            .find(|base| base.is_pentagon());
        let pentagon = pentagon
            .map(|base| Cell::at(base.centre(), Resolution::ALL[r]))
            .expect("there are twelve");
        assert!(pentagon.is_pentagon());
        for centre in [middle, pentagon] {
            let cells: Vec<Cell> = centre.disk(2).into_iter().map(|(cell, _)| cell).collect();
            sound(&cells);
            sound(&cells[1..]);
        }
    }
}

#[test]
fn the_whole_earth_is_one_rectangle() {
    for r in 0..3 {
        let cells: Vec<Cell> =
            Cell::of_the_earth().flat_map(|base| base.descendants(Resolution::ALL[r])).collect();
        let outline = sound(&cells);
        assert_eq!(
            (rings(&outline), outline.unsigned_area()),
            ((1, 0), 64_800.0),
            "resolution {r}"
        );
        assert_eq!(rings(&sound(&cells[1..])).0, 1, "resolution {r} without a cell");
    }
}

#[test]
fn cells_of_several_resolutions_side_by_side_leave_no_gap() {
    let coarse = cell(43.65, -79.38, 5);
    let beside = coarse.disk(1)[1].0;
    let cells: Vec<Cell> = beside.descendants(Resolution::ALL[7]).chain([coarse]).collect();
    assert_eq!(rings(&sound(&cells)), (1, 0));
    let around = coarse.disk(1);
    let rim = around[2..].iter().flat_map(|(cell, _)| cell.descendants(Resolution::ALL[6]));
    let ring: Vec<Cell> = rim.chain(beside.descendants(Resolution::ALL[7])).collect();
    assert_eq!(rings(&sound(&ring)), (1, 1), "round what is missing is a hole, and one hole only");
}

#[test]
fn a_coarse_cell_that_touches_none_finer_keeps_its_six_corners() {
    let (coarse, fine) = (cell(45.4, -75.7, 4), cell(43.65, -79.38, 8));
    let outline = sound(&[coarse, fine]);
    let mut corners: Vec<usize> = outline.iter().map(|part| part.exterior().0.len()).collect();
    corners.sort_unstable();
    assert_eq!(corners, [7, 7], "the first corner is repeated");
}

#[test]
fn the_largest_cell_beside_the_smallest_is_not_drawn_by_millions() {
    let coarse = cell(43.65, -79.38, 0);
    let corner = coarse.corners().next().expect("a cell has corners");
    let near = Cell::at(corner, Resolution::FINEST).disk(3);
    let cells: Vec<Cell> = near
        .into_iter()
        .map(|(cell, _)| cell)
        .filter(|cell| !coarse.contains(*cell))
        .chain([coarse])
        .collect();
    assert!(cells.len() > 10);
    let corners: usize = sound(&cells).iter().map(|part| part.exterior().0.len()).sum();
    assert!(corners < 200, "{corners}");
}

#[test]
fn more_cells_than_the_bound_are_drawn_more_coarsely() {
    let base = cell(43.65, -79.38, 2);
    let cells: Vec<Cell> =
        base.descendants(Resolution::ALL[8]).step_by(2).take(2 * MOST_CELLS).collect();
    let outline = of_cells(&cells);
    assert!(outline.is_valid());
    let rolled_up = disjoint(&cells);
    assert!(
        rolled_up.len() <= MOST_CELLS
            && rolled_up.iter().all(|cell| cell.resolution() == Resolution::ALL[7]),
        "{}",
        rolled_up.len()
    );
}

/// Some cells of a disk, each of them now and then replaced by its children.
fn patches() -> impl Strategy<Value = Vec<Cell>> {
    let places = prop_oneof![
        (-90.0..=90.0, -180.0..=180.0),
        (-90.0..=90.0, Just(180.0)),
        (prop_oneof![Just(90.0), Just(-90.0)], Just(0.0)),
        Just((64.7, 10.536)),
    ];
    let picks = prop::collection::vec(0_u8..8, 37);
    (places, 0_usize..7, 0_u8..4, picks).prop_map(|((lat, lon), r, steps, picks)| {
        let pick = |((cell, _), choice): ((Cell, u8), u8)| match choice {
            0..=2 => vec![],
            3 => cell.descendants(Resolution::ALL[r + 1]).collect(),
            4 => cell.descendants(Resolution::ALL[r + 2]).step_by(3).collect(),
            _ => vec![cell],
        };
        cell(lat, lon, r).disk(steps).into_iter().zip(picks).flat_map(pick).collect()
    })
}

proptest! {
    #[test]
    fn outlines_of_patches_are_sound_everywhere(cells in patches()) {
        if !cells.is_empty() {
            sound(&cells);
        }
    }

    #[test]
    fn outlines_of_cells_strewn_about_are_valid(
        places in prop::collection::vec((-90.0..=90.0, -180.0..=180.0, 0_usize..9), 1..60),
    ) {
        let cells: Vec<Cell> = places.into_iter().map(|(lat, lon, r)| cell(lat, lon, r)).collect();
        prop_assert!(of_cells(&cells).is_valid(), "{}", named(&cells));
    }
}

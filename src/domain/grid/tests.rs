//! The grid, at its seams above all.

use super::*;
use proptest::prelude::*;

fn resolution(number: i64) -> Resolution {
    Resolution::new(number).unwrap()
}

/// Toronto, the equator at the antimeridian, both poles, and a place inside a
/// pentagon.
const PLACES: [(f64, f64); 6] =
    [(43.65, -79.38), (0.0, 180.0), (0.0, -180.0), (90.0, 0.0), (-90.0, 0.0), (64.7, 10.536)];

#[test]
fn accuracy_decides_the_resolution() {
    let rows = [
        (Some(0.0), 8),
        (Some(300.0), 8),
        (Some(301.0), 7),
        (Some(1_000.0), 7),
        (Some(3_000.0), 6),
        (Some(8_000.0), 5),
        (Some(25_000.0), 4),
        (Some(25_001.0), 3),
        (Some(f64::MAX), 3),
        (None, 6),
    ];
    for (accuracy_m, expected) in rows {
        assert_eq!(Resolution::supported_by(accuracy_m), resolution(expected), "{accuracy_m:?}");
    }
}

#[test]
fn zoom_decides_the_resolution() {
    for (zoom, expected) in
        [(-3.0, 0), (0.0, 0), (3.0, 2), (5.0, 4), (8.0, 6), (10.0, 7), (11.0, 8), (22.0, 8)]
    {
        assert_eq!(Resolution::for_zoom(zoom), resolution(expected), "zoom {zoom}");
    }
}

#[test]
fn positions_outside_the_earth_are_refused() {
    assert_eq!(Position::new(91.0, 0.0), Err(GridError::Latitude(91.0)));
    assert_eq!(Position::new(0.0, -180.5), Err(GridError::Longitude(-180.5)));
    assert!(Position::new(f64::NAN, 0.0).is_err());
    assert!(Position::new(0.0, f64::INFINITY).is_err());
    assert!(Position::new(90.0, 180.0).is_ok());
}

#[test]
fn texts_that_are_no_cells_are_refused() {
    // Empty, not hexadecimal, a directed edge, a vertex, a deleted subsequence of a
    // pentagon, all bits.
    for text in
        ["", "zz", "115283473fffffff", "22528340bfffffff", "81087ffffffffff", "ffffffffffffffff"]
    {
        assert!(Cell::parse(text).is_err(), "{text}");
    }
}

#[test]
fn nowhere_is_the_cell_of_zero_north_zero_east_and_what_lies_within() {
    let at = |lat, lon, r| Cell::at(Position::new(lat, lon).unwrap(), resolution(r));
    assert_eq!(at(0.0, 0.0, 7), Cell::NOWHERE);
    assert!(
        Position::new(0.0, -0.0).unwrap().is_nowhere()
            && Position::new(0.000_1, 0.0).unwrap().is_nowhere()
    );
    for (lat, lon) in PLACES.into_iter().chain([(0.02, 0.0), (0.0, 6.6), (5.6, -0.2), (0.0, 37.9)])
    {
        assert!(!Position::new(lat, lon).unwrap().is_nowhere(), "{lat} {lon}");
        assert!((0..=8).all(|r| !at(lat, lon, r).is_nowhere()), "{lat} {lon}");
    }
    for r in 0..=8 {
        assert_eq!(at(0.0, 0.0, r).means_nowhere(), r >= 3, "{r}");
    }
    assert!(!at(5.6, -0.2, 3).means_nowhere(), "Accra");
    assert_eq!(Cell::NOWHERE.rolled_up_to(Resolution::HOURLY), Cell::NOWHERE, "hours keep it");
    assert!(Cell::NOWHERE.descendants(Resolution::FINEST).all(Cell::is_nowhere));
}

#[test]
fn a_cell_finer_than_eight_is_rolled_up_to_eight() {
    let finest =
        Cell::parse("8f2a100d6c5a6c5").unwrap_or_else(|_| Cell::parse("8a2a1072b59ffff").unwrap());
    assert_eq!(finest.resolution(), Resolution::FINEST);
}

#[test]
fn every_pentagon_packs_and_rolls_up_like_h3_says() {
    for r in Resolution::ALL {
        for pentagon in r.h3().pentagons() {
            let cell = Cell::from_h3(pentagon);
            assert!(cell.is_pentagon());
            assert_eq!(cell.h3(), u64::from(pentagon));
            for coarser in Resolution::ALL.into_iter().filter(|c| *c <= r) {
                assert_eq!(
                    cell.rolled_up_to(coarser).h3(),
                    u64::from(pentagon.parent(coarser.h3()).unwrap())
                );
            }
        }
    }
}

#[test]
fn every_cell_has_the_descendants_that_it_contains() {
    for r in Resolution::ALL.into_iter().take(4) {
        for cell in Cell::of_the_earth().flat_map(|base| base.descendants(r)).step_by(7) {
            for finer in
                Resolution::ALL.into_iter().filter(|finer| finer.number() <= r.number() + 2)
            {
                let within: Vec<Cell> = cell.descendants(finer).collect();
                assert_eq!(within.len() as u64, cell.descendant_count(finer), "{cell} {finer:?}");
                assert!(
                    within.is_sorted()
                        && within.iter().all(|d| cell.contains(*d) && d.resolution() == finer),
                    "{cell} {finer:?}"
                );
                assert_eq!(within.is_empty(), finer < r, "{cell} {finer:?}");
            }
        }
    }
    assert_eq!(
        Cell::of_the_earth().map(|base| base.descendant_count(Resolution::HOURLY)).sum::<u64>(),
        98_825_162
    );
}

#[test]
fn every_ancestor_of_a_cell_contains_it() {
    for (lat, lon) in PLACES {
        let cell = Cell::at(Position::new(lat, lon).unwrap(), Resolution::FINEST);
        let ancestors: Vec<Cell> = cell.ancestors().collect();
        assert!(
            ancestors
                .iter()
                .map(|ancestor| ancestor.resolution())
                .eq(Resolution::ALL.into_iter().take(8)),
            "{ancestors:?}"
        );
        assert!(ancestors.iter().all(|ancestor| ancestor.contains(cell)), "{ancestors:?}");
        assert!(ancestors.into_iter().chain([cell]).eq(cell.with_ancestors()), "{cell}");
    }
}

#[test]
fn the_cells_of_a_resolution_have_the_area_of_the_earth() {
    for r in Resolution::ALL.into_iter().take(4) {
        let area: f64 =
            Cell::of_the_earth().flat_map(|base| base.descendants(r)).map(Cell::area_km2).sum();
        assert!((area / 510_065_622.0 - 1.0).abs() < 1e-3, "{r:?}: {area}");
    }
}

#[test]
fn neighbours_have_each_other_also_around_a_pentagon() {
    let pentagons = Resolution::HOURLY.h3().pentagons().map(Cell::from_h3);
    let places =
        PLACES.map(|(lat, lon)| Cell::at(Position::new(lat, lon).unwrap(), Resolution::HOURLY));
    for cell in pentagons.chain(places) {
        let disk: Vec<Cell> = cell.disk(1).into_iter().map(|(near, _)| near).collect();
        assert_eq!(disk.len(), if cell.is_pentagon() { 6 } else { 7 }, "{cell}");
        for neighbour in disk {
            assert!(neighbour.disk(1).iter().any(|(near, _)| *near == cell), "{cell} {neighbour}");
        }
    }
}

#[test]
fn rolling_up_agrees_with_h3_everywhere() {
    for (lat, lon) in PLACES {
        let position = Position::new(lat, lon).unwrap();
        let fine = Cell::at(position, Resolution::FINEST);
        for r in Resolution::ALL {
            let h3 = fine.index().parent(r.h3()).unwrap();
            assert_eq!(fine.rolled_up_to(r).h3(), u64::from(h3), "{lat} {lon} {r:?}");
            assert!(fine.rolled_up_to(r).contains(fine));
        }
    }
}

proptest! {
    #[test]
    fn packing_keeps_the_cell_and_the_hierarchy(
        lat in -90.0..=90.0,
        lon in -180.0..=180.0,
        fine in 0_i64..=8,
        coarse in 0_i64..=8,
    ) {
        let cell = Cell::at(Position::new(lat, lon).unwrap(), resolution(fine));
        prop_assert_eq!(Cell::from_packed(cell.packed()), Some(cell));
        prop_assert_eq!(Cell::parse(&cell.to_string()).unwrap(), cell);
        let parent = cell.rolled_up_to(resolution(coarse));
        prop_assert!(cell <= parent, "a descendant sorts before its ancestor");
        prop_assert_eq!(parent.contains(cell), true);
    }

    #[test]
    fn descendants_are_one_contiguous_range(
        places in prop::collection::vec((-90.0..=90.0, -180.0..=180.0), 1..200),
        r in 0_i64..=8,
    ) {
        let finest =
            |(lat, lon)| Cell::at(Position::new(lat, lon).unwrap(), Resolution::FINEST);
        let mut cells: Vec<Cell> = places.into_iter().map(finest).collect();
        cells.sort_unstable();
        let mut parents: Vec<Cell> = cells.iter().map(|c| c.rolled_up_to(resolution(r))).collect();
        prop_assert!(parents.is_sorted());
        parents.dedup();
        let mut unique = parents.clone();
        unique.sort_unstable();
        unique.dedup();
        prop_assert_eq!(parents, unique);
    }
}

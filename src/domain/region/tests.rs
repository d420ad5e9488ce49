use super::*;
use crate::domain::grid::Resolution;

const TORONTO: (f64, f64) = (43.65, -79.38);
const OTTAWA: (f64, f64) = (45.42, -75.70);

fn cell((lat, lon): (f64, f64), resolution: i64) -> Cell {
    Cell::at(Position::new(lat, lon).unwrap(), Resolution::new(resolution).unwrap())
}

fn bbox(west: f64, south: f64, east: f64, north: f64) -> Region {
    Region::Box(BoundingBox::new(west, south, east, north).unwrap())
}

fn north() -> Region {
    Region::Area(Area {
        code: "NORTH",
        contains: |_, position| position.lat() > 0.0,
        lies: |_, _, _| Lies::Maybe,
    })
}

#[test]
fn a_cell_lies_in_a_region_by_its_centre_or_by_the_cells_around_it() {
    let around_toronto = bbox(-80.0, 43.0, -79.0, 44.0);
    let cells = Region::new(&[cell(TORONTO, 5), cell(OTTAWA, 7)], false);
    let rows = [
        (Region::Everywhere, [true, true, true]),
        (Region::Cell(cell(TORONTO, 5)), [true, false, false]),
        (Region::Cell(cell(TORONTO, 8)), [false, false, false]),
        (around_toronto.clone(), [true, false, false]),
        (cells, [true, true, false]),
        (north(), [true, true, false]),
        (around_toronto.and(north()), [true, false, false]),
        (Region::Everywhere.and(Region::Cell(cell(OTTAWA, 3))), [false, true, false]),
    ];
    let asked = [cell(TORONTO, 7), cell(OTTAWA, 7), Cell::NOWHERE];
    for (region, expected) in rows {
        assert_eq!(asked.map(|cell| region.contains(cell)), expected, "{region:?}");
        assert_eq!(region.contains_any(&asked), expected.contains(&true), "{region:?}");
    }
    assert!(Region::Everywhere.contains_any(&[]) && !north().contains_any(&[]));
}

#[test]
fn regions_intersect_and_cover_each_other_as_their_cells_and_sides_do() {
    let (toronto, coarse) = (Region::Cell(cell(TORONTO, 7)), Region::Cell(cell(TORONTO, 3)));
    let both = Region::new(&[cell(TORONTO, 7), cell(OTTAWA, 7)], false);
    let (canada, fiji) = (bbox(-141.0, 41.0, -52.0, 84.0), bbox(176.0, -20.0, -178.0, -15.0));
    // Whether they intersect, whether the first covers the second, and the reverse.
    let rows = [
        (&Region::Everywhere, &toronto, [true, true, false]),
        (&coarse, &toronto, [true, true, false]),
        (&both, &toronto, [true, true, false]),
        (&both, &coarse, [true, false, false]),
        (&canada, &both, [true, true, false]),
        (&canada, &fiji, [false, false, false]),
        (&fiji, &toronto, [false, false, false]),
        (&canada, &bbox(-80.0, 43.0, -79.0, 44.0), [true, true, false]),
        (&north(), &both, [true, true, false]),
        (&north(), &canada, [true, false, false]),
        (&canada.clone().and(north()), &toronto, [true, true, false]),
        (&canada.clone().and(fiji.clone()), &toronto, [false, false, false]),
    ];
    for (a, b, [intersect, covers, is_covered]) in rows {
        assert_eq!((a.intersects(b), b.intersects(a)), (intersect, intersect), "{a:?} {b:?}");
        assert_eq!((a.covers(b), b.covers(a)), (covers, is_covered), "{a:?} {b:?}");
        assert!(a.covers(a) && b.covers(b), "{a:?} {b:?}");
    }
}

#[test]
fn equal_regions_are_one_key() {
    let hash = |region: &Region| {
        let mut state = std::hash::DefaultHasher::new();
        region.hash(&mut state);
        state.finish()
    };
    let (here, there) = (cell(TORONTO, 7), cell(OTTAWA, 5));
    let rows = [
        (bbox(-0.0, 0.0, 1.0, 1.0), bbox(0.0, -0.0, 1.0, 1.0)),
        (Region::new(&[here, there], false), Region::new(&[there, here, here], false)),
        (north(), north()),
    ];
    for (a, b) in rows {
        assert_eq!((&a, hash(&a)), (&b, hash(&b)));
    }
    assert_ne!(bbox(0.0, 0.0, 1.0, 1.0), bbox(0.0, 0.0, 1.0, 2.0));
}

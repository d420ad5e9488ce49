//! Where the cells of a region are found: as ranges of the order in which cells are sorted,
//! so that a box on a map costs what lies in it and not what is known of the world.

use super::bbox::BoundingBox;
use super::grid::{Cell, Resolution};
use super::region::{Lies, Region};
use std::ops::RangeInclusive;

/// Ranges of packed cells, sorted and apart from each other, that hold all rows of a map of
/// some resolution that lie in a region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover {
    parts: Vec<Part>,
}

/// One of the ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Packed cells from the first to the last of them.
    pub range: RangeInclusive<u64>,
    /// Whether all that stands there lies in the region. Else each cell is to be asked.
    pub is_whole: bool,
}

/// Cells of one resolution that may lie in a region or not and are still looked into. A
/// box of a degree has some 200 of the finest resolution on its rim.
const MOST_UNDECIDED: usize = 400;

/// The same where all cells of a region are listed: small islands lie in much sea.
const MOST_LOOKED_AT: usize = 300_000;

impl Cover {
    /// Where the rows of a region stand on a map of that resolution: finer cells go with the
    /// one of that resolution around them, coarser ones by themselves.
    #[must_use]
    pub fn of(region: &Region, resolution: Resolution) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut undecided: Vec<Cell> = Cell::of_the_earth().collect();
        for at in Resolution::ALL.into_iter().take_while(|at| *at <= resolution) {
            let is_last = at == resolution || undecided.len() > MOST_UNDECIDED;
            let mut next = Vec::new();
            for cell in undecided {
                let within = cell.packed_within();
                match lies(region, cell) {
                    Lies::Outside => {}
                    Lies::Inside => parts.push(Part { range: within, is_whole: true }),
                    Lies::Maybe if at == resolution => {
                        if region.contains(cell) {
                            parts.push(Part { range: within, is_whole: true });
                        }
                    }
                    Lies::Maybe if is_last => parts.push(Part { range: within, is_whole: false }),
                    Lies::Maybe => {
                        next.extend(cell.descendants(finer(at)));
                        if region.contains(cell) {
                            let itself = cell.packed()..=cell.packed();
                            parts.push(Part { range: itself, is_whole: true });
                        }
                    }
                }
            }
            if is_last {
                break;
            }
            undecided = next;
        }
        parts.sort_unstable_by_key(|part| *part.range.start());
        Self { parts }
    }

    /// The ranges.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The ranges of sorted cells that stand in it, each with whether all of them lie in the
    /// region.
    pub fn ranges<'a>(
        &'a self,
        cells: &'a [Cell],
    ) -> impl Iterator<Item = (std::ops::Range<usize>, bool)> + 'a {
        let mut at = 0;
        self.parts.iter().filter_map(move |Part { range, is_whole }| {
            at += ahead(&cells[at..], *range.start());
            let begin = at;
            at += ahead(&cells[at..], range.end() + 1);
            (begin < at).then_some((begin..at, *is_whole))
        })
    }
}

/// The cells of a region, of the finest resolution up to a given one of which it has at most
/// so many; and which resolution that is.
#[must_use]
pub fn cells_in(region: &Region, up_to: Resolution, most: usize) -> (Resolution, Vec<Cell>) {
    let (mut inside, mut undecided) = (Vec::new(), Vec::new());
    let mut found = (Resolution::COARSEST, Vec::new());
    let mut next: Vec<Cell> = Cell::of_the_earth().collect();
    for at in Resolution::ALL.into_iter().take_while(|at| *at <= up_to) {
        for cell in next {
            match lies(region, cell) {
                Lies::Outside => {}
                Lies::Inside => inside.push(cell),
                Lies::Maybe => undecided.push(cell),
            }
        }
        let whole: u64 = inside.iter().map(|cell: &Cell| cell.descendant_count(at)).sum();
        if most as u64 <= whole || MOST_LOOKED_AT < undecided.len() {
            break;
        }
        let mut cells: Vec<Cell> = inside.iter().flat_map(|cell| cell.descendants(at)).collect();
        cells.extend(undecided.iter().copied().filter(|cell| region.contains(*cell)));
        if most < cells.len() {
            break;
        }
        found = (at, cells);
        if at == up_to {
            break;
        }
        next = undecided.drain(..).flat_map(|cell| cell.descendants(finer(at))).collect();
    }
    found
}

/// How many of sorted cells stand before a packed number: found in a few steps where they
/// are few.
fn ahead(cells: &[Cell], packed: u64) -> usize {
    let mut step = 1;
    while step <= cells.len() && cells[step - 1].packed() < packed {
        step *= 2;
    }
    let from = step / 2;
    let to = cells.len().min(step);
    from + cells[from..to].partition_point(|cell| cell.packed() < packed)
}

fn finer(than: Resolution) -> Resolution {
    Resolution::ALL[usize::from(than.number()) + 1]
}

fn lies(region: &Region, cell: Cell) -> Lies {
    match region {
        Region::Everywhere => Lies::Inside,
        Region::Cell(around) => {
            let (outer, inner) = (around.packed_within(), cell.packed_within());
            if outer.contains(inner.end()) {
                Lies::Inside
            } else if inner.contains(outer.end()) {
                Lies::Maybe
            } else {
                Lies::Outside
            }
        }
        Region::Box(bbox) => by_bounds(bbox, cell),
        Region::Tile(tile) => by_bounds(&tile.bounds(), cell),
        Region::Both(both) => match (lies(&both.0, cell), lies(&both.1, cell)) {
            (Lies::Outside, _) | (_, Lies::Outside) => Lies::Outside,
            (Lies::Inside, Lies::Inside) => Lies::Inside,
            _ => Lies::Maybe,
        },
        Region::Area(area) => area.lies(cell, &around(cell)),
        Region::Cells(_) => Lies::Maybe,
    }
}

fn by_bounds(bounds: &BoundingBox, cell: Cell) -> Lies {
    let around = around(cell);
    match () {
        () if !bounds.intersects(&around) => Lies::Outside,
        () if bounds.covers(&around) => Lies::Inside,
        () => Lies::Maybe,
    }
}

/// A box that holds a cell and all cells within.
///
/// A cell within reaches over the border of the cell; none further from its centre than
/// 1.06 times its corners. Of one resolution the largest cell is 1.4 times as wide as they
/// are on average, which is taken for all.
fn around(cell: Cell) -> BoundingBox {
    const WIDEST: f64 = 1.06 * 1.5;
    const KM_A_RADIAN: f64 = 6_371.007_180_918_475;
    let radius = WIDEST * cell.resolution().edge_km() / KM_A_RADIAN;
    let centre = cell.centre();
    let (lat, reach) = (centre.lat().to_radians(), radius.to_degrees());
    let (south, north) = (centre.lat() - reach, centre.lat() + reach);
    // The meridians that touch the circle.
    let ratio = radius.sin() / lat.cos();
    let (west, east) = if south <= -90.0 || 90.0 <= north || ratio >= 1.0 {
        (-180.0, 180.0)
    } else {
        let half = ratio.asin().to_degrees();
        (centre.lon() - half, centre.lon() + half)
    };
    BoundingBox::new(west, south, east, north).expect("a cell lies on the earth")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;
    use crate::domain::tile::Tile;
    use proptest::prelude::*;

    fn cell(lat: f64, lon: f64, resolution: u8) -> Cell {
        Cell::at(Position::new(lat, lon).unwrap(), Resolution::ALL[usize::from(resolution)])
    }

    /// The rows that a cover finds of sorted cells.
    fn found(region: &Region, resolution: Resolution, cells: &[Cell]) -> Vec<Cell> {
        let cover = Cover::of(region, resolution);
        let mut found = Vec::new();
        for (range, is_whole) in cover.ranges(cells) {
            let all = cells[range].iter().copied();
            let asked = |cell: &Cell| is_whole || region.contains(cell.rolled_up_to(resolution));
            found.extend(all.filter(asked));
        }
        found
    }

    fn regions() -> impl Strategy<Value = Region> {
        let sized = prop_oneof![0.01_f64..2.0, 2.0_f64..60.0];
        let bbox = (-90.0_f64..89.0, -180.0_f64..180.0, sized.clone(), sized).prop_map(
            |(south, west, height, width)| {
                Region::Box(BoundingBox::new(west, south, west + width, south + height).unwrap())
            },
        );
        let tile = (0_u8..=10, 0.0_f64..1.0, 0.0_f64..1.0).prop_map(|(zoom, x, y)| {
            let of = |part: f64| (part * f64::from(1_u32 << zoom)) as u32;
            Region::Tile(Tile::new(zoom, of(x), of(y)).unwrap())
        });
        let of_cell = (-90.0..=90.0, -180.0..=180.0, 0_u8..=8)
            .prop_map(|(lat, lon, resolution)| Region::Cell(cell(lat, lon, resolution)));
        let of_cells = (-90.0..=90.0, -180.0..=180.0, 0_u8..=8)
            .prop_map(|(lat, lon, resolution)| Region::new(&[cell(lat, lon, resolution)], false));
        prop_oneof![
            3 => bbox, 3 => tile, 1 => of_cell, 1 => of_cells, 1 => Just(Region::Everywhere)
        ]
    }

    /// Cells all over the earth, many of them near a place of the region.
    fn cells(region: &Region) -> impl Strategy<Value = Vec<Cell>> + use<> {
        let (lat, lon) = match region {
            Region::Box(bbox) => (bbox.sides()[1], bbox.sides()[0]),
            Region::Tile(tile) => (tile.bounds().sides()[1], tile.bounds().sides()[2]),
            Region::Cell(cell) => (cell.centre().lat(), cell.centre().lon()),
            Region::Cells(cells) => {
                let centre = cells.iter().next().expect("it has one").centre();
                (centre.lat(), centre.lon())
            }
            _ => (43.65, -79.38),
        };
        let near = (-1.0_f64..1.0, -1.0_f64..1.0, 0_u8..=8, 0_i32..6).prop_map(
            move |(up, right, resolution, closer)| {
                let scale = 4.0_f64.powi(-closer) * 20.0;
                let lat = (lat + up * scale).clamp(-90.0, 90.0);
                let lon = (lon + right * scale + 540.0).rem_euclid(360.0) - 180.0;
                cell(lat, lon, resolution)
            },
        );
        let anywhere = (-90.0..=90.0, -180.0..=180.0, 0_u8..=8)
            .prop_map(|(lat, lon, resolution)| cell(lat, lon, resolution));
        prop::collection::vec(prop_oneof![5 => near, 1 => anywhere], 0..120).prop_map(
            |mut cells| {
                cells.sort_unstable();
                cells.dedup();
                cells
            },
        )
    }

    proptest! {
        #[test]
        fn a_cover_finds_what_asking_each_cell_finds(
            (region, cells) in regions().prop_flat_map(|region| {
                let cells = cells(&region);
                (Just(region), cells)
            }),
            resolution in 0_usize..=8,
        ) {
            let resolution = Resolution::ALL[resolution];
            let asked = |cell: &Cell| {
                region == Region::Everywhere || region.contains(cell.rolled_up_to(resolution))
            };
            let expected: Vec<Cell> = cells.iter().copied().filter(asked).collect();
            prop_assert_eq!(found(&region, resolution, &cells), expected);
            let cover = Cover::of(&region, resolution);
            for pair in cover.parts().windows(2) {
                prop_assert!(pair[0].range.end() < pair[1].range.start(), "{:?}", pair);
            }
        }
    }

    #[test]
    fn a_box_of_a_degree_is_told_to_the_cell_by_a_few_hundred_ranges() {
        let bbox = BoundingBox::new(-80.0, 43.0, -79.0, 44.0).unwrap();
        let cover = Cover::of(&Region::Box(bbox), Resolution::DEFAULT);
        assert!(cover.parts().iter().all(|part| part.is_whole));
        assert!(cover.parts().len() < 900, "{}", cover.parts().len());
    }

    #[test]
    fn a_box_of_half_the_earth_has_ranges_that_are_asked_cell_by_cell() {
        let bbox = BoundingBox::new(-120.0, -40.0, 60.0, 60.0).unwrap();
        let cover = Cover::of(&Region::Box(bbox), Resolution::FINEST);
        assert!(cover.parts().len() < 8 * MOST_UNDECIDED, "{}", cover.parts().len());
        assert!(cover.parts().iter().any(|part| !part.is_whole));
    }
}

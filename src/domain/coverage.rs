//! Coverage: where so many reports come on ordinary days that it would be noticed if they
//! became many more. Elsewhere a map without reports says nothing.

use super::detect::expectation::{Expectation, InWindow};
use super::grid::{Cell, Resolution};
use super::region::Region;
use super::time::Window;
use super::view::{Sums, View};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Reports a day from which on a cell is covered.
///
/// An incident needs 3 people within 8 hours, the longest window that detectors look at. So
/// many come where ten times as many report as usual, which is what the highest level of a
/// map means: 10 × 0.9 a day × 8 h / 24 h = 3.
pub const LEAST_A_DAY: f64 = 0.9;
/// The largest cells that are covered: 12,400 km², a county. What comes from larger ones says
/// nothing of any place in them.
pub const COARSEST: Resolution = Resolution::ALL[3];
/// The reports of a day are kept in thousandths.
const PARTS: f64 = 1_000.0;
const MINUTES_OF_DAY: f64 = 24.0 * 60.0;

/// The covered cells of some brands together, of mixed resolutions. The reports of a cell are
/// those that come from it and from no covered cell in it.
#[derive(Debug)]
pub struct Coverage {
    cells: HashMap<Cell, f64>,
    view: View,
}

/// How a place is covered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Covered {
    /// In which cell: the finest around the place, or the place itself where it holds several.
    pub cell: Cell,
    /// Reports of an ordinary day there.
    pub usual: f64,
}

impl Coverage {
    /// Where reports of these brands are expected, by the mean of a window of whole days.
    ///
    /// From the finest cells to the coarsest: a cell in which enough are expected is covered;
    /// what is expected of others counts for the cell around them.
    #[must_use]
    pub fn of(brands: &[Expectation], window: Window) -> Self {
        let days = (window.to.0 - window.from.0) as f64 / MINUTES_OF_DAY;
        let windows: Vec<InWindow<'_>> = brands.iter().map(|brand| brand.window(window)).collect();
        let (mut cells, mut within) = (HashMap::new(), HashMap::<Cell, f64>::new());
        let finest_first = Resolution::ALL[..=usize::from(Resolution::HOURLY.number())].iter();
        for resolution in finest_first.rev().take_while(|resolution| COARSEST <= **resolution) {
            let mut expected = BTreeMap::<Cell, f64>::new();
            for (brand, window) in brands.iter().zip(&windows) {
                for cell in brand.cells(*resolution) {
                    *expected.entry(cell).or_default() += window.mean(cell) / days;
                }
            }
            let mut around = HashMap::<Cell, f64>::new();
            let coarser = Resolution::ALL[usize::from(resolution.number()) - 1];
            for (cell, expected) in expected {
                let covered = within.get(&cell).copied().unwrap_or_default();
                let rest = expected - covered;
                let covered = if rest < LEAST_A_DAY {
                    covered
                } else {
                    cells.insert(cell, rest);
                    covered + rest
                };
                *around.entry(cell.rolled_up_to(coarser)).or_default() += covered;
            }
            within = around;
        }
        let rows = cells.iter().map(|(cell, usual)| (*cell, (usual * PARTS).round() as u32));
        let view = View::new(window, vec![Arc::new(Sums::of_rows(rows))]);
        Self { cells, view }
    }

    /// The covered cells of a region with the reports of an ordinary day, sorted: finer ones
    /// rolled up to a resolution, coarser ones as they are.
    #[must_use]
    pub fn rows(&self, region: &Region, resolution: Resolution) -> Vec<(Cell, f64)> {
        let level = self.view.level(region, resolution);
        level.all_rows().map(|(cell, parts)| (cell, f64::from(parts) / PARTS)).collect()
    }

    /// How a cell is covered; none where too few reports come from it.
    #[must_use]
    pub fn around(&self, cell: Cell) -> Option<Covered> {
        let around = [cell].into_iter().chain(cell.ancestors());
        let mut covered = around.filter_map(|cell| Some((cell, *self.cells.get(&cell)?)));
        let inside = || {
            let rows = self.rows(&Region::Cell(cell), cell.resolution());
            rows.into_iter().find(|(within, _)| *within == cell)
        };
        let (cell, usual) = inside().or_else(|| covered.next())?;
        Some(Covered { cell, usual })
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<(Cell, f64)>() + self.view.heap_bytes()
    }
}

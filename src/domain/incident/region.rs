//! A region: cells of mixed resolutions as one place, to ask whether another place meets
//! it.

use crate::domain::cell_set::CellSet;
use crate::domain::grid::Cell;
use hashbrown::HashSet;

/// Cells as one place.
#[derive(Debug, Clone, Default)]
pub struct Region {
    cells: CellSet,
    everywhere: bool,
}

impl Region {
    /// The place of these cells; or everywhere, which any other meets.
    #[must_use]
    pub fn new(cells: &[Cell], everywhere: bool) -> Self {
        Self { cells: cells.iter().copied().collect(), everywhere }
    }

    /// Whether a cell lies in it.
    #[must_use]
    pub fn holds(&self, cell: Cell) -> bool {
        self.everywhere || self.cells.holds(cell)
    }

    /// Whether they share a place.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.everywhere || other.everywhere || self.cells.overlaps(&other.cells)
    }

    /// Whether they share a place or lie next to each other.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.everywhere || other.everywhere || self.cells.meets(&other.cells)
    }
}

/// The cells of several places, sorted, without those that lie in another one.
#[must_use]
pub fn joined(cells: impl IntoIterator<Item = Cell>) -> Vec<Cell> {
    let all: HashSet<Cell> = cells.into_iter().collect();
    let in_another = |cell: &Cell| cell.ancestors().any(|coarser| all.contains(&coarser));
    let mut cells: Vec<Cell> = all.iter().filter(|cell| !in_another(cell)).copied().collect();
    cells.sort_unstable();
    cells
}

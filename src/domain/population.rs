//! How many people live where, as the operator says it: for figures per head.

use super::grid::Cell;
use std::collections::HashMap;

/// Inhabitants of areas and of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Population {
    areas: HashMap<String, u64>,
    cells: HashMap<Cell, u64>,
}

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Populated {
    /// The area of a code.
    Area(String),
    /// A cell.
    Cell(Cell),
}

/// An area or a cell that stands in a line before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an area or a cell that stands in no line before")]
pub struct Repeated;

impl Population {
    /// Takes what a line says.
    ///
    /// # Errors
    /// Where a line before says it, too.
    pub fn add(&mut self, what: Populated, inhabitants: u64) -> Result<(), Repeated> {
        let before = match what {
            Populated::Area(code) => self.areas.insert(code, inhabitants),
            Populated::Cell(cell) => self.cells.insert(cell, inhabitants),
        };
        before.map_or(Ok(()), |_| Err(Repeated))
    }

    /// Whether nobody said anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.areas.is_empty() && self.cells.is_empty()
    }

    /// Inhabitants of an area; none where nobody said how many.
    #[must_use]
    pub fn of(&self, code: &str) -> Option<u64> {
        self.areas.get(code).copied()
    }

    /// Cells and their inhabitants, in no order.
    pub fn cells(&self) -> impl Iterator<Item = (Cell, u64)> + '_ {
        self.cells.iter().map(|(cell, inhabitants)| (*cell, *inhabitants))
    }

    /// A cell that lies in another one: its people would count twice.
    #[must_use]
    pub fn overlapping(&self) -> Option<Cell> {
        let lies_in_another =
            |cell: &Cell| cell.ancestors().any(|ancestor| self.cells.contains_key(&ancestor));
        self.cells.keys().copied().filter(lies_in_another).min()
    }

    /// The same, where an area of which nobody said how many has those that live in
    /// its cells.
    #[must_use]
    pub fn with_areas_of_cells(mut self, areas_of: impl Fn(Cell) -> Vec<String>) -> Self {
        let mut sums: HashMap<String, u64> = HashMap::new();
        for (cell, inhabitants) in self.cells() {
            for area in areas_of(cell) {
                *sums.entry(area).or_default() += inhabitants;
            }
        }
        for (area, sum) in sums {
            self.areas.entry(area).or_insert(sum);
        }
        self
    }
}

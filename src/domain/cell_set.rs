//! Cells of mixed resolutions as a set, which knows whether another cell lies in one of
//! them.

use super::grid::{Cell, Resolution};
use hashbrown::HashSet;
use std::hash::{Hash, Hasher};

/// A set of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellSet {
    cells: HashSet<Cell>,
    /// Which resolutions occur, by number: only there a cell is looked for.
    resolutions: [bool; Resolution::ALL.len()],
}

impl CellSet {
    /// Adds a cell. Gives whether it was none of them before.
    pub fn insert(&mut self, cell: Cell) -> bool {
        self.resolutions[usize::from(cell.resolution().number())] = true;
        self.cells.insert(cell)
    }

    /// Whether a cell is one of them, or lies in one.
    #[must_use]
    pub fn holds(&self, cell: Cell) -> bool {
        let occurs = |resolution: &Resolution| self.resolutions[usize::from(resolution.number())];
        let around = Resolution::ALL
            .into_iter()
            .take_while(|resolution| *resolution <= cell.resolution())
            .filter(occurs);
        around
            .map(|resolution| cell.rolled_up_to(resolution))
            .any(|cell| self.cells.contains(&cell))
    }

    /// Whether one of them is a cell of the other, or lies in one, or one of the other's
    /// in it.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        other.iter().any(|cell| self.holds(cell)) || self.iter().any(|cell| other.holds(cell))
    }

    /// Whether they overlap or lie next to each other.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        // Most that meet overlap: only of the others the neighbours are looked at.
        self.overlaps(other)
            || other.iter().flat_map(|cell| cell.disk(1)).any(|(cell, _)| self.holds(cell))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Cell> + '_ {
        self.cells.iter().copied()
    }
}

impl Hash for CellSet {
    /// The same in whatever order they come.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let sum = self.cells.iter().fold(0, |sum: u64, cell| sum.wrapping_add(cell.packed()));
        (self.cells.len(), sum).hash(state);
    }
}

impl IntoIterator for CellSet {
    type Item = Cell;
    type IntoIter = hashbrown::hash_set::IntoIter<Cell>;

    fn into_iter(self) -> Self::IntoIter {
        self.cells.into_iter()
    }
}

impl Extend<Cell> for CellSet {
    fn extend<T: IntoIterator<Item = Cell>>(&mut self, cells: T) {
        for cell in cells {
            self.insert(cell);
        }
    }
}

impl FromIterator<Cell> for CellSet {
    fn from_iter<T: IntoIterator<Item = Cell>>(cells: T) -> Self {
        let mut set = Self::default();
        set.extend(cells);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;

    #[test]
    fn a_cell_lies_in_itself_and_in_all_coarser_ones_around_it() {
        let [here, there] = [(43.65, -79.38), (45.42, -75.70)]
            .map(|(lat, lon)| Cell::at(Position::new(lat, lon).unwrap(), Resolution::FINEST));
        for resolution in Resolution::ALL {
            let set: CellSet = [here.rolled_up_to(resolution)].into_iter().collect();
            for other in Resolution::ALL {
                assert_eq!(
                    set.holds(here.rolled_up_to(other)),
                    resolution <= other,
                    "{resolution:?} {other:?}"
                );
            }
            assert_eq!(
                set.holds(there),
                there.rolled_up_to(resolution) == here.rolled_up_to(resolution),
                "{resolution:?}"
            );
        }
        let of_two: CellSet = [here, there.rolled_up_to(Resolution::HOURLY)].into_iter().collect();
        assert!(
            of_two.holds(here)
                && of_two.holds(there)
                && !of_two.holds(here.rolled_up_to(Resolution::HOURLY))
        );
        assert!(!CellSet::default().holds(here));
    }
}

//! Which areas of a kind cells lie in, by their centres: remembered, since centres are
//! expensive, and the same cells come in map after map.

use crate::domain::grid::{Cell, Position};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

/// Cells that are remembered at most, of one kind: about 16 MiB.
const MOST_REMEMBERED: usize = 1 << 18;

/// The numbers of areas that a cell lies in.
pub type Numbers = Arc<[u16]>;

/// Areas of a kind, by number, and what is remembered of cells.
#[derive(Debug)]
pub struct AreaIndex {
    /// The numbers of the areas that a position lies in, in order.
    locate: fn(Position) -> Vec<u16>,
    /// The lock is held to look one up, or to add some.
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    of: HashMap<Cell, Numbers>,
    /// Each list once: there are far fewer of them than cells.
    lists: HashSet<Numbers>,
}

impl AreaIndex {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(locate: fn(Position) -> Vec<u16>) -> Self {
        Self { locate, known: RwLock::default() }
    }

    /// The areas that the centre of a cell lies in.
    #[must_use]
    pub fn areas_of(&self, cell: Cell) -> Numbers {
        let read = || self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(numbers) = read().of.get(&cell) {
            return Arc::clone(numbers);
        }
        let found: Numbers = (self.locate)(cell.centre()).into();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.of.len() >= MOST_REMEMBERED {
            known.of.clear();
        }
        let numbers = known.lists.get(&found).map_or_else(|| Arc::clone(&found), Arc::clone);
        known.lists.insert(Arc::clone(&numbers));
        known.of.insert(cell, Arc::clone(&numbers));
        numbers
    }
}

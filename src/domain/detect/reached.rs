//! Which episodes a zone meets: found by its cells, however many episodes there are and however far they reach.

use super::follow::Followed;
use super::scan::Scan;
use super::zone::Zone;
use crate::domain::grid::{Cell, Resolution};
use hashbrown::HashMap;

/// What the followed episodes reach, by their places among them.
#[derive(Debug, Default)]
pub struct Reached {
    /// Those that reach a cell as a whole.
    whole: HashMap<Cell, Vec<usize>>,
    /// Those that reach a finer cell in it.
    partly: HashMap<Cell, Vec<usize>>,
    everywhere: Vec<usize>,
}

impl Reached {
    /// What these reach, each with its place.
    pub fn by<'a>(followed: impl IntoIterator<Item = (usize, &'a Followed)>) -> Self {
        let mut reached = Self::default();
        for (n, followed) in followed {
            followed.reach().for_each(|cell| reached.add(n, cell));
            reached.everywhere.extend(followed.is_everywhere().then_some(n));
        }
        reached
    }

    /// Adds a cell that one of them has come to reach.
    pub fn add(&mut self, n: usize, cell: Cell) {
        note(self.whole.entry(cell).or_default(), n);
        for coarser in cell.ancestors() {
            note(self.partly.entry(coarser).or_default(), n);
        }
    }

    /// Those that share a cell with a zone of these cells, or lie next to it, in order.
    pub fn met(&self, zone: &Zone, cells: &[Cell], scan: &Scan) -> Vec<usize> {
        let mut met = self.everywhere.clone();
        if self.whole.is_empty() {
            return met;
        }
        met.extend(cells.iter().filter_map(|cell| self.partly.get(cell)).flatten());
        let mut around = scan.around(zone);
        while let Some(resolution) = around.first().map(|cell| cell.resolution()) {
            met.extend(around.iter().filter_map(|cell| self.whole.get(cell)).flatten());
            let Some(coarser) = resolution.number().checked_sub(1) else { break };
            for cell in &mut around {
                *cell = cell.rolled_up_to(Resolution::ALL[usize::from(coarser)]);
            }
            around.sort_unstable();
            around.dedup();
        }
        met.sort_unstable();
        met.dedup();
        met
    }
}

/// Notes an episode once while they are added in order; one that is noted twice is met once all the same.
fn note(of: &mut Vec<usize>, n: usize) {
    if of.last() != Some(&n) {
        of.push(n);
    }
}

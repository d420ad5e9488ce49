//! Which episodes a zone meets: found by its cells, however many episodes there are and
//! however far they reach.

use super::follow::Followed;
use super::scan::Scan;
use super::zone::Zone;
use crate::domain::grid::{Cell, Resolution};
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// What zones around a cell hold or lie next to, four steps away at most, lies in the
/// cell of so many resolutions coarser that it lies in, or in one next to that.
const COARSER: usize = 2;

/// What the followed episodes reach, by their places among them.
#[derive(Debug, Default)]
pub struct Reached {
    /// Those that reach a cell as a whole.
    whole: HashMap<Cell, Vec<usize>>,
    /// Those that reach a finer cell in it.
    partly: HashMap<Cell, Vec<usize>>,
    everywhere: Vec<usize>,
    /// All others.
    others: Vec<usize>,
    /// Those of them that zones may meet whose middle lies in a cell, as far as that was
    /// asked.
    near: HashMap<Cell, Vec<usize>>,
}

/// A search for the episodes that a zone meets.
struct Search {
    met: Vec<usize>,
    /// Those that it may still meet.
    left: Vec<usize>,
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
        if !self.others.contains(&n) {
            self.others.push(n);
        }
        note(self.whole.entry(cell).or_default(), n);
        for coarser in cell.ancestors() {
            note(self.partly.entry(coarser).or_default(), n);
        }
        self.near.clear();
    }

    /// Those that share a cell with a zone of these cells, or lie next to it, in order.
    pub fn met(&mut self, zone: &Zone, cells: &[Cell], scan: &Scan) -> Vec<usize> {
        let Some(middle) = scan.middle_of(zone) else { return self.everywhere.clone() };
        let mut search = Search { met: self.everywhere.clone(), left: self.near(middle) };
        // Most zones lie amidst the only episode that is near.
        let in_middle = middle.with_ancestors().filter_map(|cell| self.whole.get(&cell));
        let within = cells.iter().filter_map(|cell| self.partly.get(cell));
        if !search.is_over() && !in_middle.chain(within).flatten().any(|n| search.ends_with(*n)) {
            self.search_around(zone, scan, &mut search);
        }
        search.met.sort_unstable();
        search.met.dedup();
        search.met
    }

    /// Looks which of those that are left reach what lies in a zone or next to it as a
    /// whole.
    fn search_around(&self, zone: &Zone, scan: &Scan, search: &mut Search) {
        let mut around = scan.around(zone);
        while let Some(resolution) = around.first().map(|cell| cell.resolution()) {
            let mut reach = around.iter().filter_map(|cell| self.whole.get(cell)).flatten();
            if reach.any(|n| search.ends_with(*n)) {
                return;
            }
            let Some(coarser) = resolution.number().checked_sub(1) else { break };
            for cell in &mut around {
                *cell = cell.rolled_up_to(Resolution::ALL[usize::from(coarser)]);
            }
            around.sort_unstable();
            around.dedup();
        }
    }

    /// Those that a zone with its middle in this cell may meet.
    fn near(&mut self, middle: Cell) -> Vec<usize> {
        let Some(coarser) = usize::from(middle.resolution().number()).checked_sub(COARSER) else {
            return self.others.clone();
        };
        let Self { whole, partly, near, .. } = self;
        let region = middle.rolled_up_to(Resolution::ALL[coarser]);
        let found = near.entry(region).or_insert_with(|| {
            let around = region.disk(1).into_iter().map(|(cell, _)| cell);
            let reaching = around.flat_map(|cell| {
                let whole = cell.with_ancestors().filter_map(|cell| whole.get(&cell));
                whole.chain(partly.get(&cell)).flatten().copied().collect::<Vec<_>>()
            });
            reaching.collect::<BTreeSet<_>>().into_iter().collect()
        });
        found.clone()
    }
}

impl Search {
    fn is_over(&self) -> bool {
        self.left.is_empty()
    }

    /// Notes one that is met. Gives whether no other is left.
    fn ends_with(&mut self, n: usize) -> bool {
        if let Some(at) = self.left.iter().position(|left| *left == n) {
            self.met.push(self.left.swap_remove(at));
        }
        self.is_over()
    }
}

/// Notes an episode once while they are added in order; one that is noted twice is met
/// once all the same.
fn note(of: &mut Vec<usize>, n: usize) {
    if of.last() != Some(&n) {
        of.push(n);
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::{Places, STEPS};
    use super::super::scan::LEVELS;
    use super::*;

    #[test]
    fn what_zones_may_meet_lies_in_or_beside_the_coarser_cell_that_their_middle_lies_in() {
        let next = |number: u8| Resolution::ALL[usize::from(number)];
        let mut cells: Vec<Cell> =
            Cell::of_the_earth().flat_map(|cell| cell.descendants(next(COARSER as u8))).collect();
        for number in COARSER as u8..LEVELS as u8 {
            for cell in &cells {
                let coarser = next(number - COARSER as u8);
                let beside: Vec<Cell> =
                    cell.rolled_up_to(coarser).disk(1).into_iter().map(|(near, _)| near).collect();
                let is_beside =
                    |(near, _): (Cell, u8)| beside.contains(&near.rolled_up_to(coarser));
                assert!(cell.disk(STEPS as u8 + 1).into_iter().all(is_beside), "{cell:?}");
            }
            // All of resolution 2; of finer ones what is within some, and around
            // pentagons, where the grid is bent.
            let is_kept = |n: usize, cell: &Cell| {
                n.is_multiple_of(6) || cell.disk(3).len() < Places::cells_within(3)
            };
            let kept = (0..).zip(&cells).filter(|(n, cell)| is_kept(*n, cell));
            cells = kept.flat_map(|(_, cell)| cell.descendants(next(number + 1))).collect();
        }
    }
}

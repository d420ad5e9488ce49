//! Sets of cells of resolution 7, the grain at which a place is judged; coarse cells are
//! kept whole, since one may hold 800,000.

use super::entry::{Entry, SetError};
use groundswell::domain::grid::{Cell, Resolution};

/// The resolution of the members.
const GRAIN: Resolution = Resolution::HOURLY;

/// A set of cells of resolution 7.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells {
    /// Sorted, none finer than the grain, none within another. Sorted by hierarchy, a
    /// cell's ancestor is the first that follows it.
    covering: Vec<Cell>,
}

impl FromIterator<Cell> for Cells {
    /// Finer cells count as the one of resolution 7 around them, coarser ones as all
    /// within.
    fn from_iter<I: IntoIterator<Item = Cell>>(cells: I) -> Self {
        let mut sorted: Vec<Cell> =
            cells.into_iter().map(|cell| cell.rolled_up_to(GRAIN)).collect();
        sorted.sort_unstable();
        let mut covering: Vec<Cell> = Vec::with_capacity(sorted.len());
        for cell in sorted.into_iter().rev() {
            if !covering.last().is_some_and(|kept| kept.contains(cell)) {
                covering.push(cell);
            }
        }
        covering.reverse();
        Self { covering }
    }
}

impl Cells {
    /// How many of resolution 7.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.covering.iter().map(|cell| cell.descendant_count(GRAIN)).sum()
    }

    /// Cells that together are these, coarse ones whole.
    #[must_use]
    pub fn covering(&self) -> &[Cell] {
        &self.covering
    }

    /// Whether all of a cell, of any resolution, lies within.
    #[must_use]
    pub fn contains(&self, cell: Cell) -> bool {
        let cell = cell.rolled_up_to(GRAIN);
        let at = self.covering.partition_point(|other| *other < cell);
        self.covering.get(at).is_some_and(|other| other.contains(cell))
    }

    /// Whether they have a cell in common.
    #[must_use]
    pub fn meet(&self, other: &Self) -> bool {
        let within = |a: &Self, b: &Self| a.covering.iter().any(|cell| b.contains(*cell));
        within(self, other) || within(other, self)
    }

    /// Whether a cell of one is, or is a neighbour of, a cell of the other.
    #[must_use]
    pub fn touch(&self, other: &Self) -> bool {
        let (few, many) = if self.count() <= other.count() { (self, other) } else { (other, self) };
        let members = || few.covering.iter().flat_map(|cell| cell.descendants(GRAIN));
        self.meet(other)
            || members().any(|cell| cell.disk(1).into_iter().any(|(near, _)| many.contains(near)))
    }

    /// All that lie in any of these.
    #[must_use]
    pub fn union<'a>(sets: impl Iterator<Item = &'a Self>) -> Self {
        sets.flat_map(|set| set.covering.iter().copied()).collect()
    }
}

/// The cells that a field names, of any resolution.
pub(super) fn named(entry: &Entry, field: &'static str) -> Result<Option<Vec<Cell>>, SetError> {
    let Some(texts) = entry.optional::<Vec<String>>(field)? else { return Ok(None) };
    let cells: Result<_, _> = texts.iter().map(|text| Cell::parse(text)).collect();
    cells.map(Some).map_err(|error| entry.fault(field, format!("cannot be used: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundswell::domain::grid::Position;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The same by listing every member.
    fn listed(cells: &[Cell]) -> BTreeSet<Cell> {
        cells.iter().flat_map(|cell| cell.rolled_up_to(GRAIN).descendants(GRAIN)).collect()
    }

    fn ring(cells: &BTreeSet<Cell>) -> BTreeSet<Cell> {
        cells.iter().flat_map(|cell| cell.disk(1)).map(|(cell, _)| cell).collect()
    }

    /// Cells of many resolutions close together, on a pentagon's edge.
    fn some_cells() -> impl Strategy<Value = Vec<Cell>> {
        let cell =
            (64.5_f64..64.9, 10.3_f64..10.8, 4_i64..=8).prop_map(|(lat, lon, resolution)| {
                Cell::at(Position::new(lat, lon).unwrap(), Resolution::new(resolution).unwrap())
            });
        // Coarse cells are rare, or every pair would meet.
        let cell = cell.prop_map(|cell| {
            if cell.packed() % 5 == 0 {
                cell
            } else {
                cell.descendants(GRAIN).next().unwrap_or(cell)
            }
        });
        prop::collection::vec(cell, 0..6)
    }

    proptest! {
        #[test]
        fn a_set_is_what_listing_every_member_gives(a in some_cells(), b in some_cells()) {
            let (set_a, set_b) = (Cells::from_iter(a.clone()), Cells::from_iter(b.clone()));
            let (all_a, all_b) = (listed(&a), listed(&b));
            prop_assert_eq!(set_a.count(), all_a.len() as u64);
            prop_assert!(all_a.iter().all(|cell| set_a.contains(*cell)));
            let in_both = all_b.iter().filter(|cell| set_a.contains(**cell)).count();
            prop_assert_eq!(in_both, all_a.intersection(&all_b).count());
            prop_assert_eq!(set_a.meet(&set_b), !all_a.is_disjoint(&all_b));
            prop_assert_eq!(set_a.touch(&set_b), !ring(&all_a).is_disjoint(&all_b));
            let in_any = Cells::union([&set_a, &set_b].into_iter()).count();
            prop_assert_eq!(in_any, all_a.union(&all_b).count() as u64);
        }
    }

    #[test]
    fn neighbours_touch_without_meeting_and_the_earth_holds_all() {
        let cell = Cell::parse("872a100d6ffffff").unwrap();
        let set = |cells: &[Cell]| cells.iter().copied().collect::<Cells>();
        let near = set(&[cell.disk(1)[1].0]);
        assert!(set(&[cell]).touch(&near) && !set(&[cell]).meet(&near));
        let earth: Cells = Cell::of_the_earth().collect();
        assert_eq!(
            (earth.count(), earth.contains(cell), earth.touch(&near)),
            (98_825_162, true, true)
        );
        assert!(!Cells::default().touch(&earth));
    }
}

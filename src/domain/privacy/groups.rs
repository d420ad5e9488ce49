//! Groups: the cells that are shown in an epoch.

use super::people::People;
use super::rule::LeftOut;
use crate::domain::grid::{Cell, Resolution};

/// The cells that are shown, and with each the one around it that is shown, too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups {
    /// Sorted: a cell stands after all that lie in it.
    cells: Vec<Cell>,
    /// The place of the next larger group around each; [`NONE`] where there is none.
    around: Vec<u32>,
    /// Where every cell is shown that is no finer.
    all: Option<Resolution>,
}

const NONE: u32 = u32::MAX;
const LEVELS: usize = Resolution::ALL.len();

/// Finds the groups of cells that come in order: quicker than to look each up anew.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    groups: &'a Groups,
    at: usize,
}

impl Groups {
    /// The groups of so many people heard of by cell, sorted, of any resolution: from the
    /// finest resolution to the coarsest each cell becomes one that has `least` of them, by
    /// the coins of its resolution, outside the groups in it. What it has is passed to its
    /// parent otherwise.
    #[must_use]
    pub fn of<'a>(mass: impl IntoIterator<Item = (Cell, &'a People)>, least: u32) -> Self {
        Self::but(mass, least, LeftOut::default())
    }

    /// The same with something left out.
    #[must_use]
    pub fn but<'a>(
        mass: impl IntoIterator<Item = (Cell, &'a People)>,
        least: u32,
        left_out: LeftOut,
    ) -> Self {
        let (mut cells, mut rest) = (Vec::new(), [People::default(); LEVELS]);
        let mut close = |rest: &mut [People; LEVELS], last: Cell, down_to: usize| {
            for level in (down_to..=usize::from(last.resolution().number())).rev() {
                let has = std::mem::take(&mut rest[level]);
                let is_group = least <= has.at(Resolution::ALL[level]);
                if is_group {
                    cells.push(last.rolled_up_to(Resolution::ALL[level]));
                }
                if 0 < level && (!is_group || left_out.rests) {
                    rest[level - 1].add(&has);
                }
            }
        };
        let mut before: Option<Cell> = None;
        for (cell, people) in mass.into_iter().filter(|(cell, _)| !cell.is_nowhere()) {
            if let Some(before) = before {
                close(&mut rest, before, levels_in_common(before, cell));
            }
            rest[usize::from(cell.resolution().number())].add(people);
            before = Some(cell);
        }
        if let Some(before) = before {
            close(&mut rest, before, 0);
        }
        let around = around(&cells);
        Self { cells, around, all: None }
    }

    /// Every cell, but none that is finer: where nothing is hidden.
    #[must_use]
    pub const fn all(finest: Resolution) -> Self {
        Self { cells: Vec::new(), around: Vec::new(), all: Some(finest) }
    }

    /// The finest group that a report from a cell is shown in; none where it is shown
    /// without a place.
    #[must_use]
    pub fn shown(&self, cell: Cell) -> Option<Cell> {
        self.walk().shown(cell)
    }

    /// A walk along cells that come in order.
    #[must_use]
    pub const fn walk(&self) -> Walk<'_> {
        Walk { groups: self, at: 0 }
    }

    /// All of them, sorted.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Whether a cell is one.
    #[must_use]
    pub fn holds(&self, cell: Cell) -> bool {
        match self.all {
            Some(finest) => cell.resolution() <= finest,
            None => self.cells.binary_search(&cell).is_ok(),
        }
    }

    /// Whether a cell is one, or one lies in it.
    #[must_use]
    pub fn are_within(&self, cell: Cell) -> bool {
        if let Some(finest) = self.all {
            return cell.resolution() <= finest;
        }
        let within = cell.packed_within();
        let first = self.cells.partition_point(|group| group.packed() < *within.start());
        self.cells.get(first).is_some_and(|group| within.contains(&group.packed()))
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.around.capacity() * size_of::<u32>()
    }
}

impl Walk<'_> {
    /// See [`Groups::shown`].
    pub fn shown(&mut self, cell: Cell) -> Option<Cell> {
        let Groups { cells, around, all } = self.groups;
        if let Some(finest) = all {
            return Some(cell.rolled_up_to(*finest));
        }
        if self.at > 0 && cells[self.at - 1] >= cell {
            self.at = 0;
        }
        self.at += ahead(&cells[self.at..], cell);
        // The first group from here on holds the cell, or lies beside it in all those that
        // do: what lies in a group stands before it, with nothing of others in between.
        let mut group = self.at;
        while let Some(found) = cells.get(group) {
            if found.contains(cell) {
                return Some(*found);
            }
            group = around[group] as usize;
        }
        None
    }
}

/// How many of these cells, which are sorted, stand before that one: found in a few steps
/// where they are few.
fn ahead(cells: &[Cell], cell: Cell) -> usize {
    let mut step = 1;
    while step <= cells.len() && cells[step - 1] < cell {
        step *= 2;
    }
    let from = step / 2;
    from + cells[from..cells.len().min(step)].partition_point(|other| *other < cell)
}

/// How many of the coarsest resolutions two cells lie in the same cell of.
fn levels_in_common(a: Cell, b: Cell) -> usize {
    let both = Resolution::ALL
        .into_iter()
        .take_while(|resolution| *resolution <= a.resolution().min(b.resolution()));
    both.take_while(|resolution| a.rolled_up_to(*resolution) == b.rolled_up_to(*resolution)).count()
}

fn around(cells: &[Cell]) -> Vec<u32> {
    let (mut around, mut open) = (vec![NONE; cells.len()], Vec::<usize>::new());
    for (n, cell) in cells.iter().enumerate().rev() {
        while open.last().is_some_and(|last| !cells[*last].contains(*cell)) {
            open.pop();
        }
        if let Some(last) = open.last() {
            around[n] = *last as u32;
        }
        open.push(n);
    }
    around
}

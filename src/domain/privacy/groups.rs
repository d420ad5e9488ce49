//! Groups: the cells that are shown in an epoch.

use super::people::People;
use super::rule::LeftOut;
use crate::domain::grid::{Cell, Resolution};

/// The cells that are shown.
///
/// They are kept as stretches of the order of cells: all cells of a stretch are shown in
/// one group, or in none. A group ends one, since it stands after all that lie in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups {
    /// The key of the last cell of each stretch, sorted; at last one after all cells.
    ends: Vec<i32>,
    /// The stretch that the group of each ends; [`NONE`] where it is shown in none.
    shown: Vec<u32>,
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
        Self::listed(&cells)
    }

    /// Every cell, but none that is finer: where nothing is hidden.
    #[must_use]
    pub const fn all(finest: Resolution) -> Self {
        Self { ends: Vec::new(), shown: Vec::new(), all: Some(finest) }
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
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        (0..self.ends.len()).filter(|n| self.ends_group(*n)).map(|n| cell(self.ends[n]))
    }

    /// How many stretches there are.
    #[must_use]
    pub const fn stretches(&self) -> usize {
        self.ends.len()
    }

    /// What was counted in each stretch, and at last in none, by the group that it is shown
    /// in, sorted; and what is shown in none.
    #[must_use]
    pub fn added_up(&self, mut counted: Vec<u64>) -> (Vec<Cell>, Vec<u32>, u64) {
        let nowhere = self.ends.len();
        let (mut ends, mut counts) = (vec![0; nowhere], vec![0; nowhere]);
        let mut found = 0;
        // Without a branch: which stretches have any, and end a group, cannot be foreseen.
        for (n, (group, end)) in self.shown.iter().zip(&self.ends).enumerate() {
            let (group, count) = ((*group as usize).min(nowhere), counted[n]);
            // The group stands further on, or here.
            let is_here = u64::from(group == n);
            counted[group] += count * (1 - is_here);
            ends[found] = *end;
            counts[found] = u32::try_from(count).unwrap_or(u32::MAX);
            found += usize::from(0 < count * is_here);
        }
        counts.truncate(found);
        (ends[..found].iter().map(|end| cell(*end)).collect(), counts, counted[nowhere])
    }

    /// Whether they are listed: not every cell is one.
    #[must_use]
    pub const fn are_listed(&self) -> bool {
        self.all.is_none()
    }

    /// Whether a cell is one.
    #[must_use]
    pub fn holds(&self, cell: Cell) -> bool {
        match self.all {
            Some(finest) => cell.resolution() <= finest,
            None => self.ends.binary_search(&key(cell)).is_ok_and(|n| self.ends_group(n)),
        }
    }

    /// Whether a cell is one, or one lies in it.
    #[must_use]
    pub fn are_within(&self, cell: Cell) -> bool {
        if let Some(finest) = self.all {
            return cell.resolution() <= finest;
        }
        let first = self.ends.partition_point(|end| *end < first_key(cell));
        let within = self.ends[first..].iter().take_while(|end| **end <= key(cell)).count();
        (first..first + within).any(|n| self.ends_group(n))
    }

    fn ends_group(&self, stretch: usize) -> bool {
        self.shown[stretch] as usize == stretch
    }

    /// These, sorted.
    fn listed(cells: &[Cell]) -> Self {
        // From the last to the first: what holds a cell stands behind it. Stretches are
        // numbered as they come.
        let (mut ends, mut shown) = (Vec::new(), Vec::new());
        let mut close = |until: i32, group: u32| {
            ends.push(until);
            shown.push(group);
        };
        // Groups that hold this place, the innermost last: the first key of each, and the
        // stretch that it ends.
        let (mut open, mut until) = (Vec::<(i32, u32)>::new(), i32::MAX);
        let mut closed = 0;
        for cell in cells.iter().rev() {
            while let Some((begin, group)) = open.pop_if(|(begin, _)| key(*cell) < *begin) {
                if begin <= until {
                    close(until, group);
                    (until, closed) = (begin - 1, closed + 1);
                }
            }
            if key(*cell) < until {
                close(until, open.last().map_or(NONE, |(_, group)| *group));
                (until, closed) = (key(*cell), closed + 1);
            }
            open.push((first_key(*cell), closed));
        }
        while let Some((begin, group)) = open.pop() {
            if begin <= until {
                close(until, group);
                until = begin - 1;
            }
        }
        close(until, NONE);
        let last = ends.len() as u32 - 1;
        ends.reverse();
        shown.reverse();
        for group in shown.iter_mut().filter(|group| **group != NONE) {
            *group = last - *group;
        }
        Self { ends, shown, all: None }
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        (self.ends.capacity() + self.shown.capacity()) * size_of::<u32>()
    }
}

impl Walk<'_> {
    /// See [`Groups::shown`].
    pub fn shown(&mut self, of: Cell) -> Option<Cell> {
        let Groups { ends, shown, all } = self.groups;
        if let Some(finest) = all {
            return Some(of.rolled_up_to(*finest));
        }
        let group = *shown.get(self.stretch(of))?;
        ends.get(group as usize).map(|end| cell(*end))
    }

    /// The number of the stretch in which a cell lies.
    pub fn stretch(&mut self, cell: Cell) -> usize {
        let (ends, key) = (&self.groups.ends, key(cell));
        if self.at > 0 && ends[self.at - 1] >= key {
            self.at = 0;
        }
        self.at += ahead(&ends[self.at..], key);
        self.at
    }
}

/// A number of 31 bits that sorts as the cell does: its path, whose digits are all set
/// beyond its resolution.
const fn key(cell: Cell) -> i32 {
    (cell.packed() >> KEY_SHIFT) as i32
}

/// The least key of those that lie in a cell.
const fn first_key(cell: Cell) -> i32 {
    (*cell.packed_within().start() >> KEY_SHIFT) as i32
}

/// The cell of a key.
fn cell(key: i32) -> Cell {
    // The number of a cell of the coarsest resolution may end with set bits, too.
    let finest = Resolution::FINEST.number();
    let unused_digits = (key.trailing_ones() / 3).min(u32::from(finest));
    let resolution = finest - unused_digits as u8;
    Cell::from_packed_unchecked((key as u64) << KEY_SHIFT | u64::from(resolution))
}

/// The bits of a packed cell that say its resolution, which its path says, too.
const KEY_SHIFT: u32 = 4;

/// How many of these keys, which are sorted, stand before that one: found in a few steps
/// where they are few.
fn ahead(keys: &[i32], key: i32) -> usize {
    const NEAR: usize = 16;
    const NEAR_CHUNKS: usize = 4;
    let (chunks, _) = keys.as_chunks::<NEAR>();
    // Without a branch for each: which one is next cannot be foreseen.
    let mut from = 0;
    for near in chunks.iter().take(NEAR_CHUNKS) {
        // The sign of the difference: both are of 31 bits.
        let before: i32 = near.iter().map(|other| (key - 1 - other).wrapping_shr(31)).sum();
        let before = (NEAR as i32 + before) as usize;
        from += before;
        if before < NEAR {
            return from;
        }
    }
    let mut step = NEAR;
    while from + step <= keys.len() && keys[from + step - 1] < key {
        from += step;
        step *= 2;
    }
    from + keys[from..keys.len().min(from + step)].partition_point(|other| *other < key)
}

/// How many of the coarsest resolutions two cells lie in the same cell of.
fn levels_in_common(a: Cell, b: Cell) -> usize {
    let both = Resolution::ALL
        .into_iter()
        .take_while(|resolution| *resolution <= a.resolution().min(b.resolution()));
    both.take_while(|resolution| a.rolled_up_to(*resolution) == b.rolled_up_to(*resolution)).count()
}

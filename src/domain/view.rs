//! A view: what history says of one provider (or network) in one window, frozen, sorted
//! and in columns.

use super::counted::Counted;
use super::counts::Counts;
use super::cover::Cover;
use super::fact::{FactKey, Tally};
use super::grid::{Cell, Resolution};
use super::level::Level;
use super::privacy::coarsening::Shown;
use super::privacy::groups::{Groups, Walk};
use super::region::Region;
use super::time::Window;
use std::slice;
use std::sync::{Arc, OnceLock};

/// Facts are few where groups have more than so many stretches a fact.
const FEW_FACTS: usize = 4;

/// The facts of a minute, and where they are shown; where they are, if nothing says so.
type ShownFacts<'a> = (&'a Counts, Option<Shown<'a>>);

/// An immutable snapshot of one window: cells of every resolution that was reported, each
/// with its count.
#[derive(Debug, Clone)]
pub struct View {
    window: Window,
    /// Of spans of time that make up the window.
    parts: Vec<Arc<Sums>>,
    /// All of them together, made when they are first asked for.
    whole: OnceLock<Arc<Sums>>,
}

/// Counts by cell, sorted by cell: a view, or a part of one that need not be summed again
/// while its minutes stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    cells: Vec<Cell>,
    counts: Vec<u32>,
    /// What has no place.
    unplaced: u64,
}

impl Sums {
    /// What these minutes say of the reports asked for.
    ///
    /// Linear in the facts: rows are gathered, sorted by radix and added up in one pass.
    pub fn of_minutes<'a>(
        counted: impl Into<Counted>,
        minutes: impl IntoIterator<Item = &'a Counts>,
    ) -> Self {
        let (counted, mut rows) = (counted.into(), Rows::default());
        minutes.into_iter().for_each(|counts| rows.gather(counted, counts));
        rows.added_up()
    }

    /// What is given, in any order.
    #[must_use]
    pub fn of_rows(rows: impl IntoIterator<Item = (Cell, u32)>) -> Self {
        Rows { rows: rows.into_iter().collect(), unplaced: 0 }.added_up()
    }

    /// The same of minutes, each of which is shown in these groups where they are given, some
    /// of its reports coarsened. What is shown nowhere has no place.
    ///
    /// Many facts that follow each other and are shown alike are counted by the stretch of
    /// cells that they lie in, which needs no sorting.
    #[must_use]
    pub fn of_shown(counted: impl Into<Counted>, minutes: &[ShownFacts<'_>]) -> Self {
        let counted = counted.into();
        let is_alike = |a: &ShownFacts<'_>, b: &ShownFacts<'_>| match (a.1, b.1) {
            (Some(a), Some(b)) => std::ptr::eq(a.groups, b.groups),
            (None, None) => true,
            _ => false,
        };
        let (mut rows, mut parts) = (Rows::default(), Vec::new());
        for alike in minutes.chunk_by(is_alike) {
            let facts: usize = alike.iter().map(|(counts, _)| counts.len()).sum();
            match alike[0].1.map(|shown| shown.groups) {
                None => {
                    let counts = alike.iter().map(|(counts, _)| *counts);
                    counts.for_each(|counts| rows.gather(counted, counts));
                }
                Some(groups) if groups.are_listed() && groups.stretches() <= FEW_FACTS * facts => {
                    parts.push(Self::of_stretches(counted, alike, groups));
                }
                Some(groups) => {
                    let mut walk = groups.walk();
                    for minute in alike {
                        rows.gather_shown(counted, *minute, &mut walk);
                    }
                }
            }
        }
        let rows = rows.added_up();
        if parts.is_empty() { rows } else { Self::of_parts(parts.iter().chain([&rows])) }
    }

    /// Many facts that are shown in the same groups.
    fn of_stretches(asked: Counted, minutes: &[ShownFacts<'_>], groups: &Groups) -> Self {
        let (mut walk, nowhere) = (groups.walk(), groups.stretches());
        let mut counted = vec![0; nowhere + 1];
        let mut coarsened = Vec::new();
        for minute in minutes {
            each_sorted(asked, *minute, &mut coarsened, |cell, count| {
                let stretch = if cell.is_nowhere() { nowhere } else { walk.stretch(cell) };
                counted[stretch] += u64::from(count);
            });
        }
        // Apart from the others, so that the walk goes forward.
        coarsened.sort_unstable();
        for cell in coarsened {
            counted[walk.stretch(cell)] += 1;
        }
        let (cells, counts, unplaced) = groups.added_up(counted);
        Self { cells, counts, unplaced }
    }

    /// All of these together.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let parts: Vec<&Self> = parts.into_iter().collect();
        Self::of_each(&parts)
    }

    fn of_each(parts: &[&Self]) -> Self {
        match parts {
            [] => Self::default(),
            [one] => (*one).clone(),
            [a, b] => a.merged(b),
            many => {
                let (some, others) = many.split_at(many.len() / 2);
                Self::of_each(some).merged(&Self::of_each(others))
            }
        }
    }

    /// Both together.
    fn merged(&self, other: &Self) -> Self {
        let mut both = Self::with_room(self.cells.len() + other.cells.len());
        let (mut a, mut b, mut n) = (0, 0, 0);
        // Without a branch: which one is next cannot be foreseen.
        while let (Some(of_a), Some(of_b)) = (self.cells.get(a), other.cells.get(b)) {
            let (is_a, is_b) = (of_a <= of_b, of_b <= of_a);
            both.cells[n] = *of_a.min(of_b);
            let count_a = self.counts[a] & u32::from(is_a).wrapping_neg();
            let count_b = other.counts[b] & u32::from(is_b).wrapping_neg();
            both.counts[n] = count_a.saturating_add(count_b);
            a += usize::from(is_a);
            b += usize::from(is_b);
            n += 1;
        }
        let mut both = both.first(n);
        both.cells.extend_from_slice(&self.cells[a..]);
        both.cells.extend_from_slice(&other.cells[b..]);
        both.counts.extend_from_slice(&self.counts[a..]);
        both.counts.extend_from_slice(&other.counts[b..]);
        Self { unplaced: self.unplaced + other.unplaced, ..both }
    }

    /// So many rows, of nothing yet.
    fn with_room(rows: usize) -> Self {
        Self { cells: vec![Cell::NOWHERE; rows], counts: vec![0; rows], unplaced: 0 }
    }

    /// The first so many rows.
    fn first(mut self, rows: usize) -> Self {
        self.cells.truncate(rows);
        self.counts.truncate(rows);
        self
    }

    /// Cells and their counts, sorted by cell; resolutions mixed as they were reported.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Cell, u32)> + '_ {
        self.cells.iter().copied().zip(self.counts.iter().copied())
    }

    /// All reports, those without a place included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum::<u64>() + self.unplaced
    }

    /// How many reports stand in a cover, where `lies` says whether an undecided cell lies
    /// in the region.
    pub fn count(&self, cover: &Cover, mut lies: impl FnMut(Cell) -> bool) -> u64 {
        let mut sum = 0;
        for (range, is_whole) in cover.ranges(&self.cells) {
            let rows = self.cells[range.clone()].iter().zip(&self.counts[range]);
            let lying = rows.filter(|(cell, _)| is_whole || lies(**cell));
            sum += lying.map(|(_, count)| u64::from(*count)).sum::<u64>();
        }
        sum
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.counts.capacity() * size_of::<u32>()
    }
}

impl View {
    /// The view of a window from what was summed of its parts.
    #[must_use]
    pub const fn new(window: Window, parts: Vec<Arc<Sums>>) -> Self {
        Self { window, parts, whole: OnceLock::new() }
    }

    /// Which minutes.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Cells and their counts, sorted by cell; resolutions mixed as they were reported.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Cell, u32)> + '_ {
        self.whole().rows()
    }

    /// All reports in it, those without a place included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.whole().total()
    }

    /// The view at one resolution, as far as it lies in a region: finer cells rolled up,
    /// coarser ones kept apart. What has no place lies everywhere only.
    ///
    /// Costs what lies in the region, but for everywhere, which is summed once.
    #[must_use]
    pub fn level(&self, region: &Region, resolution: Resolution) -> Level {
        if *region == Region::Everywhere {
            let whole = self.whole();
            return of_rows(resolution, whole.rows()).with_unplaced(whole.unplaced);
        }
        let lies = |cell| region.contains(cell);
        self.level_in(&Cover::of(region, resolution), resolution, lies)
    }

    /// The same of a region of which the cover is known, and of an undecided cell of the
    /// resolution, or a coarser one, whether it lies in it.
    #[must_use]
    pub fn level_in(
        &self,
        cover: &Cover,
        resolution: Resolution,
        mut lies_there: impl FnMut(Cell) -> bool,
    ) -> Level {
        let parts = match self.whole.get() {
            Some(whole) => slice::from_ref(whole),
            None => &self.parts,
        };
        let mut rows = Vec::new();
        for part in parts {
            for (range, is_whole) in cover.ranges(&part.cells) {
                let found = part.cells[range.clone()].iter().zip(&part.counts[range]);
                let mut lies = |cell: &Cell| is_whole || lies_there(cell.rolled_up_to(resolution));
                rows.extend(
                    found.filter(|(cell, _)| lies(cell)).map(|(cell, count)| (*cell, *count)),
                );
            }
        }
        if parts.len() > 1 {
            sort_by_cell(&mut rows);
        }
        of_rows(resolution, rows.into_iter())
    }

    fn whole(&self) -> &Arc<Sums> {
        self.whole.get_or_init(|| match &self.parts[..] {
            [part] => Arc::clone(part),
            parts => Arc::new(Sums::of_parts(parts.iter().map(|part| &**part))),
        })
    }

    /// Bytes of memory it takes, beside the struct itself and what others hold, too.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let whole = self.whole.get().filter(|_| self.parts.len() > 1);
        let alone = self.parts.iter().filter(|part| Arc::strong_count(part) == 1);
        whole.into_iter().chain(alone).map(|sums| sums.heap_bytes()).sum::<usize>()
            + self.parts.capacity() * size_of::<Arc<Sums>>()
    }
}

/// The level of sorted rows.
fn of_rows(resolution: Resolution, rows: impl Iterator<Item = (Cell, u32)>) -> Level {
    let mut coarser: Vec<(Cell, u32)> = Vec::new();
    let fine = rows.filter_map(|(cell, count)| {
        if resolution <= cell.resolution() {
            return Some((cell.rolled_up_to(resolution), count));
        }
        match coarser.last_mut() {
            Some((last, sum)) if *last == cell => *sum = sum.saturating_add(count),
            _ => coarser.push((cell, count)),
        }
        None
    });
    let Sums { cells, counts, .. } = add_up(fine);
    Level::new(resolution, cells, counts, coarser)
}

/// Facts that are being gathered, in any order.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<(Cell, u32)>,
    unplaced: u64,
}

impl Rows {
    fn gather(&mut self, counted: Counted, counts: &Counts) {
        for (key, count) in asked(counted, counts) {
            let cell = key.cell();
            if cell.is_nowhere() {
                self.unplaced += u64::from(count);
            } else {
                self.rows.push((cell, count));
            }
        }
    }

    fn gather_shown(&mut self, counted: Counted, minute: ShownFacts<'_>, walk: &mut Walk<'_>) {
        let mut coarsened = Vec::new();
        let mut show =
            |cell: Cell, count: u32| match walk.shown(cell).filter(|_| !cell.is_nowhere()) {
                Some(shown) => self.rows.push((shown, count)),
                None => self.unplaced += u64::from(count),
            };
        each(counted, minute, &mut coarsened, &mut show);
        for cell in coarsened {
            show(cell, 1);
        }
    }

    fn added_up(mut self) -> Sums {
        sort_by_cell(&mut self.rows);
        Sums { unplaced: self.unplaced, ..add_up(self.rows.into_iter()) }
    }
}

/// What a minute says of the reports asked for.
fn asked(counted: Counted, counts: &Counts) -> impl Iterator<Item = (FactKey, u32)> {
    counts
        .rows()
        .filter(move |(key, _)| counted.include(*key))
        .map(|(key, Tally { count, .. })| (key, count))
}

/// The same, by where it is shown at the finest; `coarsened` gets the cells of reports that
/// stand in another cell.
fn each(
    counted: Counted,
    (counts, shown): ShownFacts<'_>,
    coarsened: &mut Vec<Cell>,
    mut each: impl FnMut(Cell, u32),
) {
    let rows = asked(counted, counts);
    match shown.and_then(|shown| shown.coarsening) {
        None => rows.for_each(|(key, count)| each(key.cell(), count)),
        Some(coarsening) => rows.for_each(|(key, count)| {
            let stay = coarsening.split(key, count, |cell| coarsened.push(cell));
            if 0 < stay {
                each(key.cell(), stay);
            }
        }),
    }
}

/// The same, sorted by cell.
fn each_sorted(
    counted: Counted,
    minute: ShownFacts<'_>,
    coarsened: &mut Vec<Cell>,
    mut take: impl FnMut(Cell, u32),
) {
    if minute.0.is_settled() {
        return each(counted, minute, coarsened, take);
    }
    let mut rows: Vec<(Cell, u32)> = Vec::new();
    each(counted, minute, coarsened, |cell, count| rows.push((cell, count)));
    sort_by_cell(&mut rows);
    for (cell, count) in rows {
        take(cell, count);
    }
}

/// Adds up neighbouring rows of one cell.
fn add_up(rows: impl Iterator<Item = (Cell, u32)>) -> Sums {
    let Sums { mut cells, mut counts, unplaced } = Sums::default();
    for (cell, count) in rows {
        match (cells.last(), counts.last_mut()) {
            (Some(last), Some(sum)) if *last == cell => *sum = sum.saturating_add(count),
            _ => {
                cells.push(cell);
                counts.push(count);
            }
        }
    }
    Sums { cells, counts, unplaced }
}

/// Sorts rows by cell in time linear in their number.
fn sort_by_cell(rows: &mut [(Cell, u32)]) {
    // Below a few thousand rows comparing is quicker than counting digits.
    if rows.len() < 4_096 {
        rows.sort_unstable_by_key(|(cell, _)| *cell);
    } else {
        radsort::sort_by_key(rows, |(cell, _)| cell.packed());
    }
}

#[cfg(test)]
mod tests;

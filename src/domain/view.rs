//! A view: what history says of one provider (or network) in one window, frozen, sorted
//! and in columns.

use super::counts::Counts;
use super::cover::Cover;
use super::fact::Tally;
use super::grid::{Cell, Resolution};
use super::level::Level;
use super::privacy::groups::{Groups, Walk};
use super::region::Region;
use super::symptom::Symptoms;
use super::time::Window;
use std::slice;
use std::sync::{Arc, OnceLock};

/// Facts are few where groups have more than so many stretches a fact.
const FEW_FACTS: usize = 4;

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
    /// What history's lanes say of the symptoms asked for in these minutes.
    ///
    /// Linear in the facts: rows are gathered, sorted by radix and added up in one pass.
    pub fn of_minutes<'a>(
        symptoms: Symptoms,
        minutes: impl IntoIterator<Item = &'a Counts>,
    ) -> Self {
        let mut rows = Rows::default();
        minutes.into_iter().for_each(|counts| rows.gather(symptoms, counts));
        rows.added_up()
    }

    /// The same of minutes, each of which is shown in these groups where they are given.
    /// What is shown nowhere has no place.
    ///
    /// Many facts that follow each other and are shown alike are counted by the stretch of
    /// cells that they lie in, which needs no sorting.
    #[must_use]
    pub fn of_shown(symptoms: Symptoms, minutes: &[(&Counts, Option<&Groups>)]) -> Self {
        let is_alike =
            |a: &(&Counts, Option<&Groups>), b: &(&Counts, Option<&Groups>)| match (a.1, b.1) {
                (Some(a), Some(b)) => std::ptr::eq(a, b),
                (None, None) => true,
                _ => false,
            };
        let (mut rows, mut parts) = (Rows::default(), Vec::new());
        for alike in minutes.chunk_by(is_alike) {
            let facts: usize = alike.iter().map(|(counts, _)| counts.len()).sum();
            let counts = alike.iter().map(|(counts, _)| *counts);
            match alike[0].1 {
                None => counts.for_each(|counts| rows.gather(symptoms, counts)),
                Some(groups) if groups.are_listed() && groups.stretches() <= FEW_FACTS * facts => {
                    parts.push(Self::of_stretches(symptoms, counts, groups));
                }
                Some(groups) => {
                    let mut walk = groups.walk();
                    counts.for_each(|counts| rows.gather_shown(symptoms, counts, &mut walk));
                }
            }
        }
        let rows = rows.added_up();
        if parts.is_empty() { rows } else { Self::of_parts(parts.iter().chain([&rows])) }
    }

    /// Many facts that are shown in the same groups.
    fn of_stretches<'a>(
        symptoms: Symptoms,
        minutes: impl IntoIterator<Item = &'a Counts>,
        groups: &Groups,
    ) -> Self {
        let (mut walk, nowhere) = (groups.walk(), groups.stretches());
        let mut counted = vec![0; nowhere + 1];
        for counts in minutes {
            each_sorted(symptoms, counts, |cell, count| {
                let stretch = if cell.is_nowhere() { nowhere } else { walk.stretch(cell) };
                counted[stretch] += u64::from(count);
            });
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
        let parts = match self.whole.get() {
            Some(whole) => slice::from_ref(whole),
            None => &self.parts,
        };
        let cover = Cover::of(region, resolution);
        let mut rows = Vec::new();
        for part in parts {
            for (range, is_whole) in cover.ranges(&part.cells) {
                let found = part.cells[range.clone()].iter().zip(&part.counts[range]);
                let lies = |cell: &Cell| is_whole || region.contains(cell.rolled_up_to(resolution));
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
    fn gather(&mut self, symptoms: Symptoms, counts: &Counts) {
        for (cell, count) in asked(symptoms, counts) {
            if cell.is_nowhere() {
                self.unplaced += u64::from(count);
            } else {
                self.rows.push((cell, count));
            }
        }
    }

    fn gather_shown(&mut self, symptoms: Symptoms, counts: &Counts, walk: &mut Walk<'_>) {
        for (cell, count) in asked(symptoms, counts) {
            match walk.shown(cell).filter(|_| !cell.is_nowhere()) {
                Some(shown) => self.rows.push((shown, count)),
                None => self.unplaced += u64::from(count),
            }
        }
    }

    fn added_up(mut self) -> Sums {
        sort_by_cell(&mut self.rows);
        Sums { unplaced: self.unplaced, ..add_up(self.rows.into_iter()) }
    }
}

/// What history's lanes say of the symptoms asked for in a minute.
fn asked(symptoms: Symptoms, counts: &Counts) -> impl Iterator<Item = (Cell, u32)> {
    counts
        .rows()
        .filter(move |(key, _)| key.lane().is_history() && symptoms.include(key.symptom()))
        .map(|(key, Tally { count, .. })| (key.cell(), count))
}

/// The same, sorted by cell.
fn each_sorted(symptoms: Symptoms, counts: &Counts, mut each: impl FnMut(Cell, u32)) {
    if counts.is_settled() {
        asked(symptoms, counts).for_each(|(cell, count)| each(cell, count));
    } else {
        let mut rows: Vec<(Cell, u32)> = asked(symptoms, counts).collect();
        sort_by_cell(&mut rows);
        for (cell, count) in rows {
            each(cell, count);
        }
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
mod tests {
    use super::*;
    use crate::domain::bbox::BoundingBox;
    use crate::domain::fact::{FactKey, Lane, Source};
    use crate::domain::grid::Position;
    use crate::domain::privacy::people::People;
    use crate::domain::symptom::Symptom;
    use crate::domain::tile::Tile;
    use crate::domain::time::Minute;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const WINDOW: Window = Window { from: Minute(0), to: Minute(15) };
    fn view<'a>(minutes: impl IntoIterator<Item = &'a Counts>) -> View {
        View::new(WINDOW, vec![Arc::new(Sums::of_minutes(Symptoms::AllProblems, minutes))])
    }
    fn of_parts(parts: &[Sums]) -> View {
        View::new(WINDOW, parts.iter().cloned().map(Arc::new).collect())
    }

    const ONE: Tally = Tally { count: 1, first: 0 };

    fn cell(lat: f64, lon: f64, resolution: i64) -> Cell {
        Cell::at(Position::new(lat, lon).unwrap(), Resolution::new(resolution).unwrap())
    }

    fn counts(rows: &[(Cell, Symptom, Lane)]) -> Counts {
        Counts::from_rows(
            rows.iter()
                .map(|(cell, symptom, lane)| (FactKey::new(*cell, *symptom, *lane, Source(0)), ONE))
                .collect(),
        )
    }

    #[test]
    fn a_late_report_stands_once_in_history() {
        let here = cell(43.65, -79.38, 8);
        let minutes = [
            counts(&[
                (here, Symptom::NoService, Lane::LateObserved),
                (here, Symptom::NoService, Lane::OnTime),
            ]),
            counts(&[(here, Symptom::NoService, Lane::LateArrived)]),
        ];
        let view = view(&minutes);
        assert_eq!(view.rows().collect::<Vec<_>>(), [(here, 2)]);
    }

    #[test]
    fn what_has_no_place_counts_in_the_total_and_in_no_cell() {
        let (here, lane) = (cell(43.65, -79.38, 8), Lane::LateObserved);
        let within = Cell::NOWHERE.descendants(Resolution::FINEST).next().unwrap();
        let minutes =
            [Cell::NOWHERE, within, here].map(|cell| counts(&[(cell, Symptom::NoService, lane)]));
        let parts =
            minutes.each_ref().map(|minute| Sums::of_minutes(Symptoms::AllProblems, [minute]));
        for view in [view(&minutes), of_parts(&parts)] {
            assert_eq!((view.total(), view.rows().collect::<Vec<_>>()), (3, vec![(here, 1)]));
            for resolution in Resolution::ALL {
                let level = view.level(&Region::Everywhere, resolution);
                assert_eq!(
                    (
                        level.total(),
                        level.unplaced(),
                        level.rows().map(|(_, count)| count).sum::<u32>()
                    ),
                    (3, 2, 1)
                );
            }
        }
    }

    #[test]
    fn only_the_symptoms_asked_for_are_counted() {
        let here = cell(43.65, -79.38, 8);
        let minute = counts(&[
            (here, Symptom::NoService, Lane::OnTime),
            (here, Symptom::NoTv, Lane::OnTime),
            (here, Symptom::Working, Lane::OnTime),
        ]);
        for (symptoms, expected) in [
            (Symptoms::AllProblems, 2),
            (Symptoms::Only(Symptom::Working), 1),
            (Symptoms::Only(Symptom::NoCalls), 0),
        ] {
            let sums = Sums::of_minutes(symptoms, [&minute]);
            assert_eq!(of_parts(&[sums]).total(), expected);
        }
    }

    #[test]
    fn a_level_rolls_up_what_is_finer_and_keeps_apart_what_is_coarser() {
        let fine = cell(43.65, -79.38, 8);
        let coarse = fine.rolled_up_to(Resolution::new(3).unwrap());
        let view = view([&counts(&[
            (fine, Symptom::NoService, Lane::OnTime),
            (coarse, Symptom::NoService, Lane::OnTime),
        ])]);
        let level = view.level(&Region::Everywhere, Resolution::DEFAULT);
        assert_eq!(level.rows().collect::<Vec<_>>(), [(fine.rolled_up_to(Resolution::DEFAULT), 1)]);
        assert_eq!(level.coarser(), [(coarse, 1)]);
        assert_eq!(level.total(), 2);
        let merged = view.level(&Region::Everywhere, Resolution::new(3).unwrap());
        assert_eq!(
            (merged.rows().collect::<Vec<_>>(), merged.coarser()),
            (vec![(coarse, 2)], &[][..])
        );
    }

    proptest! {
        #[test]
        fn a_level_agrees_with_a_plain_sum_wherever_the_reports_are(
            places in prop::collection::vec((-90.0..=90.0, -180.0..=180.0, 0_i64..=8), 0..300),
            asked in 0_i64..=8,
        ) {
            let asked = Resolution::new(asked).unwrap();
            let reported: Vec<Cell> =
                places.into_iter().map(|(lat, lon, r)| cell(lat, lon, r)).collect();
            let rows: Vec<_> =
                reported.iter().map(|c| (*c, Symptom::NoData, Lane::OnTime)).collect();
            let view = view([&counts(&rows)]);
            let mut fine: BTreeMap<Cell, u32> = BTreeMap::new();
            let mut coarse: BTreeMap<Cell, u32> = BTreeMap::new();
            for c in &reported {
                let side = if c.resolution() < asked { &mut coarse } else { &mut fine };
                *side.entry(c.rolled_up_to(asked)).or_default() += 1;
            }
            let level = view.level(&Region::Everywhere, asked);
            prop_assert_eq!(level.rows().collect::<Vec<_>>(), fine.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(level.coarser().to_vec(), coarse.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(level.total(), reported.len() as u64);
        }

        #[test]
        fn facts_are_added_up_where_the_groups_of_their_minute_show_them(
            places in prop::collection::vec(
                (0.0..3.0, 0.0..3.0, 0_i64..=8, 0_usize..4, 1_u32..9), 0..200,
            ),
            heard in prop::collection::vec((0.0..3.0, 0.0..3.0, 0_i64..=8, 1_u32..9), 0..200),
            settled in prop::collection::vec(any::<bool>(), 4),
        ) {
            let mut mass: BTreeMap<Cell, u32> = BTreeMap::new();
            for (lat, lon, r, people) in heard {
                *mass.entry(cell(lat, lon, r)).or_default() += people;
            }
            let mass: Vec<(Cell, People)> =
                mass.into_iter().map(|(cell, count)| (cell, count.into())).collect();
            let groups = [1, 5, 40]
                .map(|least| Groups::of(mass.iter().map(|(cell, of)| (*cell, of)), least));
            let [all, some, few] = &groups;
            let groups = [all, some, few, &Groups::all(Resolution::DEFAULT)];
            let mut minutes: [Counts; 4] = Default::default();
            let (mut expected, mut unplaced) = (BTreeMap::<Cell, u32>::new(), 0);
            for (lat, lon, r, minute, count) in places {
                let here = cell(lat, lon, r);
                let key = FactKey::new(here, Symptom::NoData, Lane::OnTime, Source(0));
                minutes[minute].add(key, Tally { count, first: 0 });
                match groups[minute].shown(here).filter(|_| !here.is_nowhere()) {
                    Some(shown) => *expected.entry(shown).or_default() += count,
                    None => unplaced += u64::from(count),
                }
            }
            for (minute, _) in minutes.iter_mut().zip(settled).filter(|(_, settled)| *settled) {
                minute.settle();
            }
            let shown: Vec<_> = minutes.iter().zip(groups.map(Some)).collect();
            let sums = Sums::of_shown(Symptoms::AllProblems, &shown);
            prop_assert_eq!(
                sums.rows().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>()
            );
            prop_assert_eq!(sums.unplaced, unplaced);
        }

        #[test]
        fn neither_the_order_of_minutes_nor_how_they_are_parted_changes_a_view(
            places in prop::collection::vec((-90.0..=90.0, -180.0..=180.0, 0_i64..=8), 0..60),
            part in 1_usize..20,
        ) {
            let minute = |(lat, lon, r): &(f64, f64, i64)| {
                counts(&[(cell(*lat, *lon, *r), Symptom::NoData, Lane::OnTime)])
            };
            let minutes: Vec<Counts> = places.iter().map(minute).collect();
            let whole = view(&minutes);
            let rows = |view: &View| view.rows().collect::<Vec<_>>();
            prop_assert_eq!(rows(&whole), rows(&view(minutes.iter().rev())));
            let sums = |minutes: &[Counts]| Sums::of_minutes(Symptoms::AllProblems, minutes);
            let parts: Vec<Sums> = minutes.chunks(part).map(sums).collect();
            prop_assert_eq!(rows(&whole), rows(&of_parts(&parts)));
        }

        #[test]
        fn a_region_holds_the_cells_of_the_whole_that_lie_in_it(
            places in prop::collection::vec((40.0..50.0, -85.0..-70.0, 0_i64..=8), 0..300),
            (south, west) in (39.0..50.0, -86.0..-70.0), size in 0.1..8.0, part in 1_usize..99,
            zoom in 0_u8..=10, asked in 0_usize..=8,
        ) {
            let asked = Resolution::ALL[asked];
            let minute = |(lat, lon, r): &(f64, f64, i64)| {
                counts(&[(cell(*lat, *lon, *r), Symptom::NoData, Lane::OnTime)])
            };
            let minutes: Vec<Counts> = places.iter().map(minute).collect();
            let sums = |minutes: &[Counts]| Sums::of_minutes(Symptoms::AllProblems, minutes);
            let parts: Vec<Sums> = minutes.chunks(part).map(sums).collect();
            let bbox = BoundingBox::new(west, south, west + size, south + size).unwrap();
            let along = |part: f64| (part * f64::from(1_u32 << zoom)) as u32;
            let tile = Tile::new(zoom, along((west + 180.0) / 360.0), along(0.37)).unwrap();
            for region in [Region::Box(bbox), Region::Tile(tile)] {
                let whole = view(&minutes).level(&Region::Everywhere, asked);
                let rows = whole.rows().filter(|(cell, _)| region.contains(*cell));
                let coarser = whole.coarser().iter().filter(|(cell, _)| region.contains(*cell));
                let level = of_parts(&parts).level(&region, asked);
                prop_assert_eq!(level.rows().collect::<Vec<_>>(), rows.collect::<Vec<_>>());
                let coarser: Vec<_> = coarser.copied().collect();
                prop_assert_eq!(level.coarser().to_vec(), coarser);
                prop_assert_eq!(level.unplaced(), 0);
            }
        }
    }

    #[test]
    fn a_box_takes_the_cells_and_the_coarser_ones_whose_centres_lie_in_it() {
        let (toronto, fiji, ontario) =
            (cell(43.65, -79.38, 7), cell(-17.7, 178.0, 7), cell(43.65, -79.38, 4));
        let rows = [(toronto, Symptom::NoData), (fiji, Symptom::NoData), (ontario, Symptom::NoTv)];
        let view = view([&counts(&rows.map(|(cell, of)| (cell, of, Lane::OnTime)))]);
        let canada = BoundingBox::new(-141.0, 41.0, -52.0, 84.0).unwrap();
        for region in [Region::Box(canada), Region::Cell(ontario)] {
            let part = view.level(&region, Resolution::DEFAULT);
            assert_eq!(part.rows().collect::<Vec<_>>(), [(toronto, 1)]);
            assert_eq!((part.coarser(), part.total()), (&[(ontario, 1)][..], 2));
        }
    }

    #[test]
    fn both_ways_of_sorting_agree() {
        let mut many: Vec<(Cell, u32)> = (0..10_000_u32)
            .map(|n| {
                (
                    cell(
                        f64::from(n * 7 % 180) - 90.0,
                        f64::from(n * 13 % 360) - 180.0,
                        i64::from(n % 9),
                    ),
                    1,
                )
            })
            .collect();
        let mut expected = many.clone();
        expected.sort_by_key(|(cell, _)| *cell);
        sort_by_cell(&mut many);
        assert_eq!(many, expected);
    }
}

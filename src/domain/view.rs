//! A view: what history says of one provider (or network) in one window, frozen, sorted
//! and in columns.

use super::counts::Counts;
use super::fact::Tally;
use super::grid::{Cell, Resolution};
use super::level::Level;
use super::privacy::groups::Groups;
use super::symptom::Symptoms;
use super::time::Window;

/// An immutable snapshot of one window: cells of every resolution that was reported, each
/// with its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    window: Window,
    sums: Sums,
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
        let (mut rows, mut unplaced) = (Vec::new(), 0);
        for counts in minutes {
            let asked = counts
                .rows()
                .filter(|(key, _)| key.lane().is_history() && symptoms.include(key.symptom()));
            for (key, Tally { count, .. }) in asked {
                if key.cell().is_nowhere() {
                    unplaced += u64::from(count);
                } else {
                    rows.push((key.cell(), count));
                }
            }
        }
        sort_by_cell(&mut rows);
        Self { unplaced, ..add_up(rows.into_iter()) }
    }

    /// All of these together.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let (mut rows, mut unplaced) = (Vec::new(), 0);
        for part in parts {
            rows.extend(part.rows());
            unplaced += part.unplaced;
        }
        // The parts are sorted runs, which the stable sort finds and merges.
        rows.sort_by_key(|(cell, _)| *cell);
        Self { unplaced, ..add_up(rows.into_iter()) }
    }

    /// The same in the cells in which it is shown. What is shown nowhere has no place.
    #[must_use]
    pub fn shown_in(&self, groups: &Groups) -> Self {
        let (mut walk, mut unplaced) = (groups.walk(), self.unplaced);
        let mut rows: Vec<(Cell, u32)> = Vec::with_capacity(self.cells.len());
        for (cell, count) in self.rows() {
            match (walk.shown(cell), rows.last_mut()) {
                (None, _) => unplaced += u64::from(count),
                (Some(shown), Some((last, sum))) if *last == shown => {
                    *sum = sum.saturating_add(count);
                }
                (Some(shown), _) => rows.push((shown, count)),
            }
        }
        // A group stands after those in it, and what is left of it stands among them.
        rows.sort_by_key(|(cell, _)| *cell);
        Self { unplaced, ..add_up(rows.into_iter()) }
    }

    /// Cells and their counts, sorted by cell; resolutions mixed as they were reported.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Cell, u32)> + '_ {
        self.cells.iter().copied().zip(self.counts.iter().copied())
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.counts.capacity() * size_of::<u32>()
    }
}

impl View {
    /// The view of a window from what was summed of it.
    #[must_use]
    pub const fn new(window: Window, sums: Sums) -> Self {
        Self { window, sums }
    }

    /// Which minutes.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Cells and their counts, sorted by cell; resolutions mixed as they were reported.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Cell, u32)> + '_ {
        self.sums.rows()
    }

    /// All reports in it, those without a place included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sums.counts.iter().map(|count| u64::from(*count)).sum::<u64>() + self.sums.unplaced
    }

    /// The view at one resolution: finer cells rolled up, coarser ones kept apart. One
    /// pass.
    #[must_use]
    pub fn level(&self, resolution: Resolution) -> Level {
        let (coarser, rest): (Vec<_>, Vec<_>) =
            self.rows().partition(|(cell, _)| cell.resolution() < resolution);
        let Sums { cells, counts, .. } =
            add_up(rest.into_iter().map(|(cell, count)| (cell.rolled_up_to(resolution), count)));
        Level::new(resolution, cells, counts, coarser).with_unplaced(self.sums.unplaced)
    }

    /// Bytes of memory it takes, beside the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.sums.heap_bytes()
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
    use crate::domain::fact::{FactKey, Lane, Source};
    use crate::domain::grid::Position;
    use crate::domain::symptom::Symptom;
    use crate::domain::time::Minute;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const WINDOW: Window = Window { from: Minute(0), to: Minute(15) };
    fn view<'a>(minutes: impl IntoIterator<Item = &'a Counts>) -> View {
        View::new(WINDOW, Sums::of_minutes(Symptoms::AllProblems, minutes))
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
        for view in [view(&minutes), View::new(WINDOW, Sums::of_parts(&parts))] {
            assert_eq!((view.total(), view.rows().collect::<Vec<_>>()), (3, vec![(here, 1)]));
            for resolution in Resolution::ALL {
                let level = view.level(resolution);
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
            assert_eq!(View::new(WINDOW, Sums::of_minutes(symptoms, [&minute])).total(), expected);
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
        let level = view.level(Resolution::DEFAULT);
        assert_eq!(level.rows().collect::<Vec<_>>(), [(fine.rolled_up_to(Resolution::DEFAULT), 1)]);
        assert_eq!(level.coarser(), [(coarse, 1)]);
        assert_eq!(level.total(), 2);
        let merged = view.level(Resolution::new(3).unwrap());
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
            let level = view.level(asked);
            prop_assert_eq!(level.rows().collect::<Vec<_>>(), fine.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(level.coarser().to_vec(), coarse.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(level.total(), reported.len() as u64);
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
            prop_assert_eq!(&whole, &view(minutes.iter().rev()));
            let sums = |minutes: &[Counts]| Sums::of_minutes(Symptoms::AllProblems, minutes);
            let parts: Vec<Sums> = minutes.chunks(part).map(sums).collect();
            prop_assert_eq!(whole, View::new(WINDOW, Sums::of_parts(&parts)));
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

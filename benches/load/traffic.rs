//! What one provider's people report in an undisturbed minute: so many active cells in
//! and around real cities, each as likely as the others.

use super::cities::Cities;
use fastrand::Rng;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::{Cell, Resolution, Spot};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::Minute;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Of the reports that come in a minute: how many in a hundred were observed in the one
/// before, in the second and in the third before. So three minutes are read anew in every
/// step.
const OBSERVED_BEFORE: [usize; 3] = [60, 25, 15];

/// Minutes and their facts, sorted.
pub type Minutes = Vec<(Minute, Arc<Counts>)>;

/// Reports that come minute by minute, the same for the same seed and cells.
#[derive(Debug, Clone)]
pub struct Traffic {
    random: Rng,
    cells: Vec<Cell>,
    /// Rows of the minutes that reports may still come for, the oldest first.
    open: VecDeque<(Minute, Vec<(FactKey, Tally)>)>,
}

/// So many different cells of resolution 7 in and around those cities, in no order.
#[must_use]
pub fn active_cells(seed: u64, cities: &Cities, number: usize) -> Vec<Cell> {
    let (mut random, mut taken, mut cells) =
        (Rng::with_seed(seed), HashSet::with_capacity(number), Vec::with_capacity(number));
    while cells.len() < number {
        let cell = Cell::at(cities.somebody_around(&mut random), Resolution::HOURLY);
        if taken.insert(cell) {
            cells.push(cell);
        }
    }
    cells
}

impl Traffic {
    /// Traffic of these cells, of resolution 7. The first minute that something comes in
    /// is the one after `before`.
    #[must_use]
    pub fn new(seed: u64, cells: Vec<Cell>, before: Minute) -> Self {
        let open = (1..OBSERVED_BEFORE.len() as i64)
            .rev()
            .map(|ago| (before.plus(-ago), Vec::new()))
            .collect();
        Self { random: Rng::with_seed(seed), cells, open }
    }

    /// Lets one report come from `share` of the cells, each another, and gives the
    /// minutes that they were observed in, as they are now: what is to be known at the
    /// start of `now`.
    pub fn come(&mut self, now: Minute, share: f64) -> Minutes {
        self.come_beside(now, share, &[])
    }

    /// The same, and one report more from each of those cells, which fail.
    pub fn come_beside(&mut self, now: Minute, share: f64, failing: &[Cell]) -> Minutes {
        self.open.push_back((now.plus(-1), Vec::new()));
        for cell in failing {
            let row = (self.key(*cell), Tally { count: 1, first: 1 });
            let newest = self.open.len() - 1;
            self.open[newest - observed_before(&mut self.random) as usize].1.push(row);
        }
        let number = (self.cells.len() as f64 * share).round() as usize;
        for n in 0..number {
            // A partial shuffle: the first so many cells are a draw without repetition.
            let drawn = self.random.usize(n..self.cells.len());
            self.cells.swap(n, drawn);
            let row = (self.key(self.cells[n]), Tally { count: 1, first: 1 });
            let newest = self.open.len() - 1;
            self.open[newest - observed_before(&mut self.random) as usize].1.push(row);
        }
        let minutes = self
            .open
            .iter()
            .map(|(minute, rows)| (*minute, Arc::new(Counts::from_rows(rows.clone()))))
            .collect();
        while self.open.len() >= OBSERVED_BEFORE.len() {
            self.open.pop_front();
        }
        minutes
    }

    /// The facts of an hour in which every cell brings so many reports.
    #[must_use]
    pub fn hour(&self, reports_a_cell: u32) -> Counts {
        let tally = Tally { count: reports_a_cell, first: reports_a_cell };
        let row =
            |cell: &Cell| (FactKey::new(*cell, Symptom::NoService, Lane::OnTime, Source(0)), tally);
        Counts::from_rows(self.cells.iter().map(row).collect())
    }

    /// A report from anywhere in a cell.
    fn key(&mut self, cell: Cell) -> FactKey {
        let children = usize::try_from(cell.descendant_count(Resolution::FINEST))
            .expect("a cell has seven children");
        let child = cell
            .descendants(Resolution::FINEST)
            .nth(self.random.usize(0..children))
            .expect("it has so many");
        let spot = [Spot::Middle, Spot::Even, Spot::Odd][self.random.usize(0..3)];
        FactKey::new(child, Symptom::NoService, Lane::OnTime, Source(0)).at_spot(spot)
    }
}

/// How many minutes before the last one a report that comes in it was observed.
pub fn observed_before(random: &mut Rng) -> i64 {
    let drawn = random.usize(0..100);
    if drawn < OBSERVED_BEFORE[0] {
        0
    } else {
        1 + i64::from(drawn >= OBSERVED_BEFORE[0] + OBSERVED_BEFORE[1])
    }
}

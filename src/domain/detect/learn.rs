//! What an hour of the past teaches: how much is usual where, how it scatters, how much
//! of it comes late. What an outage explains teaches nothing: the next one at the same
//! place must not have to be the greater for it.

use super::Detector;
use super::scan::counts_now;
use crate::domain::baseline::{Baseline, part_of};
use crate::domain::cell_set::CellSet;
use crate::domain::counts::Counts;
use crate::domain::fact::Lane;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::{Hour, Minute};
use hashbrown::HashMap;
use std::sync::Arc;

/// For so long at most an outage explains what is reported in it: what stays for longer
/// is usual, and a tail that fades for a day is learnt.
const EXPLAINS_MINUTES: i64 = 12 * 60;

/// An outage: where and when it explains what was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Its cells, of any resolution.
    pub cells: Vec<Cell>,
    /// Whether it was everywhere.
    pub everywhere: bool,
    /// When it began, as far as the reports say.
    pub began: Minute,
    /// When it was over; none while it goes on.
    pub ended: Option<Minute>,
}

/// Where outages explain the reports of an hour.
#[derive(Debug, Clone, Default)]
pub struct Explained {
    everywhere: bool,
    cells: CellSet,
}

impl Explained {
    /// What these outages explain of an hour.
    #[must_use]
    pub fn by<'a>(outages: impl IntoIterator<Item = &'a Outage>, hour: Hour) -> Self {
        let mut explained = Self::default();
        for outage in outages {
            if explains(outage.began, outage.ended, hour) {
                explained.add(&outage.cells, outage.everywhere);
            }
        }
        explained
    }

    /// Whether they explain what is reported of a cell.
    #[must_use]
    pub fn holds(&self, cell: Cell) -> bool {
        self.everywhere || self.cells.holds(cell)
    }

    /// Whether they explain something anywhere.
    #[must_use]
    pub fn is_somewhere(&self) -> bool {
        self.everywhere || !self.cells.is_empty()
    }

    /// Whether they do so everywhere.
    #[must_use]
    pub const fn is_everywhere(&self) -> bool {
        self.everywhere
    }

    /// Where they do so, sorted.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self.cells.iter().collect();
        cells.sort_unstable();
        cells
    }

    fn add(&mut self, cells: &[Cell], everywhere: bool) {
        self.everywhere |= everywhere;
        self.cells.extend(cells.iter().copied());
    }
}

impl Detector {
    /// Learns one hour of the past: each once, in order, no sooner than
    /// [`REREAD_MINUTES`](super::REREAD_MINUTES) after it ended. None: nobody reported.
    ///
    /// Of `lender`, the provider that was heard of most, it takes the shape of the week
    /// and of the map, as a prior of fixed weight.
    pub fn learn(
        &mut self,
        hour: Hour,
        facts: Option<&Counts>,
        live_minutes: u32,
        lender: Option<&Arc<Baseline>>,
    ) {
        let lender = lender.filter(|lender| self.baseline.reports() < lender.reports());
        if facts.is_none() && self.baseline.reports() == 0.0 {
            return;
        }
        let live = f64::from(live_minutes) / 60.0;
        let explained = self.explained_in(hour);
        let mut reports = self.reports_of(facts, &explained);
        // No more than a fifth: what came late in an outage must not make late reports
        // usual.
        self.scan.share_late = (self.late.0.min(0.2 * self.late.1) + 1.0) / (self.late.1 + 30.0);
        if self.baseline.weeks() > 0.5 && live > 0.0 {
            self.scan.learn(
                hour,
                &reports,
                self.baseline.expected_in(hour, live),
                &explained,
                &self.parameters,
            );
        }
        self.scan.let_go_of_baseline();
        Arc::make_mut(&mut self.baseline).count(
            hour,
            &reports,
            live,
            lender.map(|lender| &**lender),
        );
        leave_out(&self.baseline, &mut reports, hour, live, &explained);
        self.explained = explained.is_somewhere().then_some((hour, explained));
        let baseline = Arc::make_mut(&mut self.baseline);
        baseline.learn(hour, &reports, live);
        baseline.refresh(lender.map(|lender| &**lender));
        self.scan.prior_dispersion = if self.is_cold() {
            self.parameters.dispersion_cold
        } else {
            self.parameters.dispersion
        };
        // Of an hour in which nobody was here nothing was learnt.
        let learnt = reports.iter().filter(|_| live > 0.0).map(|(cell, _)| *cell);
        self.scan.refresh(Arc::clone(&self.baseline), lender.cloned(), learnt);
        let days = self.baseline.hours() / 24.0;
        self.thresholds.expect(self.baseline.reports() / days.max(1.0), &self.parameters);
    }

    /// Where outages explain the reports of an hour, its own and those it was told of.
    fn explained_in(&mut self, hour: Hour) -> Explained {
        self.past
            .retain(|outage| hour.minutes().start < explains_until(outage.began, outage.ended));
        let mut explained = Explained::by(&self.past, hour);
        let over = self.over.iter().map(|(followed, over)| (followed, Some(*over)));
        for (followed, ended) in self.followed.iter().map(|followed| (followed, None)).chain(over) {
            if explains(followed.told.onset.minute(), ended, hour) {
                explained.add(&followed.told.cells, followed.is_everywhere());
            }
        }
        explained
    }

    /// What detection counts of an hour by cell, sorted. Of what is not explained it
    /// notes how much came late.
    fn reports_of(&mut self, facts: Option<&Counts>, explained: &Explained) -> Vec<(Cell, f64)> {
        let mut reports = HashMap::<Cell, f64>::new();
        for (key, tally) in
            facts.into_iter().flat_map(Counts::rows).filter(|(key, _)| counts_now(*key))
        {
            let (cell, count) =
                (key.cell().rolled_up_to(Resolution::HOURLY), f64::from(tally.count));
            *reports.entry(cell).or_default() += count;
            if !explained.holds(cell) {
                self.late.0 += if key.lane() == Lane::LateArrived { count } else { 0.0 };
                self.late.1 += count;
            }
        }
        let mut reports: Vec<(Cell, f64)> = reports.into_iter().collect();
        reports.sort_unstable_by_key(|(cell, _)| *cell);
        reports
    }
}

/// Puts in the place of what is explained what was expected there: of all cells, for those
/// without reports are a part of what is usual too.
pub(super) fn leave_out(
    baseline: &Baseline,
    reports: &mut Vec<(Cell, f64)>,
    hour: Hour,
    live: f64,
    explained: &Explained,
) {
    if explained.is_somewhere() {
        let expected = baseline.expected_in(hour, live);
        reports.retain(|(cell, _)| !explained.holds(*cell));
        let cells = baseline.cells(Resolution::HOURLY).filter(|cell| explained.holds(*cell));
        reports
            .extend(cells.map(|cell| (cell, expected * baseline.share(cell, part_of(hour), None))));
        reports.sort_unstable_by_key(|(cell, _)| *cell);
    }
}

/// Whether an outage explains reports of an hour.
fn explains(began: Minute, ended: Option<Minute>, hour: Hour) -> bool {
    began < hour.minutes().end && hour.minutes().start < explains_until(began, ended)
}

/// Up to which minute an outage explains reports.
fn explains_until(began: Minute, ended: Option<Minute>) -> Minute {
    let longest = began.plus(EXPLAINS_MINUTES);
    ended.map_or(longest, |ended| ended.min(longest))
}

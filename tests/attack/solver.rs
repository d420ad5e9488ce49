//! What follows for certain from all that a reader was told of one cell and its children.
//!
//! Every way in which the hidden reports can lie in the children, and beside their parent,
//! is a solution of a few sums in whole numbers. A report lies for certain in a region
//! where no solution leaves that region empty.

use groundswell::domain::privacy::epoch::Epoch;
use groundswell::domain::time::Minute;
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, Variable};
use std::collections::{BTreeMap, BTreeSet};

/// Where a report may lie: the children, and what is beside their parent.
pub const PLACES: usize = 8;
/// What is beside the parent.
pub const BESIDE: usize = PLACES - 1;

/// More reports than a child of these worlds ever has.
const MOST_IN_A_CHILD: u32 = 1_000;

/// Which of the places.
pub type Region = [bool; PLACES];

/// What a reader was told of one minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Reports that were shown in each child.
    pub shown: [u32; BESIDE],
    /// Reports that were shown in their parent.
    pub in_parent: u32,
    /// Reports that were shown in a coarser cell.
    pub coarser: u32,
    /// Reports that were shown without a place.
    pub unplaced: u32,
}

/// Where hidden reports were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownIn {
    Parent,
    Coarser,
    /// Nowhere: they may have come from anywhere on earth.
    Nowhere,
}

impl ShownIn {
    const ALL: [Self; 3] = [Self::Parent, Self::Coarser, Self::Nowhere];
}

impl Told {
    pub const fn hidden(&self, shown_in: ShownIn) -> u32 {
        match shown_in {
            ShownIn::Parent => self.in_parent,
            ShownIn::Coarser => self.coarser,
            ShownIn::Nowhere => self.unplaced,
        }
    }
}

/// All that a reader was told.
#[derive(Debug, Clone)]
pub struct Puzzle {
    pub minutes: BTreeMap<Minute, Told>,
    /// Which children were open in an epoch.
    pub open: BTreeMap<Epoch, [bool; BESIDE]>,
    /// Epochs in which their parent was open, and none of them.
    pub parent_alone: BTreeSet<Epoch>,
    /// So many people open a cell.
    pub least: u32,
    /// Whether the reader knows that every report counts: that a cell with so many opens.
    pub all_count: bool,
    /// Whether the reader knows that a report counts in every cell around it, or in none.
    pub one_coin: bool,
    /// Whether the reader knows that no report is coarsened: one that was shown beside an
    /// open child does not lie in it.
    pub none_coarsened: bool,
}

/// The hidden reports of one minute: how many of one kind lie where.
struct Hidden {
    minute: Minute,
    /// A variable for each place in which they may lie, of those that are counted there.
    places: Vec<(usize, Variable)>,
    /// The same of those that lie there and are counted in their parent, or in a coarser cell.
    coarsened: Vec<(usize, Variable)>,
}

impl Puzzle {
    /// Minutes with hidden reports, and where those were shown.
    pub fn hidden(&self) -> Vec<(Minute, ShownIn)> {
        let all = self.minutes.iter().flat_map(|(minute, told)| {
            let shown = ShownIn::ALL.into_iter().filter(|shown_in| 0 < told.hidden(*shown_in));
            shown.map(|shown_in| (*minute, shown_in))
        });
        all.collect()
    }

    /// Where hidden reports of a minute may lie.
    pub fn places_of(&self, minute: Minute, shown_in: ShownIn) -> Vec<usize> {
        if self.none_coarsened {
            return self.places_not_coarsened(minute, shown_in);
        }
        (0..if shown_in == ShownIn::Parent { BESIDE } else { PLACES }).collect()
    }

    /// Where those of them may lie that are counted where they lie: in no child that was open.
    fn places_not_coarsened(&self, minute: Minute, shown_in: ShownIn) -> Vec<usize> {
        let open = self.open.get(&Epoch::of(minute)).copied().unwrap_or_default();
        let mut places: Vec<usize> = (0..BESIDE).filter(|child| !open[*child]).collect();
        if shown_in != ShownIn::Parent {
            places.push(BESIDE);
        }
        places
    }

    /// Whether there is any solution.
    pub fn has_a_solution(&self) -> bool {
        let hidden = self.hidden();
        hidden
            .first()
            .is_none_or(|(minute, kind)| self.can_be_empty(*minute, *kind, [false; PLACES]))
    }

    /// Whether some solution has no report of that minute and kind in a region: where none
    /// has, one lies there for certain.
    pub fn can_be_empty(&self, minute: Minute, shown_in: ShownIn, region: Region) -> bool {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let mut hidden = Vec::new();
        for (at, kind) in self.hidden() {
            let all = self.minutes[&at].hidden(kind);
            let mut sum = LinearExpr::empty();
            let mut lying_in = |places: Vec<usize>| {
                let variable = |place: usize| {
                    let is_emptied = (at, kind) == (minute, shown_in) && region[place];
                    let most = if is_emptied { 0 } else { i32::try_from(all).unwrap() };
                    let variable = problem.add_integer_var(0.0, (0, most));
                    sum.add(variable, 1.0);
                    (place, variable)
                };
                places.into_iter().map(variable).collect::<Vec<_>>()
            };
            let places = lying_in(self.places_not_coarsened(at, kind));
            let coarsened =
                if self.none_coarsened { Vec::new() } else { lying_in(self.places_of(at, kind)) };
            problem.add_constraint(sum, ComparisonOp::Eq, f64::from(all));
            hidden.push(Hidden { minute: at, places, coarsened });
        }
        for (epoch, open) in &self.open {
            for (child, is_open) in open.iter().enumerate() {
                self.constrain(&mut problem, &hidden, *epoch, child, *is_open);
            }
        }
        let mut before = None;
        for epoch in &self.parent_alone {
            // What is said of the same reports again says nothing new.
            let heard = epoch.heard();
            let reports = |minutes: &BTreeMap<Minute, Told>| {
                minutes.range(heard.clone()).map(|(minute, _)| *minute).collect::<Vec<_>>()
            };
            let about = Some(reports(&self.minutes));
            if about != before {
                self.constrain_parent(&mut problem, &hidden, *epoch);
                before = about;
            }
        }
        problem.solve().is_ok()
    }

    /// What it says that the parent was open, and no child: enough reports of its own
    /// count. With one coin for all cells, none of those that count would have opened a
    /// child.
    fn constrain_parent(&self, problem: &mut Problem, hidden: &[Hidden], epoch: Epoch) {
        let mut all = LinearExpr::empty();
        for child in 0..BESIDE {
            let (known, here) = self.heard_in(hidden, epoch, child);
            let most = if self.one_coin { self.least - 1 } else { MOST_IN_A_CHILD };
            let counted = problem.add_integer_var(0.0, (0, i32::try_from(most).unwrap()));
            let mut rest = here;
            rest.add(counted, -1.0);
            problem.add_constraint(rest, ComparisonOp::Ge, -f64::from(known));
            all.add(counted, 1.0);
        }
        // Those that are coarsened are counted here whichever child they lie in.
        let heard = epoch.heard();
        for of in hidden.iter().filter(|of| heard.contains(&of.minute)) {
            let here = of.coarsened.iter().filter(|(place, _)| *place != BESIDE);
            here.for_each(|(_, variable)| all.add(*variable, 1.0));
        }
        problem.add_constraint(all, ComparisonOp::Ge, f64::from(self.least));
    }

    /// The reports that decide about an epoch: those known to lie in a child, and the sum of
    /// those that may.
    fn heard_in(&self, hidden: &[Hidden], epoch: Epoch, child: usize) -> (u32, LinearExpr) {
        let heard = epoch.heard();
        let known: u32 = self.minutes.range(heard.clone()).map(|(_, told)| told.shown[child]).sum();
        let mut sum = LinearExpr::empty();
        for of in hidden.iter().filter(|of| heard.contains(&of.minute)) {
            of.places.iter().filter(|(place, _)| *place == child).for_each(|(_, variable)| {
                sum.add(*variable, 1.0);
            });
        }
        (known, sum)
    }

    /// What it says of the reports in a child that it was open in an epoch, or was not.
    fn constrain(
        &self,
        problem: &mut Problem,
        hidden: &[Hidden],
        epoch: Epoch,
        child: usize,
        is_open: bool,
    ) {
        if !is_open && !self.all_count {
            return;
        }
        let (known, sum) = self.heard_in(hidden, epoch, child);
        let least = f64::from(self.least) - f64::from(known);
        if is_open {
            problem.add_constraint(sum, ComparisonOp::Ge, least);
        } else {
            problem.add_constraint(sum, ComparisonOp::Le, least - 1.0);
        }
    }
}

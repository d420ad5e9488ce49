//! What follows for certain from all that a reader was told of one cell and its children.
//!
//! Every way in which the hidden reports can lie in the children, and beside their parent,
//! is a solution of a few sums in whole numbers. A report lies for certain in a region
//! where no solution leaves that region empty.

use groundswell::domain::privacy::epoch::Epoch;
use groundswell::domain::time::Minute;
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, Variable};
use std::collections::BTreeMap;

/// Where a report may lie: the children, and what is beside their parent.
pub const PLACES: usize = 8;
/// What is beside the parent.
pub const BESIDE: usize = PLACES - 1;

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
    /// So many people open a cell.
    pub least: u32,
    /// Whether the reader knows that every report counts: that a cell with so many opens.
    pub all_count: bool,
}

/// The hidden reports of one minute: how many of one kind lie where.
struct Hidden {
    minute: Minute,
    /// A variable for each place in which they may lie.
    places: Vec<(usize, Variable)>,
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

    /// Where hidden reports of a minute may lie: in no child that was open.
    pub fn places_of(&self, minute: Minute, shown_in: ShownIn) -> Vec<usize> {
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
            let (mut sum, mut places) = (LinearExpr::empty(), Vec::new());
            for place in self.places_of(at, kind) {
                let is_emptied = (at, kind) == (minute, shown_in) && region[place];
                let most = if is_emptied { 0 } else { i32::try_from(all).unwrap() };
                let variable = problem.add_integer_var(0.0, (0, most));
                sum.add(variable, 1.0);
                places.push((place, variable));
            }
            problem.add_constraint(sum, ComparisonOp::Eq, f64::from(all));
            hidden.push(Hidden { minute: at, places });
        }
        for (epoch, open) in &self.open {
            for (child, is_open) in open.iter().enumerate() {
                self.constrain(&mut problem, &hidden, *epoch, child, *is_open);
            }
        }
        problem.solve().is_ok()
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
        let heard = epoch.heard();
        let known: u32 = self.minutes.range(heard.clone()).map(|(_, told)| told.shown[child]).sum();
        let mut sum = LinearExpr::empty();
        for of in hidden.iter().filter(|of| heard.contains(&of.minute)) {
            of.places.iter().filter(|(place, _)| *place == child).for_each(|(_, variable)| {
                sum.add(*variable, 1.0);
            });
        }
        let least = f64::from(self.least) - f64::from(known);
        if is_open {
            problem.add_constraint(sum, ComparisonOp::Ge, least);
        } else {
            problem.add_constraint(sum, ComparisonOp::Le, least - 1.0);
        }
    }
}

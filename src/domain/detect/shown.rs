//! What is usual of what the public sees: learnt from that alone. What is known of a cell
//! must not tell what was reported in it before it was shown.

use super::learn::{Explained, leave_out};
use crate::domain::baseline::Baseline;
use crate::domain::grid::Cell;
use crate::domain::local_clock::LocalClock;
use crate::domain::time::Hour;
use std::sync::Arc;

/// The baseline of what is shown of one provider.
#[derive(Debug, Clone, Default)]
pub struct ShownBaseline {
    baseline: Arc<Baseline>,
    /// The provider whose map fills in what this one's lacks.
    lender: Option<Arc<Baseline>>,
}

impl ShownBaseline {
    /// What was learnt.
    #[must_use]
    pub fn baseline(&self) -> Arc<Baseline> {
        Arc::clone(&self.baseline)
    }

    /// From whom it borrows.
    #[must_use]
    pub fn lender(&self) -> Option<Arc<Baseline>> {
        self.lender.clone()
    }

    /// Counts hours of the week by another clock, from `next` on.
    pub fn go_by(&mut self, clock: LocalClock, next: Hour) {
        Arc::make_mut(&mut self.baseline).go_by(clock, next);
    }

    /// Learns one hour, as detectors learn: its reports by the cells in which they are
    /// shown, sorted; how much of it, 0 to 1, somebody was there; what outages explain of
    /// it; and from whom it may borrow.
    pub fn learn(
        &mut self,
        hour: Hour,
        mut reports: Vec<(Cell, f64)>,
        live: f64,
        explained: &Explained,
        lender: Option<&Arc<Baseline>>,
    ) {
        let lender = lender.filter(|lender| self.baseline.reports() < lender.reports());
        if reports.is_empty() && self.baseline.reports() == 0.0 {
            return;
        }
        // One that is learnt from is not changed: it may be a lender's copy.
        self.lender = lender.cloned();
        let lender = self.lender.as_deref();
        let baseline = Arc::make_mut(&mut self.baseline);
        baseline.count(hour, &reports, live, lender);
        leave_out(baseline, &mut reports, hour, live, explained);
        baseline.learn(hour, &reports, live);
        baseline.refresh(lender);
    }
}

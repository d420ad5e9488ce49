//! Tallies of many facts together.

use crate::domain::counts::Counts;
use crate::domain::fact::Tally;

/// A tally that days and provinces fit in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally64 {
    /// Reporters counted.
    pub count: u64,
    /// Those of them whose first report that day it was.
    pub first: u64,
}

impl Tally64 {
    /// All rows together.
    #[must_use]
    pub fn of(counts: &Counts) -> Self {
        let mut sum = Self::default();
        counts.rows().for_each(|(_, tally)| sum.add(tally.into()));
        sum
    }

    /// Adds another one.
    pub const fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first += other.first;
    }
}

impl From<Tally> for Tally64 {
    fn from(tally: Tally) -> Self {
        Self { count: u64::from(tally.count), first: u64::from(tally.first) }
    }
}

//! Which hours the database of what has aged holds.

use crate::domain::time::Hour;
use std::collections::BTreeMap;

/// Which hours the database has, and up to which frame of the log.
#[derive(Debug, Clone, Default)]
pub struct AgedHours(pub BTreeMap<Hour, u64>);

impl AgedHours {
    /// Whether what frame `number` says of `hour` is in the database.
    #[must_use]
    pub fn includes(&self, hour: Hour, number: u64) -> bool {
        self.0.get(&hour).is_some_and(|until| number < *until)
    }

    /// Whether a snapshot taken before frame `number` adds nothing to what the database
    /// has of `hour`.
    #[must_use]
    pub fn supersede_snapshot(&self, hour: Hour, number: u64) -> bool {
        self.0.get(&hour).is_some_and(|until| number <= *until)
    }

    /// Says that `hour` is in the database, with all that frames before `number` said of
    /// it.
    pub fn insert(&mut self, hour: Hour, number: u64) {
        self.0.insert(hour, number);
    }

    /// Those of a range.
    #[must_use]
    pub fn within(&self, hours: std::ops::Range<Hour>) -> Vec<(Hour, u64)> {
        if hours.is_empty() {
            Vec::new()
        } else {
            self.0.range(hours).map(|(hour, until)| (*hour, *until)).collect()
        }
    }

    /// Forgets the hours that [`is_remembered`] does not name.
    pub fn forget(&mut self, before: Hour, snapshot_number: u64) {
        self.0.retain(|hour, until| is_remembered(*hour, *until, before, snapshot_number));
    }
}

/// Whether an hour that the database holds up to frame `until` is still to be told from
/// others: it is not before `before`, or a snapshot from frame `snapshot_number` on may
/// hold it too.
pub const fn is_remembered(hour: Hour, until: u64, before: Hour, snapshot_number: u64) -> bool {
    before.0 <= hour.0 || snapshot_number <= until
}

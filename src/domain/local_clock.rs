//! What the clocks on the walls show where people live: by them they get up, work and
//! sleep, and twice a year some are set by an hour.

use super::time::Hour;
use std::sync::Arc;

/// How many hours a clock is ahead of UTC, and since when. The default is UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalClock {
    changes: Arc<[(Hour, i64)]>,
}

impl LocalClock {
    /// A clock that is so many hours ahead of UTC (negative where it is behind) from each
    /// of these hours on; before the first, as after it.
    #[must_use]
    pub fn new(mut changes: Vec<(Hour, i64)>) -> Self {
        changes.sort_unstable();
        Self { changes: changes.into() }
    }

    /// How many hours it is ahead of UTC in that hour.
    #[must_use]
    pub fn ahead(&self, hour: Hour) -> i64 {
        let before = self.changes.partition_point(|(from, _)| *from <= hour);
        self.changes.get(before.saturating_sub(1)).map_or(0, |(_, ahead)| *ahead)
    }

    /// The hour it shows, counted as if it were UTC.
    #[must_use]
    pub fn shows(&self, hour: Hour) -> Hour {
        hour.plus(self.ahead(hour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_by_its_last_change_and_before_the_first_as_after_it() {
        let clock = LocalClock::new(vec![(Hour(200), -4), (Hour(100), -5), (Hour(300), -5)]);
        let rows =
            [(0, -5), (99, -5), (100, -5), (199, -5), (200, -4), (299, -4), (300, -5), (9_999, -5)];
        for (hour, ahead) in rows {
            assert_eq!(clock.ahead(Hour(hour)), ahead, "hour {hour}");
        }
        assert_eq!(clock.shows(Hour(200)), Hour(196));
        assert_eq!(LocalClock::default().shows(Hour(200)), Hour(200));
    }
}

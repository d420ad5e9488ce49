//! Epochs: the five minutes for which it stays as it is which cells are shown.

use crate::domain::time::{Minute, Timestamp};
use std::ops::Range;

/// Minutes of an epoch.
pub const EPOCH_MINUTES: i64 = 5;
/// How long before an epoch the last minute ends that decides about it. A report is on
/// time for five minutes, and recorded within another: that minute is complete by then.
pub const LAG_MINUTES: i64 = 6;
/// Over how many minutes people are counted.
pub const HEARD_MINUTES: i64 = 24 * 60;

/// Five minutes, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub i64);

impl Epoch {
    /// The epoch in which a minute lies.
    #[must_use]
    pub const fn of(minute: Minute) -> Self {
        Self(minute.0.div_euclid(EPOCH_MINUTES))
    }

    /// Its first minute.
    #[must_use]
    pub const fn first_minute(self) -> Minute {
        Minute(self.0 * EPOCH_MINUTES)
    }

    /// When it begins.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.first_minute().start()
    }

    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The epochs that these minutes lie in.
    #[must_use]
    pub fn within(minutes: &Range<Minute>) -> Range<Self> {
        if minutes.is_empty() {
            return Self(0)..Self(0);
        }
        Self::of(minutes.start)..Self::of(minutes.end.plus(-1)).next()
    }

    /// The minutes that decide which cells are shown in it.
    #[must_use]
    pub const fn heard(self) -> Range<Minute> {
        let end = self.first_minute().plus(-LAG_MINUTES);
        end.plus(-HEARD_MINUTES)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_about_an_epoch_is_a_day_that_is_complete_when_it_begins() {
        let epoch = Epoch::of(Minute(10_004));
        assert_eq!((epoch, Epoch::of(Minute(9_999))), (Epoch(2_000), Epoch(1_999)));
        assert_eq!(epoch.first_minute(), Minute(10_000));
        assert_eq!(epoch.heard(), Minute(9_994 - 1_440)..Minute(9_994));
        // Every minute decides for a day, and each of them once.
        assert_eq!(epoch.next().heard().start.0 - epoch.heard().start.0, EPOCH_MINUTES);
        assert_eq!(Epoch::of(Minute(-1)), Epoch(-1));
        assert_eq!(Epoch::within(&(Minute(4)..Minute(5))), Epoch(0)..Epoch(1));
        assert_eq!(Epoch::within(&(Minute(4)..Minute(6))), Epoch(0)..Epoch(2));
        assert!(Epoch::within(&(Minute(6)..Minute(6))).is_empty());
    }
}

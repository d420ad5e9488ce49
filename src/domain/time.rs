//! Instants, minutes, hours and windows. Nothing here asks a clock.

use std::fmt;
use std::ops::Range;

/// How far a phone's clock, or a caller's `to`, may run ahead of ours and still be taken
/// as now.
///
/// Two minutes is what unsynchronised phones commonly drift within; beyond it the
/// difference is corrected (`sent_at`) or refused.
pub const CLOCK_TOLERANCE_MS: i64 = 2 * MINUTE_MS;
/// How long after it was observed a report still counts as on time.
pub const ON_TIME_MS: i64 = 5 * MINUTE_MS;
/// The default of the lateness: how far back a report may have been observed.
pub const DEFAULT_LATENESS_MS: i64 = 48 * HOUR_MS;
/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day of UTC in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The minute this instant lies in.
    #[must_use]
    pub const fn minute(self) -> Minute {
        Minute(self.0.div_euclid(MINUTE_MS))
    }

    /// The day of UTC this instant lies in, counted from 1970-01-01.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// This instant `ms` milliseconds later (earlier when negative), held at the ends of
    /// the range.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// RFC 3339 in UTC, like `2022-07-08T08:44:00Z`, with fractions of a second only where
/// there are some. Held at the year 9999 (and -9999).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(end).fmt(f)
    }
}

/// A whole minute, counted from 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub i64);

impl Minute {
    /// Its first instant.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(MINUTE_MS))
    }

    /// The minute `n` later (earlier when negative).
    #[must_use]
    pub const fn plus(self, n: i64) -> Self {
        Self(self.0 + n)
    }

    /// Whether facts can be kept of it: stores have 32 bits for a minute, which last from
    /// 1970 until the year 10136.
    #[must_use]
    pub fn can_be_kept(self) -> bool {
        u32::try_from(self.0).is_ok()
    }

    /// The hour it lies in.
    #[must_use]
    pub const fn hour(self) -> Hour {
        Hour(self.0.div_euclid(60))
    }
}

/// A whole hour, counted from 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub i64);

impl Hour {
    /// Its sixty minutes.
    #[must_use]
    pub const fn minutes(self) -> Range<Minute> {
        Minute(self.0 * 60)..Minute(self.0 * 60 + 60)
    }

    /// Its first minute.
    #[must_use]
    pub const fn first_minute(self) -> Minute {
        Minute(self.0 * 60)
    }

    /// The hour `n` later (earlier when negative).
    #[must_use]
    pub const fn plus(self, n: i64) -> Self {
        Self(self.0 + n)
    }
}

/// A sliding window: the named minutes in the half-open interval `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first minute inside.
    pub from: Minute,
    /// The first minute after.
    pub to: Minute,
}

impl Window {
    /// The last `minutes` minutes up to and with the one that is running at `to`.
    ///
    /// An instant on the minute ends the window there: at 12:00:00 the minute 11:59 is
    /// the last one inside.
    #[must_use]
    pub const fn ending_at(to: Timestamp, minutes: i64) -> Self {
        let end = Timestamp(to.0.saturating_add(MINUTE_MS - 1)).minute();
        Self { from: end.plus(-minutes), to: end }
    }

    /// Whether `minute` lies inside.
    #[must_use]
    pub fn contains(self, minute: Minute) -> bool {
        self.from <= minute && minute < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_includes_the_running_minute_and_ends_on_the_whole_one() {
        let noon = 20_000 * 24 * HOUR_MS + 12 * HOUR_MS;
        let rows = [
            (noon, -15, 0),
            (noon + 1, -14, 1),
            (noon + 59_999, -14, 1),
            (noon + 60_000, -14, 1),
            (noon + 60_001, -13, 2),
        ];
        for (to, from_offset, to_offset) in rows {
            let noon = Timestamp(noon).minute();
            let window = Window::ending_at(Timestamp(to), 15);
            assert_eq!(
                (window.from, window.to),
                (noon.plus(from_offset), noon.plus(to_offset)),
                "to = {to}"
            );
        }
    }

    #[test]
    fn minutes_before_1970_round_down_too() {
        assert_eq!(Timestamp(-1).minute(), Minute(-1));
        assert_eq!(Minute(-1).hour(), Hour(-1));
    }
}

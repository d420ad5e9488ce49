//! Counts over time: evenly spaced points over an interval.

use super::liveness::Liveness;
use super::time::{Minute, Window};

/// How wide a point is, in whole minutes: a minute to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step(i64);

/// One point: the reports observed in `[start, start + step)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The first minute of it.
    pub start: Minute,
    /// How many reports.
    pub count: u64,
    /// Whether the service did not run in all of its minutes, so that the count may be
    /// too low.
    pub gap: bool,
}

/// Not between a minute and a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("step must be 1m..=1d, got {0}m")]
pub struct StepError(pub i64);

impl Step {
    /// A step of so many minutes.
    ///
    /// # Errors
    /// Outside a minute to a day.
    pub const fn minutes(minutes: i64) -> Result<Self, StepError> {
        if 1 <= minutes && minutes <= 24 * 60 { Ok(Self(minutes)) } else { Err(StepError(minutes)) }
    }

    /// How many minutes.
    #[must_use]
    pub const fn as_minutes(self) -> i64 {
        self.0
    }

    /// Whether every point begins and ends on the hour, given that the first does: then
    /// hours suffice to count.
    #[must_use]
    pub const fn is_whole_hours(self) -> bool {
        self.0 % 60 == 0
    }

    /// How many points an interval takes, the last one perhaps cut short.
    #[must_use]
    pub const fn points_in(self, interval: Window) -> i64 {
        (interval.to.0 - interval.from.0 + self.0 - 1).div_euclid(self.0)
    }
}

/// The points of an interval, zero-filled, from counts of minutes (or of hours, named by
/// their first minute).
#[must_use]
pub fn series(
    interval: Window,
    step: Step,
    counts: impl IntoIterator<Item = (Minute, u64)>,
    liveness: &Liveness,
) -> Vec<Point> {
    let point = |n: i64| {
        let start = interval.from.plus(n * step.0);
        let end = start.plus(step.0).min(interval.to);
        Point { start, count: 0, gap: !liveness.covers(start..end) }
    };
    let mut points: Vec<Point> = (0..step.points_in(interval)).map(point).collect();
    for (minute, count) in counts.into_iter().filter(|(minute, _)| interval.contains(*minute)) {
        let n = usize::try_from((minute.0 - interval.from.0) / step.0)
            .expect("the minute lies in the interval");
        points[n].count += count;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Window = Window { from: Minute(100), to: Minute(111) };

    #[test]
    fn points_are_zero_filled_and_the_last_may_be_short() {
        let step = Step::minutes(5).unwrap();
        let counts = [
            (Minute(99), 9),
            (Minute(100), 1),
            (Minute(104), 2),
            (Minute(110), 4),
            (Minute(111), 9),
        ];
        let points =
            series(INTERVAL, step, counts, &Liveness::from_spans([Minute(0)..Minute(200)]));
        let plain: Vec<_> = points.iter().map(|p| (p.start.0, p.count, p.gap)).collect();
        assert_eq!(plain, [(100, 3, false), (105, 0, false), (110, 4, false)]);
    }

    #[test]
    fn a_point_the_service_did_not_see_whole_is_marked() {
        let step = Step::minutes(5).unwrap();
        let points = series(INTERVAL, step, [], &Liveness::from_spans([Minute(100)..Minute(107)]));
        assert_eq!(points.iter().map(|p| p.gap).collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn steps_outside_a_minute_to_a_day_are_refused() {
        assert_eq!(Step::minutes(0), Err(StepError(0)));
        assert_eq!(Step::minutes(1_441), Err(StepError(1_441)));
        assert!(Step::minutes(1_440).unwrap().is_whole_hours());
    }
}

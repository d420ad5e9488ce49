//! Reports over time: a curve through points, straight on a logarithmic scale between
//! them.

use super::instant::instant;
use groundswell::domain::time::Timestamp;

/// A point that a curve passes through.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// When.
    pub at: &'static str,
    /// Reports in the 15 minutes around it; more than none.
    pub reports: f64,
    /// How we know.
    pub basis: Basis,
}

/// How a point is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// From a count on record.
    Record,
    /// Chosen so that the curve looks like such curves, and fits what is known of its
    /// times and sums.
    Fitted,
}

/// A point from a count on record.
#[must_use]
pub const fn record(at: &'static str, reports: f64) -> Point {
    Point { at, reports, basis: Basis::Record }
}

/// A point that nobody counted.
#[must_use]
pub const fn fitted(at: &'static str, reports: f64) -> Point {
    Point { at, reports, basis: Basis::Fitted }
}

/// A curve, ready to be asked. Nothing before its first point and from its last on.
#[derive(Debug, Clone)]
pub struct Curve {
    points: Vec<(Timestamp, f64)>,
}

impl Curve {
    /// The curve through these points, multiplied.
    #[must_use]
    pub fn through(points: &[Point], scale: f64) -> Self {
        Self {
            points: points.iter().map(|point| (instant(point.at), point.reports * scale)).collect(),
        }
    }

    /// Reports in 15 minutes, as the curve stands at an instant.
    #[must_use]
    pub fn at(&self, instant: Timestamp) -> f64 {
        let next = self.points.partition_point(|(at, _)| *at <= instant);
        let (Some((from, low)), Some((to, high))) =
            (next.checked_sub(1).and_then(|n| self.points.get(n)), self.points.get(next))
        else {
            return 0.0;
        };
        let share = instant.ms_since(*from) as f64 / to.ms_since(*from) as f64;
        low * (high / low).powf(share)
    }

    /// Its first instant.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        self.points.first().expect("a test reads every scenario").0
    }

    /// The instant from which on there is nothing.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.points.last().expect("a test reads every scenario").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::scenario::ALL;

    #[test]
    fn between_two_points_it_is_straight_on_a_logarithmic_scale_and_outside_it_is_nothing() {
        let curve = Curve::through(
            &[fitted("2022-07-08T08:00:00Z", 1.0), record("2022-07-08T10:00:00Z", 10_000.0)],
            2.0,
        );
        let rows = [
            ("07:59:59", 0.0),
            ("08:00:00", 2.0),
            ("09:00:00", 200.0),
            ("09:30:00", 2_000.0),
            ("10:00:00", 0.0),
        ];
        for (time, expected) in rows {
            let got = curve.at(instant(&format!("2022-07-08T{time}Z")));
            assert!((got - expected).abs() < 1e-6, "{time}: {got}");
        }
    }

    #[test]
    fn the_points_of_every_scenario_are_in_order_and_more_than_none() {
        for surge in ALL.iter().flat_map(|scenario| scenario.surges) {
            let curve = Curve::through(surge.curve, surge.scale);
            assert!(
                curve.points.len() > 1 && curve.points.is_sorted_by(|a, b| a.0 < b.0),
                "{}",
                surge.provider
            );
            assert!(curve.points.iter().all(|(_, reports)| *reports > 0.0), "{}", surge.provider);
        }
    }
}

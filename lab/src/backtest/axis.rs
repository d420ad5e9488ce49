//! Axes: from a value to its place on the paper, and where ticks are worth their ink.

use super::seconds::Seconds;

/// Steps between ticks of time in minutes: parts of an hour, then of a day, then days.
const TIME_STEPS_MIN: [f64; 12] =
    [5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 180.0, 360.0, 720.0, 1_440.0, 2_880.0, 10_080.0];
const DAY_S: f64 = 86_400.0;

/// A straight axis: `from` lies at `start`, `to` at `end`, in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// The value at the start.
    pub from: f64,
    /// The value at the end.
    pub to: f64,
    /// Where the first value lies.
    pub start: f64,
    /// Where the last value lies.
    pub end: f64,
}

impl Axis {
    /// Where a value lies, held at the ends.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let share = (value.clamp(self.from, self.to) - self.from) / (self.to - self.from);
        self.start + share * (self.end - self.start)
    }

    /// Whether any of `[from, to]` lies on the axis.
    #[must_use]
    pub fn shows(&self, from: f64, to: f64) -> bool {
        from <= self.to && self.from <= to
    }

    /// Up to so many round values, each 1, 2 or 5 times a power of ten apart, and never
    /// less than 1.
    #[must_use]
    pub fn ticks(&self, at_most: usize) -> Vec<f64> {
        let wanted = ((self.to - self.from) / at_most as f64).max(1.0);
        let power = 10_f64.powf(wanted.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|step| *step >= wanted)
            .unwrap_or(10.0 * power);
        multiples(step, self.from, self.to)
    }

    /// Up to so many round instants, with how they are written: a day, or a time of day
    /// with the day at midnight.
    #[must_use]
    pub fn time_ticks(&self, at_most: usize) -> Vec<(f64, String)> {
        let fits = |step: &f64| (self.to - self.from) / (step * 60.0) <= at_most as f64;
        let step = TIME_STEPS_MIN
            .into_iter()
            .find(fits)
            .unwrap_or(TIME_STEPS_MIN[TIME_STEPS_MIN.len() - 1])
            * 60.0;
        let written = |instant: f64| {
            Seconds(instant).written(if instant % DAY_S == 0.0 { "%a %-d %b" } else { "%H:%M" })
        };
        multiples(step, self.from, self.to)
            .into_iter()
            .map(|instant| (instant, written(instant)))
            .collect()
    }
}

fn multiples(step: f64, from: f64, to: f64) -> Vec<f64> {
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: f64, to: f64) -> Axis {
        Axis { from, to, start: 100.0, end: 0.0 }
    }

    #[test]
    fn ticks_are_round_and_few() {
        let rows: [(f64, &[f64]); 4] = [
            (3.0, &[0.0, 1.0, 2.0, 3.0]),
            (42.0, &[0.0, 20.0, 40.0]),
            (9.0, &[0.0, 5.0]),
            (1.0, &[0.0, 1.0]),
        ];
        for (to, expected) in rows {
            assert_eq!(axis(0.0, to).ticks(4), expected, "{to}");
        }
    }

    #[test]
    fn times_are_written_as_days_or_hours() {
        let from = 1_398_139_200.0;
        let texts = |hours: f64| {
            axis(from, from + hours * 3_600.0)
                .time_ticks(8)
                .into_iter()
                .map(|(_, text)| text)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(3.0 * 24.0),
            ["12:00", "Wed 23 Apr", "12:00", "Thu 24 Apr", "12:00", "Fri 25 Apr"]
        );
        assert_eq!(
            texts(2.0),
            ["04:00", "04:15", "04:30", "04:45", "05:00", "05:15", "05:30", "05:45", "06:00"]
        );
    }

    #[test]
    fn a_value_beyond_the_axis_lies_at_its_end() {
        let axis = axis(0.0, 10.0);
        assert_eq!((axis.place(0.0), axis.place(5.0), axis.place(99.0)), (100.0, 50.0, 0.0));
        assert!(axis.shows(-5.0, 0.0) && !axis.shows(11.0, 12.0));
    }
}

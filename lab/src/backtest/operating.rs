//! The activity monitoring operating characteristic of a detector (Fawcett and Provost
//! 1999): how much it finds, and how late, at a given rate of false alarms.
//!
//! The rate is set by the threshold. Thresholds steer what a detector learns, since what
//! an open cluster explains is not learned, and quiet days teach thresholds. So the
//! streams are played once for each threshold, histories included. Between two played
//! thresholds the curve is linear in the rate: a detector that takes one or the other by
//! lot reaches every point between them.

use super::score::{CAP_MIN, mean};
use super::verdict::{Fate, Judged, Verdict};
use groundswell::domain::detect::parameters::Parameters;
use serde::Serialize;
use std::fmt::Write;

/// The rates at which the curve is read, in false alarms a stream-week.
pub const RATES: [f64; 3] = [0.2, 1.0, 4.0];
/// Distance between the thresholds that are played, in units of the score (log10).
const STEP: f64 = 0.5;
/// How far thresholds are moved at most, up and down. Below, they would undercut the least
/// score that the detector looks at.
const HIGHEST_MOVE: f64 = 2.0;
const LOWEST_MOVE: f64 = -2.0;

/// What came of the streams at one threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// By how much the thresholds were moved from the detector's own, in units of the
    /// score.
    pub moved_by: f64,
    /// Of each outage, in the order of the streams: minutes until it was found, at most
    /// [`CAP_MIN`]; none where it was missed.
    pub delays_min: Vec<Option<f64>>,
    /// Of each stream its false alarms and its length in weeks.
    pub streams: Vec<(usize, f64)>,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// False alarms a stream-week.
    pub false_alarms_a_week: f64,
    /// By how much thresholds are moved to get there, interpolated.
    pub moved_by: f64,
    /// Outages found, interpolated.
    pub found: f64,
    /// Mean delay in minutes, a missed outage counted as 120, a later one too;
    /// interpolated.
    pub delay_min: f64,
}

impl Run {
    /// What came of streams that were judged, in their order.
    pub fn new<'a>(moved_by: f64, judged: impl IntoIterator<Item = &'a Judged>) -> Self {
        let (mut delays_min, mut streams) = (Vec::new(), Vec::new());
        for stream in judged {
            streams.push((stream.count(Fate::False), stream.weeks));
            delays_min.extend(stream.verdicts.iter().filter_map(|verdict| match verdict {
                Verdict::Found(found) => Some(Some(found.delay_min.min(CAP_MIN))),
                Verdict::Missed => Some(None),
                Verdict::Background | Verdict::Quiet { .. } => None,
            }));
        }
        Self { moved_by, delays_min, streams }
    }

    /// False alarms a stream-week.
    #[must_use]
    pub fn false_alarms_a_week(&self) -> f64 {
        let weeks: f64 = self.streams.iter().map(|(_, weeks)| weeks).sum();
        self.streams.iter().map(|(alarms, _)| *alarms as f64).sum::<f64>() / weeks
    }

    /// Outages found.
    #[must_use]
    pub fn found(&self) -> f64 {
        self.delays_min.iter().flatten().count() as f64
    }

    /// Mean delay in minutes, a missed outage counted as [`CAP_MIN`].
    #[must_use]
    pub fn delay_min(&self) -> f64 {
        let delays: Vec<f64> =
            self.delays_min.iter().map(|delay| delay.unwrap_or(CAP_MIN)).collect();
        mean(&delays)
    }
}

/// The numbers of the method with every threshold moved by `by`: the bounds by that, and
/// the wanted false alarms by as many powers of ten, since scores are tail probabilities.
#[must_use]
pub fn moved(by: f64) -> Parameters {
    let usual = Parameters::default();
    Parameters {
        false_alarms_a_week: usual.false_alarms_a_week * 10_f64.powf(-by),
        opens_at: (usual.opens_at.0 + by, usual.opens_at.1 + by),
        opens_asked_at: usual.opens_asked_at + by,
        opens_untaught_at: usual.opens_untaught_at + by,
        opens_cold_at: usual.opens_cold_at + by,
        ..usual
    }
}

/// Plays as many thresholds as the curve needs: the detector's own, whose run is given,
/// higher ones until the lowest rate is undercut, lower ones until the highest is reached.
/// Gives the runs from the highest threshold on.
///
/// # Errors
/// Where a threshold cannot be played.
pub fn play<E>(own: Run, mut run: impl FnMut(f64) -> Result<Run, E>) -> Result<Vec<Run>, E> {
    let mut runs = vec![own];
    while runs[0].false_alarms_a_week() > RATES[0] && runs[0].moved_by < HIGHEST_MOVE {
        let higher = run(runs[0].moved_by + STEP)?;
        runs.insert(0, higher);
    }
    while let last = &runs[runs.len() - 1]
        && last.false_alarms_a_week() < RATES[RATES.len() - 1]
        && last.moved_by > LOWEST_MOVE
    {
        let lower = run(last.moved_by - STEP)?;
        runs.push(lower);
    }
    Ok(runs)
}

/// The point of a curve at a rate of false alarms; none where no played threshold is
/// above it, or none below. The runs are in order, the highest threshold first.
#[must_use]
pub fn at(runs: &[Run], rate: f64) -> Option<Point> {
    let around = runs.windows(2).find(|pair| {
        pair[0].false_alarms_a_week() <= rate && rate <= pair[1].false_alarms_a_week()
    })?;
    let (fewer, more) = (&around[0], &around[1]);
    let width = more.false_alarms_a_week() - fewer.false_alarms_a_week();
    let share = if width > 0.0 { (rate - fewer.false_alarms_a_week()) / width } else { 0.0 };
    let between = |of: fn(&Run) -> f64| of(fewer) + share * (of(more) - of(fewer));
    Some(Point {
        false_alarms_a_week: rate,
        moved_by: between(|run| run.moved_by),
        found: between(Run::found),
        delay_min: between(Run::delay_min),
    })
}

/// The curves of some sets as a table for the terminal, with the thresholds that were
/// played.
#[must_use]
pub fn table(curves: &[(&str, &[Run])]) -> String {
    let mut text = format!(
        "{:12} {:>7} {:>9} {:>11} {:>18}\n",
        "curve", "FA/wk", "threshold", "found", "mean capped delay"
    );
    for (name, runs) in curves {
        let outages = runs.first().map_or(0, |run| run.delays_min.len());
        for rate in RATES {
            let _ = write!(text, "{name:12} {rate:7.1} ");
            let _ = match at(runs, rate) {
                Some(point) => writeln!(
                    text,
                    "{:+9.2} {:>11} {:14.1} min",
                    point.moved_by,
                    format!("{:.1}/{outages}", point.found),
                    point.delay_min
                ),
                None => writeln!(text, "{:>9} {:>11} {:>18}", "-", "-", "not reached"),
            };
        }
        for run in *runs {
            let _ = writeln!(
                text,
                "{:12} {:7.2} {:+9.2} {:>11} {:14.1} min",
                "  played",
                run.false_alarms_a_week(),
                run.moved_by,
                format!("{}/{outages}", run.found()),
                run.delay_min()
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with so many false alarms in one stream-week.
    fn run(moved_by: f64, alarms: usize, delays_min: &[Option<f64>]) -> Run {
        Run { moved_by, delays_min: delays_min.to_vec(), streams: vec![(alarms, 1.0)] }
    }

    #[test]
    fn the_curve_is_linear_in_the_rate_between_two_thresholds() {
        let runs = [
            run(0.5, 0, &[None, Some(40.0)]),
            run(0.0, 0, &[None, Some(30.0)]),
            run(-0.5, 2, &[Some(60.0), Some(20.0)]),
            run(-1.0, 6, &[Some(50.0), Some(10.0)]),
        ];
        let point = at(&runs, 1.0).unwrap();
        assert_eq!((point.found, point.delay_min, point.moved_by), (1.5, 57.5, -0.25));
        let (at_4, at_0) = (at(&runs, 4.0).unwrap(), at(&runs, 0.0).unwrap());
        assert_eq!((at_4.found, at_4.delay_min), (2.0, 35.0));
        assert_eq!((at_0.found, at_0.moved_by), (1.0, 0.5), "the higher of two equal ones");
        assert_eq!(at(&runs, 6.5), None);
        assert_eq!(at(&runs[2..], 1.0), None);
    }

    #[test]
    fn thresholds_are_played_until_all_rates_are_enclosed() {
        let alarms = |moved_by: f64| (2.0 * 10_f64.powf(-moved_by)) as usize;
        let play_from = |moved_by: f64| {
            let mut played = Vec::new();
            let runs = play(run(moved_by, alarms(moved_by), &[]), |by| {
                played.push(by);
                Ok::<_, std::convert::Infallible>(run(by, alarms(by), &[]))
            });
            let Ok(runs) = runs;
            (played, runs.iter().map(|run| run.moved_by).collect::<Vec<_>>())
        };
        assert_eq!(play_from(0.0), (vec![0.5, -0.5], vec![0.5, 0.0, -0.5]));
        assert_eq!(play_from(-1.5).1, [0.5, 0.0, -0.5, -1.0, -1.5]);
    }

    #[test]
    fn every_threshold_is_moved_and_nothing_else() {
        let (usual, lower) = (Parameters::default(), moved(-1.0));
        assert_eq!(moved(0.0), usual);
        assert!((lower.false_alarms_a_week / usual.false_alarms_a_week - 10.0).abs() < 1e-9);
        let lowered = usual.opens_asked_at - lower.opens_asked_at;
        assert!((lowered - 1.0).abs() < 1e-9, "{lowered}");
        let back = Parameters {
            false_alarms_a_week: usual.false_alarms_a_week,
            opens_at: usual.opens_at,
            opens_asked_at: usual.opens_asked_at,
            opens_untaught_at: usual.opens_untaught_at,
            opens_cold_at: usual.opens_cold_at,
            ..lower
        };
        assert_eq!(back, usual);
    }
}

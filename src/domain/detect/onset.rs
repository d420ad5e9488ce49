//! When an episode began: what the reports say of it, the late ones included, in the
//! minutes they were observed.

use super::scan::LONGEST;
use crate::domain::counts::Counts;
use crate::domain::grid::Cell;
use crate::domain::symptom::Symptom;
use crate::domain::time::Minute;

/// Reports expected a minute, at least: one in the eight hours that are looked at.
/// Nothing is known so well that one stray report, long before the others, had to be a
/// part of what they tell of; by what a tiny place is expected to have it would be.
const LEAST_EXPECTED_A_MINUTE: f64 = 1.0 / LONGEST as f64;

/// The minute since which the cells have had more reports than expected, with the
/// greatest likelihood.
///
/// Of every minute with a report, of these which are sorted, the one from which on until
/// `until` the Poisson likelihood ratio `c ln(c/e) - (c - e)` is the greatest: the
/// maximum-likelihood estimate of the moment a constant excess began. None where no
/// minute has more than is expected.
#[must_use]
pub fn onset<'a>(
    minutes: impl DoubleEndedIterator<Item = (Minute, &'a Counts)>,
    until: Minute,
    inside: impl Fn(Cell) -> bool,
    expected_a_minute: f64,
) -> Option<Minute> {
    let expected_a_minute = expected_a_minute.max(LEAST_EXPECTED_A_MINUTE);
    let (mut count, mut best) = (0.0, None);
    for (minute, counts) in minutes.rev().filter(|(minute, _)| *minute < until) {
        let evidence = counts.rows().filter(|(key, _)| {
            key.lane().is_history() && key.symptom() != Symptom::Working && inside(key.cell())
        });
        let here: f64 = evidence.map(|(_, tally)| f64::from(tally.count)).sum();
        if here == 0.0 {
            continue;
        }
        count += here;
        let expected = expected_a_minute * (until.0 - minute.0) as f64;
        let likelihood = if count > expected {
            count * (count / expected).ln() - (count - expected)
        } else {
            0.0
        };
        if likelihood > best.map_or(0.0, |(best, _)| best) {
            best = Some((likelihood, minute));
        }
    }
    best.map(|(_, minute)| minute)
}

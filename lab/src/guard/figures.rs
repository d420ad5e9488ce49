//! The guarded figures: of a set of streams, and of a rehearsal.

use super::bootstrap::{Sample, errors};
use crate::backtest::operating::Run;
use crate::backtest::score::{CAP_MIN, mean, standard_deviation};
use crate::backtest::verdict::{Judged, Verdict as Outcome};
use crate::rehearsal::verdict::{BrandVerdict, Role, Verdict};

/// A figure, and how far chance moves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name. Ends with `_min` where the unit is a minute.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// How much worse a run may be before it counts as worse. In the figure's unit.
    pub noise: f64,
}

/// The figures of one thing that is guarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// Its figures, in the order in which they are shown.
    pub figures: Vec<Figure>,
}

/// What is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A set of streams with known outages.
    Set,
    /// An outage on record, played by the synthetic crowd.
    Rehearsal,
}

/// Which values of a figure are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Those that are higher.
    Higher,
    /// Those that are lower.
    Lower,
}

/// How figures begin whose higher values are better; of all others lower ones are.
const HIGHER: [&str; 9] = [
    "found",
    "precision",
    "recall",
    "report_recall",
    "spam_quiet",
    "flagged",
    "causes_named",
    "collateral_labelled",
    "lead",
];
/// Shorter than this no time is worth a failure, in minutes.
const LEAST_MIN: f64 = 0.5;
/// Share of the standard error that is taken for noise. The bound is held against another
/// run over the same outages, which shares most of the chance. Chosen by hand: it is the
/// error of a difference, `sqrt(2 (1 - r))` of either, at a correlation r of 0.94.
const SHARE_OF_ERROR: f64 = 1.0 / 3.0;

impl Figure {
    /// A figure, whose standard error is known.
    fn new(name: &str, value: f64, error: f64) -> Self {
        let least = if name.contains("_min") { LEAST_MIN } else { 0.0 };
        Self { name: name.to_owned(), value, noise: error.max(least) }
    }

    /// Which values of it are better.
    #[must_use]
    pub fn better(&self) -> Better {
        let is_higher = HIGHER.iter().any(|beginning| self.name.starts_with(beginning));
        if is_higher { Better::Higher } else { Better::Lower }
    }

    /// By how much it is better than another value; negative where it is worse.
    #[must_use]
    pub fn gain_over(&self, other: f64) -> f64 {
        match self.better() {
            Better::Higher => self.value - other,
            Better::Lower => other - self.value,
        }
    }
}

impl Subject {
    /// The figures of a set: what came of its streams, and the runs of its curve.
    #[must_use]
    pub fn of_set(name: &str, judged: &[&Judged], runs: &[Run]) -> Self {
        let sample = Sample::new(judged, runs);
        let figures = sample.figures().into_iter().zip(errors(&sample));
        let mut figures: Vec<Figure> = figures
            .filter(|((_, value), _)| value.is_finite())
            .map(|((name, value), error)| Figure::new(&name, value, SHARE_OF_ERROR * error))
            .collect();
        let spam = judged.iter().filter(|stream| stream.family.starts_with("spam"));
        let quiet = spam
            .flat_map(|stream| &stream.verdicts)
            .filter(|verdict| matches!(verdict, Outcome::Quiet { bad: 0, .. }));
        figures.push(Figure::new("spam_quiet", quiet.count() as f64, 0.0));
        Self { kind: Kind::Set, name: name.to_owned(), figures }
    }

    /// The figures of a rehearsal: means over its seeds, with their standard error. A
    /// figure that no seed has is left out.
    #[must_use]
    pub fn of_rehearsal(name: &str, seeds: &[Verdict]) -> Self {
        let of_seeds: Vec<Vec<(&str, f64)>> = seeds.iter().map(of_verdict).collect();
        let names = of_seeds.first().into_iter().flatten().map(|(name, _)| *name);
        let figure = |(n, name): (usize, &str)| {
            let values: Vec<f64> = of_seeds
                .iter()
                .map(|figures| figures[n].1)
                .filter(|value| value.is_finite())
                .collect();
            let error = standard_deviation(&values) / (values.len() as f64).sqrt();
            (!values.is_empty()).then(|| Figure::new(name, mean(&values), error))
        };
        let figures = names.enumerate().filter_map(figure).collect();
        Self { kind: Kind::Rehearsal, name: name.to_owned(), figures }
    }
}

/// The figures of one verdict; NaN where there is nothing to measure.
fn of_verdict(verdict: &Verdict) -> Vec<(&'static str, f64)> {
    let failing = |brand: &&BrandVerdict| matches!(brand.role, Role::Failed | Role::Dependent);
    let count =
        |which: &dyn Fn(&&BrandVerdict) -> bool| verdict.brands.iter().filter(which).count() as f64;
    let delays: Vec<f64> = verdict
        .brands
        .iter()
        .filter(failing)
        .map(|brand| brand.delay_minutes.map_or(CAP_MIN, |delay| delay.min(CAP_MIN)))
        .collect();
    let errors = |of: fn(&BrandVerdict) -> Option<f64>| {
        let errors: Vec<f64> =
            verdict.brands.iter().filter(failing).filter_map(of).map(f64::abs).collect();
        mean(&errors)
    };
    vec![
        ("flagged", count(&|brand| failing(brand) && brand.delay_minutes.is_some())),
        ("first_delay_min", delays.iter().copied().fold(CAP_MIN, f64::min)),
        ("mean_delay_min", mean(&delays)),
        ("healthy_flagged", count(&|brand| !failing(brand) && brand.delay_minutes.is_some())),
        ("causes_named", count(&|brand| brand.role == Role::Dependent && brand.has_cause)),
        ("collateral_labelled", count(&|brand| brand.role == Role::Collateral && brand.blamed)),
        ("areas_missed", verdict.areas_missed.len() as f64),
        ("incidents", verdict.incidents as f64),
        ("flaps", verdict.flaps as f64),
        ("false_ends", verdict.false_ends as f64),
        ("before", verdict.brands.iter().map(|brand| brand.before).sum::<usize>() as f64),
        ("onset_error_min", errors(|brand| brand.onset_error_minutes)),
        ("end_error_min", errors(|brand| brand.end_error_minutes)),
        ("lead_min", verdict.lead_minutes.unwrap_or(f64::NAN)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_positive_where_a_figure_is_better_in_its_own_direction() {
        let figure = |name: &str, value| Figure::new(name, value, 0.0);
        let rows = [
            ("found", 31.0, 30.0, 1.0),
            ("found_at_0.2", 30.5, 31.0, -0.5),
            ("score", 43.0, 44.0, 1.0),
            ("delay_at_4_min", 30.0, 29.0, -1.0),
            ("recall", 0.5, 0.25, 0.25),
            ("false_alarms_a_week", 0.5, 0.25, -0.25),
        ];
        for (name, value, other, gain) in rows {
            assert_eq!(
                figure(name, value).gain_over(other).to_bits(),
                f64::to_bits(gain),
                "{name}"
            );
        }
    }

    #[test]
    fn a_time_has_a_least_noise_and_a_count_has_none() {
        assert_eq!(Figure::new("median_delay_min", 1.0, 0.1).noise.to_bits(), LEAST_MIN.to_bits());
        assert_eq!(Figure::new("found", 1.0, 0.1).noise.to_bits(), 0.1_f64.to_bits());
    }
}

//! How far chance moves the figures of a set: the bootstrap (Efron 1979). Outages are drawn
//! anew with replacement, and so are streams for their false alarms.

use crate::backtest::operating::{self, RATES, Run};
use crate::backtest::score::{CAP_MIN, FALSE_ALARM_MIN, mean, quantile, standard_deviation};
use crate::backtest::verdict::{Fate, Found, Judged, Verdict};
use fastrand::Rng;

/// How often a set is drawn anew.
const DRAWS: usize = 400;
const SEED: u64 = 1;

/// What came of a set.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Of each outage how it was found; none where it was missed.
    outages: Vec<Option<Found>>,
    /// Of each stream its false alarms and its length in weeks.
    streams: Vec<(usize, f64)>,
    /// The runs of the curve, over the same outages and streams.
    runs: Vec<Run>,
}

impl Sample {
    /// What came of streams, in their order.
    pub fn new(judged: &[&Judged], runs: &[Run]) -> Self {
        let outage = |verdict: &Verdict| match verdict {
            Verdict::Found(found) => Some(Some(found.clone())),
            Verdict::Missed => Some(None),
            Verdict::Background | Verdict::Quiet { .. } => None,
        };
        let verdicts = judged.iter().flat_map(|stream| &stream.verdicts);
        Self {
            outages: verdicts.filter_map(outage).collect(),
            streams: judged.iter().map(|one| (one.count(Fate::False), one.weeks)).collect(),
            runs: runs.to_vec(),
        }
    }

    /// Its figures, by name; NaN where there is nothing to measure.
    pub fn figures(&self) -> Vec<(String, f64)> {
        let found: Vec<&Found> = self.outages.iter().flatten().collect();
        let of = |figure: fn(&Found) -> f64| -> Vec<f64> {
            found.iter().map(|found| figure(found)).collect()
        };
        let own = Run {
            moved_by: 0.0,
            delays_min: self
                .outages
                .iter()
                .map(|outage| outage.as_ref().map(|found| found.delay_min.min(CAP_MIN)))
                .collect(),
            streams: self.streams.clone(),
        };
        let rate = own.false_alarms_a_week();
        let mut figures = vec![
            ("found".to_owned(), own.found()),
            ("false_alarms_a_week".to_owned(), rate),
            ("median_delay_min".to_owned(), quantile(of(|found| found.delay_min), 0.5)),
            ("p90_delay_min".to_owned(), quantile(of(|found| found.delay_min), 0.9)),
            ("precision".to_owned(), mean(&of(|found| found.precision))),
            ("recall".to_owned(), mean(&of(|found| found.recall))),
            ("report_recall".to_owned(), mean(&of(|found| found.report_recall))),
            ("score".to_owned(), own.delay_min() + FALSE_ALARM_MIN * rate),
        ];
        for rate in RATES {
            let point = operating::at(&self.runs, rate);
            let found = point.map_or(f64::NAN, |point| point.found);
            let delay = point.map_or(f64::NAN, |point| point.delay_min);
            figures.push((format!("found_at_{rate}"), found));
            figures.push((format!("delay_min_at_{rate}"), delay));
        }
        figures
    }

    /// The same with outages and streams drawn anew: which ones, by their numbers.
    fn drawn(&self, outages: &[usize], streams: &[usize]) -> Self {
        let run = |run: &Run| Run {
            moved_by: run.moved_by,
            delays_min: outages.iter().map(|n| run.delays_min[*n]).collect(),
            streams: streams.iter().map(|n| run.streams[*n]).collect(),
        };
        Self {
            outages: outages.iter().map(|n| self.outages[*n].clone()).collect(),
            streams: streams.iter().map(|n| self.streams[*n]).collect(),
            runs: self.runs.iter().map(run).collect(),
        }
    }
}

/// The standard errors of the figures, in their order.
pub fn errors(sample: &Sample) -> Vec<f64> {
    let mut rng = Rng::with_seed(SEED);
    let mut draw =
        |count: usize| -> Vec<usize> { (0..count).map(|_| rng.usize(..count)).collect() };
    let drawn: Vec<Vec<(String, f64)>> = (0..DRAWS)
        .map(|_| {
            let (outages, streams) = (draw(sample.outages.len()), draw(sample.streams.len()));
            sample.drawn(&outages, &streams).figures()
        })
        .collect();
    let error = |n: usize| {
        let values = drawn.iter().map(|figures| figures[n].1).filter(|value| value.is_finite());
        standard_deviation(&values.collect::<Vec<f64>>())
    };
    (0..sample.figures().len()).map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_count_is_that_of_a_binomial_one() {
        let found = Found {
            delay_min: 10.0,
            reports: 4,
            precision: 1.0,
            recall: 1.0,
            report_recall: 1.0,
            resolve_min: None,
            onset_error_min: None,
        };
        let outages = (0..100).map(|n| (n % 4 > 0).then(|| found.clone())).collect();
        let sample = Sample { outages, streams: vec![(1, 1.0); 50], runs: Vec::new() };
        let errors = errors(&sample);
        let binomial = (100.0 * 0.75 * 0.25_f64).sqrt();
        assert!((errors[0] / binomial - 1.0).abs() < 0.1, "{} against {binomial}", errors[0]);
        assert!(errors[1] == 0.0 && errors[4] == 0.0, "what is always the same has no error");
    }
}

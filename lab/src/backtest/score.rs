//! The figures of many streams added up: for each family and for all together, and the
//! one number that ranks detectors.

use super::figures::{All, Family, Score};
use super::verdict::{Fate, Found, Judged, Verdict};

/// What an outage costs at most, in minutes: so much if it is missed.
pub const CAP_MIN: f64 = 120.0;
/// Minutes that a false alarm a week costs.
pub const FALSE_ALARM_MIN: f64 = 2.0;

/// Adds up what was found out about many streams.
#[must_use]
pub fn score<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> Score {
    let mut sums: Vec<(String, Sums)> = Vec::new();
    for stream in judged {
        let known = sums.iter().position(|(family, _)| *family == stream.family);
        let at = known.unwrap_or_else(|| {
            sums.push((stream.family.clone(), Sums::default()));
            sums.len() - 1
        });
        sums[at].1.add(stream);
    }
    Score {
        all: all(&sums),
        families: sums
            .into_iter()
            .map(|(name, sums)| (name.clone(), family(&name, &sums)))
            .collect(),
    }
}

/// What is collected over the streams of a family. Lists keep the order of the streams,
/// since a sum of floats depends on it.
#[derive(Debug, Clone, Default)]
struct Sums {
    weeks: f64,
    n: usize,
    found: Vec<Found>,
    quiet: usize,
    quiet_ok: usize,
    bad: usize,
    tolerated: usize,
    on_rise: usize,
    false_alarms: usize,
}

impl Sums {
    fn add(&mut self, stream: &Judged) {
        self.weeks += stream.weeks;
        self.false_alarms += stream.count(Fate::False);
        self.on_rise += stream.count(Fate::OnRise);
        for verdict in &stream.verdicts {
            match verdict {
                Verdict::Found(found) => {
                    self.n += 1;
                    self.found.push(found.clone());
                }
                Verdict::Missed => self.n += 1,
                Verdict::Background => {
                    self.quiet += 1;
                    self.quiet_ok += 1;
                }
                Verdict::Quiet { bad, tolerated } => {
                    self.quiet += 1;
                    self.quiet_ok += usize::from(*bad == 0);
                    self.bad += bad;
                    self.tolerated += tolerated;
                }
            }
        }
    }

    /// Figures of the found outages, where they have them.
    fn of(&self, figure: fn(&Found) -> Option<f64>) -> Vec<f64> {
        self.found.iter().filter_map(figure).collect()
    }

    fn never(&self) -> usize {
        self.found.iter().filter(|found| found.resolve_min.is_none()).count()
    }
}

// The figures of a found outage, one each for the columns.
const DELAY: fn(&Found) -> Option<f64> = |found| Some(found.delay_min);
const REPORTS: fn(&Found) -> Option<f64> = |found| Some(found.reports as f64);
const PRECISION: fn(&Found) -> Option<f64> = |found| Some(found.precision);
const RECALL: fn(&Found) -> Option<f64> = |found| Some(found.recall);
const REPORT_RECALL: fn(&Found) -> Option<f64> = |found| Some(found.report_recall);
const RESOLVE: fn(&Found) -> Option<f64> = |found| found.resolve_min;
const ONSET_ERROR: fn(&Found) -> Option<f64> = |found| found.onset_error_min;

fn family(name: &str, sums: &Sums) -> Family {
    let hit = sums.found.len();
    Family {
        n: sums.n,
        hit,
        rate: if sums.n == 0 { f64::NAN } else { hit as f64 / sums.n as f64 },
        med: quantile(sums.of(DELAY), 0.5),
        p90: quantile(sums.of(DELAY), 0.9),
        need: quantile(sums.of(REPORTS), 0.5),
        fa_wk: sums.false_alarms as f64 / sums.weeks,
        rise_wk: sums.on_rise as f64 / sums.weeks,
        prec: mean(&sums.of(PRECISION)),
        rec: mean(&sums.of(RECALL)),
        wrec: mean(&sums.of(REPORT_RECALL)),
        resolve: quantile(sums.of(RESOLVE), 0.5),
        never: sums.never(),
        onset: quantile(sums.of(ONSET_ERROR), 0.5),
        note: note(name, sums),
        quiet: sums.quiet,
        quiet_ok: sums.quiet_ok,
        bad: sums.bad,
        weeks: sums.weeks,
        fa: sums.false_alarms,
    }
}

fn note(family: &str, sums: &Sums) -> String {
    if sums.quiet == 0 || matches!(family, "null" | "holiday") {
        return String::new();
    }
    let coarse = if sums.tolerated == 0 {
        String::new()
    } else {
        format!("; coarse alarms {}", sums.tolerated)
    };
    format!("quiet in {}/{}; alarms on it {}{coarse}", sums.quiet_ok, sums.quiet, sums.bad)
}

fn all(families: &[(String, Sums)]) -> All {
    let total =
        |figure: fn(&Sums) -> usize| families.iter().map(|(_, sums)| figure(sums)).sum::<usize>();
    let of = |figure| families.iter().flat_map(|(_, sums)| sums.of(figure)).collect::<Vec<f64>>();
    let spam = |figure: fn(&Sums) -> usize| {
        families
            .iter()
            .filter(|(name, _)| name.starts_with("spam"))
            .map(|(_, sums)| figure(sums))
            .sum::<usize>()
    };
    let weeks = families.iter().map(|(_, sums)| sums.weeks).sum::<f64>();
    let (n, hit) = (total(|sums| sums.n), total(|sums| sums.found.len()));
    let outages = n.max(1) as f64;
    let fa_wk = total(|sums| sums.false_alarms) as f64 / weeks;
    let capped = of(DELAY).iter().map(|delay| delay.min(CAP_MIN)).sum::<f64>();
    let cost = (capped + CAP_MIN * (n - hit) as f64) / outages;
    All {
        n,
        hit,
        rate: hit as f64 / outages,
        med: quantile(of(DELAY), 0.5),
        p90: quantile(of(DELAY), 0.9),
        need: quantile(of(REPORTS), 0.5),
        fa_wk,
        rise_wk: total(|sums| sums.on_rise) as f64 / weeks,
        weeks,
        prec: mean(&of(PRECISION)),
        rec: mean(&of(RECALL)),
        wrec: mean(&of(REPORT_RECALL)),
        resolve: quantile(of(RESOLVE), 0.5),
        never: total(Sums::never),
        spam_quiet: spam(|sums| sums.quiet_ok),
        spam_n: spam(|sums| sums.quiet),
        cost,
        score: cost + FALSE_ALARM_MIN * fa_wk,
    }
}

/// The quantile by linear interpolation between the two values around it; NaN of nothing.
#[must_use]
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let at = share * last as f64;
    let below = at as usize;
    values[below] + (at - below as f64) * (values[last.min(below + 1)] - values[below])
}

/// The standard deviation of a sample; 0 of fewer than two values.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let middle = mean(values);
    let squares = values.iter().map(|value| (value - middle).powi(2)).sum::<f64>();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_the_values_around_it() {
        let rows: [(&[f64], f64, f64); 5] = [
            (&[7.0], 0.9, 7.0),
            (&[3.0, 1.0], 0.5, 2.0),
            (&[1.0, 2.0, 3.0], 0.5, 2.0),
            (&[0.0, 10.0], 0.9, 9.0),
            (&[5.0, 1.0, 3.0], 1.0, 5.0),
        ];
        for (values, share, expected) in rows {
            assert_eq!(
                quantile(values.to_vec(), share).to_bits(),
                f64::to_bits(expected),
                "{values:?} {share}"
            );
        }
        assert!(quantile(Vec::new(), 0.5).is_nan() && mean(&[]).is_nan());
    }
}

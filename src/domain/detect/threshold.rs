//! The score that opens an episode: chosen for each kind of zone from the scores of quiet days, for a wanted number of false alarms.
//!
//! Peaks over a level fall off exponentially where the score is a tail probability: by `1/ln 10` per unit if the model is right, slower where
//! one event brings several reports. Their number and their mean excess give the score that is reached as seldom as wanted
//! (peaks over threshold; Coles 2001, chapter 4, with shape 0).

use super::parameters::Parameters;
use crate::domain::time::Minute;
use std::collections::VecDeque;

/// Upper bounds of the expected counts that are one kind of zone each.
const EXPECTED: [f64; 6] = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
/// Kinds of zone: by what is expected, and late reports alone.
pub const KINDS: usize = EXPECTED.len() + 2;
/// Peaks are counted above this score.
const LEVEL: f64 = 3.5;
/// Mean excess of a right model: a score one higher is ten times as rare.
const MEAN_EXCESS: f64 = std::f64::consts::LOG10_E;
/// The mean excess of a right model weighs as much as so many peaks.
const PEAKS_PRIOR: f64 = 10.0;
/// Days remembered, and days without which nothing is chosen.
const DAYS: usize = 28;
const LEAST_DAYS: usize = 7;

/// Highest scores of quiet days.
#[derive(Debug, Clone, Default)]
pub struct Thresholds {
    day: Option<i64>,
    today: [f32; KINDS],
    days: VecDeque<[f32; KINDS]>,
    chosen: Option<[f64; KINDS]>,
}

/// The kind of a zone.
pub fn kind(expected: f64, late_only: bool) -> usize {
    if late_only { KINDS - 1 } else { EXPECTED.partition_point(|bound| *bound < expected) }
}

impl Thresholds {
    /// The score that opens an episode in a zone of that kind; `otherwise` while too little is known.
    pub fn of(&self, kind: usize, otherwise: f64) -> f64 {
        self.chosen.map_or(otherwise, |chosen| chosen[kind])
    }

    /// Notes a score that was seen while nothing was known to be wrong.
    pub fn note(&mut self, now: Minute, kind: usize, score: f64, parameters: &Parameters) {
        let day = now.0.div_euclid(24 * 60);
        let before = self.day.replace(day);
        if before.is_some_and(|before| before != day) {
            self.days.push_back(std::mem::take(&mut self.today));
            if self.days.len() > DAYS {
                self.days.pop_front();
            }
            self.choose(parameters.false_alarms_a_week, parameters.opens_at);
        }
        // A score that opens an episode may be that of an outage: no more is believed of it than that it did.
        let score = score.min(self.of(kind, parameters.opens_untaught_at)) as f32;
        self.today[kind] = self.today[kind].max(score);
    }

    fn choose(&mut self, wanted: f64, range: (f64, f64)) {
        if self.days.len() < LEAST_DAYS {
            return;
        }
        let days = self.days.len() as f64;
        let mut chosen = [0.0; KINDS];
        for (kind, chosen) in chosen.iter_mut().enumerate() {
            let peaks = self.days.iter().map(|day| f64::from(day[kind]) - LEVEL).filter(|excess| *excess > 0.0);
            let (n, excess) = peaks.fold((0.0, 0.0), |(n, sum), excess| (n + 1.0, sum + excess));
            let mean = (excess + PEAKS_PRIOR * MEAN_EXCESS) / (n + PEAKS_PRIOR);
            let a_day = (n + 0.5) / (days + 1.0);
            *chosen = (LEVEL + mean * (a_day / (wanted / 7.0)).ln()).clamp(range.0, range.1);
        }
        self.chosen = Some(chosen);
    }
}

//! The score that opens an episode: chosen for each kind of zone from the scores of quiet
//! days, for a wanted number of false alarms.
//!
//! Peaks over a level fall off exponentially where the score is a tail probability: by
//! `1/ln 10` per unit if the model is right, slower where one event brings several
//! reports. Their number and their mean excess give the score that is reached as seldom
//! as wanted (peaks over threshold; Coles 2001, chapter 4, with shape 0).

use super::parameters::Parameters;
use crate::domain::shrunk_ratio::ShrunkRatio;
use crate::domain::time::Minute;
use std::cmp::Ordering;
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
pub const DAYS: usize = 28;
pub const LEAST_DAYS: usize = 7;

const DAY_MINUTES: i64 = 24 * 60;

/// A day in UTC, counted from 1970-01-01, and the highest score of each kind of zone
/// while nothing was known to be wrong; 0 where none was worth one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuietDay {
    /// Which.
    pub day: i64,
    /// By kind of zone.
    pub highest: [f32; KINDS],
}

impl QuietDay {
    /// The day of a minute, of which nothing is known yet.
    #[must_use]
    pub const fn of(minute: Minute) -> Self {
        Self { day: minute.0.div_euclid(DAY_MINUTES), highest: [0.0; KINDS] }
    }

    /// Its first minute.
    #[must_use]
    pub const fn begins(&self) -> Minute {
        Minute(self.day * DAY_MINUTES)
    }
}

/// Highest scores of quiet days.
#[derive(Debug, Clone, Default)]
pub struct Thresholds {
    today: Option<QuietDay>,
    /// Oldest first.
    days: VecDeque<QuietDay>,
    chosen: Option<Chosen>,
    /// By how much a score must be higher where more is tested than the bounds were
    /// chosen for.
    more: f64,
}

/// Scores that are enough, by kind, where others are asked, and the greatest that they
/// were held at.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    scores: [f64; KINDS],
    greatest: f64,
}

/// Between which expected counts lie the zones of a kind, the first left out; none where
/// the kind is that of late reports alone.
pub fn bounds_of(kind: usize) -> Option<(f64, f64)> {
    let bound = |n: usize| EXPECTED.get(n).copied().unwrap_or(f64::INFINITY);
    (kind + 1 < KINDS).then(|| (kind.checked_sub(1).map_or(0.0, bound), bound(kind)))
}

/// The least score that may open an episode in a zone that others were asked of, or not.
const fn least(asked: bool, parameters: &Parameters) -> f64 {
    if asked { parameters.opens_asked_at } else { parameters.opens_at.0 }
}

/// The kind of a zone.
pub fn kind(expected: f64, late_only: bool) -> usize {
    if late_only { KINDS - 1 } else { EXPECTED.partition_point(|bound| *bound < expected) }
}

impl Thresholds {
    /// Knows how many reports a day bring zones to be judged. Each brings as many: where
    /// there are ten times as many reports, a score that is one higher is as rare.
    pub fn expect(&mut self, reports_a_day: f64, parameters: &Parameters) {
        self.more = (reports_a_day / parameters.bounds_reports_a_day).max(1.0).log10();
    }

    /// The score that opens an episode in a zone of that kind, where others were asked of
    /// it or not.
    pub fn of(&self, kind: usize, asked: bool, parameters: &Parameters) -> f64 {
        self.chosen.map_or(parameters.opens_untaught_at + self.more, |chosen| {
            chosen.scores[kind].max(least(asked, parameters))
        })
    }

    /// Knows that nothing is known to be wrong in the minute before `now`: a day without
    /// any score is a quiet day too.
    pub fn pass(&mut self, now: Minute, parameters: &Parameters) {
        let today = QuietDay::of(now);
        if let Some(before) = self.today.replace(today) {
            if before.day == today.day {
                self.today = Some(before);
            } else {
                self.remember(before, parameters);
            }
        }
    }

    /// Notes a score that was seen in that minute.
    pub fn note(&mut self, now: Minute, kind: usize, score: f64, parameters: &Parameters) {
        self.pass(now, parameters);
        if let Some(today) = &mut self.today {
            today.highest[kind] = today.highest[kind].max(score as f32);
        }
    }

    /// Takes over what another detector of the provider noted, where this one begins to
    /// look at `now`: days before are as if it had seen them, and of that day it is still
    /// to see the rest.
    pub fn recall(
        &mut self,
        days: impl IntoIterator<Item = QuietDay>,
        now: Minute,
        parameters: &Parameters,
    ) {
        let mut days: Vec<QuietDay> = days.into_iter().collect();
        days.sort_unstable_by_key(|of| of.day);
        for of in days {
            match of.day.cmp(&QuietDay::of(now).day) {
                Ordering::Less => self.remember(of, parameters),
                Ordering::Equal => self.today = Some(of),
                Ordering::Greater => {}
            }
        }
    }

    fn remember(&mut self, of: QuietDay, parameters: &Parameters) {
        self.days.push_back(of);
        if self.days.len() > DAYS {
            self.days.pop_front();
        }
        if self.days.len() >= LEAST_DAYS {
            let greatest = parameters.opens_at.1 + self.more;
            let of_kind = |kind| {
                self.choice(
                    kind,
                    parameters.false_alarms_a_week,
                    (parameters.opens_asked_at, greatest),
                )
                .score()
            };
            self.chosen = Some(Chosen { scores: std::array::from_fn(of_kind), greatest });
        }
    }

    /// What such a score was chosen from; none while nothing is chosen.
    pub fn chosen_from(&self, kind: usize, asked: bool, parameters: &Parameters) -> Option<Choice> {
        self.chosen.map(|chosen| {
            self.choice(
                kind,
                parameters.false_alarms_a_week,
                (least(asked, parameters), chosen.greatest),
            )
        })
    }

    /// Quiet days that are remembered.
    pub const fn days(&self) -> &VecDeque<QuietDay> {
        &self.days
    }

    fn choice(&self, kind: usize, wanted_a_week: f64, range: (f64, f64)) -> Choice {
        let peaks = self
            .days
            .iter()
            .map(|of| f64::from(of.highest[kind]) - LEVEL)
            .filter(|excess| *excess > 0.0);
        let (peaks, excess) = peaks.fold((0.0, 0.0), |(n, sum), excess| (n + 1.0, sum + excess));
        Choice {
            level: LEVEL,
            days: self.days.len(),
            peaks,
            excess,
            mean_prior: (MEAN_EXCESS, PEAKS_PRIOR),
            wanted_a_week,
            range,
        }
    }
}

/// What the score that opens an episode is chosen from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The score above which peaks are counted.
    pub level: f64,
    /// Quiet days that are remembered.
    pub days: usize,
    /// Those of them with a peak.
    pub peaks: f64,
    /// By how much their peaks exceed the level, all together.
    pub excess: f64,
    /// The mean excess of a right model, and as how many peaks that weighs.
    pub mean_prior: (f64, f64),
    /// False alarms that are wanted in a week.
    pub wanted_a_week: f64,
    /// The least and the greatest score that may open an episode.
    pub range: (f64, f64),
}

impl Choice {
    /// `level + b ln(((peaks + 0.5) / (days + 1)) / (wanted / 7))`, clamped to the range,
    /// with `b` the mean excess.
    #[must_use]
    pub fn score(&self) -> f64 {
        let (prior, weight) = self.mean_prior;
        let mean =
            ShrunkRatio { prior, weight, range: ShrunkRatio::ANY }.of(self.excess, self.peaks);
        let a_day = (self.peaks + 0.5) / (self.days as f64 + 1.0);
        (self.level + mean * (a_day / (self.wanted_a_week / 7.0)).ln())
            .clamp(self.range.0, self.range.1)
    }
}

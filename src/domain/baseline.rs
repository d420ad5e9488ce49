//! The baseline of a provider: how many reports an undisturbed hour brings, and which
//! share of them each cell.
//!
//! Learnt hour by hour from facts alone, so that it can be made again from them: what an
//! outage adds is bounded in the hour it is learnt, not by knowing that there was one.

use super::grid::{Cell, Resolution};
use super::local_clock::LocalClock;
use super::shrunk_ratio::ShrunkRatio;
use super::steady::Steady;
use super::time::{Hour, Minute};
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::ops::Range;

/// Hours of a week.
const HOURS_OF_WEEK: usize = 168;
/// The hours of a week that begins on Thursday, as 1970 did, in which people live by the
/// weekend: from Friday to Sunday, both at eight in the evening.
const WEEKEND: Range<usize> = 44..92;
/// Parts of a day that cells have shares of their own in: four hours each, in UTC
/// whatever the clocks show, lest what was learnt of a cell mix.
pub const PARTS: usize = 6;
/// How much of what was learnt remains after a week.
const WEEKLY_MEMORY: f64 = 0.75;
/// An hour of the week weighs as if so many weeks had agreed with what is shared with
/// other days.
const SHARED_WEEKS: f64 = 1.5;
/// An hour of the day weighs as if so many days had agreed with the borrowed shape.
const SHAPE_DAYS: f64 = 2.0;
/// No hour is expected to bring less than this share of the mean hour.
const LEAST_OF_MEAN: f64 = 0.05;
/// Reports that a part of the day must bring before its own shares outweigh those of the
/// whole day.
const PART_PRIOR: f64 = 150.0;
/// Reports that a cell without any is taken to have had.
const CELL_PRIOR: f64 = 0.3;
/// Reports that the borrowed map weighs as much as.
const MAP_PRIOR: f64 = 100.0;
/// Reports that must be held of the rest of a cell, without those of finer ones, for
/// something to be expected of it.
const LEAST_OF_REST: f64 = 0.5;
/// What an hour adds is bounded once so much was learnt.
const BOUNDS_AFTER_WEEKS: f64 = 0.3;
/// The level follows the last day, without the last hours, lest an outage raise its own
/// baseline.
const LEVEL_HOURS: usize = 24;
const LEVEL_LEAVES_OUT: usize = 3;
/// Reports that the level of one weighs as much as.
const LEVEL: ShrunkRatio = ShrunkRatio { prior: 1.0, weight: 60.0, range: (0.6, 1.6) };

/// What was learnt.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// What hours of the week are counted by.
    clock: LocalClock,
    /// Hours learnt, each as the part of it somebody was there, with the weight it still
    /// has.
    hours: [f64; HOURS_OF_WEEK],
    reports: [f64; HOURS_OF_WEEK],
    /// Reports a minute in each hour of the week, from both.
    rates: [f64; HOURS_OF_WEEK],
    cells: [HashMap<Cell, [f32; PARTS]>; 9],
    parts: [f64; PARTS],
    /// Where more has been reported for days.
    steady: Steady,
    /// Reports counted and expected in each of the last hours.
    last: VecDeque<(f64, f64)>,
    learnt: Option<Hour>,
}

/// Which part of the day an hour lies in.
#[must_use]
pub const fn part_of(hour: Hour) -> usize {
    (hour.0.rem_euclid(24) / 4) as usize
}

/// What an undisturbed hour seldom exceeds: four standard deviations at that dispersion,
/// and a few reports.
fn seldom_exceeded(expected: f64, dispersion: f64, few: f64) -> f64 {
    expected + 4.0 * (expected * (1.0 + dispersion * expected)).sqrt() + few
}

/// Whether so many reports of many places together are more than an undisturbed hour
/// brings, where `few` more are no matter.
#[must_use]
pub fn is_disturbed(count: f64, expected: f64, few: f64) -> bool {
    count > seldom_exceeded(expected, 0.1, few)
}

impl Default for Baseline {
    fn default() -> Self {
        Self {
            clock: LocalClock::default(),
            hours: [0.0; HOURS_OF_WEEK],
            reports: [0.0; HOURS_OF_WEEK],
            rates: [0.0; HOURS_OF_WEEK],
            cells: Default::default(),
            parts: [0.0; PARTS],
            steady: Steady::default(),
            last: VecDeque::new(),
            learnt: None,
        }
    }
}

impl Baseline {
    /// Counts hours of the week by another clock, from `now` on: what was learnt by the
    /// one before is taken over, each hour as that which the new one shows for it now.
    pub fn go_by(&mut self, clock: LocalClock, now: Hour) {
        let later =
            (clock.ahead(now) - self.clock.ahead(now)).rem_euclid(HOURS_OF_WEEK as i64) as usize;
        for sums in [&mut self.hours, &mut self.reports, &mut self.rates] {
            sums.rotate_right(later);
        }
        self.clock = clock;
    }

    /// Which hour of the week the clock shows.
    fn hour_of_week(&self, hour: Hour) -> usize {
        self.clock.shows(hour).0.rem_euclid(HOURS_OF_WEEK as i64) as usize
    }

    /// Counts all that came in an hour, what an outage explains too: where it is more on
    /// each of some days it is usual.
    pub fn count(&mut self, hour: Hour, reports: &[(Cell, f64)], live: f64, lender: Option<&Self>) {
        let expected = self.expected_in(hour, live);
        let mut steady = std::mem::take(&mut self.steady);
        steady.count(hour, reports, expected, |cell, hour| {
            self.share_over_weeks(cell, part_of(hour), lender)
        });
        self.steady = steady;
    }

    /// Learns one hour: reports by cell, of which the finest are of resolution 7, and
    /// which part of it somebody was there to take them.
    pub fn learn(&mut self, hour: Hour, reports: &[(Cell, f64)], live: f64) {
        self.forget_until(hour);
        if live <= 0.0 {
            return;
        }
        let (part, mean) = (part_of(hour), self.mean_of(hour) * live);
        let level = self.level();
        let known = self.weeks() >= BOUNDS_AFTER_WEEKS;
        for (cell, count) in reports {
            let expected = level * mean * self.share(*cell, part, None);
            let learnt = if known && *count > seldom_exceeded(expected, 0.2, 2.0) {
                expected
            } else {
                *count
            };
            self.parts[part] += learnt;
            for (of_resolution, cell) in self.cells.iter_mut().zip(cell.with_ancestors()) {
                of_resolution.entry(cell).or_default()[part] += learnt as f32;
            }
        }
        // Of all that came: where calls come in numbers each of them is more than its
        // cell seldom exceeds, and together they are what is usual.
        let total: f64 = reports.iter().map(|(_, count)| count).sum();
        let expected = level * mean;
        let learnt = if known && is_disturbed(total, expected, 5.0) { expected } else { total };
        let slot = self.hour_of_week(hour);
        self.hours[slot] += live;
        self.reports[slot] += learnt;
        self.last.push_back((learnt, mean));
        if self.last.len() > LEVEL_HOURS {
            self.last.pop_front();
        }
    }

    /// Lets what was learnt fade, once a day.
    fn forget_until(&mut self, hour: Hour) {
        let before = self.learnt.replace(hour).map_or(hour.0, |learnt| learnt.0);
        // Once a day is fine enough, and costs a pass over the cells.
        let days = hour.0.div_euclid(24) - before.div_euclid(24);
        if days <= 0 {
            return;
        }
        let kept = WEEKLY_MEMORY.powf(days as f64 / 7.0);
        for sum in self.hours.iter_mut().chain(&mut self.reports).chain(&mut self.parts) {
            *sum *= kept;
        }
        for cells in &mut self.cells {
            cells.retain(|_, parts| {
                *parts = parts.map(|n| n * kept as f32);
                parts.iter().sum::<f32>() > 0.02
            });
        }
    }

    /// Makes the rates anew from what was learnt, with the weekly shape of another
    /// provider where this one has seen little.
    pub fn refresh(&mut self, lender: Option<&Self>) {
        let shape = lender.map_or([1.0; HOURS_OF_WEEK], Self::shape);
        let seen: f64 = (0..HOURS_OF_WEEK).map(|h| self.hours[h] * shape[h]).sum();
        let mean = if seen > 0.0 { self.reports.iter().sum::<f64>() / seen } else { 0.0 };
        for (h, of_shape) in shape.into_iter().enumerate() {
            let same = (h % 24..HOURS_OF_WEEK)
                .step_by(24)
                .filter(|other| WEEKEND.contains(other) == WEEKEND.contains(&h));
            let (hours, reports) = same.fold((0.0, 0.0), |(hours, reports), o| {
                (hours + self.hours[o], reports + self.reports[o])
            });
            let shared = (reports + SHAPE_DAYS * mean * of_shape) / (hours + SHAPE_DAYS);
            let rate = (self.reports[h] + SHARED_WEEKS * shared) / (self.hours[h] + SHARED_WEEKS);
            self.rates[h] = rate.max(LEAST_OF_MEAN * mean) / 60.0;
        }
    }

    /// Its rates, so scaled that their mean is one.
    fn shape(&self) -> [f64; HOURS_OF_WEEK] {
        let mean = self.rates.iter().sum::<f64>() / HOURS_OF_WEEK as f64;
        self.rates.map(|rate| if mean > 0.0 { rate / mean } else { 1.0 })
    }

    /// How much of its history it still holds, in weeks.
    #[must_use]
    pub fn weeks(&self) -> f64 {
        self.hours.iter().sum::<f64>() / HOURS_OF_WEEK as f64
    }

    /// Hours it has learnt and still holds.
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.hours.iter().sum()
    }

    /// Reports it has learnt from and still holds.
    #[must_use]
    pub fn reports(&self) -> f64 {
        self.parts.iter().sum()
    }

    fn mean_of(&self, hour: Hour) -> f64 {
        let h = self.hour_of_week(hour);
        let (before, after) = (
            self.rates[(h + HOURS_OF_WEEK - 1) % HOURS_OF_WEEK],
            self.rates[(h + 1) % HOURS_OF_WEEK],
        );
        // The mean of the lines that join the middles of the hours.
        60.0 * (before + 6.0 * self.rates[h] + after) / 8.0
    }

    /// How the last day compares with what was expected of it.
    #[must_use]
    pub fn level(&self) -> f64 {
        let counted = self.last.len().saturating_sub(LEVEL_LEAVES_OUT);
        let (reports, expected) = self
            .last
            .iter()
            .take(counted)
            .fold((0.0, 0.0), |(r, e), hour| (r + hour.0, e + hour.1));
        LEVEL.of(reports, expected)
    }

    /// Reports expected of the whole provider in a minute, at the level of one.
    #[must_use]
    pub fn rate(&self, minute: Minute) -> f64 {
        // Lines join the middles of the hours.
        let into = (minute.0 * 2 + 1).rem_euclid(120) as f64 / 120.0;
        let h = self.hour_of_week(minute.hour());
        let (neighbour, weight) = if into < 0.5 {
            ((h + HOURS_OF_WEEK - 1) % HOURS_OF_WEEK, 0.5 - into)
        } else {
            ((h + 1) % HOURS_OF_WEEK, into - 0.5)
        };
        self.rates[h] * (1.0 - weight) + self.rates[neighbour] * weight
    }

    /// Reports that were learnt of a cell and its descendants and are still held.
    #[must_use]
    pub fn learnt_of(&self, cell: Cell) -> f64 {
        self.learnt_by_part(cell).1
    }

    /// The share of the provider's reports that falls to a cell in a part of the day.
    #[must_use]
    pub fn share(&self, cell: Cell, part: usize, lender: Option<&Self>) -> f64 {
        self.steady.ratio(cell) * self.share_over_weeks(cell, part, lender)
    }

    fn share_over_weeks(&self, cell: Cell, part: usize, lender: Option<&Self>) -> f64 {
        let (of_cell, _, whole) = self.of_cell(cell, lender);
        self.share_in(part, of_cell, whole)
    }

    /// The same in each part of the day.
    #[must_use]
    pub fn shares(&self, cell: Cell, lender: Option<&Self>) -> [f64; PARTS] {
        self.shares_and_learnt(cell, lender).0
    }

    /// The same, and [`Self::learnt_of`] the cell.
    #[must_use]
    pub fn shares_and_learnt(&self, cell: Cell, lender: Option<&Self>) -> ([f64; PARTS], f64) {
        let (of_cell, learnt, whole) = self.of_cell(cell, lender);
        let ratio = self.steady.ratio(cell);
        (std::array::from_fn(|part| ratio * self.share_in(part, of_cell, whole)), learnt)
    }

    /// The share of the reports that stand in a cell and in no finer one, in each part of
    /// the day. None where too few of them are held.
    #[must_use]
    pub fn shares_of_rest(&self, cell: Cell) -> Option<[f64; PARTS]> {
        let (parts, mut learnt) = self.learnt_by_part(cell);
        let mut rest = *parts?;
        let finer = Resolution::ALL.get(usize::from(cell.resolution().number()) + 1);
        for child in finer.into_iter().flat_map(|finer| cell.descendants(*finer)) {
            let (parts, of_child) = self.learnt_by_part(child);
            learnt -= of_child;
            for (rest, part) in rest.iter_mut().zip(parts.copied().unwrap_or_default()) {
                *rest = (*rest - part).max(0.0);
            }
        }
        if learnt < LEAST_OF_REST {
            return None;
        }
        let (ratio, whole) = (self.steady.ratio(cell), learnt / self.reports());
        Some(std::array::from_fn(|part| ratio * self.share_in(part, Some(&rest), whole)))
    }

    /// What was learnt of a cell, by part of the day and over all of them.
    fn learnt_by_part(&self, cell: Cell) -> (Option<&[f32; PARTS]>, f64) {
        let parts = self.cells[usize::from(cell.resolution().number())].get(&cell);
        (parts, parts.map_or(0.0, |parts| f64::from(parts.iter().sum::<f32>())))
    }

    /// The same, and the cell's share over the whole day.
    fn of_cell(&self, cell: Cell, lender: Option<&Self>) -> (Option<&[f32; PARTS]>, f64, f64) {
        let (parts, learnt) = self.learnt_by_part(cell);
        let cells = self.cells[usize::from(cell.resolution().number())].len().max(1);
        let (mut all, mut more) = (self.reports() + CELL_PRIOR * cells as f64, CELL_PRIOR);
        if let Some(lender) = lender {
            more += MAP_PRIOR * lender.whole_day_share(cell);
            all += MAP_PRIOR;
        }
        (parts, learnt, ((learnt + more) / all).min(1.0))
    }

    fn share_in(&self, part: usize, of_cell: Option<&[f32; PARTS]>, whole: f64) -> f64 {
        let in_part = of_cell.map_or(0.0, |parts| f64::from(parts[part]));
        (in_part + PART_PRIOR * whole) / (self.parts[part] + PART_PRIOR)
    }

    fn whole_day_share(&self, cell: Cell) -> f64 {
        if self.reports() > 0.0 { self.learnt_of(cell) / self.reports() } else { 0.0 }
    }

    /// The share of a cell of that resolution that no report was ever learnt of.
    #[must_use]
    pub fn unheard_share(&self, resolution: Resolution) -> f64 {
        let cells = self.cells[usize::from(resolution.number())].len().max(1);
        CELL_PRIOR / (self.reports() + CELL_PRIOR * cells as f64)
    }

    /// Reports expected of the whole provider in an hour of which somebody was there for
    /// that part.
    #[must_use]
    pub fn expected_in(&self, hour: Hour, live: f64) -> f64 {
        let minutes = hour.minutes();
        (minutes.start.0..minutes.end.0).map(|minute| self.rate(Minute(minute))).sum::<f64>()
            * self.level()
            * live
    }

    /// Cells of a resolution that reports were learnt of.
    pub fn cells(&self, resolution: Resolution) -> impl Iterator<Item = Cell> + '_ {
        self.cells[usize::from(resolution.number())].keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;

    const DAY: i64 = 24;
    const LEARNT: i64 = 14 * DAY;
    /// When clocks are set by an hour: five hours behind UTC before, four after.
    const SET: Hour = Hour(LEARNT + 3 * DAY + 7);
    const LATER: Hour = Hour(LEARNT + 4 * DAY);

    fn clock() -> LocalClock {
        LocalClock::new(vec![(Hour(0), -5), (SET, -4)])
    }

    /// Two weeks of days whose hours bring 1, 2, 3 ... reports by the clock.
    fn learnt(by: &LocalClock) -> Baseline {
        let cell = Cell::at(Position::new(43.65, -79.38).unwrap(), Resolution::HOURLY);
        let mut baseline = Baseline::default();
        baseline.go_by(by.clone(), Hour(0));
        for hour in (0..LEARNT).map(Hour) {
            baseline.learn(
                hour,
                &[(cell, (1 + clock().shows(hour).0.rem_euclid(DAY)) as f64)],
                1.0,
            );
            baseline.refresh(None);
        }
        baseline
    }

    /// Reports expected in each hour of that day.
    fn of_day(baseline: &Baseline, first: Hour) -> Vec<f64> {
        (0..DAY).map(|n| 60.0 * baseline.rate(Minute(60 * (first.0 + n) + 30))).collect()
    }

    #[test]
    fn after_clocks_are_set_every_hour_brings_what_it_brought_by_the_clock() {
        let (before, after) = (Hour(LEARNT), LATER);
        let baseline = learnt(&clock());
        let (before, after) = (of_day(&baseline, before), of_day(&baseline, after));
        for hour in 0..DAY as usize - 1 {
            assert!(
                (before[hour + 1] - after[hour]).abs() < 0.2,
                "hour {hour}: {before:?} {after:?}"
            );
        }
        assert!(
            before.iter().zip(&after).any(|(before, after)| (before - after).abs() > 0.8),
            "{before:?} {after:?}"
        );
    }

    #[test]
    fn what_was_learnt_by_utc_is_taken_over_by_a_clock() {
        let (mut utc, by_clock) = (learnt(&LocalClock::default()), learnt(&clock()));
        let (now, later) = (Hour(LEARNT), LATER);
        let before = of_day(&utc, now);
        utc.go_by(clock(), now);
        assert_eq!(of_day(&utc, now), before);
        for (taken_over, expected) in of_day(&utc, later).iter().zip(of_day(&by_clock, later)) {
            assert!((taken_over - expected).abs() < 1.0, "{taken_over} {expected}");
        }
    }

    #[test]
    fn friday_evening_is_like_saturday_evening_and_sunday_evening_is_not() {
        // Hour 0 of the week was a Thursday's.
        let weekend = |day: i64, hour: i64| WEEKEND.contains(&((DAY * day + hour) as usize));
        let (thursday, friday, saturday, sunday) = (0, 1, 2, 3);
        assert!(weekend(friday, 20) && weekend(saturday, 20) && weekend(sunday, 19));
        assert!(!weekend(thursday, 20) && !weekend(friday, 19) && !weekend(sunday, 20));
    }
}

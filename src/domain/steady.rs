//! Where more has been reported for days on end than the weeks before had it: a town that
//! has just been reached, a season, a new term. What is learnt over weeks follows too
//! slowly, and an outage does not come every day.

use super::grid::{Cell, Resolution};
use super::shrunk_ratio::ShrunkRatio;
use super::time::Hour;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// The finest cells that have a level of their own, some 45 km wide: a town and what is
/// around it.
const REGIONS: Resolution = Resolution::ALL[4];
/// On each of so many days it must have been more: few outages last so long, and where
/// one does, what is told of it ends.
const DAYS: usize = 5;
/// Reports a day that "as over the weeks before" weighs as much as.
const PRIOR: f64 = 2.0;
const RATIO: ShrunkRatio = ShrunkRatio { prior: 1.0, weight: PRIOR, range: ShrunkRatio::ANY };
const DAY_HOURS: i64 = 24;

/// By how much more than over weeks is reported of each region for the last days.
#[derive(Debug, Clone, Default)]
pub struct Steady {
    /// What was reported on the day that runs.
    reports: HashMap<Cell, f64>,
    /// Hours of that day, and what was expected of everywhere in each.
    hours: Vec<(Hour, f64)>,
    /// For each of the last days, the ratio of what was reported to what was expected,
    /// where that is more than one. The newest last.
    days: VecDeque<HashMap<Cell, f64>>,
    ratios: HashMap<Cell, f64>,
}

/// What was reported of a region on one day.
#[derive(Debug, Clone, Copy, Default)]
struct RegionCount {
    all: f64,
    fullest: f64,
}

impl RegionCount {
    fn add(&mut self, of_cell: f64) {
        self.all += of_cell;
        self.fullest = self.fullest.max(of_cell);
    }

    /// Its fullest cell may add as many as all others hold, and a few: whoever floods one
    /// spot day by day makes nothing usual around it.
    fn bounded(self) -> f64 {
        let others = self.all - self.fullest;
        others + self.fullest.min(others + PRIOR)
    }
}

impl Steady {
    /// Counts an hour in which so many were expected of everywhere. Once its day is over,
    /// asks what was expected of a cell in such hours of it.
    pub fn count(
        &mut self,
        hour: Hour,
        reports: &[(Cell, f64)],
        expected: f64,
        share: impl Fn(Cell, Hour) -> f64,
    ) {
        if self
            .hours
            .last()
            .is_some_and(|(last, _)| last.0.div_euclid(DAY_HOURS) != hour.0.div_euclid(DAY_HOURS))
        {
            self.end_day(share);
        }
        for (cell, count) in reports {
            *self.reports.entry(*cell).or_default() += count;
        }
        self.hours.push((hour, expected));
    }

    fn end_day(&mut self, share: impl Fn(Cell, Hour) -> f64) {
        let hours = std::mem::take(&mut self.hours);
        let mut regions = HashMap::<Cell, RegionCount>::new();
        for (cell, count) in self.reports.drain() {
            for region in cell.with_ancestors().filter(|cell| cell.resolution() <= REGIONS) {
                regions.entry(region).or_default().add(count);
            }
        }
        let ratio = |(cell, region): (Cell, RegionCount)| {
            let expected: f64 =
                hours.iter().map(|(hour, expected)| expected * share(cell, *hour)).sum();
            (cell, RATIO.of(region.bounded(), expected))
        };
        self.days
            .push_back(regions.into_iter().map(ratio).filter(|(_, ratio)| *ratio > 1.0).collect());
        if self.days.len() > DAYS {
            self.days.pop_front();
        }
        self.ratios = HashMap::new();
        if self.days.len() == DAYS
            && let Some((first, others)) = self.days.make_contiguous().split_first()
        {
            let least = |cell: &Cell, ratio: f64| {
                others.iter().try_fold(ratio, |least, day| Some(least.min(*day.get(cell)?)))
            };
            self.ratios = first
                .iter()
                .filter_map(|(cell, ratio)| Some((*cell, least(cell, *ratio)?)))
                .collect();
        }
    }

    /// By how much more than over weeks is reported of a cell: the least of the last
    /// days; one where it is not more on each.
    pub fn ratio(&self, cell: Cell) -> f64 {
        if self.ratios.is_empty() {
            return 1.0;
        }
        self.ratios.get(&cell.rolled_up_to(REGIONS)).copied().unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;

    fn town(lat: f64, lon: f64) -> Cell {
        Cell::at(Position::new(lat, lon).unwrap(), Resolution::HOURLY)
    }

    /// Of a town of which two reports a day are expected, after days that brought so
    /// many, from so many cells alike.
    fn ratio_after(days: &[f64], cells: usize) -> f64 {
        let (town, mut steady) = (town(43.65, -79.38), Steady::default());
        let around: Vec<Cell> = town
            .disk(2)
            .into_iter()
            .map(|(cell, _)| cell)
            .filter(|cell| region_of(*cell) == region_of(town))
            .collect();
        for (day, reports) in (0..).zip(days.iter().chain([&0.0])) {
            let reported: Vec<(Cell, f64)> =
                around[..cells].iter().map(|cell| (*cell, reports / cells as f64)).collect();
            for hour in 0..DAY_HOURS {
                let reports = if hour == 9 { &reported[..] } else { &[] };
                steady.count(Hour(DAY_HOURS * day + hour), reports, 10.0, |_, _| 2.0 / 240.0);
            }
        }
        steady.ratio(town)
    }

    fn region_of(cell: Cell) -> Cell {
        cell.rolled_up_to(REGIONS)
    }

    #[test]
    fn what_is_more_on_each_of_five_days_is_so_by_the_least_of_them() {
        let rows = [
            (vec![42.0; 4], 1.0),
            (vec![42.0; 5], 11.0),
            (vec![42.0, 42.0, 18.0, 42.0, 30.0], 5.0),
            (vec![6.0, 42.0, 42.0, 42.0, 42.0, 42.0], 11.0),
            (vec![42.0, 42.0, 2.0, 42.0, 42.0], 1.0),
            (vec![42.0, 42.0, 42.0, 42.0, 42.0, 1.0], 1.0),
            (vec![42.0, 42.0, 0.0, 42.0, 42.0, 42.0], 1.0),
        ];
        for (days, ratio) in rows {
            let after = ratio_after(&days, 5);
            assert!((after - ratio).abs() < 1e-9, "{days:?}: {after} instead of {ratio}");
        }
    }

    #[test]
    fn what_comes_from_one_cell_day_by_day_makes_nothing_usual_around_it() {
        assert!(ratio_after(&[500.0; 5], 1) < 1.0 + 1e-9);
        // As many come from another, too.
        assert!(ratio_after(&[500.0; 5], 2) > 100.0);
    }

    #[test]
    fn a_region_is_a_town_and_what_is_around_it_and_no_other_town() {
        let (here, near, far) = (town(43.65, -79.38), town(43.67, -79.40), town(45.42, -75.70));
        assert_ne!(here, near);
        let mut steady = Steady::default();
        for hour in 0..=5 * DAY_HOURS {
            steady.count(Hour(hour), &[(here, 1.0), (near, 1.0)], 10.0, |_, _| 0.01);
        }
        assert!(steady.ratio(here) > 5.0);
        assert_eq!(steady.ratio(near).to_bits(), steady.ratio(here).to_bits());
        assert_eq!(steady.ratio(region_of(here)).to_bits(), steady.ratio(here).to_bits());
        assert!((steady.ratio(far) - 1.0).abs() < 1e-9);
    }
}

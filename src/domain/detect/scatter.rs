//! What an hour of the past teaches of how counts scatter: those of zones, and in bursts.

use super::corrected::{REST_RANGE, corrected};
use super::learn::Explained;
use super::parameters::Parameters;
use super::places::{Places, STEPS};
use super::scan::{LEVELS, Scan};
use super::spread::FEW_IN_BURSTS;
use crate::domain::baseline::{is_disturbed, part_of};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::Hour;
use hashbrown::{HashMap, HashSet};

/// Reports of an hour, and which share of the provider's is usual there.
#[derive(Debug, Clone, Copy, Default)]
struct Portion {
    count: f64,
    share: f64,
}

impl Portion {
    fn with(self, other: &Self) -> Self {
        Self { count: self.count + other.count, share: self.share + other.share }
    }
}

impl Scan {
    /// Learns how zones scatter from one hour of reports by cell, in which `expected`
    /// were expected of everywhere: as if places did not exist of which an outage
    /// explains the reports.
    pub fn learn(
        &mut self,
        hour: Hour,
        reports: &[(Cell, f64)],
        expected: f64,
        explained: &Explained,
        parameters: &Parameters,
    ) {
        let (part, block_ends, bursts) =
            (part_of(hour), hour.0.rem_euclid(4) == 3, self.bursting.each);
        let known = self.known();
        self.hear_of(reports);
        let whole: f64 = reports.iter().map(|(_, n)| n).sum();
        let counts = self.counts_of(reports);
        let left_out = self.explained_of(&counts, explained, part);
        let all_left_out = left_out[0].iter().fold(Portion::default(), Portion::with);
        let (rest, rest_expected) =
            (whole - all_left_out.count, (1.0 - all_left_out.share).max(0.0) * expected);
        for (level, known) in known.into_iter().enumerate() {
            let places = &mut self.levels[level];
            let mut portions = portions_of(places, &counts[level], part);
            // Who is first heard of in this hour was not expected.
            portions[known..].fill(Portion::default());
            for place in 0..known {
                let (mut all, mut out) = (Portion::default(), Portion::default());
                for steps in 0..places.spread[place].len() {
                    let ring = places.ring(place as u32, steps);
                    all = ring.iter().fold(all, |sum, near| sum.with(&portions[*near as usize]));
                    if !left_out[level].is_empty() {
                        let known = ring.iter().filter(|near| (**near as usize) < known);
                        out =
                            known.fold(out, |sum, near| sum.with(&left_out[level][*near as usize]));
                    }
                    let (count, mean) =
                        (all.count - out.count, (all.share - out.share).max(0.0) * expected);
                    let usual = corrected(count, mean, rest, rest_expected, parameters);
                    places.spread[place][steps].learn(
                        count,
                        usual.expected,
                        usual.unsure,
                        bursts,
                        block_ends,
                    );
                }
            }
        }
        self.spread.learn(rest, rest_expected, 0.0, bursts, block_ends);
        // What an outage brings is no burst. Up to that ratio the rest of the map is
        // heard, and more is expected.
        if whole <= REST_RANGE.1 * expected + 2.0 * FEW_IN_BURSTS {
            self.learn_bursts(&counts[LEVELS - 1], part, (whole, expected), parameters);
        }
    }

    /// Makes places of cells that are first heard of in these reports: where calls are
    /// few most come from such a cell, and they are bursts as well.
    fn hear_of(&mut self, reports: &[(Cell, f64)]) {
        for (cell, _) in reports.iter().filter(|(cell, _)| cell.resolution() == Resolution::HOURLY)
        {
            self.place(*cell);
        }
    }

    /// Learns how reports come in bursts from an hour's counts of the finest places: of
    /// all that were heard of, where it was quiet around.
    fn learn_bursts(
        &mut self,
        counts: &[f64],
        part: usize,
        (whole, expected): (f64, f64),
        parameters: &Parameters,
    ) {
        let places = &self.levels[LEVELS - 1];
        let is_heard_of = |place: usize| 0.0 < counts[place] || 0.0 < places.learnt[place];
        let portions = portions_of(places, counts, part);
        let crowded = crowded(places, counts, FEW_IN_BURSTS);
        for place in (0..counts.len()).filter(|place| is_heard_of(*place)) {
            if crowded.contains(&(place as u32)) {
                let near = places
                    .near(place as u32, STEPS)
                    .iter()
                    .map(|near| *near as usize)
                    .filter(|near| is_heard_of(*near));
                let around = near.fold(Portion::default(), |sum, near| sum.with(&portions[near]));
                if is_disturbed(around.count, around.share * expected, FEW_IN_BURSTS) {
                    continue;
                }
            }
            let alone = portions[place];
            let usual = corrected(alone.count, alone.share * expected, whole, expected, parameters);
            self.bursts.learn(alone.count, usual.expected, parameters);
        }
        self.bursting = self.bursts.bursting(parameters);
    }

    /// Reports by place, of each level.
    fn counts_of(&self, reports: &[(Cell, f64)]) -> [Vec<f64>; LEVELS] {
        std::array::from_fn(|level| {
            let (places, resolution) = (&self.levels[level], Resolution::ALL[level]);
            let mut counts = vec![0.0; places.len()];
            for (cell, n) in reports.iter().filter(|(cell, _)| resolution <= cell.resolution()) {
                if let Some(place) = places.find(cell.rolled_up_to(resolution)) {
                    counts[place as usize] += n;
                }
            }
            counts
        })
    }

    /// What of these reports is explained, and of which share of the provider's, by
    /// place, of each level; empty where nothing is.
    fn explained_of(
        &self,
        counts: &[Vec<f64>; LEVELS],
        explained: &Explained,
        part: usize,
    ) -> [Vec<Portion>; LEVELS] {
        let mut of_levels: [Vec<Portion>; LEVELS] = Default::default();
        if !explained.is_somewhere() {
            return of_levels;
        }
        let mut within: Vec<Portion> = vec![Portion::default(); self.levels[LEVELS - 1].len()];
        for level in (0..LEVELS).rev() {
            let places = &self.levels[level];
            for (place, _) in
                places.cells.iter().enumerate().filter(|(_, cell)| explained.holds(**cell))
            {
                within[place] = Portion {
                    count: counts[level][place],
                    share: places.shares[place][part].into(),
                };
            }
            let coarser = level.checked_sub(1).map_or(0, |coarser| self.levels[coarser].len());
            let mut around = vec![Portion::default(); coarser];
            for (portion, parent) in within.iter().zip(&places.parents).filter(|_| level > 0) {
                around[*parent as usize] = around[*parent as usize].with(portion);
            }
            of_levels[level] = std::mem::replace(&mut within, around);
        }
        of_levels
    }
}

/// Of each place, its reports and its share in a part of the day.
fn portions_of(places: &Places, counts: &[f64], part: usize) -> Vec<Portion> {
    counts
        .iter()
        .zip(&places.shares)
        .map(|(count, shares)| Portion { count: *count, share: shares[part].into() })
        .collect()
}

/// The places around which more than so many reports lie: few, so it is asked of those
/// that have reports.
fn crowded(places: &Places, counts: &[f64], few: f64) -> HashSet<u32> {
    let mut around = HashMap::<u32, f64>::new();
    for (place, count) in counts.iter().enumerate().filter(|(_, count)| 0.0 < **count) {
        for near in places.near(place as u32, STEPS) {
            *around.entry(*near).or_default() += count;
        }
    }
    around.into_iter().filter(|(_, count)| few < *count).map(|(place, _)| place).collect()
}

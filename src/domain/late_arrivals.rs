//! Which arrivals are those of late reports that were observed in an interval. A fact of
//! an arrival does not say when its report was observed; its key and its time leave few
//! candidates, and of those it takes the earliest that fits.

use super::fact::{FactKey, Lane, Tally};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

/// A fact and its time, in minutes or in hours.
pub type TimedFact = (i64, FactKey, Tally);

/// The arrivals of late reports, sorted by time and key.
///
/// `observed` are facts of the lane [`Lane::LateObserved`], `arrived` those of
/// [`Lane::LateArrived`]; facts of other lanes are passed over. A report came at least
/// and at most `lag` after it was observed.
///
/// Of each key the reports are taken in the order in which they were observed, and each
/// gets the earliest arrival that nobody has and that fits: as many as can be matched are
/// matched, since whoever was observed earlier may not arrive later than all others could
/// (a greedy matching of a convex bipartite graph: Glover 1967). Where all late reports of
/// a key are in `observed`, all its arrivals are given; where none is, none. Else the
/// numbers are exact, and which minute an arrival is taken from may not be. A reporter's
/// first reports are matched among themselves.
#[must_use]
pub fn arrivals_of(
    observed: impl IntoIterator<Item = TimedFact>,
    arrived: impl IntoIterator<Item = TimedFact>,
    lag: &RangeInclusive<i64>,
) -> Vec<TimedFact> {
    let mut by_key: HashMap<FactKey, Reports> = HashMap::new();
    for (time, key, tally) in observed {
        if key.lane() == Lane::LateObserved {
            by_key.entry(key.in_lane(Lane::LateArrived)).or_default().observed.push((time, tally));
        }
    }
    for (time, key, tally) in arrived {
        // Of keys that nobody observed in the interval, nothing is taken.
        if let Some(reports) = by_key.get_mut(&key) {
            reports.arrived.push((time, tally));
        }
    }
    let mut taken: Vec<TimedFact> = by_key
        .into_iter()
        .flat_map(|(key, reports)| {
            reports.matched(lag).into_iter().map(move |(time, tally)| (time, key, tally))
        })
        .collect();
    taken.sort_unstable_by_key(|(time, key, _)| (*time, *key));
    taken
}

/// Late reports of one key.
#[derive(Debug, Default)]
struct Reports {
    observed: Vec<(i64, Tally)>,
    arrived: Vec<(i64, Tally)>,
}

impl Reports {
    fn matched(mut self, lag: &RangeInclusive<i64>) -> BTreeMap<i64, Tally> {
        self.observed.sort_unstable_by_key(|(time, _)| *time);
        self.arrived.sort_unstable_by_key(|(time, _)| *time);
        let mut taken: BTreeMap<i64, Tally> = BTreeMap::new();
        for (time, first) in self.taken(lag, |tally| tally.first) {
            let of_time = taken.entry(time).or_default();
            *of_time = of_time.plus(Tally { count: first, first });
        }
        for (time, count) in self.taken(lag, |tally| tally.count.saturating_sub(tally.first)) {
            let of_time = taken.entry(time).or_default();
            *of_time = of_time.plus(Tally { count, first: 0 });
        }
        taken
    }

    /// How many arrivals are taken of which time, of those reports that `number` counts.
    fn taken(&self, lag: &RangeInclusive<i64>, number: impl Fn(&Tally) -> u32) -> Vec<(i64, u32)> {
        let (mut taken, mut next) = (Vec::new(), 0);
        let mut left = self.arrived.first().map_or(0, |(_, tally)| number(tally));
        for (observed, tally) in &self.observed {
            let mut wanted = number(tally);
            while let Some((arrived, _)) = self.arrived.get(next).filter(|_| 0 < wanted) {
                if observed + lag.end() < *arrived {
                    break;
                }
                let fits = observed + lag.start() <= *arrived;
                let some = if fits { wanted.min(left) } else { 0 };
                if 0 < some {
                    taken.push((*arrived, some));
                }
                (wanted, left) = (wanted - some, left - some);
                // What is too early for this one is too early for all that follow.
                if !fits || left == 0 {
                    next += 1;
                    left = self.arrived.get(next).map_or(0, |(_, tally)| number(tally));
                }
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::Source;
    use crate::domain::grid::{Cell, Position, Resolution};
    use crate::domain::symptom::Symptom;
    use proptest::prelude::*;

    const LAG: RangeInclusive<i64> = 5..=100;

    fn key(place: u8, lane: Lane) -> FactKey {
        let cell = Cell::at(Position::new(f64::from(place), 2.0).unwrap(), Resolution::FINEST);
        FactKey::new(cell, Symptom::NoData, lane, Source(7))
    }

    fn row(time: i64, lane: Lane, count: u32, first: u32) -> TimedFact {
        (time, key(1, lane), Tally { count, first })
    }

    /// What is taken of the arrivals: minute, count, first.
    fn taken(observed: &[(i64, u32, u32)], arrived: &[(i64, u32, u32)]) -> Vec<(i64, u32, u32)> {
        let facts = |rows: &[(i64, u32, u32)], lane| {
            let facts =
                rows.iter().map(move |(time, count, first)| row(*time, lane, *count, *first));
            facts.collect::<Vec<_>>()
        };
        let observed = facts(observed, Lane::LateObserved);
        let taken = arrivals_of(observed, facts(arrived, Lane::LateArrived), &LAG);
        taken.into_iter().map(|(time, _, tally)| (time, tally.count, tally.first)).collect()
    }

    #[test]
    fn each_late_report_takes_the_earliest_arrival_that_fits() {
        type Rows = &'static [(i64, u32, u32)];
        let rows: [(Rows, Rows, Rows); 9] = [
            (&[], &[(10, 3, 0)], &[]),
            (&[(0, 3, 0)], &[], &[]),
            (&[(0, 3, 0)], &[(10, 2, 0), (20, 2, 0)], &[(10, 2, 0), (20, 1, 0)]),
            // Too early, and too late.
            (&[(0, 1, 0)], &[(4, 1, 0), (5, 1, 0)], &[(5, 1, 0)]),
            (&[(0, 1, 0)], &[(101, 1, 0)], &[]),
            (&[(0, 1, 0), (10, 1, 0)], &[(105, 1, 0)], &[(105, 1, 0)]),
            // What is too early for one that was observed later is left for nobody.
            (
                &[(0, 1, 0), (50, 1, 0)],
                &[(10, 1, 0), (20, 1, 0), (60, 1, 0)],
                &[(10, 1, 0), (60, 1, 0)],
            ),
            // First reports are matched among themselves.
            (&[(0, 2, 1)], &[(10, 1, 0), (20, 1, 1), (30, 1, 0)], &[(10, 1, 0), (20, 1, 1)]),
            // Unsorted, and one minute in several rows.
            (
                &[(9, 1, 0), (0, 1, 0)],
                &[(30, 1, 0), (10, 1, 0), (10, 1, 0)],
                &[(10, 1, 0), (30, 1, 0)],
            ),
        ];
        for (observed, arrived, expected) in rows {
            assert_eq!(taken(observed, arrived), expected, "{observed:?} {arrived:?}");
        }
    }

    #[test]
    fn facts_of_other_lanes_and_keys_are_passed_over() {
        let observed = [row(0, Lane::OnTime, 5, 0), row(1, Lane::LateObserved, 1, 0)];
        let elsewhere = (10, key(2, Lane::LateArrived), Tally { count: 9, first: 0 });
        let arrived = [elsewhere, row(10, Lane::OnTime, 4, 0), row(11, Lane::LateArrived, 4, 0)];
        assert_eq!(arrivals_of(observed, arrived, &LAG), [row(11, Lane::LateArrived, 1, 0)]);
    }

    /// A late report: where, when it was observed, how much later it came, whether it was
    /// its reporter's first.
    fn late_report() -> impl Strategy<Value = (u8, i64, i64, bool)> {
        (0_u8..3, 0_i64..200, LAG, prop::bool::ANY)
    }

    fn sum(facts: &[TimedFact]) -> Tally {
        facts.iter().fold(Tally::default(), |sum, (_, _, tally)| sum.plus(*tally))
    }

    proptest! {
        #[test]
        fn as_many_leave_one_lane_as_the_other_and_all_of_them_where_all_are_observed_there(
            reports in prop::collection::vec(late_report(), 0..60),
            from in 0_i64..200,
            minutes in 1_i64..200,
        ) {
            let one = |first: bool| Tally { count: 1, first: u32::from(first) };
            let facts = |lane: Lane| {
                reports.iter().map(move |(place, observed, lag, first)| {
                    let time = if lane == Lane::LateArrived { observed + lag } else { *observed };
                    (time, key(*place, lane), one(*first))
                })
            };
            let window = from..from + minutes;
            let inside: Vec<TimedFact> =
                facts(Lane::LateObserved).filter(|(time, ..)| window.contains(time)).collect();
            let taken = arrivals_of(inside.clone(), facts(Lane::LateArrived), &LAG);
            // In all, and of each key.
            prop_assert_eq!(sum(&taken), sum(&inside));
            for place in 0..3 {
                let of_place = |facts: &[TimedFact], lane| {
                    let own = facts.iter().filter(|(_, of, _)| *of == key(place, lane)).copied();
                    own.collect::<Vec<_>>()
                };
                let inside = of_place(&inside, Lane::LateObserved);
                let taken = of_place(&taken, Lane::LateArrived);
                prop_assert_eq!(sum(&taken), sum(&inside));
                let came: Vec<TimedFact> = facts(Lane::LateArrived).collect();
                let all = of_place(&came, Lane::LateArrived);
                if sum(&inside) == sum(&all) {
                    // All were observed inside: what is taken is what came, minute by minute.
                    let mut minutes: BTreeMap<i64, Tally> = BTreeMap::new();
                    for (time, _, tally) in all {
                        let minute = minutes.entry(time).or_default();
                        *minute = minute.plus(tally);
                    }
                    let taken: BTreeMap<i64, Tally> =
                        taken.into_iter().map(|(time, _, tally)| (time, tally)).collect();
                    prop_assert_eq!(taken, minutes);
                }
            }
        }

        #[test]
        fn no_more_is_taken_of_an_arrival_than_came(
            observed in prop::collection::vec((0_i64..50, 0_u32..4, 0_u32..4), 0..20),
            arrived in prop::collection::vec((0_i64..150, 0_u32..4, 0_u32..4), 0..20),
        ) {
            let facts = |rows: &[(i64, u32, u32)], lane| {
                let facts = rows.iter().map(|(time, again, first)| {
                    row(*time, lane, again + first, *first)
                });
                facts.collect::<Vec<_>>()
            };
            let arrivals = facts(&arrived, Lane::LateArrived);
            let taken = arrivals_of(facts(&observed, Lane::LateObserved), arrivals.clone(), &LAG);
            for (time, _, tally) in taken {
                let came = arrivals.iter().filter(|(at, ..)| *at == time).copied();
                let came = sum(&came.collect::<Vec<_>>());
                prop_assert!(
                    tally.first <= came.first
                        && tally.count - tally.first <= came.count - came.first
                );
            }
        }
    }
}

//! A provider in a time in which nothing is wrong: reports by chance alone, at a rate
//! that follows the day and the week.

use super::cities::Cities;
use super::crowd::accuracy_m;
use super::traffic::{Minutes, observed_before};
use fastrand::Rng;
use groundswell::domain::counts::Counts;
use groundswell::domain::detect::REREAD_MINUTES;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::local_clock::LocalClock;
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{Hour, Minute};
use groundswell::engine::local_clocks::clock_of;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How usual reports are in each hour of the local day, in thousandths of the day's.
const HOURS: [u32; 24] =
    [14, 9, 6, 5, 6, 11, 21, 34, 44, 49, 50, 51, 52, 51, 50, 50, 53, 60, 71, 78, 82, 72, 50, 31];
/// Everybody lives by this clock.
pub const ZONE: &str = "America/New_York";
/// On Saturdays and Sundays so many for each of another day.
const WEEKEND: f64 = 0.75;
/// Local hours of an evening, and the standard deviation of the logarithm of what a
/// restless evening brings for each usual report.
const EVENING: std::ops::Range<i64> = 18..23;
const RESTLESS: f64 = 0.3;
/// Of a hundred reports so many come late.
const LATE: u8 = 3;

/// One provider, and what was reported of it.
#[derive(Debug, Clone)]
pub struct Quiet {
    random: Rng,
    cities: Cities,
    clock: LocalClock,
    /// Reports on a working day.
    pub a_day: f64,
    /// Whether its evenings are livelier or calmer than chance makes them, each as a
    /// whole.
    pub is_restless: bool,
    evening: f64,
    minutes: BTreeMap<Minute, Counts>,
    /// What is shown of them: made anew where something was added.
    shown: BTreeMap<Minute, Arc<Counts>>,
    hours: BTreeMap<Hour, Counts>,
}

impl Quiet {
    /// A provider with people in these cities.
    #[must_use]
    pub fn new(seed: u64, cities: Cities, a_day: f64, is_restless: bool) -> Self {
        let (random, minutes, shown, hours) =
            (Rng::with_seed(seed), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self {
            random,
            cities,
            clock: clock_of(ZONE),
            a_day,
            is_restless,
            evening: 1.0,
            minutes,
            shown,
            hours,
        }
    }

    /// Lets come what comes in the minute before `now`, and gives the facts that a
    /// detector wants to see at `now`.
    pub fn come(&mut self, now: Minute) -> Minutes {
        let before = now.plus(-1);
        let rate = self.rate(before);
        for _ in 0..poisson(&mut self.random, rate) {
            self.report(before);
        }
        let open = now.plus(-REREAD_MINUTES);
        self.minutes.retain(|minute, _| open <= *minute);
        self.shown.retain(|minute, _| open <= *minute);
        self.shown.iter().map(|(minute, counts)| (*minute, Arc::clone(counts))).collect()
    }

    /// The facts of an hour that is over, once.
    pub fn take_hour(&mut self, hour: Hour) -> Option<Counts> {
        self.hours.remove(&hour)
    }

    fn report(&mut self, came: Minute) {
        let is_late = self.random.u8(0..100) < LATE;
        let (lane, observed) = if is_late {
            (Lane::LateArrived, came)
        } else {
            (Lane::OnTime, came.plus(-observed_before(&mut self.random)))
        };
        let position = self.cities.somebody(&mut self.random);
        let cell =
            Cell::at(position, Resolution::supported_by(Some(accuracy_m(&mut self.random).into())));
        let key = FactKey::new(cell, Symptom::NoService, lane, Source(0));
        let key = if cell.resolution() == Resolution::FINEST {
            key.at_spot(Cell::spot_at(position))
        } else {
            key
        };
        let tally = Tally { count: 1, first: 1 };
        let minute = self.minutes.entry(observed).or_default();
        minute.add(key, tally);
        minute.settle();
        self.shown.insert(observed, Arc::new(minute.clone()));
        self.hours
            .entry(observed.hour())
            .or_default()
            .add(key.rolled_up_to(Resolution::HOURLY), tally);
    }

    fn rate(&mut self, minute: Minute) -> f64 {
        let local = minute.plus(60 * self.clock.ahead(minute.hour()));
        let (hour, day) = (local.hour().0.rem_euclid(24), local.hour().0.div_euclid(24));
        if local.0.rem_euclid(60) == 0 && hour == EVENING.start && self.is_restless {
            self.evening = (RESTLESS * normal(&mut self.random) - RESTLESS * RESTLESS / 2.0).exp();
        }
        // 1 January 1970 was a Thursday: days 2 and 3 of each week that begins so are a
        // weekend.
        let weekend = if matches!(day.rem_euclid(7), 2 | 3) { WEEKEND } else { 1.0 };
        let evening = if EVENING.contains(&hour) { self.evening } else { 1.0 };
        let share = f64::from(HOURS[hour as usize]) / f64::from(HOURS.iter().sum::<u32>());
        self.a_day * share / 60.0 * weekend * evening
    }
}

/// A Poisson number (Knuth 1969, section 3.4.1): good for means up to a few hundred.
fn poisson(random: &mut Rng, mean: f64) -> u32 {
    let (least, mut product, mut n) = ((-mean).exp(), random.f64(), 0);
    while product > least {
        product *= random.f64();
        n += 1;
    }
    n
}

/// A normal number (Box and Muller 1958).
fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

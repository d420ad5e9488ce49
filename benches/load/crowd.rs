//! The people who report: a seeded stream of reports in which everybody is new.

use super::cities::Cities;
use super::report::Report;
use fastrand::Rng;
use groundswell::domain::time::Timestamp;

/// How far back the reports of a crowd were observed, in seconds: all on time, over a few
/// minutes.
const OBSERVED_WITHIN_S: i64 = 180;

/// An endless stream of reporters, the same for the same seed.
#[derive(Debug, Clone)]
pub struct Crowd {
    random: Rng,
    cities: Cities,
    reporters: u64,
}

impl Crowd {
    /// People of these cities. Two crowds with different seeds share no reporter.
    #[must_use]
    pub fn new(seed: u32, cities: Cities) -> Self {
        Self { random: Rng::with_seed(u64::from(seed)), cities, reporters: u64::from(seed) << 32 }
    }

    /// The next one's report, observed shortly before `now`.
    pub fn report(&mut self, now: Timestamp) -> Report {
        self.reporters += 1;
        Report {
            provider: "rogers",
            position: self.cities.somebody(&mut self.random),
            accuracy_m: accuracy_m(&mut self.random),
            observed_at: Some(now.plus_ms(-1_000 * self.random.i64(0..OBSERVED_WITHIN_S))),
            reporter: self.reporters,
        }
    }
}

/// An accuracy as phones tell it: three of four well within a cell of the finest
/// resolution, the rest by the radio mast only.
pub fn accuracy_m(random: &mut Rng) -> u32 {
    match random.u8(0..20) {
        0..15 => random.u32(5..200),
        15..18 => random.u32(300..1_000),
        _ => random.u32(1_000..3_000),
    }
}

/// This machine's clock.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

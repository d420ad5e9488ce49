//! A day of one large outage, squeezed: how many report when, of whom, from where.

use super::cities::Cities;
use super::crowd::accuracy_m;
use super::report::Report;
use fastrand::Rng;
use groundswell::domain::grid::Position;
use groundswell::domain::time::{HOUR_MS, Timestamp};

/// The provider that is down. It has nine reports of ten.
pub const DOWN: &str = "rogers";
/// Those who are taken for it, or suffer with it.
const OTHERS: [&str; 5] = ["fido", "bell", "telus", "freedom", "videotron"];
/// The day is squeezed into this, so that all of it stays in memory and none is too old.
const SQUEEZED_MS: i64 = 6 * HOUR_MS;
/// Reporters by the hour, in thousandths of the day's: a core network fails at 4:44, and
/// those who wake up find out.
const HOURS: [u32; 24] =
    [1, 1, 1, 1, 12, 45, 90, 120, 115, 100, 85, 72, 65, 55, 48, 42, 38, 33, 27, 20, 14, 8, 5, 2];

/// An endless stream of new reporters, the same for the same seed and end of day.
#[derive(Debug, Clone)]
pub struct Day {
    random: Rng,
    reporters: u64,
    scene: Scene,
}

/// Where and when they report.
#[derive(Debug, Clone)]
pub enum Scene {
    /// From all over these cities, over the day that ends then.
    Outage(Cities, Timestamp),
    /// All from one place, about what happens as they report.
    OnePlace(Position),
}

impl Day {
    /// A day of that scene.
    #[must_use]
    pub fn new(seed: u32, scene: Scene) -> Self {
        Self { random: Rng::with_seed(u64::from(seed)), reporters: u64::from(seed) << 32, scene }
    }

    fn report(&mut self) -> Report {
        self.reporters += 1;
        let random = &mut self.random;
        let provider =
            if random.u8(0..10) < 9 { DOWN } else { OTHERS[random.usize(0..OTHERS.len())] };
        let (position, accuracy_m, observed_at) = match &self.scene {
            Scene::Outage(cities, end) => {
                (cities.somebody(random), accuracy_m(random), Some(moment(random, *end)))
            }
            Scene::OnePlace(position) => (*position, 50, None),
        };
        Report { provider, position, accuracy_m, observed_at, reporter: self.reporters }
    }
}

impl Iterator for Day {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        Some(self.report())
    }
}

/// When somebody noticed: an hour by how many report in it, any moment of it, squeezed.
fn moment(random: &mut Rng, end: Timestamp) -> Timestamp {
    let mut drawn = random.u32(0..HOURS.iter().sum());
    let mut hour = 0;
    while drawn >= HOURS[hour] {
        drawn -= HOURS[hour];
        hour += 1;
    }
    let of_the_day = (hour as f64 + random.f64()) / HOURS.len() as f64;
    end.plus_ms(-SQUEEZED_MS + (of_the_day * SQUEEZED_MS as f64) as i64)
}

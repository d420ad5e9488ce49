//! The town of the small set, and what its people report on quiet days.

use super::super::crowd::{Awake, Crowd};
use super::super::draw::{chance, place, poisson, wait};
use super::super::homes::{Homes, RURAL, km_between};
use super::super::mix::accuracy_m;
use super::super::report::Report;
use super::super::scenario::Within;
use super::super::week::STEP_MS;
use super::events::NEW;
use fastrand::Rng;
use groundswell::domain::grid::Position;
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use std::ops::Range;

/// Providers, and how many reports a day each has.
pub const PROVIDERS: [(&str, f64); 3] = [("alpha", 680.0), ("bravo", 290.0), ("charlie", 90.0)];
/// The same of the provider without a history, from this hour of the stream on.
pub const NEW_A_DAY: f64 = 300.0;
pub const NEW_AFTER_MS: i64 = 5 * HOUR_MS;
const DAY_STEPS: f64 = (24 * HOUR_MS / STEP_MS) as f64;
const WITHIN: Within =
    Within::Metro { country: "US", admin1: "NY", city: "New York City", km: 48.0 };
/// Share of reports that come late, and how late.
const LATE: f64 = 0.03;
pub const LATE_MS: Range<i64> = 6 * MINUTE_MS..HOUR_MS;
const NOTICED_MS: f64 = 20_000.0;
const MOST_NOTICED_MS: f64 = 4.0 * MINUTE_MS as f64;
/// Share of reporters who report again, and after what time on average.
const AGAIN: f64 = 0.06;
const AGAIN_AFTER_MS: f64 = 8.0 * MINUTE_MS as f64;
/// A position in an area is drawn so many times before it is taken anywhere in it.
const TRIES: usize = 60;
const EARTH_KM: f64 = 6_371.0;

/// A town whose people report.
#[derive(Debug)]
pub struct Town {
    crowd: Crowd,
    homes: Homes,
}

impl Town {
    /// The town of the set.
    pub fn new() -> Self {
        Self { crowd: Crowd::of(&WITHIN), homes: Homes::new() }
    }

    /// Reports of quiet days that are noticed within an interval, in no order; those of
    /// the provider without a history begin somewhat later.
    pub fn quiet(
        &self,
        noticed: &Range<Timestamp>,
        newcomers: &[&'static str],
        rng: &mut Rng,
    ) -> Vec<Report> {
        let mut reports = Vec::new();
        let newcomers = newcomers.iter().map(|id| (*id, NEW_A_DAY));
        for (provider, a_day) in PROVIDERS.into_iter().chain(newcomers) {
            // Chance of its own, so that no provider changes the others.
            let mut rng = chance(rng.u64(..), 0);
            let first = if provider == NEW { NEW_AFTER_MS } else { 0 };
            let mut at = noticed.start.plus_ms(first);
            while at < noticed.end {
                let awake = self.crowd.awake(at);
                for _ in 0..poisson(&mut rng, a_day / DAY_STEPS * awake.level) {
                    let received = at.plus_ms(rng.i64(0..STEP_MS));
                    let position = |accuracy, rng: &mut Rng| self.anywhere(&awake, accuracy, rng);
                    let report = reported(provider, received, position, &mut rng);
                    send(report, &mut rng, &mut reports);
                }
                at = at.plus_ms(STEP_MS);
            }
        }
        reports
    }

    /// Where somebody of the town is, as a phone of that accuracy says.
    pub fn anywhere(&self, awake: &Awake, accuracy_m: Option<f64>, rng: &mut Rng) -> Position {
        let is_rural = rng.f64() < RURAL;
        let city =
            if is_rural { self.crowd.any_city(awake, rng) } else { self.crowd.city(awake, rng) };
        self.homes.stand(city, is_rural, accuracy_m, rng)
    }

    /// Where somebody in an area is: where people live, if any do.
    pub fn within(&self, at: Timestamp, area: (Position, f64), rng: &mut Rng) -> Position {
        let (centre, radius_km) = area;
        let awake = self.crowd.awake(at);
        let lives = (0..TRIES)
            .map(|_| self.anywhere(&awake, None, rng))
            .find(|home| km_between(*home, centre) <= radius_km);
        lives.unwrap_or_else(|| in_disc(centre, radius_km, rng))
    }

    /// One of the providers with a history, as often as it is reported about.
    pub fn provider(rng: &mut Rng) -> &'static str {
        let running = super::super::draw::running(PROVIDERS.map(|(_, a_day)| a_day));
        PROVIDERS[place(rng, &running)].0
    }
}

/// A report that is received at an instant, mostly soon after it was noticed.
fn reported(
    provider: &'static str,
    received: Timestamp,
    position: impl Fn(Option<f64>, &mut Rng) -> Position,
    rng: &mut Rng,
) -> Report {
    let is_late = rng.f64() < LATE;
    let delay_ms = if is_late { rng.i64(LATE_MS) } else { noticed_before_ms(rng) };
    let accuracy_m = accuracy_m(rng);
    Report {
        received_at: received,
        observed_at: received.plus_ms(-delay_ms),
        provider,
        symptom: Symptom::NoService,
        position: position(accuracy_m, rng),
        accuracy_m,
        reporter: rng.u64(..),
    }
}

/// From noticing to a report that comes in time, in milliseconds.
pub fn noticed_before_ms(rng: &mut Rng) -> i64 {
    wait(rng, NOTICED_MS).min(MOST_NOTICED_MS) as i64
}

/// Adds a report, and now and then the same person's second one.
pub fn send(report: Report, rng: &mut Rng, reports: &mut Vec<Report>) {
    reports.push(report);
    if rng.f64() < AGAIN {
        let again = report.received_at.plus_ms(wait(rng, AGAIN_AFTER_MS) as i64);
        reports.push(Report { received_at: again, observed_at: again.plus_ms(-5_000), ..report });
    }
}

/// Anywhere within a disc, evenly.
pub fn in_disc(centre: Position, radius_km: f64, rng: &mut Rng) -> Position {
    let (km, bearing) = (radius_km * rng.f64().sqrt(), std::f64::consts::TAU * rng.f64());
    let lat = centre.lat() + (km * bearing.cos() / EARTH_KM).to_degrees();
    let lon = centre.lon()
        + (km * bearing.sin() / (EARTH_KM * centre.lat().to_radians().cos())).to_degrees();
    Position::new(lat, lon).expect("the town lies far from the poles and the antimeridian")
}

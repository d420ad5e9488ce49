//! A quiet past of three weeks: what detectors must have learnt before they can tell an
//! outage from any evening.

use super::{NOW, TORONTO, VANCOUVER, instant};
use groundswell::domain::fact::Source;
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::provider::ProviderIndex;
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Identity, Reporter};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::Minute;
use groundswell::store::Store;
use serde_json::{Value, json};

const DAYS: i64 = 21;
/// Providers of the catalogue that are heard of: Alpha and Bravo, which ride on one
/// network, and Charlie. Of the others nothing is known.
pub const HEARD_OF: u16 = 3;
const REPORTS_A_DAY: i64 = 120;
const MONTREAL: (f64, f64) = (45.5019, -73.5674);
const OTTAWA: (f64, f64) = (45.4215, -75.6972);
const HALIFAX: (f64, f64) = (44.6488, -63.5752);
const CITIES: [(f64, f64); 5] = [TORONTO, VANCOUVER, MONTREAL, OTTAWA, HALIFAX];
const SPREAD_DEGREES: f64 = 0.05;

/// Records it, up to [`NOW`].
pub fn quiet_past(store: &Store) {
    let (now, mut random) = (instant(NOW).minute(), fastrand::Rng::with_seed(8));
    let reports: Vec<Report> = (0..DAYS * REPORTS_A_DAY * i64::from(HEARD_OF))
        .map(|n| {
            let minute = now.plus(-1 - random.i64(0..DAYS * 24 * 60));
            let city = CITIES[random.usize(0..CITIES.len())];
            recorded(n as u64, random.u16(0..HEARD_OF), minute, around(city, &mut random))
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert!(store.record(&reports).await.iter().all(Result::is_ok));
        store.mark_live(now.plus(-DAYS * 24 * 60)..now).await.unwrap();
        store.tidy(now.start()).await.unwrap();
    });
}

/// So many reports of a provider from all over a city, each of somebody else, as a batch.
pub fn outage(provider: &str, city: (f64, f64), reports: usize, seed: u64) -> Vec<Value> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut report = || {
        let at = around(city, &mut random);
        json!({
            "provider": provider, "symptom": "no_service", "lat": at.lat(), "lon": at.lon(),
            "accuracy_m": 35,
            "reporter_id": format!("{:016x}", random.u64(..)),
        })
    };
    (0..reports).map(|_| report()).collect()
}

/// Somewhere in a city.
pub fn around((lat, lon): (f64, f64), random: &mut fastrand::Rng) -> Position {
    let mut aside = || (random.f64() - 0.5) * SPREAD_DEGREES;
    let (lat, lon) = (lat + aside(), lon + aside());
    Position::new(lat, if lon > 180.0 { lon - 360.0 } else { lon }).unwrap()
}

/// A report that was on time, of one of the providers by their order.
pub fn recorded(reporter: u64, provider: u16, minute: Minute, position: Position) -> Report {
    Report {
        provider: ProviderIndex(provider),
        symptom: Symptom::NoService,
        cell: Cell::at(position, Resolution::FINEST),
        spot: Cell::spot_at(position),
        reporter: Reporter { hash: reporter, slot: 0, identity: Identity::Own },
        source: Source(0),
        observed: Observed { minute, arrived: minute, late: false },
    }
}

//! A store without a server around it: reports of Alpha recorded into it at once, and
//! what is then there.

use super::{NOW, TORONTO, cell, instant};
use groundswell::domain::fact::{Source, Tally};
use groundswell::domain::grid::Spot;
use groundswell::domain::provider::ProviderIndex;
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Identity, Reporter};
use groundswell::domain::symptom::Symptom;
use groundswell::store::{Recorded, Store, StoreError};

pub const ALPHA: ProviderIndex = ProviderIndex(0);

/// A report of Alpha by the reporter of that number, at one of fifty places.
pub fn report(n: u64) -> Report {
    let minute = instant(NOW).minute();
    Report {
        provider: ALPHA,
        symptom: Symptom::NoService,
        cell: cell((f64::from((n % 50) as u32) * 0.01, TORONTO.1), 8),
        spot: Spot::Unknown,
        reporter: Reporter {
            hash: n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            slot: 4,
            identity: Identity::Own,
        },
        source: Source(0),
        observed: Observed { minute, arrived: minute, late: false },
    }
}

/// Records a report of each of these reporters. Gives how many count.
pub fn record(store: &Store, reporters: std::ops::Range<u64>) -> Result<u64, String> {
    let outcomes = wait(store.record(&reporters.map(report).collect::<Vec<_>>()));
    let outcomes: Result<Vec<Recorded>, StoreError> = outcomes.into_iter().collect();
    let counted = |outcomes: Vec<Recorded>| {
        outcomes.into_iter().filter(|outcome| *outcome == Recorded::Counted).count() as u64
    };
    outcomes.map(counted).map_err(|error| error.to_string())
}

/// How many reports of Alpha the last minutes have.
pub fn total(store: &Store) -> u64 {
    let minute = instant(NOW).minute();
    let minutes = wait(store.minutes(ALPHA, minute.plus(-15)..minute.plus(1))).unwrap();
    let sum = minutes
        .iter()
        .flat_map(|(_, counts)| counts.rows())
        .map(|(_, tally)| tally)
        .fold(Tally::default(), Tally::plus);
    u64::from(sum.count)
}

/// Waits for an answer of the store.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

//! What does an append to the journal cost, by how many incidents there are already?
//!
//! A register of so many incidents is held by a reader while one revision more is taken,
//! as after each append: a copy takes the entry, then replaces what was there. The
//! revisions are those of a long past: every incident has three, and its own episode.

mod load;

use groundswell::domain::detect::episode::Evidence;
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::incident::entry::Entry;
use groundswell::domain::incident::register::Register;
use groundswell::domain::incident::{Brand, Incident, IncidentId, Method, State};
use groundswell::domain::time::{Minute, Timestamp, Window};
use load::machine::thread_cpu_seconds;
use load::sheet;
use load::task::{Options, Task};
use std::sync::Arc;

/// Incidents before.
const SIZES: [u64; 3] = [100, 10_000, 100_000];
/// Revisions of each.
const REVISIONS: u32 = 3;
/// Begin so many minutes after one another.
const APART_MINUTES: i64 = 20;
const BEGIN: Minute = Minute(28_000_000);

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        measure(options);
    }
    Ok(())
}

fn measure(options: Options) {
    let appends = options.pick(20, 1_000);
    let rows = SIZES.map(|size| {
        let mut register = Register::default();
        for number in 0..size {
            for revision in 0..REVISIONS {
                register.take(Some(entry(number, revision)));
            }
        }
        let mut read = Arc::new(register);
        let began = thread_cpu_seconds();
        for number in size..size + appends as u64 {
            let reader = Arc::clone(&read);
            let mut register = (*reader).clone();
            register.take(Some(entry(number, 0)));
            read = Arc::new(register);
        }
        let each_us = 1e6 * (thread_cpu_seconds() - began) / f64::from(appends);
        [sheet::thousands(size as f64), format!("{each_us:.1}")]
    });
    sheet::title("Appending to the journal");
    sheet::table(["incidents before", "µs of CPU an append"], &rows);
}

/// A revision of an incident of one provider in a hundred.
fn entry(number: u64, revision: u32) -> Entry {
    let minute = BEGIN.plus(number as i64 * APART_MINUTES);
    let known_at = minute.plus(10 + i64::from(revision)).start();
    let provider = format!("p{:02}", number % 100);
    let at = Position::new(43.7, -79.4).expect("a place on Earth");
    let cell = Cell::at(at, Resolution::ALL[6]);
    let brand = Brand {
        provider: provider.clone(),
        episodes: vec![number],
        state: State::Confirmed,
        detected_at: minute.start(),
        onset: minute.start(),
        resolved_at: None,
        evidence: Evidence {
            centre: Some(cell),
            ring: 1,
            window: Window { from: minute, to: minute.plus(10) },
            late_only: false,
            observed: 12.0,
            expected: 1.0,
            dispersion: 0.05,
            score: 7.0,
        }
        .into(),
    };
    Entry::Revision(Arc::new(Incident {
        id: IncidentId::of(&provider, &provider, number, None),
        revision,
        known_at,
        network: provider,
        state: if revision + 1 < REVISIONS { State::Confirmed } else { State::Resolved },
        detected_at: Timestamp(minute.start().0),
        onset: minute.start(),
        resolved_at: None,
        ending: None,
        everywhere: false,
        cells: Arc::new([cell]),
        brands: vec![brand],
        figures: groundswell::domain::incident::figures::Figures::default(),
        attributions: Vec::new(),
        cause: None,
        method: Method { version: "bench".to_owned(), parameters: 0, catalogue: 0 },
        naming: None,
    }))
}

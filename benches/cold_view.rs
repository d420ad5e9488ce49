//! How long does a view take that nobody asked for yet, and does it grow at most linearly
//! with the active cells?
//!
//! In this process, without a server: from the counts of fifteen minutes to a sorted
//! view, its level for the map, and the first box. And the same view as the public sees it,
//! once it is known which cells are shown.

mod load;

use fastrand::Rng;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::Resolution;
use groundswell::domain::privacy::epoch::EPOCH_MINUTES;
use groundswell::domain::privacy::groups::Groups;
use groundswell::domain::privacy::mass::Mass;
use groundswell::domain::privacy::rule::{LeftOut, Rule};
use groundswell::domain::region::Region;
use groundswell::domain::symptom::{Symptom, Symptoms};
use groundswell::domain::time::{Minute, Window};
use groundswell::domain::view::{Sums, View};
use load::sheet;
use load::task::{Options, Task};
use load::territory::{CONTINENT, METRO, bounding_box, distinct_cells};
use std::hint::black_box;
use std::time::Instant;

const MINUTES: i64 = 15;
/// Minutes of the window in which an active cell was reported from.
const MINUTES_PER_CELL: usize = 3;
/// How much more a cell may cost among the most than among the fewest: what the caches
/// lose on the way, and no more.
const LINEAR: f64 = 2.0;

/// How many times as long the public's view may take, from the requirements.
const PUBLIC: f64 = 1.3;

/// Times of one size, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Times {
    view: f64,
    public: f64,
    level: f64,
    first_box: f64,
}

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        measure(options);
    }
    Ok(())
}

fn measure(options: Options) {
    let sizes: &[usize] =
        options.pick(&[1_000, 10_000, 100_000], &[1_000, 10_000, 100_000, 1_000_000]);
    let (mut rows, mut ns_per_cell, mut public) = (Vec::new(), Vec::new(), Vec::new());
    for &cells in sizes {
        let times = times_of(&minutes_of(cells), options.pick(5, 21));
        let ns = (times.view + times.level) * 1e6 / cells as f64;
        rows.push([
            sheet::thousands(cells as f64),
            sheet::thousands((cells * MINUTES_PER_CELL) as f64),
            format!("{:.3}", times.view),
            format!("{:.3}", times.public),
            format!("{:.2}", times.public / times.view),
            format!("{:.3}", times.level),
            format!("{:.3}", times.first_box),
            format!("{ns:.0}"),
            ns_per_cell.last().map_or_else(String::new, |last| format!("{:.2}", ns / last)),
        ]);
        ns_per_cell.push(ns);
        public.push(times.public / times.view);
    }
    let growth = ns_per_cell[ns_per_cell.len() - 1] / ns_per_cell[0];
    let met = if growth <= LINEAR { "met" } else { "missed" };
    sheet::title("Time to build a cold view");
    sheet::table(
        [
            "cells",
            "rows",
            "view ms",
            "public ms",
            "times",
            "level 7 ms",
            "first box ms",
            "ns a cell",
            "times the last",
        ],
        &rows,
    );
    sheet::paragraph(&format!(
        "At most linear: a cell costs **{growth:.2}** times as much among the most as among the \
         fewest, target {LINEAR}: {met}."
    ));
    let most = public.iter().copied().fold(0.0, f64::max);
    let met = if most <= PUBLIC { "met" } else { "missed" };
    sheet::paragraph(&format!(
        "The public's view, of three epochs whose cells are shown where at least five people were \
         heard of, takes at most **{most:.2}** times as long, target {PUBLIC}: {met}."
    ));
    sheet::paragraph(&format!(
        "Medians. {MINUTES} minutes, every cell reported from in {MINUTES_PER_CELL} of them. Ns a \
         cell: view and level. \
         The first box computes the centres of all cells of the level."
    ));
}

/// Counts of a window's minutes with so many active cells among them. The last minute is
/// still being added to, the others have settled.
fn minutes_of(cells: usize) -> Vec<Counts> {
    let mut random = Rng::with_seed(5);
    let mut minutes = vec![Vec::new(); MINUTES as usize];
    for cell in distinct_cells(&mut random, CONTINENT, cells, |_| true) {
        let first = random.usize(0..minutes.len());
        for later in 0..MINUTES_PER_CELL {
            let minute = (first + later * 4) % minutes.len();
            let tally = Tally { count: random.u32(1..20), first: 1 };
            minutes[minute]
                .push((FactKey::new(cell, Symptom::NoService, Lane::OnTime, Source(0)), tally));
        }
    }
    let last = minutes.pop().unwrap_or_default();
    let mut counts: Vec<Counts> = minutes.into_iter().map(Counts::from_rows).collect();
    let mut running = Counts::default();
    for (key, tally) in last {
        running.add(key, tally);
    }
    counts.push(running);
    counts
}

/// The groups of each epoch, another for each: of who was heard of in these minutes, a few
/// people in each cell.
fn groups_of(minutes: &[Counts]) -> Vec<Groups> {
    let mut random = Rng::with_seed(6);
    let epochs = minutes.chunks(EPOCH_MINUTES as usize).map(|_| {
        let mut mass = Mass::default();
        let cells = minutes.iter().flat_map(Counts::rows).map(|(key, _)| key.cell());
        mass.enter(cells.map(|cell| (cell, random.u32(0..4))));
        mass.groups(Rule::default(), LeftOut::default())
    });
    epochs.collect()
}

fn times_of(minutes: &[Counts], repetitions: usize) -> Times {
    let window = Window { from: Minute(0), to: Minute(MINUTES) };
    let metro = Region::Box(bounding_box(METRO));
    let (mut view_ms, mut level_ms, mut box_ms) = (Vec::new(), Vec::new(), Vec::new());
    let (mut public_ms, groups) = (Vec::new(), groups_of(minutes));
    for _ in 0..repetitions {
        black_box(timed(&mut public_ms, || {
            let epochs = black_box(minutes).chunks(EPOCH_MINUTES as usize).zip(&groups);
            let parts = epochs.map(|(minutes, groups)| {
                Sums::of_minutes(Symptoms::AllProblems, minutes).shown_in(groups)
            });
            View::new(window, Sums::of_parts(&parts.collect::<Vec<_>>()))
        }));
        let view = timed(&mut view_ms, || {
            View::new(window, Sums::of_minutes(Symptoms::AllProblems, black_box(minutes)))
        });
        let level = timed(&mut level_ms, || view.level(Resolution::DEFAULT));
        black_box(timed(&mut box_ms, || level.within(&metro)));
    }
    Times {
        view: sheet::median(&view_ms),
        public: sheet::median(&public_ms),
        level: sheet::median(&level_ms),
        first_box: sheet::median(&box_ms),
    }
}

fn timed<T>(times_ms: &mut Vec<f64>, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    times_ms.push(began.elapsed().as_secs_f64() * 1e3);
    result
}

//! How long does a view take that nobody asked for yet, and does it grow at most linearly
//! with the active cells?
//!
//! In this process, without a server: from the counts of fifteen minutes to a sorted
//! view, its level for the map, and the first box.

mod load;

use fastrand::Rng;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::Resolution;
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

/// Times of one size, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Times {
    view: f64,
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
    let (mut rows, mut ns_per_cell) = (Vec::new(), Vec::new());
    for &cells in sizes {
        let times = times_of(&minutes_of(cells), options.pick(5, 21));
        let ns = (times.view + times.level) * 1e6 / cells as f64;
        rows.push([
            sheet::thousands(cells as f64),
            sheet::thousands((cells * MINUTES_PER_CELL) as f64),
            format!("{:.3}", times.view),
            format!("{:.3}", times.level),
            format!("{:.3}", times.first_box),
            format!("{ns:.0}"),
            ns_per_cell.last().map_or_else(String::new, |last| format!("{:.2}", ns / last)),
        ]);
        ns_per_cell.push(ns);
    }
    let growth = ns_per_cell[ns_per_cell.len() - 1] / ns_per_cell[0];
    let met = if growth <= LINEAR { "met" } else { "missed" };
    sheet::title("Time to build a cold view");
    sheet::table(
        ["cells", "rows", "view ms", "level 7 ms", "first box ms", "ns a cell", "times the last"],
        &rows,
    );
    sheet::paragraph(&format!(
        "At most linear: a cell costs **{growth:.2}** times as much among the most as among the \
         fewest, target {LINEAR}: {met}."
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

fn times_of(minutes: &[Counts], repetitions: usize) -> Times {
    let window = Window { from: Minute(0), to: Minute(MINUTES) };
    let metro = Region::Box(bounding_box(METRO));
    let (mut view_ms, mut level_ms, mut box_ms) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repetitions {
        let view = timed(&mut view_ms, || {
            View::new(window, Sums::of_minutes(Symptoms::AllProblems, black_box(minutes)))
        });
        let level = timed(&mut level_ms, || view.level(Resolution::DEFAULT));
        black_box(timed(&mut box_ms, || level.within(&metro)));
    }
    Times {
        view: sheet::median(&view_ms),
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

//! How long does a view take that nobody asked for yet, and does it grow at most linearly
//! with the active cells?
//!
//! In this process, without a server: from the counts of fifteen minutes to a sorted
//! view, its level for the map, and the first box. And the same view as the public sees it,
//! once it is known which cells are shown: where these change as they do in the streams
//! of `../shared`, and where they are others in every epoch.

mod load;

use anyhow::Context;
use fastrand::Rng;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::Resolution;
use groundswell::domain::privacy::coin::{Chance, Coin};
use groundswell::domain::privacy::epoch::{EPOCH_MINUTES, Epoch};
use groundswell::domain::privacy::groups::Groups;
use groundswell::domain::privacy::mass::Mass;
use groundswell::domain::privacy::rule::{LeftOut, Rule};
use groundswell::domain::region::Region;
use groundswell::domain::symptom::{Symptom, Symptoms};
use groundswell::domain::time::{Minute, Window};
use groundswell::domain::view::{Sums, View};
use groundswell::engine::shown::reader::Seen;
use groundswell_lab::backtest::truth::Expect;
use load::heard::Day;
use load::sheet;
use load::streams::{self, Played, instant};
use load::task::{Options, Task};
use load::territory::{CONTINENT, METRO, bounding_box, distinct_cells};
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

const MINUTES: i64 = 15;
/// Minutes of the window in which an active cell was reported from.
const MINUTES_PER_CELL: usize = 3;
/// How much more a cell may cost among the most than among the fewest: what the caches
/// lose on the way, and no more.
const LINEAR: f64 = 2.0;

/// How many times as long the public's view may take, from the requirements.
const PUBLIC: f64 = 1.3;

/// What the public may see of a window: everything; groups that change once; others in
/// every epoch; others in every epoch, and of nearly each cell, so that next to nothing is
/// added up with anything.
const SIGHTS: [&str; 4] = ["all", "once", "each", "alone"];

/// The set of streams whose groups change as they do, and its coin.
const SET: &str = "detbench";
const COIN: Coin = Coin::new([7; 16]);
/// Lengths of views of streams in minutes, and their names.
const SPANS: [(i64, &str); 3] = [(15, "15 min"), (60, "1 h"), (1_440, "24 h")];
/// Minutes after the onset of an outage at which such a view ends.
const AFTER_ONSET: i64 = 60;

/// Times of one size, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Times {
    view: f64,
    /// The public's, of each of [`SIGHTS`].
    public: [f64; SIGHTS.len()],
    level: f64,
    first_box: f64,
}

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        measure(options);
        streams_as_they_are(options)?;
    }
    Ok(())
}

fn measure(options: Options) {
    let sizes: &[usize] =
        options.pick(&[1_000, 10_000, 100_000], &[1_000, 10_000, 100_000, 1_000_000]);
    let (mut rows, mut shown_rows, mut ns_per_cell) = (Vec::new(), Vec::new(), Vec::new());
    let mut most = 0.0_f64;
    for &cells in sizes {
        let times = times_of(cells, options.pick(5, 21));
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
        let [all, once, each, alone] = times.public;
        let written = |ms: f64| format!("{ms:.3}, **{:.2}**", ms / times.view);
        shown_rows.push([
            sheet::thousands(cells as f64),
            format!("{:.3}", times.view),
            written(all),
            written(once),
            written(each),
            written(alone),
        ]);
        ns_per_cell.push(ns);
        most = times.public.iter().fold(most, |most, ms| most.max(ms / times.view));
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
    sheet::paragraph("As the public sees it, in ms and times the exact view:");
    sheet::table(
        [
            "cells",
            "exact",
            "nothing hidden",
            "groups change once",
            "in every epoch",
            "in every epoch, nearly each cell is one",
        ],
        &shown_rows,
    );
    let met = if most <= PUBLIC { "met" } else { "missed" };
    sheet::paragraph(&format!(
        "At most **{most:.2}** times as long, target {PUBLIC}: {met}. Groups are cells with at \
         least five people of a few in each cell, drawn anew for each change."
    ));
}

/// Counts of a window's minutes with so many active cells among them. The last minute is
/// still being added to, the others have settled.
fn minutes_of(cells: usize) -> Vec<Arc<Counts>> {
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
    counts.into_iter().map(Arc::new).collect()
}

/// These minutes as they are seen, of each of [`SIGHTS`].
fn sights_of(minutes: &[Arc<Counts>]) -> [Vec<Seen>; SIGHTS.len()] {
    let mut random = Rng::with_seed(6);
    let mut groups_of = |people: Range<u32>| {
        let mut mass = Mass::default();
        let cells = minutes.iter().flat_map(|counts| counts.rows()).map(|(key, _)| key.cell());
        mass.enter(cells.map(|cell| (cell, random.u32(people.clone()))));
        Arc::new(mass.groups(Rule::default(), LeftOut::default()))
    };
    let epochs = minutes.len().div_ceil(EPOCH_MINUTES as usize);
    let everything = Arc::new(Groups::all(Resolution::FINEST));
    let all = (0..epochs).map(|_| Arc::clone(&everything)).collect();
    let each: Vec<Arc<Groups>> = (0..epochs).map(|_| groups_of(0..4)).collect();
    let once = (0..epochs).map(|n| Arc::clone(&each[usize::from(0 < n)])).collect();
    let alone = (0..epochs).map(|_| groups_of(1..20)).collect();
    [all, once, each, alone].map(|groups: Vec<Arc<Groups>>| {
        let seen = |(n, counts): (usize, &Arc<Counts>)| {
            let groups = Arc::clone(&groups[n / EPOCH_MINUTES as usize]);
            let is_hiding = groups.are_listed();
            let coarsening = is_hiding.then(|| COIN.coarsening("one", Minute(n as i64)));
            Seen::new(Arc::clone(counts), groups, coarsening)
        };
        minutes.iter().enumerate().map(seen).collect()
    })
}

fn times_of(cells: usize, repetitions: usize) -> Times {
    let window = Window { from: Minute(0), to: Minute(MINUTES) };
    let metro = Region::Box(bounding_box(METRO));
    let minutes = minutes_of(cells);
    let exact: Vec<Seen> = minutes.iter().cloned().map(Seen::all).collect();
    let sights = sights_of(&minutes);
    let (mut view_ms, mut level_ms, mut box_ms) = (Vec::new(), Vec::new(), Vec::new());
    let mut public_ms = [const { Vec::new() }; SIGHTS.len()];
    let built =
        |seen: &[Seen]| View::new(window, vec![Arc::new(Seen::sums(Symptoms::AllProblems, seen))]);
    for _ in 0..repetitions {
        for (times_ms, seen) in public_ms.iter_mut().zip(&sights) {
            black_box(timed(times_ms, || built(black_box(seen))));
        }
        let view = timed(&mut view_ms, || built(black_box(&exact)));
        black_box(timed(&mut level_ms, || view.level(&Region::Everywhere, Resolution::DEFAULT)));
        black_box(timed(&mut box_ms, || view.level(&metro, Resolution::DEFAULT)));
    }
    Times {
        view: sheet::median(&view_ms),
        public: public_ms.map(|ms| sheet::median(&ms)),
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

/// Views of one length of the streams.
#[derive(Debug, Default)]
struct OfStreams {
    rows: Vec<f64>,
    changes: Vec<f64>,
    exact_us: Vec<f64>,
    ratios: Vec<f64>,
}

/// Prints how long views of streams with outages take, with the groups that they have.
fn streams_as_they_are(options: Options) -> anyhow::Result<()> {
    let set = streams::set(SET)?;
    let mut of_spans: [OfStreams; SPANS.len()] = Default::default();
    let with_outage = set.streams.iter().filter_map(|stream| {
        let truth = set.truths_of(stream).find(|truth| truth.expect == Expect::Detect)?;
        Some((stream, truth))
    });
    for (stream, truth) in with_outage.take(options.pick(2, usize::MAX)) {
        let played = Played::stream(stream)?;
        let provider = played.catalogue.find(&truth.provider).context("it is of these")?;
        let id = &*played.catalogue.get(provider).id;
        let minutes = &played.minutes[usize::from(provider.0)];
        let end = instant(truth.onset).minute().plus(AFTER_ONSET);
        for ((span, _), of_span) in SPANS.iter().zip(&mut of_spans) {
            let window = Window { from: end.plus(-span), to: end };
            let (exact, public, changes) = seen_in(window, id, minutes);
            of_span.add(window, &exact, &public, options);
            of_span.changes.push(changes as f64);
        }
    }
    sheet::paragraph("Views of streams, with the groups that they have:");
    let rows = SPANS.iter().zip(&of_spans).map(|((_, name), of)| {
        let worst = of.ratios.iter().copied().fold(0.0, f64::max);
        [
            (*name).to_owned(),
            of.ratios.len().to_string(),
            sheet::thousands(sheet::median(&of.rows)),
            sheet::thousands(of.rows.iter().copied().fold(0.0, f64::max)),
            format!("{:.0}", sheet::median(&of.changes)),
            format!("{:.1}", sheet::median(&of.exact_us)),
            format!("{:.2}", sheet::median(&of.ratios)),
            format!("{worst:.2}"),
        ]
    });
    sheet::table(
        [
            "length",
            "views",
            "rows",
            "most",
            "changes of groups",
            "exact µs",
            "public, times",
            "worst",
        ],
        &rows.collect::<Vec<_>>(),
    );
    sheet::paragraph(&format!(
        "One view of each stream of {SET} with an outage, of the provider that fails, up to \
         {AFTER_ONSET} minutes after the onset; medians of all. Summed by hour, as a server does."
    ));
    Ok(())
}

/// The minutes of a window, by hour, exact and as the public sees them, and how often the
/// groups change there.
fn seen_in(
    window: Window,
    provider: &str,
    minutes: &[(Minute, Arc<Counts>)],
) -> (Vec<Vec<Seen>>, Vec<Vec<Seen>>, usize) {
    let (mut exact, mut public, mut changes) = (Vec::new(), Vec::new(), 0);
    let mut day = Day::new(provider, Chance::of(&COIN), minutes);
    let mut last: Option<(Epoch, Arc<Groups>)> = None;
    let inside: Vec<_> =
        minutes.iter().filter(|(minute, _)| (window.from..window.to).contains(minute)).collect();
    for hour in inside.chunk_by(|a, b| a.0.hour() == b.0.hour()) {
        let mut of_hour = Vec::new();
        for (minute, counts) in hour {
            let epoch = Epoch::of(*minute);
            let groups = match last.take() {
                Some((of, groups)) if of == epoch => groups,
                before => {
                    day.move_to(epoch);
                    let groups = day.mass.groups(Rule::default(), LeftOut::default());
                    match before {
                        Some((_, before)) if *before == groups => before,
                        before => {
                            changes += usize::from(before.is_some());
                            Arc::new(groups)
                        }
                    }
                }
            };
            let coarsening = Some(COIN.coarsening(provider, *minute));
            of_hour.push(Seen::new(Arc::clone(counts), Arc::clone(&groups), coarsening));
            last = Some((epoch, groups));
        }
        public.push(of_hour);
        exact.push(hour.iter().map(|(_, counts)| Seen::all(Arc::clone(counts))).collect());
    }
    (exact, public, changes)
}

impl OfStreams {
    fn add(&mut self, window: Window, exact: &[Vec<Seen>], public: &[Vec<Seen>], options: Options) {
        let built = |hours: &[Vec<Seen>]| {
            let mut sums: Vec<Sums> =
                hours.iter().map(|hour| Seen::sums(Symptoms::AllProblems, hour)).collect();
            let all = if sums.len() == 1 { sums.remove(0) } else { Sums::of_parts(&sums) };
            View::new(window, vec![Arc::new(all)])
        };
        let (mut exact_ms, mut public_ms) = (Vec::new(), Vec::new());
        for _ in 0..options.pick(101, 1_001) {
            black_box(timed(&mut exact_ms, || built(black_box(exact))));
            black_box(timed(&mut public_ms, || built(black_box(public))));
        }
        let rows = exact.iter().flatten().map(|seen| seen.rows(Symptoms::AllProblems).count());
        self.rows.push(rows.sum::<usize>() as f64);
        self.exact_us.push(sheet::median(&exact_ms) * 1e3);
        self.ratios.push(sheet::median(&public_ms) / sheet::median(&exact_ms));
    }
}

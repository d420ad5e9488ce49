//! What does the public see of a map that names nobody, and what does it cost to know?
//!
//! Of the streams with known outages in `../shared`: how many of their reports stand in a
//! cell of resolution 7, 6 or 5 at least, by the product's own rule, beside what its
//! design found. And of a provider that was heard of in so many cells within a day: the
//! time that an epoch takes, and the memory of who was heard of and of a day's groups.

mod load;

use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::privacy::coin::{Chance, Coin};
use groundswell::domain::privacy::epoch::{Epoch, HEARD_MINUTES};
use groundswell::domain::privacy::groups::Groups;
use groundswell::domain::privacy::mass::Mass;
use groundswell::domain::privacy::rule::{LeftOut, Rule};
use groundswell::domain::provider::ProviderIndex;
use groundswell::domain::time::{DAY_MS, Minute, Timestamp};
use groundswell_lab::backtest::set::{Set, Stream};
use groundswell_lab::backtest::truth::{Expect, Truth};
use jiff::tz::TimeZone;
use load::cities::Cities;
use load::heard::{Day, Draws, three_days};
use load::machine::{resident_bytes, thread_cpu_seconds};
use load::sheet;
use load::streams::{self, Played, Taken};
use load::task::{Options, Task};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

/// Each number is about at least so many people.
const KS: [u8; 3] = [2, 3, 5];
/// Shares are of reports shown in cells of these resolutions, or finer ones.
const RESOLUTIONS: [u8; 3] = [7, 6, 5];
/// Hours of the local day.
const PARTS: [(&str, Range<i8>); 2] = [("day", 8..20), ("night", 0..6)];
/// Decides which reports open nothing; fixed, so that every run finds the same.
const COIN: Coin = Coin::new([7; 16]);

/// Which streams are of one source, and what their clocks are.
const BLOCKS: [Block; 3] = [
    Block { set: "detbench", name: "nyc", zone: "America/New_York" },
    Block { set: "detbench2", name: "county", zone: "America/New_York" },
    Block { set: "detbench2", name: "smc", zone: "America/Los_Angeles" },
];

/// The stream that the design measured, and what it found for each provider: by day and
/// by night, for each k of [`KS`].
const DESIGNED_STREAM: &str = "nyc-null-00";
const DESIGNED: [(&str, [[&str; 3]; 2]); 3] = [
    (
        "alpha",
        [
            [".94 .96 .98", ".91 .95 .98", ".85 .94 .97"],
            [".90 .94 .97", ".87 .93 .96", ".80 .91 .95"],
        ],
    ),
    (
        "bravo",
        [
            [".87 .92 .96", ".80 .90 .96", ".69 .85 .92"],
            [".78 .89 .96", ".73 .88 .93", ".62 .85 .90"],
        ],
    ),
    (
        "charlie",
        [
            [".72 .81 .89", ".62 .76 .89", ".50 .62 .78"],
            [".68 .76 .94", ".64 .76 .94", ".52 .60 .88"],
        ],
    ),
];
/// What it found of outages in New York, for k = 3, in cells of resolution 7 and 6.
const DESIGNED_OUTAGES: [(&str, &str); 7] = [
    ("regional", ".71 .85"),
    ("local", ".77 .96"),
    ("metro_late", ".75 .80"),
    ("slow_burn", ".89 .95"),
    ("rural", ".18 .37"),
    ("rush", ".83 .89"),
    ("cold_start", ".90 .96"),
];

/// Cells that a provider was heard of in within a day.
const SIZES: [usize; 3] = [1_000, 10_000, 50_000];
/// Cells of all copies of who was heard of: so many that their memory can be told from
/// all other.
const COPIED_CELLS: usize = 2_500_000;
/// Epochs of a day.
const EPOCHS: i64 = 288;
/// The day on which that provider is first heard of, in minutes since 1970.
const BEGIN: Minute = Minute(28_000_800);
/// Its id.
const PROVIDER: &str = "rogers";

/// Streams of one source.
struct Block {
    set: &'static str,
    name: &'static str,
    zone: &'static str,
}

/// Reports, and how many of them are shown in cells of [`RESOLUTIONS`] or finer ones.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    reports: u32,
    shown: [u32; 3],
}

/// A share for each of [`KS`].
type Shares = [Share; 3];

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        // First, while all memory that is resident is in use.
        let costs = costs(options)?;
        sheet::title("What the public sees of a map");
        quiet(options)?;
        outages(options)?;
        print_costs(&costs);
    }
    Ok(())
}

/// Prints what is shown of streams in which nothing happens.
fn quiet(options: Options) -> anyhow::Result<()> {
    let (mut compared, mut rows) = (Vec::new(), Vec::new());
    for block in &BLOCKS {
        let zone = TimeZone::get(block.zone)?;
        let set = streams::set(block.set)?;
        let mut sums = BTreeMap::<String, Quiet>::new();
        let streams = quiet_streams(&set, block);
        for stream in streams.iter().take(options.pick(1, usize::MAX)) {
            let played = stream.play()?;
            for (provider, quiet) in quiet_of(&played, stream.counted_from(), &zone) {
                if stream.name == DESIGNED_STREAM {
                    compared.extend(compared_rows(&provider, &quiet));
                }
                sums.entry(provider).or_default().add(&quiet);
            }
        }
        for (provider, quiet) in &sums {
            for (part, (name, _)) in PARTS.iter().enumerate() {
                let [two, three, five] = quiet.parts[part].map(Share::written);
                rows.push([
                    format!("{}, {provider}", block.name),
                    sheet::thousands(quiet.a_day()),
                    (*name).to_owned(),
                    two,
                    three,
                    five,
                ]);
            }
        }
    }
    sheet::paragraph(&format!("Quiet, {DESIGNED_STREAM}, beside what the design found:"));
    sheet::table(
        ["provider", "reports a day", "", "k = 2", "design", "k = 3", "design", "k = 5", "design"],
        &compared,
    );
    sheet::paragraph("All that is quiet:");
    sheet::table(["source, provider", "reports a day", "", "k = 2", "k = 3", "k = 5"], &rows);
    sheet::paragraph(
        "Share of the reports that count which are shown in a cell of resolution 7, 6, 5 or a \
         finer one. Day: 8 to 20 h local, night: 0 to 6 h. Finest 7. nyc and county: the streams \
         without an outage, after the end of their history; smc, which has none: its history, \
         after its first two days.",
    );
    Ok(())
}

/// A stream without an outage.
struct QuietStream {
    name: String,
    stream: Stream,
    /// Whether it is the history of that stream.
    is_history: bool,
}

/// What is shown of one provider while nothing happens.
#[derive(Debug, Default)]
struct Quiet {
    parts: [Shares; 2],
    reports: u32,
    ms: i64,
}

fn quiet_streams(set: &Set, block: &Block) -> Vec<QuietStream> {
    let of_block = |stream: &&Stream| stream.block() == block.name;
    let quiet = |stream: &Stream, is_history| QuietStream {
        name: stream.scenario.clone(),
        stream: stream.clone(),
        is_history,
    };
    let null = set.streams.iter().filter(of_block).filter(|stream| stream.family == "null");
    let null: Vec<QuietStream> = null.map(|stream| quiet(stream, false)).collect();
    if null.is_empty() {
        return set
            .streams
            .iter()
            .find(of_block)
            .map(|stream| quiet(stream, true))
            .into_iter()
            .collect();
    }
    null
}

impl QuietStream {
    fn play(&self) -> anyhow::Result<Played> {
        match &self.stream.history {
            Some(history) if self.is_history => {
                Played::files(&[PathBuf::as_path(history)], Timestamp(0))
            }
            _ => Played::stream(&self.stream),
        }
    }

    /// From when on reports are looked at; none: two days after the first.
    fn counted_from(&self) -> Option<Timestamp> {
        (!self.is_history).then(|| streams::instant(self.stream.start))
    }
}

/// What is shown of each provider of a stream from some moment on.
fn quiet_of(played: &Played, from: Option<Timestamp>, zone: &TimeZone) -> Vec<(String, Quiet)> {
    let first = played.counted[0].received_at;
    let from = from.unwrap_or(first.plus_ms(2 * DAY_MS)).minute();
    let last = played.counted[played.counted.len() - 1].received_at.minute();
    let mut of = BTreeMap::<u16, Quiet>::new();
    let shown = shown_by_k(played, Chance::of(&COIN));
    for (n, Taken { report, .. }) in played.counted.iter().enumerate() {
        let minute = report.observed.minute;
        if minute < from {
            continue;
        }
        let quiet = of.entry(report.provider.0).or_default();
        quiet.reports += 1;
        quiet.ms = (last.0 - from.0) * 60_000;
        let hour = local_hour(minute, zone);
        for (part, (_, hours)) in PARTS.iter().enumerate() {
            if hours.contains(&hour) {
                (0..KS.len()).for_each(|k| quiet.parts[part][k].add(shown[k][n]));
            }
        }
    }
    let id = |index| played.catalogue.get(ProviderIndex(index)).id.clone();
    of.into_iter().map(|(index, quiet)| (id(index), quiet)).collect()
}

fn compared_rows(provider: &str, quiet: &Quiet) -> Vec<[String; 9]> {
    let Some((_, designed)) = DESIGNED.iter().find(|(name, _)| *name == provider) else {
        return Vec::new();
    };
    let row = |part: usize| {
        let [two, three, five] = quiet.parts[part].map(Share::written);
        let [design_two, design_three, design_five] = designed[part].map(str::to_owned);
        [
            provider.to_owned(),
            sheet::thousands(quiet.a_day()),
            PARTS[part].0.to_owned(),
            two,
            design_two,
            three,
            design_three,
            five,
            design_five,
        ]
    };
    vec![row(0), row(1)]
}

fn local_hour(minute: Minute, zone: &TimeZone) -> i8 {
    let instant = jiff::Timestamp::from_millisecond(minute.start().0)
        .expect("minutes of these streams are of our century");
    zone.to_datetime(instant).hour()
}

/// What is shown of the outages of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Outages {
    number: usize,
    shares: Shares,
    /// The same where everybody counts where they reported.
    coinless: Shares,
}

/// Prints what is shown of the reports of outages.
fn outages(options: Options) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for block in &BLOCKS {
        let set = streams::set(block.set)?;
        let mut kinds: Vec<(&str, Outages)> = Vec::new();
        for stream in set.streams.iter().filter(|stream| stream.block() == block.name) {
            let known = kinds.iter().position(|(kind, _)| *kind == stream.family);
            let detect = |truth: &&Truth| truth.expect == Expect::Detect;
            let truths: Vec<&Truth> = set.truths_of(stream).filter(detect).collect();
            if truths.is_empty() || options.quick && known.is_some() {
                continue;
            }
            let kind = known.unwrap_or_else(|| {
                kinds.push((&stream.family, Outages::default()));
                kinds.len() - 1
            });
            kinds[kind].1.add(&truths, &Played::stream(stream)?);
        }
        rows.extend(kinds.into_iter().map(|(kind, outages)| outages.row(block, kind)));
    }
    sheet::paragraph("Outages:");
    sheet::table(
        [
            "source, kind",
            "outages",
            "reports",
            "k = 2",
            "k = 3",
            "k = 5",
            "k = 2, no chance",
            "k = 3, no chance",
            "design, k = 3",
        ],
        &rows,
    );
    sheet::paragraph(
        "Share of the outages' own reports that count which are shown in a cell of resolution 7, \
         6 or a finer one, all outages of a kind together. Reports are told from others by \
         provider and second, as truth.json has them.",
    );
    Ok(())
}

impl Outages {
    fn add(&mut self, truths: &[&Truth], played: &Played) {
        let (shown, coinless) =
            (shown_by_k(played, Chance::of(&COIN)), shown_by_k(played, Chance::NONE));
        for truth in truths {
            self.number += 1;
            for n in played.reports_of(truth) {
                for k in 0..KS.len() {
                    self.shares[k].add(shown[k][n]);
                    self.coinless[k].add(coinless[k][n]);
                }
            }
        }
    }

    fn row(self, block: &Block, kind: &str) -> [String; 9] {
        let designed = DESIGNED_OUTAGES.iter().find(|(name, _)| *name == kind);
        let designed = designed.filter(|_| block.name == "nyc").map(|(_, found)| *found);
        let [two, three, five] = self.shares.map(|share| share.written_of(2));
        let [coinless_two, coinless_three, _] = self.coinless.map(|share| share.written_of(2));
        [
            format!("{}, {kind}", block.name),
            self.number.to_string(),
            sheet::thousands(self.shares[0].reports.into()),
            two,
            three,
            five,
            coinless_two,
            coinless_three,
            designed.unwrap_or_default().to_owned(),
        ]
    }
}

/// For each of [`KS`] and each report that counts: the resolution in which it is shown;
/// none where it is shown without a place.
fn shown_by_k(played: &Played, chance: Chance<'_>) -> [Vec<Option<Resolution>>; 3] {
    let mut shown = KS.map(|_| vec![None; played.counted.len()]);
    let mut by_epoch = BTreeMap::<(u16, Epoch), Vec<(usize, Cell)>>::new();
    let mut draws = Draws::new(chance);
    for (n, Taken { report, .. }) in played.counted.iter().enumerate() {
        let (minute, provider) = (report.observed.minute, report.provider);
        let of = (provider.0, &*played.catalogue.get(provider).id);
        let cell = draws.next(of, minute, report.counted(true).key);
        by_epoch.entry((provider.0, Epoch::of(minute))).or_default().push((n, cell));
    }
    let days = played.catalogue.iter().zip(&played.minutes);
    let mut days: Vec<Day<'_>> =
        days.map(|((_, provider), minutes)| Day::new(&provider.id, chance, minutes)).collect();
    for ((provider, epoch), reports) in by_epoch {
        let day = &mut days[usize::from(provider)];
        day.move_to(epoch);
        for (k, shown) in KS.iter().zip(&mut shown) {
            let groups = day.mass.groups(rule(*k), LeftOut::default());
            for (n, cell) in &reports {
                shown[*n] = groups.shown(*cell).map(Cell::resolution);
            }
        }
    }
    shown
}

fn rule(k: u8) -> Rule {
    Rule { k, ..Rule::default() }
}

/// What it costs to know what is shown, a row for each number of cells heard of.
fn costs(options: Options) -> anyhow::Result<Vec<[String; 10]>> {
    let people = Cities::of_any(&["US", "CA"])?;
    let sizes = &SIZES[..options.pick(2, SIZES.len())];
    // What is given back would be resident, and taken again.
    let mut held = Vec::new();
    Ok(sizes.iter().map(|size| cost_of(&people, *size, &mut held)).collect())
}

fn print_costs(rows: &[[String; 10]]) {
    sheet::paragraph("Cost of one provider, by the cells that it was heard of in:");
    sheet::table(
        [
            "cells",
            "people a day",
            "groups",
            "minutes in and out, ms",
            "groups, ms",
            "epoch, ms",
            "slowest",
            "KiB heard of",
            "KiB an epoch's groups",
            "MiB a day's groups",
        ],
        rows,
    );
    sheet::paragraph(
        "CPU time of one thread, median and slowest of the 288 epochs of a day, k = 3, finest 7. \
         People of the cities of Canada and the United States, everybody the first of their day. \
         Heard of: resident memory of copies, of 2.5 million cells together. A day's groups: \
         those of neighbouring epochs that are the same are there once. The design expects under \
         2 ms and 0.8 MB for 50,000 cells.",
    );
}

fn cost_of(people: &Cities, size: usize, held: &mut Vec<Vec<Mass>>) -> [String; 10] {
    let (minutes, a_day) = three_days(people, size, (BEGIN, PROVIDER), &COIN);
    let mut day = Day::new(PROVIDER, Chance::of(&COIN), &minutes);
    let first = Epoch::of(BEGIN.plus(HEARD_MINUTES + 10));
    day.move_to(first);
    let (mut moving_ms, mut grouping_ms, mut epoch_ms) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cells, mut heap_bytes) = (Vec::new(), Vec::new());
    let mut kept: Vec<Groups> = Vec::new();
    for epoch in (1..=EPOCHS).map(|n| Epoch(first.0 + n)) {
        let began = thread_cpu_seconds();
        day.move_to(epoch);
        let halfway = thread_cpu_seconds();
        let groups = day.mass.groups(rule(3), LeftOut::default());
        let ended = thread_cpu_seconds();
        moving_ms.push(1e3 * (halfway - began));
        grouping_ms.push(1e3 * (ended - halfway));
        epoch_ms.push(1e3 * (ended - began));
        cells.push(day.mass.cells() as f64);
        heap_bytes.push(groups.heap_bytes() as f64);
        if kept.last() != Some(&groups) {
            kept.push(groups);
        }
    }
    let of_day: usize = kept.iter().map(|groups| groups.heap_bytes() + size_of::<Groups>()).sum();
    let number: Vec<f64> = kept.iter().map(|groups| groups.cells().count() as f64).collect();
    let before = resident_bytes();
    let copies = vec![day.mass; COPIED_CELLS / size];
    let heard_of = resident_bytes().saturating_sub(before) / copies.len() as u64;
    held.push(copies);
    let slowest = epoch_ms.iter().copied().fold(0.0, f64::max);
    [
        sheet::thousands(sheet::median(&cells)),
        sheet::thousands(a_day as f64),
        sheet::thousands(sheet::median(&number)),
        format!("{:.3}", sheet::median(&moving_ms)),
        format!("{:.3}", sheet::median(&grouping_ms)),
        format!("{:.3}", sheet::median(&epoch_ms)),
        format!("{slowest:.3}"),
        format!("{:.0}", heard_of as f64 / 1024.0),
        format!("{:.0}", sheet::median(&heap_bytes) / 1024.0),
        format!("{:.1}", of_day as f64 / f64::from(1 << 20)),
    ]
}

impl Quiet {
    fn add(&mut self, other: &Self) {
        self.reports += other.reports;
        self.ms += other.ms;
        for (part, others) in self.parts.iter_mut().zip(&other.parts) {
            for (share, other) in part.iter_mut().zip(others) {
                share.reports += other.reports;
                (0..RESOLUTIONS.len()).for_each(|n| share.shown[n] += other.shown[n]);
            }
        }
    }

    fn a_day(&self) -> f64 {
        f64::from(self.reports) * DAY_MS as f64 / self.ms.max(1) as f64
    }
}

impl Share {
    fn add(&mut self, shown: Option<Resolution>) {
        self.reports += 1;
        for (sum, resolution) in self.shown.iter_mut().zip(RESOLUTIONS) {
            *sum += u32::from(shown.is_some_and(|shown| resolution <= shown.number()));
        }
    }

    fn written(self) -> String {
        self.written_of(RESOLUTIONS.len())
    }

    /// The shares of the first so many of [`RESOLUTIONS`].
    fn written_of(self, resolutions: usize) -> String {
        let share = |shown: &u32| {
            let text = format!("{:.2}", f64::from(*shown) / f64::from(self.reports.max(1)));
            text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
        };
        self.shown.iter().take(resolutions).map(share).collect::<Vec<_>>().join(" ")
    }
}

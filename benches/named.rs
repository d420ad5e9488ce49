//! After how many minutes is a village named, and which part of an outage is it that an
//! incident names?
//!
//! Streams with known outages of `../shared` are played through the whole of detection.
//! The public form of each revision is then named as a server names it, minute by minute,
//! for each k. Beside it the rule alone: as if the outage's own cells were known at its
//! onset. And the map.

mod load;

use anyhow::Context;
use groundswell::cli::replay::passing_setting;
use groundswell::domain::cell_set::CellSet;
use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::incident::{Incident, State};
use groundswell::domain::privacy::coin::{Chance, Coin};
use groundswell::domain::privacy::epoch::{Epoch, HEARD_MINUTES};
use groundswell::domain::privacy::mass::Heard;
use groundswell::domain::privacy::naming::{Spoke, named};
use groundswell::domain::privacy::people::People;
use groundswell::domain::privacy::rule::{LeftOut, Rule};
use groundswell::domain::provider::{Catalogue, ProviderIndex};
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::{MINUTE_MS, Minute, Timestamp};
use groundswell::engine::replay::input::Input;
use groundswell::engine::replay::past::Past;
use groundswell::engine::replay::{Observer, Setting, providers};
use groundswell_lab::backtest::set::{Set, Stream};
use groundswell_lab::backtest::truth::{Expect, Truth};
use load::heard::{Day, Draws};
use load::sheet;
use load::streams::{self, Played, Taken, instant};
use load::task::{Options, Task};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;

const KS: [u8; 3] = [2, 3, 5];
/// Reporters of a village, at least, up to the next.
const SIZES: [(usize, &str); 3] = [(5, "5 to 9"), (10, "10 to 19"), (20, "20 and more")];
const COIN: Coin = Coin::new([7; 16]);
/// Minutes for which a village is watched after the last report of its outage.
const AFTERWARDS: i64 = 30;
/// What the design found for k = 3: median minutes after the third person, and the shares
/// at resolution 7 and 6 of what incidents name.
const DESIGNED: [(&str, &str, &str); 7] = [
    ("regional", "0 to 3.5", ".71 .89"),
    ("local", "9", ".95 .95"),
    ("metro_late", "0 to 3.5", ".69 .87"),
    ("slow_burn", "63", ".88 .94"),
    ("rural", "20", ".42 .73"),
    ("rush", "0 to 3.5", ".82 .91"),
    ("cold_start", "0 to 3.5", ".93 .96"),
];

/// How a village may come to be known.
const WAYS: [&str; 3] = ["incident", "rule alone", "map"];

/// A report of an outage itself that counts.
#[derive(Debug, Clone, Copy)]
struct Own {
    at: Timestamp,
    cell: Cell,
}

/// Somebody heard of: when it came to be known, and what of.
type HeardOf = (Timestamp, Minute, Heard);

/// What was named in turn: from when on, and which cells.
type Named = Vec<(Timestamp, Vec<Cell>)>;

/// Minutes until a village was known, of one way; infinite where it never was.
#[derive(Debug, Clone, Copy)]
struct Wait {
    k: u8,
    way: usize,
    reporters: usize,
    third: f64,
    fifth: f64,
    onset: f64,
}

/// The outages of a kind.
#[derive(Debug, Default)]
struct Kind {
    outages: usize,
    found: usize,
    reports: u32,
    /// For each k, of what incidents name and of the rule alone: reports at resolution 7
    /// and at 6.
    shares: [[[u32; 2]; 2]; KS.len()],
    waits: Vec<Wait>,
}

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        sheet::title("How soon a village is named");
        for (name, block) in [("detbench", "nyc"), ("detbench2", "county")] {
            let set = streams::set(name)?;
            let kinds = kinds(&set, block, options)?;
            print(block, &kinds);
        }
        notes();
    }
    Ok(())
}

#[derive(Default)]
struct Revisions(Vec<Incident>);

impl Observer for Revisions {
    fn incident(&mut self, incident: &Incident) -> std::io::Result<()> {
        self.0.push(incident.clone());
        Ok(())
    }

    fn wants_incidents(&self) -> bool {
        true
    }
}

fn kinds(set: &Set, block: &str, options: Options) -> anyhow::Result<Vec<(String, Kind)>> {
    let of_block: Vec<&Stream> = set
        .streams
        .iter()
        .filter(|stream| stream.block() == block)
        .filter(|stream| set.truths_of(stream).any(|truth| truth.expect == Expect::Detect))
        .collect();
    let mut by_history = BTreeMap::<&Option<PathBuf>, Vec<&Stream>>::new();
    for stream in of_block {
        by_history.entry(&stream.history).or_default().push(stream);
    }
    let mut kinds: Vec<(String, Kind)> = Vec::new();
    for (history, streams) in by_history {
        let own: Vec<Input> = history.iter().map(|file| file.clone().into()).collect();
        let reports = |stream: &Stream| -> Option<Input> { Some(stream.reports.clone()?.into()) };
        let files: Vec<Input> = streams.iter().filter_map(|stream| reports(stream)).collect();
        let catalogue = providers::named_in(own.iter().chain(&files), &Catalogue::default())?;
        // The key of the streams as they are counted here, so that the same are the first.
        let setting = Setting { key: ReporterKey::new(b"bench"), ..passing_setting(catalogue) };
        let past = Past::play(&setting, &own, &mut |_| {})?;
        for stream in streams {
            let place = kinds.iter().position(|(kind, _)| *kind == stream.family);
            if options.quick && place.is_some() {
                continue;
            }
            let place = place.unwrap_or_else(|| {
                kinds.push((stream.family.clone(), Kind::default()));
                kinds.len() - 1
            });
            let mut seen = Revisions::default();
            let file = reports(stream).context("the index names its file")?;
            past.resume()?.replay(&[file], &mut seen)?;
            let played = Played::stream(stream)?;
            let detect = |truth: &&Truth| truth.expect == Expect::Detect;
            for truth in set.truths_of(stream).filter(detect) {
                kinds[place].1.add(truth, &played, &seen.0)?;
            }
        }
    }
    Ok(kinds)
}

impl Kind {
    fn add(
        &mut self,
        truth: &Truth,
        played: &Played,
        revisions: &[Incident],
    ) -> anyhow::Result<()> {
        let provider = played.catalogue.find(&truth.provider).context("it is of these")?;
        let own: Vec<Own> = played
            .reports_of(truth)
            .into_iter()
            .map(|n| &played.counted[n])
            .map(|taken| Own { at: taken.received_at, cell: taken.report.cell })
            .collect();
        let heard = heard_of(played, provider);
        let (onset, over) = (instant(truth.onset), instant(truth.over()));
        let until = over.plus_ms(AFTERWARDS * MINUTE_MS);
        let cases = cases_of(truth, revisions, onset..until);
        self.outages += 1;
        self.found += usize::from(!cases.is_empty());
        self.reports += own.len() as u32;
        for (n, k) in KS.iter().enumerate() {
            let rule = Rule { k: *k, ..Rule::default() };
            let by_incident: Vec<Named> = cases
                .iter()
                .map(|case| named_by_case(case, &truth.provider, &heard, rule, until))
                .collect();
            let alone = vec![named_alone(truth, &heard, rule, onset..until)];
            for (way, all) in [&by_incident, &alone].into_iter().enumerate() {
                let last: Vec<Cell> = all
                    .iter()
                    .filter_map(|named| Some(&named.last()?.1))
                    .flatten()
                    .copied()
                    .collect();
                for report in &own {
                    let cell = report.cell.rolled_up_to(Resolution::HOURLY);
                    let finest = last.iter().filter(|named| named.contains(cell));
                    let finest = finest.map(|named| named.resolution().number()).max();
                    self.shares[n][way][0] += u32::from(finest >= Some(7));
                    self.shares[n][way][1] += u32::from(finest >= Some(6));
                }
            }
            let villages = villages(&own);
            let open = opened(played, provider, rule, &villages, onset..until);
            for (village, came) in &villages {
                let known = [
                    first_named(&by_incident, *village),
                    first_named(&alone, *village),
                    open.get(village).copied(),
                ];
                for (way, known) in known.into_iter().enumerate() {
                    let after = |from: Timestamp| {
                        known.map_or(f64::INFINITY, |known| {
                            known.ms_since(from).max(0) as f64 / MINUTE_MS as f64
                        })
                    };
                    self.waits.push(Wait {
                        k: *k,
                        way,
                        reporters: came.len(),
                        third: after(came[2]),
                        fifth: after(came[4]),
                        onset: after(onset),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Who is heard of of a provider, in the order in which they came. All counted of one
/// symptom are the first of their day.
fn heard_of(played: &Played, provider: ProviderIndex) -> Vec<HeardOf> {
    let id = &played.catalogue.get(provider).id;
    let mut draws = Draws::new(Chance::of(&COIN));
    let of_provider =
        |taken: &&Taken| taken.report.provider == provider && !taken.report.observed.late;
    let heard = |Taken { received_at, report }: &Taken| {
        let minute = report.observed.minute;
        let counted = draws.next((provider.0, id), minute, report.counted(true).key);
        let people = COIN.counted(id, counted, minute, 1);
        (*received_at, minute, Heard { reported: report.cell, counted, people })
    };
    let mut heard: Vec<HeardOf> = played.counted.iter().filter(of_provider).map(heard).collect();
    heard.sort_by_key(|(at, ..)| *at);
    heard
}

/// The people by cell who came before an instant, of what was observed in some minutes.
fn people(heard: &[HeardOf], at: Timestamp, minutes: &Range<Minute>) -> Vec<Heard> {
    let came = heard.partition_point(|(came, ..)| *came < at);
    // On time is within five minutes, and a clock may be a little ahead.
    let from = minutes.start.plus(-2).start();
    let first = heard.partition_point(|(came, ..)| *came < from);
    let mut sums = BTreeMap::<(Cell, Cell), People>::new();
    for (_, minute, heard) in &heard[first.min(came)..came] {
        if minutes.contains(minute) {
            sums.entry((heard.reported, heard.counted)).or_default().add(&heard.people);
        }
    }
    let heard = |((reported, counted), people)| Heard { reported, counted, people };
    sums.into_iter().map(heard).collect()
}

/// The incidents that are about an outage: their revisions.
fn cases_of<'a>(
    truth: &Truth,
    revisions: &'a [Incident],
    during: Range<Timestamp>,
) -> Vec<Vec<&'a Incident>> {
    let mut cases = HashMap::<u64, Vec<&Incident>>::new();
    for revision in revisions.iter().filter(|of| of.brand(&truth.provider).is_some()) {
        cases.entry(revision.id.0).or_default().push(revision);
    }
    let where_it_is: CellSet = truth.grain.covering().iter().copied().collect();
    let is_about = |case: &Vec<&Incident>| {
        case.iter().any(|revision| {
            during.contains(&revision.known_at)
                && revision.state != State::Resolved
                && (revision.everywhere
                    || where_it_is.meets(&revision.cells.iter().copied().collect()))
        })
    };
    cases.into_values().filter(is_about).collect()
}

/// What is named of an incident, as a server does it: at each revision, and each minute
/// while nothing was.
fn named_by_case(
    case: &[&Incident],
    provider: &str,
    heard: &[HeardOf],
    rule: Rule,
    until: Timestamp,
) -> Named {
    let (mut all, mut before): (Named, Vec<Cell>) = (Vec::new(), Vec::new());
    let mut told = |exact: &Incident, at: Timestamp, before: &mut Vec<Cell>| {
        let end = at.minute().plus(1);
        let minutes = exact.onset.minute().max(end.plus(-HEARD_MINUTES))..end;
        let zone = exact.brand(provider).and_then(|brand| brand.evidence.zone);
        let zone: Vec<Cell> = zone.map(|zone| zone.cells()).unwrap_or_default();
        let around: CellSet = exact
            .cells
            .iter()
            .copied()
            .chain(zone.iter().map(|cell| cell.rolled_up_to(rule.finest)))
            .collect();
        let mut heard = people(heard, at, &minutes);
        heard.retain(|heard| around.holds(heard.reported));
        let cells = named(&exact.cells, &[Spoke { heard, zone }], before, rule);
        if !cells.is_empty() && cells != *before {
            all.push((at, cells.clone()));
            *before = cells;
        }
    };
    for (n, revision) in case.iter().enumerate() {
        if until <= revision.known_at {
            break;
        }
        told(revision, revision.known_at, &mut before);
        let next = case.get(n + 1).map_or(until, |next| next.known_at.min(until));
        let is_open = !matches!(revision.state, State::Resolved | State::Withdrawn);
        let mut minute = revision.known_at.minute().plus(1);
        while is_open && before.is_empty() && minute.start() < next {
            told(revision, minute.start(), &mut before);
            minute = minute.plus(1);
        }
    }
    all
}

/// What the rule names in the outage's own cells from its onset on, minute by minute.
fn named_alone(truth: &Truth, heard: &[HeardOf], rule: Rule, during: Range<Timestamp>) -> Named {
    let within: CellSet = truth.cells.iter().copied().collect();
    let (mut all, mut before): (Named, Vec<Cell>) = (Vec::new(), Vec::new());
    let mut minute = during.start.minute().plus(1);
    while minute.start() < during.end {
        let minutes = during.start.minute().max(minute.plus(-HEARD_MINUTES))..minute;
        let mut here = people(heard, minute.start(), &minutes);
        here.retain(|heard| within.holds(heard.reported));
        let spoke = [Spoke { heard: here, zone: Vec::new() }];
        let cells = named(&truth.cells, &spoke, &before, rule);
        if !cells.is_empty() && cells != before {
            all.push((minute.start(), cells.clone()));
            before = cells;
        }
        minute = minute.plus(1);
    }
    all
}

/// Cells of resolution 7 from which at least five people report an outage themselves, and
/// when they came.
fn villages(own: &[Own]) -> BTreeMap<Cell, Vec<Timestamp>> {
    let mut villages = BTreeMap::<Cell, Vec<Timestamp>>::new();
    let fine = own.iter().filter(|own| Resolution::HOURLY <= own.cell.resolution());
    for report in fine {
        villages.entry(report.cell.rolled_up_to(Resolution::HOURLY)).or_default().push(report.at);
    }
    villages.retain(|_, came| SIZES[0].0 <= came.len());
    for came in villages.values_mut() {
        came.sort_unstable();
    }
    villages
}

/// From when on the map shows each village, from the onset of its outage on.
fn opened(
    played: &Played,
    provider: ProviderIndex,
    rule: Rule,
    villages: &BTreeMap<Cell, Vec<Timestamp>>,
    during: Range<Timestamp>,
) -> HashMap<Cell, Timestamp> {
    let id = &*played.catalogue.get(provider).id;
    let mut day = Day::new(id, Chance::of(&COIN), &played.minutes[usize::from(provider.0)]);
    let mut open = HashMap::new();
    let mut epoch = Epoch::of(during.start.minute());
    while epoch.start() < during.end {
        day.move_to(epoch);
        let groups = day.mass.groups(rule, LeftOut::default());
        for village in villages.keys().filter(|village| groups.holds(**village)) {
            open.entry(*village).or_insert_with(|| epoch.start());
        }
        epoch = epoch.next();
    }
    open
}

/// When a cell, or one in it, is first named in any of these.
fn first_named(all: &[Named], village: Cell) -> Option<Timestamp> {
    let is_named = |cells: &Vec<Cell>| cells.iter().any(|cell| village.contains(*cell));
    let first = |named: &Named| Some(named.iter().find(|(_, cells)| is_named(cells))?.0);
    all.iter().filter_map(first).min()
}

fn print(block: &str, kinds: &[(String, Kind)]) {
    sheet::paragraph(&format!("{block}, k = 3, by kind: minutes after the third person."));
    let rows = kinds.iter().map(|(name, kind)| {
        let designed = DESIGNED.iter().find(|(of, ..)| of == name && block == "nyc");
        let of = |way: usize| {
            let waits: Vec<Wait> =
                kind.waits.iter().filter(|wait| wait.k == 3 && wait.way == way).copied().collect();
            summed_up(&waits, |wait| wait.third)
        };
        let villages = kind.waits.iter().filter(|wait| wait.k == 3 && wait.way == 0).count();
        [
            format!("{block}, {name}"),
            format!("{} of {}", kind.found, kind.outages),
            villages.to_string(),
            of(0),
            of(1),
            of(2),
            designed.map_or_else(String::new, |(_, minutes, _)| (*minutes).to_owned()),
        ]
    });
    sheet::table(
        ["source, kind", "found", "villages", "incident", "rule alone", "map", "design"],
        &rows.collect::<Vec<_>>(),
    );
    sheet::paragraph(&format!("{block}, by size of the village:"));
    let mut rows = Vec::new();
    let waits: Vec<Wait> = kinds.iter().flat_map(|(_, kind)| kind.waits.iter().copied()).collect();
    for (n, (least, name)) in SIZES.iter().enumerate() {
        let most = SIZES.get(n + 1).map_or(usize::MAX, |(next, _)| *next);
        for k in KS {
            for (way, said) in WAYS.iter().enumerate() {
                let is_of = |wait: &&Wait| {
                    wait.k == k && wait.way == way && (*least..most).contains(&wait.reporters)
                };
                let of: Vec<Wait> = waits.iter().filter(is_of).copied().collect();
                let known = of.iter().filter(|wait| wait.third.is_finite()).count();
                rows.push([
                    (*name).to_owned(),
                    k.to_string(),
                    (*said).to_owned(),
                    format!("{known} of {}", of.len()),
                    summed_up(&of, |wait| wait.third),
                    summed_up(&of, |wait| wait.fifth),
                    summed_up(&of, |wait| wait.onset),
                ]);
            }
        }
    }
    sheet::table(
        ["reporters", "k", "by", "named", "after the third", "after the fifth", "after the onset"],
        &rows,
    );
    sheet::paragraph(&format!("{block}, as named by the incident at last:"));
    let rows = kinds.iter().map(|(name, kind)| {
        let share = |n: usize, way: usize| {
            let of = kind.shares[n][way].map(|shown| {
                let text = format!("{:.2}", f64::from(shown) / f64::from(kind.reports.max(1)));
                text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
            });
            of.join(" ")
        };
        let designed = DESIGNED.iter().find(|(of, ..)| of == name && block == "nyc");
        [
            format!("{block}, {name}"),
            sheet::thousands(kind.reports.into()),
            share(0, 0),
            share(1, 0),
            share(2, 0),
            share(0, 1),
            share(1, 1),
            share(2, 1),
            designed.map_or_else(String::new, |(.., shares)| (*shares).to_owned()),
        ]
    });
    sheet::table(
        [
            "source, kind",
            "reports",
            "k = 2",
            "k = 3",
            "k = 5",
            "rule alone, k = 2",
            "k = 3",
            "k = 5",
            "design, k = 3",
        ],
        &rows.collect::<Vec<_>>(),
    );
}

/// Median and worst, each in minutes; those that never were are the worst.
fn summed_up(waits: &[Wait], of: impl Fn(&Wait) -> f64) -> String {
    let mut minutes: Vec<f64> = waits.iter().map(of).collect();
    if minutes.is_empty() {
        return String::new();
    }
    minutes.sort_by(f64::total_cmp);
    let written = |minutes: f64| {
        if minutes.is_finite() { format!("{minutes:.1}") } else { "never".to_owned() }
    };
    let finite = minutes.iter().copied().filter(|minutes| minutes.is_finite());
    let worst = finite.fold(f64::NEG_INFINITY, f64::max);
    let median = written(minutes[minutes.len() / 2]);
    let never = minutes.iter().filter(|minutes| minutes.is_infinite()).count();
    let never = if never == 0 { String::new() } else { format!(", {never} never") };
    if worst.is_finite() { format!("{median} ({worst:.1}{never})") } else { "never".to_owned() }
}

fn notes() {
    sheet::paragraph(
        "A village is a cell of resolution 7 from which five people or more report the outage. \
         Named: it, or a finer cell in it, is among the named cells. Median minutes, and in \
         brackets the worst of those that were named and how many never were, until half an hour \
         after the last report; a village that was named or shown before counts as 0. Incident: \
         by each revision of the incidents about the outage, and each minute while nothing is \
         named. Rule alone: the outage's own cells are known from its onset on. The map's own lag \
         is 6 to 11 minutes. Shares: of the outages' own reports, those in a named cell of \
         resolution 7, or of 6 and finer.",
    );
}

//! Maps of a rehearsal: all of it, and beside it what everybody sees at the same moment.

use super::seen::Seen;
use crate::backtest::PLOT_STYLE;
use crate::simulate::plan::Plan;
use anyhow::Context;
use groundswell::domain::cell_set::CellSet;
use groundswell::domain::counts::Counts;
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::incident::{Incident, State};
use groundswell::domain::privacy::coarsening::Shown;
use groundswell::domain::privacy::coin::{Chance, Coin};
use groundswell::domain::privacy::epoch::{Epoch, HEARD_MINUTES};
use groundswell::domain::privacy::groups::Groups;
use groundswell::domain::privacy::mass::{Heard, Mass, heard};
use groundswell::domain::privacy::naming::{Spoke, named};
use groundswell::domain::privacy::people::People;
use groundswell::domain::privacy::rule::{LeftOut, Rule};
use groundswell::domain::provider::Catalogue;
use groundswell::domain::region::Region;
use groundswell::domain::symptom::Symptoms;
use groundswell::domain::time::{MINUTE_MS, Minute, Timestamp, Window};
use groundswell::domain::view::{Sums, View};
use groundswell::gazetteer::cities;
use groundswell::render::svg::{Anchor, Svg};
use groundswell::store::Store;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

/// Minutes after the first revision about the brand that fails.
const MOMENTS: [i64; 2] = [10, 180];
/// Minutes that a map shows.
const WINDOW: i64 = 15;
/// Reports of a cell, at least, of each colour.
const CLASSES: [(u32, &str); 5] =
    [(1, "few1"), (2, "few2"), (5, "some"), (20, "many"), (100, "most")];
const COIN: Coin = Coin::new([7; 16]);
const WIDTH: f64 = 1_140.0;
const PANEL: f64 = 556.0;
const GAP: f64 = 12.0;
const TOP: f64 = 64.0;
const LEGEND: f64 = 34.0;
const CITIES: usize = 9;
/// Names of cities stand so many pixels apart.
const NAMES_APART: f64 = 56.0;

/// What a map shows: degrees west, south, east and north.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Its corners.
    pub west: f64,
    /// South.
    pub south: f64,
    /// East.
    pub east: f64,
    /// North.
    pub north: f64,
}

/// A map and the cells that an incident names.
struct Panel {
    title: String,
    cells: Vec<(Cell, u32)>,
    coarser: Vec<(Cell, u32)>,
    named: Vec<Cell>,
    unplaced: u64,
}

/// The maps of a rehearsal of the first brand that fails, each with its name.
///
/// # Errors
/// Where nothing was told of that brand, or the store fails.
pub fn draw(
    plan: &Plan,
    (store, catalogue): (&Store, &Catalogue),
    seen: &Seen,
    frame: Frame,
) -> anyhow::Result<Vec<(String, String)>> {
    let brand = plan.scenario.surges.iter().find(|surge| surge.is_outage());
    let brand = brand.context("an outage fails somebody")?.provider;
    let begin = plan.scenario.from();
    let mut told = seen.revisions.iter().filter(|of| of.brand(brand).is_some());
    let first = told.find(|of| begin <= of.known_at).context("nothing was told of it")?.known_at;
    let mut maps = Vec::new();
    for after in MOMENTS {
        let at = first.plus_ms(after * MINUTE_MS).minute();
        let minutes = minutes_before(store, catalogue, brand, at)?;
        let exact = exact_panel(brand, seen, &minutes, at);
        let public = public_panel(brand, seen, &minutes, at);
        let name = format!("{}-{after}-min.svg", plan.scenario.name);
        maps.push((name, picture(plan, brand, at, after, &[exact, public], frame)));
    }
    Ok(maps)
}

type Minutes = Vec<(Minute, Arc<Counts>)>;

fn minutes_before(
    store: &Store,
    catalogue: &Catalogue,
    brand: &str,
    at: Minute,
) -> anyhow::Result<Minutes> {
    let provider = catalogue.find(brand).context("the catalogue has it")?;
    // Of the day before the first epoch of the window.
    let since = at.plus(-HEARD_MINUTES - 60);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(store.minutes_at_rest(provider, since..at))?)
}

/// The revisions in force of the incidents about a brand.
fn in_force<'a>(seen: &'a Seen, brand: &str, at: Minute) -> Vec<Vec<&'a Incident>> {
    let mut cases = BTreeMap::<u64, Vec<&Incident>>::new();
    let until = at.start();
    let told = seen.revisions.iter().filter(|of| of.known_at <= until && of.brand(brand).is_some());
    for revision in told {
        cases.entry(revision.id.0).or_default().push(revision);
    }
    let is_open = |case: &Vec<&Incident>| {
        let last = case.last().map(|last| last.state);
        last.is_some_and(|state| !matches!(state, State::Resolved | State::Withdrawn))
    };
    cases.into_values().filter(is_open).collect()
}

fn exact_panel(brand: &str, seen: &Seen, minutes: &Minutes, at: Minute) -> Panel {
    let window = Window { from: at.plus(-WINDOW), to: at };
    let inside = minutes.iter().filter(|(minute, _)| window.from <= *minute);
    let sums = Sums::of_minutes(Symptoms::AllProblems, inside.map(|(_, counts)| &**counts));
    let cases = in_force(seen, brand, at);
    let cells = cases.iter().filter_map(|case| case.last()).flat_map(|last| last.cells.iter());
    Panel::new(
        "Everything, with a key that may see it".to_owned(),
        &View::new(window, vec![Arc::new(sums)]),
        cells.copied().collect(),
    )
}

fn public_panel(brand: &str, seen: &Seen, minutes: &Minutes, at: Minute) -> Panel {
    let (window, rule) = (Window { from: at.plus(-WINDOW), to: at }, Rule::default());
    let groups_of = |epoch: Epoch| {
        let Range { start, end } = epoch.heard();
        let mut mass = Mass::default();
        for (minute, counts) in minutes.iter().filter(|(of, _)| (start..end).contains(of)) {
            mass.enter(heard(counts.rows(), Chance::of(&COIN), brand, *minute).map(Heard::row));
        }
        mass.groups(rule, LeftOut::default())
    };
    let epochs = Epoch::within(&(window.from..window.to));
    let groups: Vec<(Epoch, Groups)> =
        (epochs.start.0..epochs.end.0).map(Epoch).map(|epoch| (epoch, groups_of(epoch))).collect();
    let shown: Vec<(&Counts, Option<Shown<'_>>)> = minutes
        .iter()
        .filter(|(minute, _)| window.from <= *minute)
        .map(|(minute, counts)| {
            let of = groups.iter().find(|(epoch, _)| *epoch == Epoch::of(*minute));
            let coarsening = Some(COIN.coarsening(brand, *minute));
            (&**counts, of.map(|(_, groups)| Shown { groups, coarsening }))
        })
        .collect();
    let view = View::new(window, vec![Arc::new(Sums::of_shown(Symptoms::AllProblems, &shown))]);
    let mut cells = Vec::new();
    for case in in_force(seen, brand, at) {
        let mut before = Vec::new();
        for revision in case {
            before = named_at(brand, revision, minutes, &before, rule);
        }
        cells.append(&mut before);
    }
    Panel::new(format!("As everybody sees it, k = {}", rule.k), &view, cells)
}

/// What a server names of a revision.
fn named_at(
    brand: &str,
    revision: &Incident,
    minutes: &Minutes,
    before: &[Cell],
    rule: Rule,
) -> Vec<Cell> {
    let end = revision.known_at.minute().plus(1);
    let begin = revision.onset.minute().max(end.plus(-HEARD_MINUTES));
    let zone = revision.brand(brand).and_then(|brand| brand.evidence.zone);
    let zone: Vec<Cell> = zone.map(|zone| zone.cells()).unwrap_or_default();
    let shown = zone.iter().map(|cell| cell.rolled_up_to(rule.finest));
    let around: CellSet = revision.cells.iter().copied().chain(shown).collect();
    let mut people = BTreeMap::<(Cell, Cell), People>::new();
    for (minute, counts) in minutes.iter().filter(|(of, _)| (begin..end).contains(of)) {
        for heard in heard(counts.rows(), Chance::of(&COIN), brand, *minute) {
            if around.holds(heard.reported) {
                people.entry((heard.reported, heard.counted)).or_default().add(&heard.people);
            }
        }
    }
    let heard = |((reported, counted), people)| Heard { reported, counted, people };
    let heard = people.into_iter().map(heard).collect();
    named(&revision.cells, &[Spoke { heard, zone }], before, rule)
}

impl Panel {
    fn new(title: String, view: &View, named: Vec<Cell>) -> Self {
        let level = view.level(&Region::Everywhere, Resolution::DEFAULT);
        let mut coarser = level.coarser().to_vec();
        coarser.sort_by_key(|(cell, _)| cell.resolution());
        Self { title, cells: level.rows().collect(), coarser, named, unplaced: level.unplaced() }
    }
}

impl Frame {
    fn place(&self, at: Position) -> (f64, f64) {
        let scale = PANEL / (self.east - self.west);
        let stretch = 1.0 / f64::midpoint(self.south, self.north).to_radians().cos();
        ((at.lon() - self.west) * scale, (self.north - at.lat()) * scale * stretch)
    }

    fn height(&self) -> f64 {
        let stretch = 1.0 / f64::midpoint(self.south, self.north).to_radians().cos();
        (self.north - self.south) * PANEL / (self.east - self.west) * stretch
    }

    fn shows(&self, cell: Cell) -> bool {
        let corners: Vec<(f64, f64)> = cell.corners().map(|at| self.place(at)).collect();
        let within = |of: &dyn Fn(&(f64, f64)) -> f64, most: f64| {
            corners.iter().any(|at| 0.0 <= of(at)) && corners.iter().any(|at| of(at) <= most)
        };
        within(&|at| at.0, PANEL) && within(&|at| at.1, self.height())
    }

    fn outline(&self, cells: impl Iterator<Item = Cell>) -> String {
        let mut commands = String::new();
        for cell in cells.filter(|cell| self.shows(*cell)) {
            for (n, at) in cell.corners().enumerate() {
                let (x, y) = self.place(at);
                let _ = write!(commands, "{}{x:.1} {y:.1}", if n == 0 { 'M' } else { 'L' });
            }
            commands.push('Z');
        }
        commands
    }
}

fn picture(
    plan: &Plan,
    brand: &str,
    at: Minute,
    after: i64,
    panels: &[Panel; 2],
    frame: Frame,
) -> String {
    let mut svg = Svg::default();
    let time = written(at.start());
    svg.text("title", Anchor::Start, (0.0, 18.0), plan.scenario.title);
    let said = format!(
        "{brand}, {WINDOW} minutes up to {time}, {after} minutes after it was first told. \
         Synthetic, {} of the size on record.",
        plan.crowd
    );
    svg.text("small", Anchor::Start, (0.0, 36.0), said);
    for (n, panel) in panels.iter().enumerate() {
        let left = n as f64 * (PANEL + GAP);
        svg.text("", Anchor::Start, (left, TOP - 8.0), &panel.title);
        let without = match panel.unplaced {
            0 => String::new(),
            reports => format!("{reports} reports without a place"),
        };
        svg.text("small", Anchor::End, (left + PANEL, TOP - 8.0), without);
        let size = (PANEL, frame.height());
        svg.within((left, TOP), size, |svg| draw_panel(svg, panel, frame));
    }
    legend(&mut svg, TOP + frame.height() + 22.0);
    svg.finish((WIDTH, TOP + frame.height() + LEGEND), PLOT_STYLE)
}

fn draw_panel(svg: &mut Svg, panel: &Panel, frame: Frame) {
    svg.rect("land", (0.0, 0.0), (PANEL, frame.height()), "");
    // Coarse ones first, so that those within are seen; each by its own reports.
    for (cells, kind) in [(&panel.coarser, "coarse"), (&panel.cells, "")] {
        for resolution in Resolution::ALL {
            for (n, (least, class)) in CLASSES.iter().enumerate() {
                let most = CLASSES.get(n + 1).map_or(u32::MAX, |(next, _)| *next);
                let of = cells.iter().filter(|(cell, count)| {
                    cell.resolution() == resolution && (*least..most).contains(count)
                });
                let class = format!("{class} {kind}");
                svg.path(class.trim(), &frame.outline(of.map(|(cell, _)| *cell)));
            }
        }
    }
    svg.path("named", &frame.outline(panel.named.iter().copied()));
    let mut taken = Vec::<(f64, f64)>::new();
    for city in cities() {
        let (x, y) = frame.place(city.position);
        let is_inside =
            (8.0..PANEL - 70.0).contains(&x) && (14.0..frame.height() - 8.0).contains(&y);
        let is_near = |other: &(f64, f64)| {
            (other.0 - x).abs() < 1.6 * NAMES_APART && (other.1 - y).abs() < NAMES_APART / 2.0
        };
        if is_inside && !taken.iter().any(is_near) {
            svg.dot("city", (x, y));
            svg.text("place", Anchor::Start, (x + 5.0, y + 4.0), city.name);
            taken.push((x, y));
        }
        if taken.len() == CITIES {
            break;
        }
    }
}

fn legend(svg: &mut Svg, y: f64) {
    let mut x = 0.0;
    svg.text("small", Anchor::Start, (x, y), "reports of a cell:");
    x += 100.0;
    for (n, (least, class)) in CLASSES.iter().enumerate() {
        svg.rect(class, (x, y - 9.0), (14.0, 10.0), "");
        let text = match CLASSES.get(n + 1) {
            Some((next, _)) if *next == least + 1 => least.to_string(),
            Some((next, _)) => format!("{least} to {}", next - 1),
            None => format!("{least} and more"),
        };
        svg.text("small", Anchor::Start, (x + 18.0, y), text);
        x += 84.0;
    }
    x += 30.0;
    svg.rect("some coarse", (x, y - 9.0), (14.0, 10.0), "");
    svg.text(
        "small",
        Anchor::Start,
        (x + 18.0, y),
        "the same of a coarser cell, without those in it",
    );
    x += 290.0;
    svg.rect("named", (x, y - 9.0), (14.0, 10.0), "");
    svg.text("small", Anchor::Start, (x + 18.0, y), "cells of the incident");
}

fn written(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|at| at.strftime("%-d %B %Y, %H:%M UTC").to_string())
        .unwrap_or_default()
}

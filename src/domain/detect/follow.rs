//! An episode that is followed: what it reaches, which cells it names, whether it is
//! over.

use super::episode::{Episode, State};
use super::onset::onset;
use super::parameters::Parameters;
use super::parts::Parts;
use super::places::{W, WINDOWS};
use super::scan::{LEVELS, LONGEST, Scan, counts_now};
use super::zone::Zone;
use crate::domain::cell_set::CellSet;
use crate::domain::counts::Counts;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::Minute;
use hashbrown::{HashMap, HashSet};

/// Minutes without a zone that scores, after which an episode is over whatever else is
/// seen.
const FORGOTTEN_MINUTES: i64 = 120;
/// The rate of an episode is its excess over so many minutes: the fifth window.
const RATE_WINDOW: usize = 4;
/// Silence is looked for in the first so many windows, up to two hours.
const SILENCE_WINDOWS: usize = 9;
/// Steps for which it must be silent.
const SILENT_STEPS: u32 = 3;
/// The ratio that cells are named by is held in this range. A cell that has ten times
/// what is usual has failed, however much worse it is in the core: where next to nothing
/// is expected, the core has thousands of times as much within a minute.
const RATIO_RANGE: (f64, f64) = (1.5, 100.0);
/// Everywhere is told in the finest resolution, no finer than 4, with at most so many
/// cells.
const MOST_CELLS_OF_EVERYWHERE: usize = 256;
const EVERYWHERE_RESOLUTION: usize = 4;

/// An episode and what it is followed by.
#[derive(Debug, Clone)]
pub struct Followed {
    /// As it was last told.
    pub told: Episode,
    /// Cells of zones that scored, of any resolution; none where it is everywhere.
    reach: CellSet,
    everywhere: bool,
    /// The zone whose likelihood was the greatest: its ratio says what belongs to the
    /// episode.
    core: Zone,
    last_scored: Minute,
    /// The ratio of count to mean from which on a cell is named: the lowest so far, so
    /// that an episode does not give up what it named.
    bar: f64,
    peak_rate: f64,
    silent_steps: u32,
    /// Whether what is told of it has changed since it was.
    is_changed: bool,
    /// The step that it opened in, or that the look it opened in came before.
    pub opened: Minute,
    /// Whether a look has opened it, and the step of that minute is still to come.
    pub is_early: bool,
    /// The episode that it was told apart from; none of most.
    pub apart_from: Option<u64>,
}

impl Followed {
    /// An episode that begins with that zone.
    pub fn new(told: Episode, zone: Zone, cells: &[Cell], now: Minute) -> Self {
        let reach = cells.iter().copied().collect();
        let everywhere = zone.centre.is_none();
        Self {
            told,
            reach,
            everywhere,
            core: zone,
            last_scored: now,
            bar: f64::INFINITY,
            peak_rate: 0.0,
            silent_steps: 0,
            is_changed: false,
            opened: now,
            is_early: false,
            apart_from: None,
        }
    }

    /// Whether it is everywhere.
    pub const fn is_everywhere(&self) -> bool {
        self.everywhere
    }

    /// Whether a cell lies in its reach.
    pub fn reaches(&self, cell: Cell) -> bool {
        self.everywhere || self.reach.holds(cell)
    }

    /// The cells that it reaches as a whole; none where it is everywhere.
    pub fn reach(&self) -> impl Iterator<Item = Cell> + '_ {
        self.reach.iter()
    }

    /// Whether a zone of these cells shares a cell with it, or lies next to it.
    pub fn meets(&self, zone: &[Cell]) -> bool {
        if self.everywhere {
            !zone.is_empty()
        } else {
            self.reach.meets(&zone.iter().copied().collect())
        }
    }

    /// Grows by a zone that scored. Gives whether that is now its core.
    pub fn grow(&mut self, zone: Zone, cells: &[Cell], now: Minute) -> bool {
        self.last_scored = now;
        if self.everywhere {
            return false;
        }
        self.reach.extend(cells.iter().copied());
        let is_core = zone.likelihood() > self.core.likelihood();
        if is_core {
            self.core = zone;
        }
        is_core
    }

    /// Says what is known of an episode at the moment it opens: which cells it names, and
    /// since when, by the minutes that are held. Of late reports these hold the last ones
    /// only: there the window is what is known until history is read.
    pub fn describe(&mut self, scan: &Scan, now: Minute, parameters: &Parameters) {
        self.name(scan, now, parameters);
        if !self.core.late_only {
            self.date(scan, scan.seen(), now);
        }
    }

    /// Goes on from the zone that a step sees where a look has opened it sooner: that one
    /// held part of the minute only. What was told of it remains.
    pub fn open_again(&mut self, zone: Zone, cells: &[Cell], scan: &Scan, parameters: &Parameters) {
        (self.core, self.bar, self.is_early, self.is_changed) = (zone, f64::INFINITY, false, true);
        self.reach = cells.iter().copied().collect();
        self.told.onset = self.opened.plus(-zone.minutes()).start();
        self.describe(scan, self.opened, parameters);
    }

    /// Reaches these cells too.
    pub fn reach_over(&mut self, cells: &[Cell]) {
        self.reach.extend(cells.iter().copied());
    }

    /// Takes over what another reached.
    pub fn swallow(&mut self, other: Self) {
        self.is_changed |= other.told.onset < self.told.onset;
        self.told.onset = self.told.onset.min(other.told.onset);
        if other.core.likelihood() > self.core.likelihood() {
            self.core = other.core;
        }
        self.reach.extend(other.reach);
        self.bar = self.bar.min(other.bar);
    }

    /// Is followed again, after it was over.
    pub fn reopen(&mut self) {
        self.told.resolved_at = None;
        self.told.state = State::Confirmed;
        self.silent_steps = 0;
    }

    /// Names its cells and judges whether it is over, once a minute. Gives whether
    /// anything that is told has changed.
    pub fn step(&mut self, scan: &Scan, now: Minute, parameters: &Parameters) -> bool {
        let before = self.told.clone();
        self.is_early = false;
        self.name(scan, now, parameters);
        let windows = self.windows(scan);
        let (count, expected) = windows[RATE_WINDOW];
        self.peak_rate = self.peak_rate.max((count - expected) / WINDOWS[RATE_WINDOW] as f64);
        let silent = windows.iter().zip(WINDOWS).take(SILENCE_WINDOWS).any(
            |((count, expected), minutes)| {
                let minutes = minutes as f64;
                minutes >= parameters.silence_minutes
                    && self.peak_rate * minutes >= parameters.silence_reports
                    && *count <= expected + expected.sqrt() + 0.5
            },
        );
        self.silent_steps = if silent { self.silent_steps + 1 } else { 0 };
        let over =
            self.silent_steps >= SILENT_STEPS || now.0 - self.last_scored.0 > FORGOTTEN_MINUTES;
        self.told.state = match (over, silent) {
            (true, _) => State::Resolved,
            (false, true) => State::Recovering,
            (false, false) => State::Confirmed,
        };
        self.told.resolved_at = over.then(|| now.start());
        std::mem::take(&mut self.is_changed) || self.told != before
    }

    /// Names the cells whose counts are likelier inside than outside.
    ///
    /// Where the core has `ratio` times what is expected, a cell with count `c` and mean
    /// `e` is likelier inside if `c ln(ratio) > e (ratio - 1)`: the two Poisson
    /// likelihoods compared.
    pub fn name(&mut self, scan: &Scan, now: Minute, parameters: &Parameters) {
        let cells = if self.everywhere {
            everywhere(scan)
        } else {
            let (cells, bar) = self.likely_cells(|cell| self.reaches(cell), scan, now, parameters);
            self.bar = bar;
            cells
        };
        if !cells.is_empty() {
            self.told.cells = cells;
        }
    }

    /// Which of some cells, the core's among them, are likelier inside, sorted; and the
    /// bar that they exceed.
    fn likely_cells(
        &self,
        of: impl Fn(Cell) -> bool,
        scan: &Scan,
        now: Minute,
        parameters: &Parameters,
    ) -> (Vec<Cell>, f64) {
        let since = self.told.onset.minute();
        let exposure = scan.exposure_of(now.0 - since.0);
        let mut counts: HashMap<Cell, f64> = HashMap::new();
        for (_, counts_then) in scan.seen().filter(|(minute, _)| since <= *minute) {
            for (key, tally) in counts_then.rows().filter(|(key, _)| counts_now(*key)) {
                let cell = key.cell().rolled_up_to(Resolution::HOURLY);
                if of(cell) {
                    *counts.entry(cell).or_default() += f64::from(tally.count);
                }
            }
        }
        let core = scan.cells_of(&self.core);
        let within =
            counts.iter().filter(|(cell, _)| core.iter().any(|zone| zone.contains(**cell)));
        let count: f64 = within.map(|(_, count)| count).sum();
        let expected: f64 = core.iter().map(|cell| scan.expected(*cell, &exposure)).sum();
        let bar = self.bar.min(bar(count / expected.max(parameters.least_expected), parameters));
        let likely = |cell: Cell, count: f64| count > bar * scan.expected(cell, &exposure);
        let mut cells: Vec<Cell> = counts
            .into_iter()
            .filter(|(cell, count)| likely(*cell, *count))
            .map(|(cell, _)| cell)
            .collect();
        cells.sort_unstable();
        (cells, bar)
    }

    /// Dates its onset by minutes before `until`, sorted. Gives whether it is another
    /// than was told.
    pub fn date<'a>(
        &mut self,
        scan: &Scan,
        minutes: impl DoubleEndedIterator<Item = (Minute, &'a Counts)>,
        until: Minute,
    ) -> bool {
        let cells: CellSet = self.told.cells.iter().copied().collect();
        let inside = |cell: Cell| self.everywhere || cells.holds(cell);
        let exposure = scan.exposure_of(LONGEST);
        let expected: f64 = if self.everywhere {
            exposure.iter().sum()
        } else {
            self.told.cells.iter().map(|cell| scan.expected(*cell, &exposure)).sum()
        };
        // Of a detector that has just begun the history reaches further back than what it
        // was exposed to.
        let expected_a_minute = expected / scan.minutes_exposed().max(1) as f64;
        let Some(began) = onset(minutes, until, inside, expected_a_minute) else { return false };
        let before =
            std::mem::replace(&mut self.told.onset, began.start().min(self.told.detected_at));
        self.told.onset != before
    }

    fn windows(&self, scan: &Scan) -> [(f64, f64); W] {
        if self.everywhere { scan.windows_of_everywhere() } else { scan.windows(&self.told.cells) }
    }

    /// Knows that a zone of it still scores.
    pub const fn keep(&mut self, now: Minute) {
        self.last_scored = now;
    }

    /// Whether it was told apart from another.
    pub const fn is_apart(&self) -> bool {
        self.apart_from.is_some()
    }

    /// Whether a named cell of one lies within a step of one of the other; of those told
    /// apart, whether both name one.
    pub fn touches(&self, other: &Self) -> bool {
        let own: HashSet<Cell> = self.told.cells.iter().copied().collect();
        let steps = u8::from(!self.is_apart() && !other.is_apart());
        self.everywhere
            || other
                .told
                .cells
                .iter()
                .any(|cell| cell.disk(steps).into_iter().any(|(near, _)| own.contains(&near)))
    }

    /// Cells that it would name now if it reached everywhere.
    pub fn would_name(&self, scan: &Scan, now: Minute, parameters: &Parameters) -> Vec<Cell> {
        self.likely_cells(|_| true, scan, now, parameters).0
    }

    /// Whether it names none of these cells.
    pub fn names_none_of(&self, cells: &[Cell]) -> bool {
        let asked: CellSet = cells.iter().copied().collect();
        !self.told.cells.iter().any(|cell| asked.holds(*cell))
    }

    /// Reaches these cells too, and from now on names what is no weaker than that zone.
    pub fn name_as_weak(
        &mut self,
        zone: &Zone,
        cells: &[Cell],
        now: Minute,
        parameters: &Parameters,
    ) {
        self.last_scored = now;
        self.reach.extend(cells.iter().copied());
        self.bar = self.bar.min(bar(zone.observed / zone.expected, parameters));
    }

    /// The cells of its core.
    pub fn core_cells(&self, scan: &Scan) -> CellSet {
        scan.cells_of(&self.core).into_iter().collect()
    }

    /// The parts of what it names.
    pub fn parts(&self, scan: &Scan) -> Parts {
        Parts::new(&self.told.cells, &scan.cells_of(&self.core), scan)
    }

    /// Leaves what it reaches in that part to another.
    pub fn give_up(&mut self, part: &[Cell]) {
        self.told.cells.retain(|cell| !part.contains(cell));
        self.is_changed = true;
        // Only what is named remains: what it reached beside the part would be named
        // again, touch the other, and join the two.
        self.reach = self.told.cells.iter().copied().collect();
    }
}

/// The ratio of count to mean from which on a cell is named, where the core has this one.
fn bar(ratio: f64, parameters: &Parameters) -> f64 {
    let ratio = ratio.clamp(RATIO_RANGE.0, RATIO_RANGE.1);
    parameters.names_at * (ratio - 1.0) / ratio.ln()
}

/// Cells that say "everywhere": all with reports, of a coarse resolution.
fn everywhere(scan: &Scan) -> Vec<Cell> {
    let of = |level: usize| {
        let places = &scan.levels[level];
        let reported = (0..places.len()).filter(|place| places.counts[*place][W - 1] > 0);
        reported.map(|place| places.cells[place]).collect::<Vec<_>>()
    };
    let levels = (0..=EVERYWHERE_RESOLUTION.min(LEVELS - 1)).rev();
    let mut cells =
        levels.map(of).find(|cells| cells.len() <= MOST_CELLS_OF_EVERYWHERE).unwrap_or_default();
    cells.sort_unstable();
    cells
}

//! What the detector holds of a provider: counts in sliding windows by place, and what
//! they are compared with.

use super::changes::changes;
use super::parameters::Parameters;
use super::places::{LATE_W, Places, W, WINDOWS};
use super::presence::Presence;
use super::spread::{Bursting, Bursts, Spread};
use crate::domain::baseline::{Baseline, PARTS, part_of};
use crate::domain::counts::Counts;
use crate::domain::fact::{FactKey, Lane};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::symptom::Symptom;
use crate::domain::time::Minute;
use hashbrown::HashSet;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Resolutions whose cells are zones: 0 to 7, which is the finest that hours are kept in.
pub const LEVELS: usize = 8;
/// Minutes of the longest window.
pub const LONGEST: i64 = WINDOWS[W - 1];

/// A place: its resolution, and its number among the places of that.
pub type Place = (u8, u32);

/// What changes in a place: the first window that it is still in, and how many more (or
/// fewer) reports were on time and late.
type Change = (Place, usize, [i64; 2]);

/// Counts of one provider, and the baseline they are compared with.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Places by resolution.
    pub levels: [Places; LEVELS],
    /// Reports of everywhere in each window, and those of them that came late.
    pub counts: [u32; W],
    pub late: [u32; LATE_W],
    /// How everywhere scatters.
    pub spread: Spread,
    /// Dispersion of a zone of which nothing was learnt.
    pub prior_dispersion: f64,
    /// How reports come in bursts, and what is believed of that.
    pub bursts: Bursts,
    pub bursting: Bursting,
    /// Reports expected of everywhere in each window, by part of the day.
    pub exposure: [[f64; PARTS]; W],
    /// The same over all parts of the day.
    pub whole: [f64; W],
    /// The share of reports that come late.
    pub share_late: f64,
    /// Counts the steps and looks, from one.
    pub step: u64,
    pub(super) baseline: Arc<Baseline>,
    pub(super) lender: Option<Arc<Baseline>>,
    /// Minutes still in some window, as they were taken.
    seen: VecDeque<(Minute, Arc<Counts>)>,
    /// Where windows end; none before the first step.
    now: Option<Minute>,
    /// What was begun by looks at the minute that still runs; none between a step and the
    /// next look.
    running: Option<Running>,
    /// As of the last step.
    presence: Presence,
    /// Late reports that came in these minutes waited for us.
    deaf: Range<Minute>,
    /// What was expected of everywhere in each of the last minutes, the newest first.
    rates: VecDeque<Rate>,
    /// How many of them, the newest, nothing was expected in: at least all, where that
    /// was never so.
    unexpecting: usize,
}

/// The minute that still runs.
#[derive(Debug, Clone)]
struct Running {
    /// Where something was added.
    grown: Vec<Place>,
    /// How many places there were of each resolution when it began: who is heard of in it
    /// is, to what is learnt meanwhile, not known yet.
    known: [usize; LEVELS],
}

/// Reports expected of everywhere in a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Which minute.
    pub minute: Minute,
    /// How the days before compared with what was usual, as known then.
    pub level: f64,
    /// What is usual; zero where nobody was here to take reports.
    pub usual: f64,
}

impl Rate {
    /// The part of the day it lies in.
    pub const fn part(self) -> usize {
        part_of(self.minute.hour())
    }

    /// Reports expected.
    pub fn expected(self) -> f64 {
        self.level * self.usual
    }
}

/// Whether detection counts it: a problem, where it was on time in its minute, where it
/// was late in the minute it came.
#[must_use]
pub fn counts_now(key: FactKey) -> bool {
    matches!(key.lane(), Lane::OnTime | Lane::LateArrived) && key.symptom() != Symptom::Working
}

impl Scan {
    /// A scan that has seen nothing.
    pub fn new(parameters: &Parameters) -> Self {
        Self {
            levels: Default::default(),
            counts: [0; W],
            late: [0; LATE_W],
            spread: Spread::default(),
            prior_dispersion: parameters.dispersion_cold,
            bursts: Bursts::default(),
            bursting: Bursts::default().bursting(parameters),
            exposure: [[0.0; PARTS]; W],
            whole: [0.0; W],
            share_late: 1.0 / 30.0,
            step: 0,
            baseline: Arc::default(),
            lender: None,
            seen: VecDeque::new(),
            now: None,
            running: None,
            presence: Presence::default(),
            deaf: Presence::default().deaf,
            rates: VecDeque::new(),
            unexpecting: usize::MAX,
        }
    }

    /// Takes what is known of the last minutes, and gives the places that something was
    /// added to since the step before.
    pub fn take(
        &mut self,
        now: Minute,
        minutes: &[(Minute, Arc<Counts>)],
        live: bool,
    ) -> Vec<Place> {
        if self.running.is_none() {
            self.begin(now);
        }
        self.expect(now, live);
        self.presence = self.presence.after(now.plus(-1), live);
        self.deaf = self.presence.deaf.clone();
        let newly_grown = self.read(now, minutes);
        let mut grown = self.running.take().map_or_else(Vec::new, |running| running.grown);
        grown.extend(newly_grown);
        grown.sort_unstable();
        grown.dedup();
        grown
    }

    /// Takes what is known of the minute that still runs, the last one before `now`, and
    /// gives the places that something was added to since it was last looked at. A minute
    /// that is looked at is taken for one in which somebody is here, until a step knows.
    pub fn look(&mut self, now: Minute, minutes: &[(Minute, Arc<Counts>)]) -> Vec<Place> {
        if self.running.is_none() {
            self.begin(now);
            self.expect(now, true);
            self.deaf = self.presence.after(now.plus(-1), true).deaf;
        }
        let grown = self.read(now, minutes);
        if let Some(running) = &mut self.running {
            running.grown.extend(&grown);
        }
        grown
    }

    /// Lets every window go on by the minute before `now`.
    fn begin(&mut self, now: Minute) {
        if self.seen.back().is_some_and(|(minute, _)| *minute < now.plus(-LONGEST)) {
            // After a pause longer than any window nothing of before is left in one.
            self.forget_windows();
        }
        self.rates.push_front(Rate { minute: now.plus(-1), level: 1.0, usual: 0.0 });
        self.rates.truncate(LONGEST as usize);
        self.unexpecting = self.unexpecting.saturating_add(1);
        self.let_go(now);
        self.now = Some(now);
        self.running =
            Some(Running { grown: Vec::new(), known: self.levels.each_ref().map(Places::len) });
    }

    /// Says what is to be expected of the minute before `now`, by what is known now.
    fn expect(&mut self, now: Minute, live: bool) {
        let minute = now.plus(-1);
        // A minute in which nobody could report says nothing: no report is expected of
        // it.
        let usual = if live { self.baseline.rate(minute) } else { 0.0 };
        self.rates[0] = Rate { minute, level: self.baseline.level(), usual };
        if usual > 0.0 {
            self.unexpecting = 0;
        }
        self.exposure = WINDOWS.map(|_| [0.0; PARTS]);
        self.expose();
    }

    fn forget_windows(&mut self) {
        self.seen.clear();
        (self.counts, self.late) = ([0; W], [0; LATE_W]);
        for places in &mut self.levels {
            places.counts.fill([0; W]);
            places.late.fill([0; LATE_W]);
        }
    }

    fn expose(&mut self) {
        if self.rates.len() <= self.unexpecting {
            // Nothing is expected in any window: of most of a large catalogue nobody was
            // ever heard of.
            (self.exposure, self.whole) = ([[0.0; PARTS]; W], [0.0; W]);
            return;
        }
        let (mut sum, mut w) = ([0.0; PARTS], 0);
        for (n, rate) in (1..).zip(&self.rates) {
            sum[rate.part()] += rate.expected();
            if WINDOWS[w] == n {
                self.exposure[w] = sum;
                w += 1;
            }
        }
        self.exposure[w..].fill(sum);
        self.whole = self.exposure.map(|parts| parts.iter().sum());
    }

    /// Takes what the minutes hold more or less than when they were last read, and gives
    /// the places that hold more, sorted.
    fn read(&mut self, now: Minute, minutes: &[(Minute, Arc<Counts>)]) -> Vec<Place> {
        self.step += 1;
        let mut grown = Vec::new();
        for (place, first, [on_time, late]) in self.changes(now, minutes) {
            self.add(place, late, true, first..W);
            self.add(place, on_time, false, first..W);
            if on_time + late > 0 {
                grown.push(place);
            }
        }
        grown.dedup();
        grown
    }

    /// What the minutes hold more or less than when they were last read, sorted: one
    /// change for each place and first window.
    fn changes(&mut self, now: Minute, minutes: &[(Minute, Arc<Counts>)]) -> Vec<Change> {
        let mut found: Vec<Change> = Vec::new();
        // What came before the first minute that something was expected of is no
        // surprise.
        let from = self.rates.back().map_or(now, |oldest| oldest.minute);
        for (minute, counts) in minutes.iter().filter(|(minute, _)| from <= *minute) {
            let first = WINDOWS.partition_point(|window| *minute < now.plus(-window));
            let at = self.seen.partition_point(|(seen, _)| seen < minute);
            let counts =
                if self.deaf.contains(minute) { &Arc::new(without_late(counts)) } else { counts };
            let before = match self.seen.get_mut(at).filter(|(seen, _)| seen == minute) {
                Some((_, before)) if Arc::ptr_eq(before, counts) => continue,
                Some((_, before)) => Some(std::mem::replace(before, Arc::clone(counts))),
                None => {
                    self.seen.insert(at, (*minute, Arc::clone(counts)));
                    None
                }
            };
            for (key, n) in
                changes(before.as_deref(), counts).into_iter().filter(|(key, _)| counts_now(*key))
            {
                let place = self.place_of(key.cell());
                if self.places(place).explained[place.1 as usize] <= *minute {
                    found.push((
                        place,
                        first,
                        if key.lane() == Lane::LateArrived { [0, n] } else { [n, 0] },
                    ));
                }
            }
        }
        found.sort_unstable_by_key(|(place, first, _)| (*place, *first));
        found.dedup_by(|later, kept| {
            let same = (later.0, later.1) == (kept.0, kept.1);
            if same {
                kept.2 = [kept.2[0] + later.2[0], kept.2[1] + later.2[1]];
            }
            same
        });
        found
    }

    /// Each window lets go of the minute that has just left it.
    fn let_go(&mut self, now: Minute) {
        for (w, minutes) in WINDOWS.into_iter().enumerate() {
            let gone = now.plus(-minutes - 1);
            let Ok(at) = self.seen.binary_search_by_key(&gone, |(minute, _)| *minute) else {
                continue;
            };
            let counts = Arc::clone(&self.seen[at].1);
            for (key, tally) in counts.rows().filter(|(key, _)| counts_now(*key)) {
                let place = self.place_of(key.cell());
                if self.places(place).explained[place.1 as usize] <= gone {
                    self.add(
                        place,
                        -i64::from(tally.count),
                        key.lane() == Lane::LateArrived,
                        w..w + 1,
                    );
                }
            }
        }
        while self.seen.front().is_some_and(|(minute, _)| *minute < now.plus(-LONGEST)) {
            self.seen.pop_front();
        }
    }

    /// The place a report counts in: of resolution 7, or coarser where it is not known so
    /// well.
    fn place_of(&mut self, cell: Cell) -> Place {
        let cell = cell.rolled_up_to(Resolution::HOURLY);
        (cell.resolution().number(), self.place(cell))
    }

    /// The place of a cell, made where the provider was not heard of in it before.
    pub fn place(&mut self, cell: Cell) -> u32 {
        let level = usize::from(cell.resolution().number());
        if let Some(place) = self.levels[level].find(cell) {
            return place;
        }
        let parent = level
            .checked_sub(1)
            .map_or(0, |coarser| self.place(cell.rolled_up_to(Resolution::ALL[coarser])));
        let (shares, learnt) = self.baseline.shares_and_learnt(cell, self.lender.as_deref());
        self.levels[level].make(cell, parent, (shares.map(|share| share as f32), learnt as f32))
    }

    fn places(&self, place: Place) -> &Places {
        &self.levels[usize::from(place.0)]
    }

    /// Adds to a place and its ancestors.
    fn add(&mut self, place: Place, n: i64, late: bool, windows: Range<usize>) {
        if n == 0 {
            return;
        }
        let change = |count: &mut u32| {
            *count = u32::try_from((i64::from(*count) + n).max(0)).unwrap_or(u32::MAX);
        };
        let late_windows = windows.start.min(LATE_W)..windows.end.min(LATE_W);
        let mut at = place.1 as usize;
        for places in self.levels[..=usize::from(place.0)].iter_mut().rev() {
            places.counts[at][windows.clone()].iter_mut().for_each(change);
            if late {
                places.late[at][late_windows.clone()].iter_mut().for_each(change);
            }
            at = places.parents[at] as usize;
        }
        self.counts[windows].iter_mut().for_each(change);
        if late {
            self.late[late_windows].iter_mut().for_each(change);
        }
    }

    /// The dispersion of a zone in a window of so many minutes in which `expected` are
    /// expected, where its mean rests on `learnt` reports: but for what the rest of the
    /// map leaves unsure.
    pub fn dispersion(
        &self,
        spread: &Spread,
        minutes: i64,
        learnt: f64,
        expected: f64,
        parameters: &Parameters,
    ) -> f64 {
        spread.dispersion(minutes, learnt, self.prior_dispersion, parameters)
            + self.bursting.each / expected
    }

    /// How many places there are of each resolution, but for those first heard of in the
    /// minute that still runs.
    pub fn known(&self) -> [usize; LEVELS] {
        self.running
            .as_ref()
            .map_or_else(|| self.levels.each_ref().map(Places::len), |running| running.known)
    }

    /// Lets go of what was learnt until [`Self::refresh`], so that an hour can be added
    /// to it in place.
    pub fn let_go_of_baseline(&mut self) {
        self.baseline = Arc::default();
    }

    /// Takes over what was learnt of shares, from now on; since the last time reports of
    /// these cells were learnt.
    pub fn refresh(
        &mut self,
        baseline: Arc<Baseline>,
        lender: Option<Arc<Baseline>>,
        learnt: impl Iterator<Item = Cell>,
    ) {
        (self.baseline, self.lender) = (baseline, lender);
        let is_new = |cell: &Cell| {
            self.levels[usize::from(cell.resolution().number())].find(*cell).is_none()
        };
        let mut new: Vec<Cell> = learnt.flat_map(Cell::with_ancestors).filter(is_new).collect();
        // Sorted, so that the same facts number the places the same.
        new.sort_unstable();
        for cell in new {
            self.place(cell);
        }
        for places in &mut self.levels {
            for (place, cell) in places.cells.iter().enumerate() {
                let (shares, learnt) =
                    self.baseline.shares_and_learnt(*cell, self.lender.as_deref());
                (places.shares[place], places.learnt[place]) =
                    (shares.map(|share| share as f32), learnt as f32);
            }
        }
    }

    /// Takes the reports of these cells out of all windows: an episode that is over
    /// explains them.
    pub fn explain(&mut self, inside: impl Fn(Cell) -> bool, now: Minute) {
        let mut explained: HashSet<Place> = HashSet::new();
        for (minute, counts) in self.seen.clone() {
            let first = WINDOWS.partition_point(|window| minute < now.plus(-window));
            for (key, tally) in
                counts.rows().filter(|(key, _)| counts_now(*key) && inside(key.cell()))
            {
                let place = self.place_of(key.cell());
                if self.places(place).explained[place.1 as usize] <= minute {
                    self.add(
                        place,
                        -i64::from(tally.count),
                        key.lane() == Lane::LateArrived,
                        first..W,
                    );
                }
                explained.insert(place);
            }
        }
        for (level, place) in explained {
            self.levels[usize::from(level)].explained[place as usize] = now;
        }
    }

    /// Whether an episode that is over explains the reports of a cell in that minute.
    pub fn is_explained(&self, cell: Cell, minute: Minute) -> bool {
        let cell = cell.rolled_up_to(Resolution::HOURLY);
        let places = &self.levels[usize::from(cell.resolution().number())];
        places.find(cell).is_some_and(|place| places.explained[place as usize] > minute)
    }

    /// The cells within so many steps of one that the provider was heard of in, itself
    /// among them; none where it was not heard of in that one.
    pub fn near(&self, cell: Cell, steps: usize) -> impl Iterator<Item = Cell> + '_ {
        let places = &self.levels[usize::from(cell.resolution().number())];
        let near = places.find(cell).map_or(&[][..], |place| places.near(place, steps));
        near.iter().map(|place| places.cells[*place as usize])
    }

    /// Minutes still in some window, oldest first, as they were taken.
    pub fn seen(&self) -> impl DoubleEndedIterator<Item = (Minute, &Counts)> {
        self.seen.iter().map(|(minute, counts)| (*minute, &**counts))
    }

    /// Reports expected of everywhere in the last so many minutes, by part of the day.
    pub fn exposure_of(&self, minutes: i64) -> [f64; PARTS] {
        let mut sum = [0.0; PARTS];
        for rate in self.rates(minutes) {
            sum[rate.part()] += rate.expected();
        }
        sum
    }

    /// What was expected of everywhere in each of the last so many minutes, the newest
    /// first.
    pub fn rates(&self, minutes: i64) -> impl Iterator<Item = Rate> + '_ {
        self.rates.iter().take(usize::try_from(minutes).unwrap_or(0)).copied()
    }

    /// Where windows end, and the last look or step was taken; none before the first
    /// step.
    pub const fn now(&self) -> Option<Minute> {
        self.now
    }

    /// Whether the minute before `now` is still running: it was looked at, not stepped
    /// to.
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Counts of these cells in every window, of which none is finer than a place, and
    /// what is expected of them.
    pub fn windows(&self, cells: &[Cell]) -> [(f64, f64); W] {
        let mut windows = [(0.0, 0.0); W];
        for cell in cells {
            let places = &self.levels[usize::from(cell.resolution().number())];
            let counts = places.find(*cell).map_or([0; W], |place| places.counts[place as usize]);
            for (w, (count, expected)) in windows.iter_mut().enumerate() {
                *count += f64::from(counts[w]);
                *expected += self.expected(*cell, &self.exposure[w]);
            }
        }
        windows
    }

    /// Those of the reports in the first windows that came late.
    pub fn late_in_windows(&self, cells: &[Cell]) -> [u32; LATE_W] {
        let mut windows = [0; LATE_W];
        for cell in cells {
            let places = &self.levels[usize::from(cell.resolution().number())];
            let late = places.find(*cell).map_or([0; LATE_W], |place| places.late[place as usize]);
            windows.iter_mut().zip(late).for_each(|(sum, late)| *sum += late);
        }
        windows
    }

    /// The same of everywhere.
    pub fn windows_of_everywhere(&self) -> [(f64, f64); W] {
        std::array::from_fn(|w| (f64::from(self.counts[w]), self.whole[w]))
    }

    /// In how many of the last minutes reports were expected: since it began, and where
    /// somebody was there.
    pub fn minutes_exposed(&self) -> usize {
        self.rates.iter().filter(|rate| 0.0 < rate.expected()).count()
    }

    /// Reports expected in a place, where so many are expected of everywhere. A cell
    /// finer than all places has an equal share of its own.
    pub fn expected(&self, cell: Cell, exposure: &[f64; PARTS]) -> f64 {
        if Resolution::HOURLY < cell.resolution() {
            let place = cell.rolled_up_to(Resolution::HOURLY);
            return self.expected(place, exposure)
                / place.descendant_count(cell.resolution()) as f64;
        }
        let places = &self.levels[usize::from(cell.resolution().number())];
        let shares =
            places.find(cell).map_or_else(|| self.unheard(), |place| places.shares[place as usize]);
        shares.iter().zip(exposure).map(|(share, exposure)| f64::from(*share) * exposure).sum()
    }

    /// The share of a cell nobody was ever heard of in.
    pub fn unheard(&self) -> [f32; PARTS] {
        [self.baseline.unheard_share(Resolution::HOURLY) as f32; PARTS]
    }

    /// Bytes of memory it takes beside the facts, which the store holds too.
    pub fn heap_bytes(&self) -> usize {
        self.levels.iter().map(Places::heap_bytes).sum()
    }
}

fn without_late(counts: &Counts) -> Counts {
    Counts::from_rows(counts.rows().filter(|(key, _)| key.lane() != Lane::LateArrived).collect())
}

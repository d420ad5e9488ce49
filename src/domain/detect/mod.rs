//! Which provider is down, where, since when: the detector of one provider, fed minute by
//! minute.
//!
//! Pure: the same facts in the same order give the same episodes, in a replay, on a
//! server, in a test. It goes from counts to episodes by `scan` (counts in windows),
//! `zone` (scores), `others` (what other providers hear of the same place; `hearing`:
//! which), `threshold` (which score is enough), `judge`, `accounted`, `parts` and `flood`
//! (what opens an episode, what is another's, what is an outage of its own, what is spam)
//! and `follow` (what becomes of it); `known` keeps what a step has worked out. `learn`
//! and `scatter` are where hours that are over become what is usual. docs/detection.md
//! has the formulas.

mod accounted;
mod changes;
mod corrected;
pub mod episode;
pub mod expectation;
pub mod explain;
mod flood;
mod follow;
pub mod hearing;
mod judge;
mod known;
mod learn;
mod moment;
pub mod onset;
pub mod others;
pub mod parameters;
mod parts;
mod places;
mod presence;
mod reached;
mod rest;
mod scan;
mod scatter;
pub mod score;
pub mod shown;
pub mod spike;
mod spread;
#[cfg(test)]
mod tests;
mod threshold;
mod zone;

use super::baseline::Baseline;
use super::counts::Counts;
use super::grid::{Cell, Resolution};
use super::local_clock::LocalClock;
use super::time::{Hour, Minute, Timestamp, Window};
pub use corrected::Corrected;
use episode::{Episode, State};
pub use expectation::Band;
use expectation::Expectation;
pub use flood::Flood;
use follow::Followed;
pub use learn::{Explained, Outage};
use moment::Moment;
use others::Others;
use parameters::Parameters;
use places::LATE_W as LATE_WINDOWS;
pub use places::WINDOWS;
use scan::{LONGEST, Place, Scan};
pub use spread::{Bursting, Scatter};
use std::ops::Range;
use std::sync::Arc;
use threshold::Thresholds;
pub use threshold::{Choice, DAYS as QUIET_DAYS, KINDS, QuietDay};
use zone::Zone;

/// The method, as docs/detection.md describes it: another one where the same facts and
/// parameters may give other episodes.
pub const METHOD: &str = "8";

/// How many minutes before the present one a step reads again: a report that is on time
/// may still come for them.
pub const REREAD_MINUTES: i64 = 6;
/// Zones this far below the lowest score that may open an episode are not looked at.
const LEAST_SCORE: f64 = 3.5;
/// An episode's onset is dated anew every so many minutes, while late reports may still
/// tell more.
const DATED_EVERY_MINUTES: i64 = 10;
/// And for so long: after that the history that is looked at does not reach back well
/// before it.
const DATED_FOR_MINUTES: i64 = LONGEST / 2;
/// Looks tell whole seconds.
const SECOND_MS: i64 = 1_000;

/// What is known of one provider, and the episodes that are followed.
#[derive(Debug, Clone)]
pub struct Detector {
    parameters: Parameters,
    baseline: Arc<Baseline>,
    scan: Scan,
    thresholds: Thresholds,
    followed: Vec<Followed>,
    smouldering: Vec<Smouldering>,
    /// Episodes that are over, and may reopen.
    over: Vec<(Followed, Minute)>,
    /// What was explained of the hour that was learnt last; none where nothing was.
    explained: Option<(Hour, Explained)>,
    /// Outages that were told before this detector began.
    past: Vec<Outage>,
    /// Whether there was none after the last step.
    was_quiet: bool,
    /// Episodes opened in this minute, by looks and its step.
    opened: usize,
    highest_score: f64,
    /// Late reports, and all, that were learnt.
    late: (f64, f64),
    /// Up to which minute the last step would like to date episodes; none where it need
    /// not.
    undated: Option<Minute>,
}

/// What a detector took at the start of a minute, to be judged by it.
#[derive(Debug, Clone)]
pub struct Taken {
    now: Minute,
    live: bool,
    grown: Vec<Place>,
}

/// Where zones stay just below the score that opens an episode: possible, and not told.
#[derive(Debug, Clone)]
struct Smouldering {
    cells: Vec<Cell>,
    since: Minute,
    last: Minute,
}

impl Detector {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self {
            scan: Scan::new(&parameters),
            parameters,
            baseline: Arc::default(),
            thresholds: Thresholds::default(),
            followed: Vec::new(),
            smouldering: Vec::new(),
            over: Vec::new(),
            explained: None,
            past: Vec::new(),
            was_quiet: true,
            opened: 0,
            highest_score: 0.0,
            late: (0.0, 0.0),
            undated: None,
        }
    }

    /// What was learnt of undisturbed hours.
    #[must_use]
    pub const fn baseline(&self) -> &Arc<Baseline> {
        &self.baseline
    }

    /// Counts hours of the week by that clock, from the hour on that is learnt next.
    pub fn go_by(&mut self, clock: LocalClock, next: Hour) {
        Arc::make_mut(&mut self.baseline).go_by(clock, next);
    }

    /// Whether too little is known of the provider to be sure of anything but the
    /// plainest outage.
    #[must_use]
    pub fn is_cold(&self) -> bool {
        self.baseline.weeks() < self.parameters.cold_weeks
    }

    /// Looks at what is known at the start of `now`: facts of the last [`REREAD_MINUTES`]
    /// minutes before it, each as a whole.
    ///
    /// Gives every episode that began, changed or ended. For a provider that there is
    /// nobody beside.
    pub fn step(
        &mut self,
        now: Minute,
        minutes: &[(Minute, Arc<Counts>)],
        live: bool,
    ) -> Vec<Episode> {
        let taken = self.take(now, minutes, live);
        self.step_among(&Others::default(), &taken)
    }

    /// The first half of [`Self::step`]: takes what is known, of every provider before
    /// any is judged, since they hear each other.
    pub fn take(&mut self, now: Minute, minutes: &[(Minute, Arc<Counts>)], live: bool) -> Taken {
        Taken { now, live, grown: self.scan.take(now, minutes, live) }
    }

    /// The second half: judges what was taken, beside the others.
    pub fn step_among(&mut self, others: &Others<'_>, taken: &Taken) -> Vec<Episode> {
        let (now, live) = (taken.now, taken.live);
        let mut told = Vec::new();
        let zones = self.zones(&taken.grown, others);
        self.note(&zones, now, live);
        self.judge(&zones, Moment { now, at: now.start(), is_running: false }, &mut told);
        for n in (0..self.followed.len()).rev() {
            self.follow(n, now, &mut told);
        }
        let is_due =
            |f: &Followed| is_dated(f, now) && (now.0 - f.opened.0) % DATED_EVERY_MINUTES == 0;
        // What could not be read the last time is still owed.
        self.undated = (self.undated.is_some() || self.followed.iter().any(is_due)).then_some(now);
        (self.was_quiet, self.opened) = (self.followed.is_empty(), 0);
        told
    }

    /// Looks at the minute that still runs at `at`, the last one before `now`: facts of
    /// the same minutes as its [`Self::step`] will have, so far as they have come. As
    /// often as is wanted, and at no other minute than the one after the last step, where
    /// nothing is seen.
    ///
    /// Episodes open, grow and join as soon as what has come is enough. What counts
    /// minutes waits for the step: which cells are named, what smoulders, whether it is
    /// over, what quiet days teach. So the steps tell the same, looked at in between or
    /// not.
    pub fn look(
        &mut self,
        now: Minute,
        at: Timestamp,
        minutes: &[(Minute, Arc<Counts>)],
        others: &Others<'_>,
    ) -> Vec<Episode> {
        let next = self
            .scan
            .now()
            .map(|stepped| if self.scan.is_running() { stepped } else { stepped.plus(1) });
        if next != Some(now) {
            return Vec::new();
        }
        let grown = self.scan.look(now, minutes);
        let mut told = Vec::new();
        if !grown.is_empty() {
            let at = Timestamp(at.0 - at.0.rem_euclid(SECOND_MS));
            let zones = self.zones(&grown, others);
            self.judge(&zones, Moment { now, at, is_running: true }, &mut told);
        }
        told
    }

    /// Zones around what has grown.
    fn zones(&mut self, grown: &[Place], others: &Others<'_>) -> Vec<Zone> {
        let zones = if grown.is_empty() {
            Vec::new()
        } else if let Some(everywhere) = self.still_everywhere() {
            vec![everywhere]
        } else {
            self.scan.zones(grown, others, LEAST_SCORE, &self.parameters)
        };
        self.highest_score = zones.first().map_or(0.0, |zone| zone.score);
        zones
    }

    /// The zone that alone decides of an episode that is everywhere, as long as it
    /// belongs to it: all zones within are a part of that episode, and while everything
    /// reports they are many.
    fn still_everywhere(&self) -> Option<Zone> {
        // One that a look has opened is judged by its step as if nobody had looked.
        let is_everywhere =
            self.followed.iter().any(|followed| followed.is_everywhere() && !followed.is_early);
        let zone =
            if is_everywhere { self.scan.everywhere(LEAST_SCORE, &self.parameters) } else { None };
        zone.filter(|zone| self.belongs(zone))
    }

    /// Whether a zone is near enough to the score that opens an episode to belong to one.
    fn belongs(&self, zone: &Zone) -> bool {
        zone.score >= self.opens_at(zone) - self.parameters.grows_below
    }

    /// Quiet days teach which scores chance brings.
    fn note(&mut self, zones: &[Zone], now: Minute, live: bool) {
        if self.was_quiet && live && !self.is_cold() {
            self.thresholds.pass(now, &self.parameters);
            for zone in zones {
                // A score that opens an episode may be that of an outage: no more is
                // believed of it than that it did.
                let score = zone.score.min(self.thresholds.opens_at(zone, &self.parameters));
                self.thresholds.note(now, zone.kind(), score, &self.parameters);
            }
        }
    }

    fn opens_at(&self, zone: &Zone) -> f64 {
        if self.is_cold() {
            self.parameters.opens_cold_at
        } else {
            self.thresholds.opens_at(zone, &self.parameters)
        }
    }

    /// Follows an episode for one step, and lets go of it once it is over.
    fn follow(&mut self, n: usize, now: Minute, told: &mut Vec<Episode>) {
        if self.followed[n].step(&self.scan, now, &self.parameters) {
            let episode = &mut self.followed[n].told;
            episode.revision += 1;
            told.push(episode.clone());
        }
        if self.followed[n].told.state == State::Resolved {
            let gone = self.followed.remove(n);
            self.scan.explain(|cell| gone.reaches(cell), now);
            self.over.push((gone, now));
        }
    }

    /// How many reports are to be expected in these cells in these minutes, by what has
    /// been learnt so far.
    #[must_use]
    pub fn expected(&self, cells: &[Cell], window: Window) -> Band {
        let is_everywhere =
            cells.iter().filter(|cell| cell.resolution() == Resolution::COARSEST).count()
                == Cell::of_the_earth().count();
        self.expectation().in_window(if is_everywhere { &[] } else { cells }, window)
    }

    /// The same for readers on other threads, of any window; costs nothing.
    #[must_use]
    pub fn expectation(&self) -> Expectation {
        let lender = self.scan.lender.clone();
        let scatter = (self.scan.prior_dispersion, self.scan.bursting.each);
        Expectation::new(
            Arc::clone(&self.baseline),
            lender,
            scatter,
            self.is_cold(),
            &self.parameters,
        )
    }

    /// Reports of these cells in each of the [`WINDOWS`] that end now, and how many were
    /// expected before the rest of the map is heard. Of a cell finer than 7, that of
    /// resolution 7 around it; no cell may lie in another. Without cells, of everywhere.
    #[must_use]
    pub fn windows(&self, cells: &[Cell]) -> [(f64, f64); WINDOWS.len()] {
        if cells.is_empty() {
            return self.scan.windows_of_everywhere();
        }
        self.scan.windows(&places_of(cells))
    }

    /// Those of the reports in [`Self::windows`] that came late, in the windows up to two
    /// hours.
    #[must_use]
    pub fn late_in_windows(&self, cells: &[Cell]) -> [u32; LATE_WINDOWS] {
        if cells.is_empty() { self.scan.late } else { self.scan.late_in_windows(&places_of(cells)) }
    }

    /// The episodes that are followed now, as they were last told.
    pub fn episodes(&self) -> impl Iterator<Item = &Episode> {
        self.followed.iter().map(|followed| &followed.told)
    }

    /// Where the windows end: at the start of the last step, or of the minute after the
    /// one that was last looked at.
    #[must_use]
    pub const fn now(&self) -> Option<Minute> {
        self.scan.now()
    }

    /// Quiet days that are over, the last [`QUIET_DAYS`] of them, oldest first.
    #[must_use]
    pub fn quiet_days(&self) -> impl DoubleEndedIterator<Item = &QuietDay> {
        self.thresholds.days().iter()
    }

    /// Takes over what quiet days taught a detector of this provider before; to be called
    /// before the first step, which is that at `now`.
    pub fn recall(&mut self, days: impl IntoIterator<Item = QuietDay>, now: Minute) {
        self.thresholds.recall(days, now, &self.parameters);
    }

    /// What incidents explain of the hour that was learnt last, and was therefore not
    /// learnt; none where nothing was.
    #[must_use]
    pub const fn explained(&self) -> Option<&(Hour, Explained)> {
        self.explained.as_ref()
    }

    /// Takes over which outages of this provider were told before, to be called before it
    /// learns their hours.
    pub fn recall_outages(&mut self, outages: impl IntoIterator<Item = Outage>) {
        self.past.extend(outages);
    }

    /// The numbers it goes by.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The highest score of any zone in the last step or look; 0 where nothing was worth
    /// a score. While one alone decides, its score.
    #[must_use]
    pub const fn highest_score(&self) -> f64 {
        self.highest_score
    }

    /// The minutes of history that would sharpen the onset of an episode; none where it
    /// is not time to.
    #[must_use]
    pub fn wants_history(&self) -> Option<Range<Minute>> {
        let now = self.undated?;
        Some(now.plus(-LONGEST)..now)
    }

    /// Dates the onsets anew from these minutes. Gives every episode that changed.
    pub fn date(&mut self, minutes: &[(Minute, Arc<Counts>)]) -> Vec<Episode> {
        let Some(now) = self.undated.take() else { return Vec::new() };
        let mut told = Vec::new();
        for followed in self.followed.iter_mut().filter(|followed| is_dated(followed, now)) {
            let from = followed.opened.plus(-LONGEST);
            let minutes = &minutes[minutes.partition_point(|(minute, _)| *minute < from)..];
            if followed.date(
                &self.scan,
                minutes.iter().map(|(minute, counts)| (*minute, &**counts)),
                now,
            ) {
                followed.told.revision += 1;
                told.push(followed.told.clone());
            }
        }
        told
    }

    /// Bytes of memory it takes, beside the facts, which the store holds too.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.scan.heap_bytes()
    }
}

/// Whether its onset may still be dated anew.
fn is_dated(followed: &Followed, now: Minute) -> bool {
    now.0 - followed.opened.0 <= DATED_FOR_MINUTES
}

/// The cells that places are made of, each once.
fn places_of(cells: &[Cell]) -> Vec<Cell> {
    let mut places: Vec<Cell> =
        cells.iter().map(|cell| cell.rolled_up_to(Resolution::HOURLY)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

//! Which provider is down, where, since when: the detector of one provider, fed minute by minute.
//!
//! Pure: the same facts in the same order give the same episodes, in a replay, on a server, in a test. It goes from counts to episodes by
//! `scan` (counts in windows), `zone` (scores), `threshold` (which score is enough), `flood` (spam) and `follow` (what becomes of it).
//! docs/detection.md has the formulas.

mod changes;
pub mod episode;
mod flood;
mod follow;
mod onset;
pub mod parameters;
mod places;
mod scan;
pub mod score;
mod spread;
#[cfg(test)]
mod tests;
mod threshold;
mod zone;

use super::baseline::Baseline;
use super::counts::Counts;
use super::fact::Lane;
use super::grid::{Cell, Resolution};
use super::time::{Hour, Minute, Timestamp, Window};
use episode::{Episode, Evidence, State};
use follow::Followed;
use hashbrown::{HashMap, HashSet};
use parameters::Parameters;
use scan::{LONGEST, Scan, counts_now};
use std::ops::Range;
use std::sync::Arc;
use threshold::Thresholds;
use zone::Zone;

/// How many minutes before the present one a step reads again: a report that is on time may still come for them.
pub const REREAD_MINUTES: i64 = 6;
/// Zones this far below the lowest score that may open an episode are not looked at.
const LEAST_SCORE: f64 = 3.5;
/// Episodes that one step may open. A map in flames is one or a few, not hundreds.
const MOST_OPENED: usize = 8;
/// Places are remembered as smouldering so many minutes after the last zone there, and so many of them.
const SMOULDERS_WITHIN_MINUTES: i64 = 15;
const MOST_SMOULDERING: usize = 64;
/// Minutes within which an episode that was over is opened again rather than followed by a new one.
const REOPENS_MINUTES: i64 = 180;
/// An episode's onset is dated anew every so many minutes, while late reports may still tell more.
const DATED_EVERY_MINUTES: i64 = 10;

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
    highest_score: f64,
    /// Late reports, and all, that were learnt.
    late: (f64, f64),
    /// What the last step would like to date, and up to which minute.
    undated: Option<Minute>,
}

/// Where zones stay just below the score that opens an episode: possible, and not told.
#[derive(Debug, Clone)]
struct Smouldering {
    cells: Vec<Cell>,
    since: Minute,
    last: Minute,
}

/// What is to be expected: the mean, and the bounds that 95 % of undisturbed counts lie within.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Mean.
    pub mean: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
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

    /// Learns one hour of the past: each once, in order, no sooner than [`REREAD_MINUTES`] after it ended. None: nobody reported.
    ///
    /// Of `lender`, the provider that was heard of most, it takes the shape of the week and of the map, as a prior of fixed weight.
    pub fn learn(&mut self, hour: Hour, facts: Option<&Counts>, live_minutes: u32, lender: Option<&Arc<Baseline>>) {
        let lender = lender.filter(|lender| self.baseline.reports() < lender.reports());
        if facts.is_none() && self.baseline.reports() == 0.0 {
            return;
        }
        let (reports, late) = reports_of(facts);
        let whole: f64 = reports.iter().map(|(_, n)| n).sum();
        self.late = (self.late.0 + late, self.late.1 + whole);
        // No more than a fifth: what came late in an outage must not make late reports usual.
        self.scan.share_late = (self.late.0.min(0.2 * self.late.1) + 1.0) / (self.late.1 + 30.0);
        let live = f64::from(live_minutes) / 60.0;
        if self.baseline.weeks() > 0.5 && live > 0.0 {
            self.scan.learn(hour, &reports, self.baseline.expected_in(hour, live), &self.parameters);
        }
        let baseline = Arc::make_mut(&mut self.baseline);
        baseline.learn(hour, &reports, live);
        baseline.refresh(lender.map(|lender| &**lender));
        self.scan.prior_dispersion = if self.is_cold() { self.parameters.dispersion_cold } else { self.parameters.dispersion };
        self.scan.refresh(Arc::clone(&self.baseline), lender.cloned());
    }

    /// Whether too little is known of the provider to be sure of anything but the plainest outage.
    #[must_use]
    pub fn is_cold(&self) -> bool {
        self.baseline.weeks() < self.parameters.cold_weeks
    }

    /// Looks at what is known at the start of `now`: facts of the last [`REREAD_MINUTES`] minutes before it, each as a whole.
    ///
    /// Gives every episode that began, changed or ended.
    pub fn step(&mut self, now: Minute, minutes: &[(Minute, Arc<Counts>)], live: bool) -> Vec<Episode> {
        let grown = self.scan.take(now, minutes, live);
        self.highest_score = 0.0;
        let mut told = Vec::new();
        if !grown.is_empty() {
            let zones = self.scan.zones(&grown, LEAST_SCORE, &self.parameters);
            self.highest_score = zones.first().map_or(0.0, |zone| zone.score);
            self.note(&zones, now);
            self.judge(&zones, now, &mut told);
        }
        for n in (0..self.followed.len()).rev() {
            self.follow(n, now, &mut told);
        }
        self.undated =
            self.followed.iter().any(|f| (now.start().ms_since(f.told.detected_at) / 60_000) % DATED_EVERY_MINUTES == 0).then_some(now);
        told
    }

    /// Quiet days teach which scores chance brings.
    fn note(&mut self, zones: &[Zone], now: Minute) {
        if self.followed.is_empty() && !self.is_cold() {
            for zone in zones {
                self.thresholds.note(now, zone.kind(), zone.score, &self.parameters);
            }
        }
    }

    fn opens_at(&self, zone: &Zone) -> f64 {
        if self.is_cold() { self.parameters.opens_cold_at } else { self.thresholds.opens_at(zone, &self.parameters) }
    }

    /// Lets episodes grow by the zones that belong to them, joins and parts them, and opens new ones.
    fn judge(&mut self, zones: &[Zone], now: Minute, told: &mut Vec<Episode>) {
        let grows = |zone: &&Zone| zone.score >= self.opens_at(zone) - self.parameters.grows_below;
        let zones: Vec<Zone> = zones.iter().filter(grows).copied().collect();
        let mut opened = 0;
        for zone in &zones {
            if zone.centre.is_none() {
                self.judge_everywhere(zone, &zones, now, told);
                continue;
            }
            let cells = self.scan.cells_of(zone);
            let met: Vec<usize> = (0..self.followed.len()).filter(|n| self.followed[*n].meets(&cells)).collect();
            if let [only] = met[..]
                && opened < MOST_OPENED
                && let Some((zone, part)) = self.parts(only, zone, &cells, now)
            {
                opened += 1;
                self.followed[only].give_up(&part);
                self.open(zone, &cells, now, told);
            } else if let [only] = met[..] {
                self.followed[only].grow(*zone, &cells, now);
            } else if !met.is_empty() {
                self.join(&met, now, told);
            } else if opened < MOST_OPENED && self.may_tell() {
                let least = self.opens_at(zone) - if self.smoulders(&cells, now) { self.parameters.grows_below } else { 0.0 };
                if zone.score < least {
                    continue;
                }
                opened += 1;
                if let Some(zone) = self.scan.bounded(*zone, now, &self.parameters).filter(|zone| zone.score >= least) {
                    self.open(zone, &cells, now, told);
                }
            }
        }
    }

    /// A zone that would open an episode by itself, far from the rest of the one it belongs to; and the cells that go with it.
    fn parts(&self, n: usize, zone: &Zone, cells: &[Cell], now: Minute) -> Option<(Zone, Vec<Cell>)> {
        // Coarse zones over scattered cells are always far apart.
        if !zone.is_fine() || zone.score < self.opens_at(zone) {
            return None;
        }
        let part = self.followed[n].far_part(&self.scan, cells)?;
        let bounded = self.scan.bounded(*zone, now, &self.parameters)?;
        (bounded.score >= self.opens_at(&bounded)).then_some((bounded, part))
    }

    /// Joins those of these episodes whose cells have come to touch; a zone that spans several is evidence of all.
    fn join(&mut self, met: &[usize], now: Minute, told: &mut Vec<Episode>) {
        let first = met[0];
        self.followed[first].keep(now);
        for n in met[1..].iter().rev() {
            self.followed[*n].keep(now);
            if self.followed[first].touches(&self.followed[*n]) {
                let mut other = self.followed.remove(*n);
                told.push(resolve(&mut other.told, now));
                self.followed[first].swallow(other);
            }
        }
    }

    /// Notes that a zone is near the score that opens an episode. Gives whether zones here have been so for long.
    fn smoulders(&mut self, cells: &[Cell], now: Minute) -> bool {
        self.smouldering.retain(|fire| now.0 - fire.last.0 <= SMOULDERS_WITHIN_MINUTES);
        let meets = |fire: &&mut Smouldering| {
            cells.iter().any(|cell| fire.cells.iter().any(|other| cell.contains(*other) || other.contains(*cell)))
        };
        if let Some(fire) = self.smouldering.iter_mut().find(meets) {
            fire.last = now;
            return now.0 - fire.since.0 >= self.parameters.smoulders_minutes;
        }
        if self.smouldering.len() < MOST_SMOULDERING {
            self.smouldering.push(Smouldering { cells: cells.to_vec(), since: now, last: now });
        }
        false
    }

    fn may_tell(&self) -> bool {
        self.baseline.hours() >= self.parameters.silent_hours
    }

    /// Everywhere is an episode where what lies outside all zones and episodes is still too much.
    fn judge_everywhere(&mut self, zone: &Zone, zones: &[Zone], now: Minute, told: &mut Vec<Episode>) {
        if let Some(known) = self.followed.iter_mut().find(|followed| followed.is_everywhere()) {
            return known.grow(*zone, &[], now);
        }
        if zone.score < self.opens_at(zone) || !self.may_tell() {
            return;
        }
        let known: HashSet<Cell> = zones.iter().filter(|zone| zone.is_fine()).flat_map(|zone| self.scan.cells_of(zone)).collect();
        let explained = |cell: Cell| {
            let ancestors = Resolution::ALL.iter().take_while(|resolution| **resolution <= cell.resolution());
            self.followed.iter().any(|f| f.reaches(cell)) || ancestors.into_iter().any(|r| known.contains(&cell.rolled_up_to(*r)))
        };
        let places = &self.scan.levels[usize::from(Resolution::HOURLY.number())];
        let (mut observed, mut expected) = (zone.observed, zone.expected);
        for (place, cell) in places.cells.iter().enumerate().filter(|(_, cell)| explained(**cell)) {
            observed -= f64::from(places.counts[place][zone.window]);
            expected -= self.scan.expected(*cell, &self.scan.exposure[zone.window]);
        }
        let rest = zone.with(observed, expected.max(self.parameters.least_expected));
        if rest.score < self.opens_at(&rest) {
            return;
        }
        if let Some(zone) = self.scan.bounded(*zone, now, &self.parameters).filter(|zone| zone.score >= self.opens_at(zone)) {
            for mut other in std::mem::take(&mut self.followed) {
                told.push(resolve(&mut other.told, now));
            }
            self.open(zone, &[], now, told);
        }
    }

    /// Opens an episode, or one again that was over here not long ago.
    fn open(&mut self, zone: Zone, cells: &[Cell], now: Minute, told: &mut Vec<Episode>) {
        self.over.retain(|(_, over)| now.0 - over.0 < REOPENS_MINUTES);
        let again = self.over.iter().rposition(|(f, _)| zone.centre.is_some() != f.is_everywhere() && f.meets(cells));
        let mut followed = match again {
            Some(n) => {
                let (mut again, _) = self.over.remove(n);
                again.reopen();
                again.grow(zone, cells, now);
                again.told.revision += 1;
                again
            }
            None => Followed::new(self.begin(&zone, cells, now), zone, cells, now),
        };
        followed.name(&self.scan, now, &self.parameters);
        told.push(followed.told.clone());
        self.followed.push(followed);
    }

    fn begin(&self, zone: &Zone, cells: &[Cell], now: Minute) -> Episode {
        let centre = zone.centre.map(|(level, place)| self.scan.levels[usize::from(level)].cells[place as usize]);
        let window = Window { from: now.plus(-zone.minutes()), to: now };
        let mut cells = cells.to_vec();
        cells.sort_unstable();
        Episode {
            id: (now.0 as u64) << Cell::PACKED_BITS ^ centre.map_or(0, Cell::packed),
            revision: 0,
            state: State::Confirmed,
            detected_at: now.start(),
            onset: window.from.start(),
            resolved_at: None,
            cells,
            evidence: Evidence {
                centre,
                ring: zone.steps as u8,
                window,
                late_only: zone.late_only,
                observed: zone.observed,
                expected: zone.expected,
                dispersion: zone.dispersion,
                score: zone.score,
            },
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

    /// How many reports are to be expected in these cells in these minutes, by what has been learnt so far.
    #[must_use]
    pub fn expected(&self, cells: &[Cell], window: Window) -> Band {
        let minutes = window.from.0..window.to.0;
        let mut exposure = [0.0; super::baseline::PARTS];
        for minute in minutes {
            let minute = Minute(minute);
            exposure[super::baseline::part_of(minute.hour())] += self.baseline.level() * self.baseline.rate(minute);
        }
        let mean = if cells.iter().filter(|cell| cell.resolution() == Resolution::COARSEST).count() == 122 {
            exposure.iter().sum()
        } else {
            cells.iter().map(|cell| self.scan.expected(*cell, &exposure)).sum::<f64>()
        };
        let deviation = (mean + self.scan.prior_dispersion * mean * mean).sqrt();
        Band { mean, low: (mean - 1.96 * deviation).max(0.0), high: mean + 1.96 * deviation }
    }

    /// The highest score of any zone in the last step; 0 where nothing was worth a score.
    #[must_use]
    pub const fn highest_score(&self) -> f64 {
        self.highest_score
    }

    /// The minutes of history that would sharpen the onset of an episode that changed in the last step, where there is one.
    #[must_use]
    pub fn wants_history(&self) -> Option<Range<Minute>> {
        let now = self.undated?;
        Some(now.plus(-LONGEST)..now)
    }

    /// Dates the onsets anew from these minutes. Gives every episode that changed.
    pub fn date(&mut self, minutes: &[(Minute, Arc<Counts>)]) -> Vec<Episode> {
        let Some(now) = self.undated.take() else { return Vec::new() };
        let mut told = Vec::new();
        for followed in &mut self.followed {
            let cells: HashSet<Cell> = followed.told.cells.iter().copied().collect();
            let everywhere = followed.is_everywhere();
            let inside = |cell: Cell| {
                everywhere || Resolution::ALL.iter().any(|r| *r <= cell.resolution() && cells.contains(&cell.rolled_up_to(*r)))
            };
            let exposure = self.scan.exposure_of(LONGEST);
            let expected: f64 =
                if everywhere { exposure.iter().sum() } else { cells.iter().map(|cell| self.scan.expected(*cell, &exposure)).sum() };
            let from = followed.told.detected_at.minute().plus(-LONGEST);
            let minutes = &minutes[minutes.partition_point(|(minute, _)| *minute < from)..];
            // Of a detector that has just begun the history reaches further back than what it was exposed to.
            let expected_a_minute = expected / self.scan.minutes_exposed().max(1) as f64;
            let Some(onset) = onset::onset(minutes, now, inside, expected_a_minute) else { continue };
            let onset: Timestamp = onset.start().min(followed.told.detected_at);
            if onset != followed.told.onset {
                followed.told.onset = onset;
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

/// The end of an episode that goes on as a part of another.
fn resolve(episode: &mut Episode, now: Minute) -> Episode {
    episode.state = State::Resolved;
    episode.resolved_at = Some(now.start());
    episode.revision += 1;
    episode.clone()
}

/// What detection counts of an hour by cell, sorted; and how many of them came late.
fn reports_of(facts: Option<&Counts>) -> (Vec<(Cell, f64)>, f64) {
    let (mut reports, mut late) = (HashMap::<Cell, f64>::new(), 0.0);
    for (key, tally) in facts.into_iter().flat_map(Counts::rows).filter(|(key, _)| counts_now(*key)) {
        *reports.entry(key.cell().rolled_up_to(Resolution::HOURLY)).or_default() += f64::from(tally.count);
        late += if key.lane() == Lane::LateArrived { f64::from(tally.count) } else { 0.0 };
    }
    let mut reports: Vec<(Cell, f64)> = reports.into_iter().collect();
    reports.sort_unstable_by_key(|(cell, _)| *cell);
    (reports, late)
}

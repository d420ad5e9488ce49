//! What zones mean for the episodes that are followed: they grow, join and part, and new ones open.

use super::episode::{Episode, State};
use super::flood::Bounds;
use super::follow::{Followed, Joined};
use super::reached::Reached;
use super::rest::Held;
use super::scan::Scan;
use super::zone::Zone;
use super::{Detector, Smouldering};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::{Minute, Timestamp};
use hashbrown::{HashMap, HashSet};

/// Episodes that one minute may open. A map in flames is one or a few, not hundreds.
const MOST_OPENED: usize = 8;
/// Places are remembered as smouldering so many minutes after the last zone there, and so many of them.
const SMOULDERS_WITHIN_MINUTES: i64 = 15;
const MOST_SMOULDERING: usize = 64;
/// Minutes within which an episode that was over is opened again rather than followed by a new one.
const REOPENS_MINUTES: i64 = 180;

/// When zones are judged.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Where their windows end.
    pub now: Minute,
    /// When that is told.
    pub at: Timestamp,
    /// Whether the last minute of the windows still runs.
    pub is_running: bool,
}

/// What was worked out in one look or step, of episodes by their ids.
#[derive(Debug, Default)]
struct Known {
    bounds: Bounds,
    held: HashMap<u64, Held>,
    joined: HashMap<u64, Joined>,
    touching: HashMap<(u64, u64), bool>,
    /// None until it is asked for.
    reached: Option<Reached>,
}

impl Known {
    /// The places of the episodes that a zone of these cells meets.
    fn met(&mut self, followed: &[Followed], zone: &Zone, cells: &[Cell], scan: &Scan) -> Vec<usize> {
        self.reached.get_or_insert_with(|| Reached::by(followed)).met(zone, cells, scan)
    }

    /// Where an episode has come or gone, or has changed otherwise than by growing.
    fn forget(&mut self) {
        *self = Self { bounds: std::mem::take(&mut self.bounds), ..Self::default() };
    }
}

impl Detector {
    /// Lets episodes grow by the zones that belong to them, joins and parts them, and opens new ones.
    pub(super) fn judge(&mut self, zones: &[Zone], when: Moment, told: &mut Vec<Episode>) {
        let zones: Vec<Zone> = zones.iter().filter(|zone| self.belongs(zone)).copied().collect();
        let mut known = Known::default();
        let apart = self.apart(&zones, &mut known);
        for zone in &zones {
            if zone.centre.is_none() {
                known.forget();
                self.judge_everywhere(zone, &zones, when, told);
                continue;
            }
            let cells = self.scan.cells_of(zone);
            let met = known.met(&self.followed, zone, &cells, &self.scan);
            if let [only] = met[..]
                && self.opened < MOST_OPENED
                && let Some((zone, part)) = self.parts(only, zone, &cells, &mut known, when.now)
            {
                self.opened += 1;
                known.forget();
                self.followed[only].give_up(&part);
                self.open(zone, &cells, when, told);
            } else if let [only] = met[..] {
                if let Some(zone) = self.opens_now(only, (zone, &cells), &mut known, when) {
                    known.forget();
                    self.followed[only].open_again(zone, &cells, &self.scan, &self.parameters);
                } else {
                    self.grow(only, (zone, &cells), &apart, &mut known, when.now);
                }
            } else if !met.is_empty() {
                self.join(&met, &mut known, when, told);
            } else if self.opened < MOST_OPENED && self.may_tell() {
                let least = self.opens_at(zone) - if self.smoulders(&cells, when) { self.parameters.grows_below } else { 0.0 };
                if zone.score >= least
                    && let Some(zone) = known.bounds.bounded(&self.scan, (zone, &cells), least, when.now, &self.parameters)
                {
                    self.opened += 1;
                    known.forget();
                    self.open(zone, &cells, when, told);
                }
            }
        }
    }

    /// Zones small enough to say where that no episode meets: each may be an outage of its own.
    fn apart(&self, zones: &[Zone], known: &mut Known) -> Vec<(Zone, Vec<Cell>)> {
        let fine = zones.iter().filter(|zone| zone.is_fine()).map(|zone| (*zone, self.scan.cells_of(zone)));
        fine.filter(|(zone, cells)| known.met(&self.followed, zone, cells, &self.scan).is_empty()).collect()
    }

    /// Lets an episode grow by a zone, where what that holds beyond the episode speaks for itself: around an outage of many reports every zone
    /// scores, whatever else lies in it. Where a zone apart from the episode, in a fine one that meets it, says more than all that is beyond,
    /// it is an outage of its own.
    ///
    /// Not so in a coarse one: a node that takes over sees at once what another saw come one after the other, and both must tell the same of
    /// places far apart.
    fn grow(&mut self, n: usize, (zone, cells): (&Zone, &[Cell]), apart: &[(Zone, Vec<Cell>)], known: &mut Known, now: Minute) {
        let followed = &self.followed[n];
        let new: Vec<Cell> = cells.iter().filter(|cell| !followed.reaches(**cell)).copied().collect();
        if !new.is_empty() {
            let held = known.held.entry(followed.told.id).or_insert_with(|| Held::by(followed, &self.scan));
            let rest = self.scan.rest(zone, followed, held, &self.parameters);
            let within = |part: &[Cell]| part.iter().all(|cell| cells.iter().any(|whole| whole.contains(*cell)));
            let tells_more = |(other, part): &(Zone, Vec<Cell>)| rest.score <= other.score && within(part) && !followed.meets(part);
            if rest.score < self.parameters.grows_at || (zone.is_fine() && apart.iter().any(tells_more)) {
                return self.followed[n].keep(now);
            }
            for cell in new {
                held.add(cell, &self.scan);
                known.reached.iter_mut().for_each(|reached| reached.add(n, cell));
            }
        }
        if self.followed[n].grow(*zone, cells, now) {
            known.joined.remove(&self.followed[n].told.id);
        }
    }

    /// The zone that would have opened an episode now, where a look was earlier.
    fn opens_now(&self, n: usize, (zone, cells): (&Zone, &[Cell]), known: &mut Known, when: Moment) -> Option<Zone> {
        let least = self.opens_at(zone);
        if when.is_running || !self.followed[n].is_early || zone.score < least {
            return None;
        }
        known.bounds.bounded(&self.scan, (zone, cells), least, when.now, &self.parameters)
    }

    /// A zone that would open an episode by itself, far from the rest of the one it belongs to; and the cells that go with it.
    fn parts(&self, n: usize, zone: &Zone, cells: &[Cell], known: &mut Known, now: Minute) -> Option<(Zone, Vec<Cell>)> {
        let least = self.opens_at(zone);
        // Coarse zones over scattered cells are always far apart.
        if !zone.is_fine() || zone.score < least {
            return None;
        }
        let followed = &self.followed[n];
        let joined = known.joined.entry(followed.told.id).or_insert_with(|| followed.joined(&self.scan));
        let part = followed.far_part(joined, cells)?;
        let bounded = known.bounds.bounded(&self.scan, (zone, cells), least, now, &self.parameters)?;
        Some((bounded, part))
    }

    /// Joins those of these episodes whose cells have come to touch; a zone that spans several is evidence of all.
    fn join(&mut self, met: &[usize], known: &mut Known, when: Moment, told: &mut Vec<Episode>) {
        let first = met[0];
        self.followed[first].keep(when.now);
        for n in met[1..].iter().rev() {
            self.followed[*n].keep(when.now);
            let (one, other) = (&self.followed[first], &self.followed[*n]);
            // Many zones span the same two, and which cells are named does not change by that.
            if !*known.touching.entry((one.told.id, other.told.id)).or_insert_with(|| one.touches(other)) {
                continue;
            }
            known.forget();
            let mut other = self.followed.remove(*n);
            told.push(resolve(&mut other.told, when.at));
            self.followed[first].swallow(other);
        }
    }

    /// Notes, once a minute, that a zone is near the score that opens an episode. Gives whether zones here have been so for long.
    fn smoulders(&mut self, cells: &[Cell], Moment { now, is_running, .. }: Moment) -> bool {
        self.smouldering.retain(|fire| now.0 - fire.last.0 <= SMOULDERS_WITHIN_MINUTES);
        let meets = |fire: &&mut Smouldering| {
            cells.iter().any(|cell| fire.cells.iter().any(|other| cell.contains(*other) || other.contains(*cell)))
        };
        if let Some(fire) = self.smouldering.iter_mut().find(meets) {
            fire.last = if is_running { fire.last } else { now };
            return now.0 - fire.since.0 >= self.parameters.smoulders_minutes;
        }
        if !is_running && self.smouldering.len() < MOST_SMOULDERING {
            self.smouldering.push(Smouldering { cells: cells.to_vec(), since: now, last: now });
        }
        false
    }

    fn may_tell(&self) -> bool {
        self.baseline.hours() >= self.parameters.silent_hours
    }

    /// Everywhere is an episode where what lies outside all zones and episodes is still too much.
    fn judge_everywhere(&mut self, zone: &Zone, zones: &[Zone], when: Moment, told: &mut Vec<Episode>) {
        if let Some(known) = self.followed.iter_mut().find(|followed| followed.is_everywhere()) {
            known.grow(*zone, &[], when.now);
            return;
        }
        if zone.score < self.opens_at(zone) || !self.may_tell() {
            return;
        }
        let known: HashSet<Cell> = zones.iter().filter(|zone| zone.is_fine()).flat_map(|zone| self.scan.cells_of(zone)).collect();
        let explained =
            |cell: Cell| self.followed.iter().any(|f| f.reaches(cell)) || cell.with_ancestors().any(|cell| known.contains(&cell));
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
        if let Some(zone) = self.scan.bounded(*zone, when.now, &self.parameters).filter(|zone| zone.score >= self.opens_at(zone)) {
            for mut other in std::mem::take(&mut self.followed) {
                told.push(resolve(&mut other.told, when.at));
            }
            self.open(zone, &[], when, told);
        }
    }

    /// Opens an episode, or one again that was over here not long ago.
    fn open(&mut self, zone: Zone, cells: &[Cell], when: Moment, told: &mut Vec<Episode>) {
        let now = when.now;
        self.over.retain(|(_, over)| now.0 - over.0 < REOPENS_MINUTES);
        let again = self.over.iter().rposition(|(f, _)| zone.centre.is_some() != f.is_everywhere() && f.meets(cells));
        let followed = if let Some(n) = again {
            let (mut again, _) = self.over.remove(n);
            again.reopen();
            again.grow(zone, cells, now);
            again.told.revision += 1;
            again.name(&self.scan, now, &self.parameters);
            again
        } else {
            let mut new = Followed::new(self.begin(&zone, cells, when), zone, cells, now);
            new.is_early = when.is_running;
            new.describe(&self.scan, now, &self.parameters);
            new
        };
        told.push(followed.told.clone());
        self.followed.push(followed);
    }

    fn begin(&self, zone: &Zone, cells: &[Cell], Moment { now, at, .. }: Moment) -> Episode {
        let evidence = self.scan.evidence(zone, now);
        let mut cells = cells.to_vec();
        cells.sort_unstable();
        Episode {
            id: (now.0 as u64) << Cell::PACKED_BITS ^ evidence.centre.map_or(0, Cell::packed),
            revision: 0,
            state: State::Confirmed,
            detected_at: at,
            onset: evidence.window.from.start(),
            resolved_at: None,
            cells,
            evidence,
        }
    }
}

/// The end of an episode that goes on as a part of another.
fn resolve(episode: &mut Episode, at: Timestamp) -> Episode {
    episode.state = State::Resolved;
    episode.resolved_at = Some(at);
    episode.revision += 1;
    episode.clone()
}

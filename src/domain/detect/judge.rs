//! What zones mean for the episodes that are followed: they grow, join and part, and new
//! ones open.

use super::corrected::corrected;
use super::episode::{Episode, State};
use super::follow::Followed;
use super::known::Known;
use super::moment::Moment;
use super::parts::Part;
use super::rest::Held;
use super::zone::Zone;
use super::{Detector, Smouldering};
use crate::domain::cell_set::CellSet;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::{Minute, Timestamp};

/// Episodes that one minute may open. A map in flames is one or a few, not hundreds.
const MOST_OPENED: usize = 8;
/// Places are remembered as smouldering so many minutes after the last zone there, and so
/// many of them.
const SMOULDERS_WITHIN_MINUTES: i64 = 15;
const MOST_SMOULDERING: usize = 64;
/// Minutes within which an episode that was over is opened again rather than followed by
/// a new one.
const REOPENS_MINUTES: i64 = 180;

/// What a zone is to an episode that it meets.
enum Relation {
    /// An outage of its own, as it is once bounded; and the cells of the episode that go
    /// with it.
    Own(Zone, Vec<Cell>),
    /// Beside what the episode names, weaker for its place, and as sure: what of it the
    /// episode does not name.
    Edge(Zone),
    /// A part of it, or around it.
    Part,
}

impl Detector {
    /// Lets episodes grow by the zones that belong to them, joins and parts them, and
    /// opens new ones.
    pub(super) fn judge(&mut self, zones: &[Zone], when: Moment, told: &mut Vec<Episode>) {
        let zones: Vec<Zone> = zones.iter().filter(|zone| self.belongs(zone)).copied().collect();
        let mut known = Known::new(self, &zones, when);
        for (number, zone) in zones.iter().enumerate() {
            if zone.centre.is_none() {
                self.judge_everywhere(zone, &zones, &mut known, when, told);
                continue;
            }
            let cells = self.scan.cells_of(zone);
            let met = known.met(number, &self.followed, (zone, &cells), &self.scan);
            if met.is_empty() {
                self.may_open(zone, &cells, &mut known, when, told);
            } else if !self.is_heard(zone, &met, &mut known, when) {
                for n in met {
                    self.followed[n].keep(when.now);
                }
            } else if let [only] = met[..] {
                match self.relation(only, (zone, &cells), &zones, &mut known, when) {
                    Relation::Own(zone, part) => {
                        self.opened += 1;
                        known.forget_episodes();
                        self.followed[only].give_up(&part);
                        let other = self.followed[only].told.id;
                        self.open(zone, &cells, when, told);
                        self.followed.last_mut().expect("one was just opened").apart_from =
                            Some(other);
                    }
                    Relation::Edge(weaker) => {
                        known.forget_episodes();
                        self.followed[only].name_as_weak(
                            &weaker,
                            &cells,
                            when.now,
                            &self.parameters,
                        );
                    }
                    Relation::Part => {
                        if let Some(zone) = self.opens_now(only, (zone, &cells), &mut known, when) {
                            known.forget_episodes();
                            self.followed[only].open_again(
                                zone,
                                &cells,
                                &self.scan,
                                &self.parameters,
                            );
                        } else {
                            self.grow(only, (zone, &cells), &mut known, when.now);
                        }
                    }
                }
            } else {
                self.join(&met, (zone, &cells), &mut known, when, told);
            }
        }
    }

    /// Whether an episode that a zone meets may grow by it. A coarse one may join some,
    /// or grow, by what is not accounted for alone.
    fn is_heard(&self, zone: &Zone, met: &[usize], known: &mut Known, when: Moment) -> bool {
        let spans_several = met.len() > 1;
        zone.is_fine()
            || met.iter().any(|n| self.followed[*n].is_everywhere())
            || self.margin(zone, spans_several, known, when) >= 0.0
    }

    /// By how much a zone scores more than is needed to open an episode. A coarse one
    /// must do so by what is not accounted for in it, where that is not most of what is
    /// too many; or where it may be one outage, unless what is left in it says that it is
    /// not.
    fn margin(&self, zone: &Zone, may_be_one: bool, known: &mut Known, when: Moment) -> f64 {
        let margin = |zone: &Zone| zone.score - self.opens_at(zone);
        if zone.is_fine() {
            return margin(zone);
        }
        if may_be_one && self.is_one(zone, known, when) {
            return margin(zone);
        }
        let accounted = known.accounted(self, when);
        let rest = self.scan.rest_alone(zone, accounted, &self.parameters);
        let speaks = |rest: &Zone| rest.score >= self.parameters.grows_at;
        let bounded = Some(rest)
            .filter(speaks)
            .and_then(|rest| self.scan.bounded_rest(rest, accounted, when.now, &self.parameters))
            .filter(speaks);
        let is_most = |rest: &Zone| 2.0 * rest.excess() > zone.excess();
        bounded.map_or(f64::NEG_INFINITY, |rest| {
            if is_most(&rest) { margin(zone) } else { margin(&rest).min(margin(zone)) }
        })
    }

    /// Whether a coarse zone is one outage: a region in which nothing lies between those
    /// that fail, or beside them, that is as usual for sure.
    fn is_one(&self, zone: &Zone, known: &mut Known, when: Moment) -> bool {
        let outside =
            |held: &Held| self.scan.rest_alone(zone, held, &self.parameters).outside_of(zone);
        zone.is_region() && outside(known.surroundings(self, when)) < self.parameters.as_usual_at
    }

    /// Opens an episode with a zone that meets none, where its score is enough.
    fn may_open(
        &mut self,
        zone: &Zone,
        cells: &[Cell],
        known: &mut Known,
        when: Moment,
        told: &mut Vec<Episode>,
    ) {
        if self.opened == MOST_OPENED || !self.may_tell() {
            return;
        }
        let margin = self.margin(zone, true, known, when);
        if margin < -self.parameters.grows_below {
            return;
        }
        let short_by = if self.smoulders(cells, when) { self.parameters.grows_below } else { 0.0 };
        let least = self.opens_at(zone) - short_by;
        if margin >= -short_by
            && let Some(zone) =
                known.bounds.bounded(&self.scan, (zone, cells), least, when.now, &self.parameters)
        {
            self.opened += 1;
            known.forget_episodes();
            self.open(zone, cells, when, told);
        }
    }

    /// Lets an episode grow by a zone, or keeps it as it is.
    fn grow(&mut self, n: usize, (zone, cells): (&Zone, &[Cell]), known: &mut Known, now: Minute) {
        if !self.grows_over(n, (zone, cells), known) {
            self.followed[n].keep(now);
        } else if self.followed[n].grow(*zone, cells, now) {
            known.has_another_core(&self.followed[n]);
        }
    }

    /// Whether an episode is to grow over a zone: where what that holds beyond all
    /// episodes speaks for itself, since around an outage of many reports every zone
    /// scores, whatever else lies in it. Where a zone apart from all episodes, in this
    /// one, says more than all that is beyond, it is an outage of its own. What the
    /// episode will hold is then known.
    fn grows_over(&self, n: usize, (zone, cells): (&Zone, &[Cell]), known: &mut Known) -> bool {
        let held = known.held(&self.followed, &self.scan);
        let new: Vec<Cell> = cells.iter().filter(|cell| !held.holds(**cell)).copied().collect();
        if new.is_empty() || self.followed[n].is_everywhere() {
            return true;
        }
        // Coarse ones are heard for what is beyond all that is accounted for, which is
        // more.
        if zone.is_fine() {
            let rest = self.scan.rest(zone, held, &self.parameters);
            let within = |part: &[Cell]| {
                part.iter().all(|cell| cells.iter().any(|whole| whole.contains(*cell)))
            };
            let tells_more = |(other, part): &(Zone, Vec<Cell>)| {
                rest.score <= other.score && within(part) && !self.followed[n].meets(part)
            };
            if rest.score < self.parameters.grows_at || known.apart.iter().any(tells_more) {
                return false;
            }
        }
        for cell in new {
            known.reaches(n, cell, &self.scan);
        }
        true
    }

    /// The zone that would have opened an episode now, where a look was earlier.
    fn opens_now(
        &self,
        n: usize,
        (zone, cells): (&Zone, &[Cell]),
        known: &mut Known,
        when: Moment,
    ) -> Option<Zone> {
        let least = self.opens_at(zone);
        if when.is_running || !self.followed[n].is_early || zone.score < least {
            return None;
        }
        known.bounds.bounded(&self.scan, (zone, cells), least, when.now, &self.parameters)
    }

    /// What a zone is to the only episode that it meets.
    fn relation(
        &self,
        n: usize,
        (zone, cells): (&Zone, &[Cell]),
        zones: &[Zone],
        known: &mut Known,
        when: Moment,
    ) -> Relation {
        let least = self.opens_at(zone);
        // Coarse zones over scattered cells are always far apart.
        if !zone.is_fine()
            || zone.score < least
            || self.opened == MOST_OPENED
            || self.followed[n].is_everywhere()
        {
            return Relation::Part;
        }
        let far = known.parts(&self.followed[n], &self.scan).far(cells);
        let weaker =
            if far.is_empty() { self.unnamed(n, (zone, cells), known, when) } else { None };
        if weaker.is_none() && (far.is_empty() || self.are_one(n, &far, zones, known, when)) {
            return Relation::Part;
        }
        let Some(bounded) =
            known.bounds.bounded(&self.scan, (zone, cells), least, when.now, &self.parameters)
        else {
            return Relation::Part;
        };
        match weaker {
            None => Relation::Own(
                bounded,
                known.parts(&self.followed[n], &self.scan).cells(&far).collect(),
            ),
            Some(_) if self.followed[n].names_none_of(cells) => Relation::Own(bounded, Vec::new()),
            // Which cells are named waits for the step.
            Some(_) if when.is_running => Relation::Part,
            Some(weaker) => Relation::Edge(weaker),
        }
    }

    /// A zone without the cells that an episode names, where that is most of what is too
    /// much in it, and enough to open another. Where next to nothing is expected an
    /// outage has a hundred times as much: what has five times as much beside it is
    /// neither of its kind nor as usual.
    fn unnamed(
        &self,
        n: usize,
        (zone, cells): (&Zone, &[Cell]),
        known: &mut Known,
        when: Moment,
    ) -> Option<Zone> {
        let named = known.named(&self.followed[n], &self.scan, when.now, &self.parameters);
        if named.core.overlaps(&cells.iter().copied().collect()) {
            return None;
        }
        let rest = self.scan.rest_alone(zone, &named.held, &self.parameters);
        (rest.score >= self.opens_at(&rest) && 2.0 * rest.excess() > zone.excess()).then_some(rest)
    }

    /// Whether these parts of an episode and others of it lie in one region that fails.
    fn are_one(
        &self,
        n: usize,
        far: &[Part],
        zones: &[Zone],
        known: &mut Known,
        when: Moment,
    ) -> bool {
        let regions = |known: &mut Known| {
            let regions = zones.iter().filter(|zone| self.is_one(zone, known, when));
            regions.map(|zone| self.scan.cells_of(zone)).collect()
        };
        known.are_one(&self.followed[n], far, regions, &self.scan)
    }

    /// Joins those of these episodes whose cells have come to touch; a zone that spans
    /// several is evidence of all, and a coarse one that is heard says that they are one;
    /// of those told apart only where it is heard for what lies beyond them. What a fine
    /// one holds between episodes that do not touch is the first one's.
    fn join(
        &mut self,
        met: &[usize],
        (zone, cells): (&Zone, &[Cell]),
        known: &mut Known,
        when: Moment,
        told: &mut Vec<Episode>,
    ) {
        let first = met[0];
        let before = self.followed.len();
        self.followed[first].keep(when.now);
        let any_apart = met.iter().any(|n| self.followed[*n].is_apart());
        let joins_all =
            !zone.is_fine() && (!any_apart || self.margin(zone, false, known, when) >= 0.0);
        for n in met[1..].iter().rev() {
            self.followed[*n].keep(when.now);
            let (one, other) = (&self.followed[first], &self.followed[*n]);
            let is_one = joins_all
                || !zone.is_fine() && !one.is_apart() && !other.is_apart()
                || known.touch(one, other);
            if is_one {
                known.forget_episodes();
                let mut other = self.followed.remove(*n);
                told.push(resolve(&mut other.told, when.at));
                self.followed[first].swallow(other);
            }
        }
        if !zone.is_fine() {
            if before - self.followed.len() == met.len() - 1 {
                self.grow(first, (zone, cells), known, when.now);
            }
        } else if self.followed.len() == before && self.grows_over(first, (zone, cells), known) {
            self.followed[first].reach_over(cells);
        }
    }

    /// Notes, once a minute, that a zone is near the score that opens an episode. Gives
    /// whether zones here have been so for long.
    fn smoulders(&mut self, cells: &[Cell], Moment { now, is_running, .. }: Moment) -> bool {
        self.smouldering.retain(|fire| now.0 - fire.last.0 <= SMOULDERS_WITHIN_MINUTES);
        let meets = |fire: &&mut Smouldering| {
            cells.iter().any(|cell| {
                fire.cells.iter().any(|other| cell.contains(*other) || other.contains(*cell))
            })
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

    /// Everywhere is an episode where what is neither accounted for nor lies in any finer
    /// zone is still too much.
    fn judge_everywhere(
        &mut self,
        zone: &Zone,
        zones: &[Zone],
        known: &mut Known,
        when: Moment,
        told: &mut Vec<Episode>,
    ) {
        if let Some(everywhere) = self.followed.iter_mut().find(|followed| followed.is_everywhere())
        {
            everywhere.grow(*zone, &[], when.now);
            return;
        }
        let least = self.opens_at(zone);
        if zone.score < least || !self.may_tell() {
            return;
        }
        let in_zones: CellSet = zones
            .iter()
            .filter(|zone| zone.is_fine())
            .flat_map(|zone| self.scan.cells_of(zone))
            .collect();
        let accounted = known.accounted(self, when);
        let is_left_out = |cell: Cell| accounted.holds(cell) || in_zones.holds(cell);
        let places = &self.scan.levels[usize::from(Resolution::HOURLY.number())];
        let (mut observed, mut expected) = (zone.observed, zone.expected);
        for (place, cell) in places.cells.iter().enumerate().filter(|(_, cell)| is_left_out(**cell))
        {
            observed -= f64::from(places.counts[place][zone.window]);
            expected -= self.scan.expected(*cell, &self.scan.exposure[zone.window]);
        }
        // Judged as any zone is: what is left out is the rest of the map.
        let expected =
            corrected(observed, expected, zone.observed, zone.expected, &self.parameters).expected;
        let rest = zone.with(observed, expected.max(self.parameters.least_expected));
        if rest.score < self.opens_at(&rest) {
            return;
        }
        if let Some(zone) =
            known.bounds.bounded(&self.scan, (zone, &[]), least, when.now, &self.parameters)
        {
            for mut other in std::mem::take(&mut self.followed) {
                told.push(resolve(&mut other.told, when.at));
            }
            known.forget_episodes();
            self.open(zone, &[], when, told);
        }
    }

    /// Opens an episode, or one again that was over here not long ago.
    fn open(&mut self, zone: Zone, cells: &[Cell], when: Moment, told: &mut Vec<Episode>) {
        let now = when.now;
        self.over.retain(|(_, over)| now.0 - over.0 < REOPENS_MINUTES);
        let again = self
            .over
            .iter()
            .rposition(|(f, _)| zone.centre.is_some() != f.is_everywhere() && f.meets(cells));
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

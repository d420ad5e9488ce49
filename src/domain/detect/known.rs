//! What one look or step has worked out of its zones and episodes: many zones ask the
//! same, and none needs it twice.

use super::Detector;
use super::flood::Bounds;
use super::follow::Followed;
use super::moment::Moment;
use super::parameters::Parameters;
use super::parts::{Part, Parts};
use super::reached::Reached;
use super::rest::Held;
use super::scan::Scan;
use super::zone::Zone;
use crate::domain::cell_set::CellSet;
use crate::domain::grid::Cell;
use crate::domain::time::Minute;
use hashbrown::HashMap;

/// What was worked out in one look or step.
#[derive(Debug, Default)]
pub struct Known {
    /// Zones small enough to say where that no episode meets, with their cells.
    pub apart: Vec<(Zone, Vec<Cell>)>,
    /// Zones as they are once bounded.
    pub bounds: Bounds,
    of_episodes: OfEpisodes,
}

/// What was worked out of the episodes as they are. None until it is asked for.
#[derive(Debug, Default)]
struct OfEpisodes {
    reached: Option<Reached>,
    /// What fine zones meet, by their numbers; empty once an episode reaches more than
    /// when that was asked.
    met: Vec<Option<Vec<usize>>>,
    held: Option<Held>,
    surroundings: Option<Held>,
    accounted: Option<Held>,
    /// By their ids.
    parts: HashMap<u64, Parts>,
    /// By their ids.
    named: HashMap<u64, Named>,
    /// By the ids of two.
    touching: HashMap<(u64, u64), bool>,
    /// Cells of coarse zones of which each is one outage.
    regions: Option<Vec<Vec<Cell>>>,
}

/// What an episode names, or would name if it reached it; and its core.
#[derive(Debug)]
pub struct Named {
    pub held: Held,
    pub core: CellSet,
}

impl Known {
    /// Looks at these zones first.
    pub fn new(detector: &Detector, zones: &[Zone], when: Moment) -> Self {
        let mut reached = detector.reached(when);
        let (mut apart, mut met) = (Vec::new(), Vec::with_capacity(zones.len()));
        for zone in zones {
            if !zone.is_fine() {
                met.push(None);
                continue;
            }
            let cells = detector.scan.cells_of(zone);
            let by_zone = reached.met(zone, &cells, &detector.scan);
            if by_zone.is_empty() {
                apart.push((*zone, cells));
            }
            met.push(Some(by_zone));
        }
        let mut known = Self { apart, ..Self::default() };
        if detector.heeds_all(when) {
            (known.of_episodes.reached, known.of_episodes.met) = (Some(reached), met);
        }
        known
    }

    /// Where an episode has come or gone, or has changed otherwise than by growing.
    pub fn forget_episodes(&mut self) {
        self.of_episodes = OfEpisodes::default();
    }

    /// Where one has come to reach a cell.
    pub fn reaches(&mut self, n: usize, cell: Cell, scan: &Scan) {
        let OfEpisodes { reached, met, held, accounted, .. } = &mut self.of_episodes;
        met.clear();
        held.iter_mut().chain(accounted).for_each(|held| held.add(cell, scan));
        if let Some(reached) = reached {
            reached.add(n, cell);
        }
    }

    /// Where one has grown by a zone that is now its core.
    pub fn has_another_core(&mut self, followed: &Followed) {
        self.of_episodes.parts.remove(&followed.told.id);
        self.of_episodes.named.remove(&followed.told.id);
    }

    /// The places of the episodes that the zone of this number, of these cells, meets.
    pub fn met(
        &mut self,
        number: usize,
        followed: &[Followed],
        (zone, cells): (&Zone, &[Cell]),
        scan: &Scan,
    ) -> Vec<usize> {
        let OfEpisodes { reached, met, .. } = &mut self.of_episodes;
        if let Some(met) = met.get_mut(number).and_then(Option::take) {
            return met;
        }
        reached
            .get_or_insert_with(|| Reached::by(followed.iter().enumerate()))
            .met(zone, cells, scan)
    }

    /// What all of them reach.
    pub fn held(&mut self, followed: &[Followed], scan: &Scan) -> &Held {
        self.of_episodes.held.get_or_insert_with(|| {
            let mut held = Held::default();
            followed.iter().flat_map(Followed::reach).for_each(|cell| held.add(cell, scan));
            held
        })
    }

    /// See [`Detector::surroundings`].
    pub fn surroundings(&mut self, detector: &Detector, when: Moment) -> &Held {
        let Self { apart, bounds, of_episodes } = self;
        of_episodes.surroundings.get_or_insert_with(|| detector.surroundings(apart, bounds, when))
    }

    /// See [`Detector::accounted`].
    pub fn accounted(&mut self, detector: &Detector, when: Moment) -> &Held {
        self.surroundings(detector, when);
        let OfEpisodes { surroundings, accounted, .. } = &mut self.of_episodes;
        accounted.get_or_insert_with(|| {
            detector.accounted(surroundings.as_ref().expect("just worked out"), when)
        })
    }

    /// The parts of one.
    pub fn parts(&mut self, followed: &Followed, scan: &Scan) -> &mut Parts {
        self.of_episodes.parts.entry(followed.told.id).or_insert_with(|| followed.parts(scan))
    }

    /// What one names, and would name if it reached it.
    pub fn named(
        &mut self,
        followed: &Followed,
        scan: &Scan,
        now: Minute,
        parameters: &Parameters,
    ) -> &Named {
        self.of_episodes.named.entry(followed.told.id).or_insert_with(|| {
            let mut named = Named { held: Held::default(), core: followed.core_cells(scan) };
            let likely = followed.would_name(scan, now, parameters);
            followed.told.cells.iter().chain(&likely).for_each(|cell| named.held.add(*cell, scan));
            named
        })
    }

    /// Whether some parts of one, and others of it, lie in one region that fails.
    pub fn are_one(
        &mut self,
        followed: &Followed,
        parts: &[Part],
        regions: impl FnOnce(&mut Self) -> Vec<Vec<Cell>>,
        scan: &Scan,
    ) -> bool {
        let regions = match self.of_episodes.regions.take() {
            Some(known) => known,
            None => regions(self),
        };
        let are_one = self.parts(followed, scan).are_one_with_others(parts, &regions);
        self.of_episodes.regions = Some(regions);
        are_one
    }

    /// Whether two touch: which cells are named does not change by what they grow over.
    pub fn touch(&mut self, one: &Followed, other: &Followed) -> bool {
        *self
            .of_episodes
            .touching
            .entry((one.told.id, other.told.id))
            .or_insert_with(|| one.touches(other))
    }
}

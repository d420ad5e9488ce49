//! What is accounted for: by the episodes that are followed, and by finer zones that
//! would open one now.
//!
//! A coarse zone says little of where. Around an outage of many reports each of them
//! scores, however far it reaches; so it is heard only for what finer zones leave, or
//! where all of a region fails. Then it does not matter whether outages are seen one
//! after the other or, by a node that begins, all at once.

use super::Detector;
use super::flood::Bounds;
use super::follow::Followed;
use super::moment::Moment;
use super::reached::Reached;
use super::rest::Held;
use super::zone::Zone;
use crate::domain::grid::{Cell, Resolution};
use hashbrown::HashSet;

/// Beside a cell lies the cell of this resolution that it lies in, and those next to
/// that: some 7 km around. The edge of an outage is no other.
const BESIDE: Resolution = Resolution::ALL[6];

impl Detector {
    /// What the episodes reach that are heeded.
    pub(super) fn reached(&self, when: Moment) -> Reached {
        Reached::by((0..).zip(&self.followed).filter(|(_, followed)| is_heeded(followed, when)))
    }

    /// Whether all episodes are.
    pub(super) fn heeds_all(&self, when: Moment) -> bool {
        self.followed.iter().all(|followed| is_heeded(followed, when))
    }

    /// What lies beside what episodes name, and beside those zones apart from them that
    /// would open one now.
    pub(super) fn surroundings(
        &self,
        apart: &[(Zone, Vec<Cell>)],
        bounds: &mut Bounds,
        when: Moment,
    ) -> Held {
        let mut held = Held::default();
        for followed in self.followed.iter().filter(|followed| is_heeded(followed, when)) {
            beside(&followed.told.cells).for_each(|cell| held.add(cell, &self.scan));
        }
        for (zone, cells) in apart {
            let least = self.opens_at(zone);
            if zone.score >= least
                && !cells.iter().all(|cell| held.holds(*cell))
                && bounds
                    .bounded(&self.scan, (zone, cells), least, when.now, &self.parameters)
                    .is_some()
            {
                beside(cells).for_each(|cell| held.add(cell, &self.scan));
            }
        }
        held
    }

    /// These, and what episodes reach.
    pub(super) fn accounted(&self, surroundings: &Held, when: Moment) -> Held {
        let mut held = surroundings.clone();
        let followed = self.followed.iter().filter(|followed| is_heeded(followed, when));
        followed.flat_map(Followed::reach).for_each(|cell| held.add(cell, &self.scan));
        held
    }
}

/// What a look has opened is judged by its step as if nobody had looked.
fn is_heeded(followed: &Followed, when: Moment) -> bool {
    when.is_running || !followed.is_early
}

/// Where what is beside these cells lies.
fn beside(cells: &[Cell]) -> impl Iterator<Item = Cell> {
    let around: HashSet<Cell> = cells.iter().map(|cell| cell.rolled_up_to(BESIDE)).collect();
    around.into_iter().flat_map(|cell| cell.disk(1)).map(|(near, _)| near)
}

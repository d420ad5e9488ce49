//! What is left of a zone without what an episode already holds of it.

use super::follow::Followed;
use super::parameters::Parameters;
use super::scan::Scan;
use super::zone::{Sums, Zone};
use crate::domain::grid::Cell;
use hashbrown::HashMap;

/// What an episode holds of each of the coarser cells that its own lie in, in one look or step.
#[derive(Debug, Default)]
pub struct Held(HashMap<Cell, Sums>);

impl Held {
    /// What that episode holds.
    pub fn by(followed: &Followed, scan: &Scan) -> Self {
        let mut held = Self::default();
        followed.outermost().for_each(|cell| held.add(cell, scan));
        held
    }

    /// Adds a cell that it has come to hold as a whole.
    pub fn add(&mut self, cell: Cell, scan: &Scan) {
        let mut new = scan.sums_of(cell);
        if let Some(before) = self.0.get(&cell) {
            new.subtract(before);
        }
        for coarser in cell.ancestors() {
            self.0.entry(coarser).or_default().include(&new);
        }
    }
}

impl Scan {
    /// The zone without what an episode holds of it, in the same window, scattered as the whole is. The rest of the map is what lies outside the
    /// whole zone: what the episode brings is no sign that more is usual.
    pub fn rest(&self, zone: &Zone, followed: &Followed, held: &Held, parameters: &Parameters) -> Zone {
        let Some((level, centre)) = zone.centre else { return *zone };
        let places = &self.levels[usize::from(level)];
        let whole = self.sums((level, centre), zone.steps);
        let mut rest = whole;
        for cell in places.near(centre, zone.steps).iter().map(|place| places.cells[*place as usize]) {
            if followed.reaches(cell) {
                rest.subtract(&self.sums_of(cell));
            } else if let Some(held) = held.0.get(&cell) {
                rest.subtract(held);
            }
        }
        let w = zone.window;
        let expected = rest.expected(&self.exposure[w]) * self.usual(&whole, w, parameters).ratio + parameters.least_expected;
        if zone.late_only {
            zone.with(f64::from(rest.late[w]), expected * self.share_late + parameters.least_expected_late)
        } else {
            zone.with(f64::from(rest.counts[w]), expected)
        }
    }
}

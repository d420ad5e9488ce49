//! What is left of a zone without what is accounted for in it.

use super::parameters::Parameters;
use super::scan::Scan;
use super::zone::{Sums, Zone};
use crate::domain::cell_set::CellSet;
use crate::domain::grid::Cell;
use hashbrown::HashMap;

/// Cells that are accounted for, and what these hold of each of the coarser ones that
/// they lie in, in one look or step.
#[derive(Debug, Clone, Default)]
pub struct Held {
    whole: CellSet,
    parts: HashMap<Cell, Sums>,
}

impl Held {
    /// Adds a cell as a whole; what was held in it before counts once.
    pub fn add(&mut self, cell: Cell, scan: &Scan) {
        if self.holds(cell) {
            return;
        }
        self.whole.insert(cell);
        let mut new = scan.sums_of(cell);
        if let Some(before) = self.parts.get(&cell) {
            new.subtract(before);
        }
        for coarser in cell.ancestors() {
            self.parts.entry(coarser).or_default().include(&new);
        }
    }

    /// Whether a cell lies in it as a whole.
    pub fn holds(&self, cell: Cell) -> bool {
        self.whole.holds(cell)
    }
}

impl Scan {
    /// The zone without what is held of it, in the same window, scattered as the whole
    /// is. The rest of the map is what lies outside the whole zone: what is held is no
    /// sign that more is usual.
    pub fn rest(&self, zone: &Zone, held: &Held, parameters: &Parameters) -> Zone {
        let (whole, rest) = self.sums_without(zone, held);
        self.with_sums(zone, &rest, self.usual(&whole, zone.window, parameters).ratio, parameters)
    }

    /// The same, judged as any zone is: what is held is a part of the rest of the map.
    pub fn rest_alone(&self, zone: &Zone, held: &Held, parameters: &Parameters) -> Zone {
        let (_, rest) = self.sums_without(zone, held);
        self.with_sums(zone, &rest, self.usual(&rest, zone.window, parameters).ratio, parameters)
    }

    /// What a zone holds, and what is left of that.
    fn sums_without(&self, zone: &Zone, held: &Held) -> (Sums, Sums) {
        let Some((level, centre)) = zone.centre else { return Default::default() };
        let places = &self.levels[usize::from(level)];
        let whole = self.sums((level, centre), zone.steps);
        let mut rest = whole;
        for cell in
            places.near(centre, zone.steps).iter().map(|place| places.cells[*place as usize])
        {
            if held.holds(cell) {
                rest.subtract(&self.sums_of(cell));
            } else if let Some(part) = held.parts.get(&cell) {
                rest.subtract(part);
            }
        }
        (whole, rest)
    }

    fn with_sums(&self, zone: &Zone, sums: &Sums, ratio: f64, parameters: &Parameters) -> Zone {
        let w = zone.window;
        let expected = zone.others.unwrap_or(1.0) * ratio * sums.expected(&self.exposure[w])
            + parameters.least_expected;
        if zone.late_only {
            zone.with(
                f64::from(sums.late[w]),
                expected * self.share_late + parameters.least_expected_late,
            )
        } else {
            zone.with(f64::from(sums.counts[w]), expected)
        }
    }
}

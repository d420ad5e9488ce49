//! A flood from one spot is no outage: what one spot may add to a zone is bounded by what lies elsewhere in it.

use super::parameters::Parameters;
use super::scan::{Scan, counts_now};
use super::zone::Zone;
use crate::domain::fact::Lane;
use crate::domain::grid::{Cell, Resolution, Spot};
use crate::domain::time::Minute;
use hashbrown::{HashMap, HashSet};

impl Scan {
    /// The zone with its fullest spot bounded, where it is then still reports of people enough.
    ///
    /// A spot is a third of a cell of the finest resolution. It may add as many reports as are too many elsewhere in the zone, and a few
    /// more: several people at one street corner weigh little, a spot in the middle of an outage weighs what it has.
    pub fn bounded(&self, zone: Zone, now: Minute, parameters: &Parameters) -> Option<Zone> {
        let from = now.plus(-zone.minutes());
        let cells: HashSet<Cell> = self.cells_of(&zone).into_iter().collect();
        let resolution = zone.centre.map_or(Resolution::COARSEST, |(level, _)| Resolution::ALL[usize::from(level)]);
        let inside =
            |cell: Cell| zone.centre.is_none() || cell.resolution() >= resolution && cells.contains(&cell.rolled_up_to(resolution));
        let (mut people, mut spots) = (0, HashMap::<(Cell, Spot), f64>::new());
        for (minute, counts) in self.seen().filter(|(minute, _)| from <= *minute) {
            for (key, tally) in
                counts.rows().filter(|(key, _)| counts_now(*key) && inside(key.cell()) && !self.is_explained(key.cell(), minute))
            {
                if zone.late_only && key.lane() != Lane::LateArrived {
                    continue;
                }
                people += tally.first;
                if key.cell().resolution() == Resolution::FINEST {
                    *spots.entry((key.cell(), key.spot())).or_default() += f64::from(tally.count);
                }
            }
        }
        let fullest = spots.into_values().fold(0.0, f64::max);
        let elsewhere = (zone.observed - fullest - zone.expected).max(0.0);
        let observed = zone.observed - (fullest - elsewhere - parameters.spot_bound).max(0.0);
        let enough = f64::from(people) >= parameters.people && observed >= parameters.people;
        enough.then(|| zone.with(observed, zone.expected))
    }
}

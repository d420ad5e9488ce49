//! A flood from one spot is no outage: what one spot may add to a zone is bounded by what lies elsewhere in it.

use super::parameters::Parameters;
use super::scan::{Scan, counts_now};
use super::zone::Zone;
use crate::domain::fact::Lane;
use crate::domain::grid::{Cell, Resolution, Spot};
use crate::domain::time::Minute;
use hashbrown::{HashMap, HashSet};

/// What is too many elsewhere in the zone lets the corner add so many for each.
const ELSEWHERE_COUNTS: f64 = 0.5;
/// A spot beside the fullest one with less than this part of its reports may be blur of the same corner.
const GOOD_PART: f64 = 0.25;

impl Scan {
    /// The zone with its fullest spot bounded, where it is then still reports of people enough.
    ///
    /// A spot is a third of a cell of the finest resolution. It may add half as many reports as are too many elsewhere in the zone, and two
    /// more: that is fewer than the people an episode needs, so a corner alone never opens one.
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
        let corner = fullest_corner(&spots);
        let elsewhere = (zone.observed - corner - zone.expected).max(0.0);
        let most = parameters.spot_bound + ELSEWHERE_COUNTS * elsewhere;
        let observed = zone.observed - (corner - most).max(0.0);
        let enough = f64::from(people) >= parameters.people && observed >= parameters.people;
        enough.then(|| zone.with(observed, zone.expected))
    }
}

/// Reports at the fullest street corner: of the fullest spot, of the fullest one beside it where the corner lies on their border, and what
/// was blurred into other spots beside it.
///
/// An outage in one cell fills its three spots as their areas are, 1 to 3 to 3: the third is too full to be blur, and is elsewhere.
fn fullest_corner(spots: &HashMap<(Cell, Spot), f64>) -> f64 {
    // Of two as full, the first: the answer must not depend on the order of a hash map.
    let fullest = |a: &(&(Cell, Spot), &f64), b: &(&(Cell, Spot), &f64)| a.1.total_cmp(b.1).then_with(|| b.0.cmp(a.0));
    let Some((spot, count)) = spots.iter().max_by(fullest) else { return 0.0 };
    let near: HashSet<Cell> = spot.0.disk(1).into_iter().map(|(cell, _)| cell).collect();
    let beside = spots.iter().filter(|(other, _)| *other != spot && near.contains(&other.0)).map(|(_, beside)| *beside);
    let (full, blurred): (Vec<f64>, Vec<f64>) = beside.partition(|beside| *beside >= GOOD_PART * count);
    count + full.into_iter().fold(0.0, f64::max) + blurred.into_iter().sum::<f64>()
}

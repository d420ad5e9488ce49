//! A flood from one spot is no outage: what one spot may add to a zone is bounded by what lies elsewhere in it.

use super::parameters::Parameters;
use super::scan::{Scan, counts_now};
use super::zone::Zone;
use crate::domain::fact::{FactKey, Lane, Tally};
use crate::domain::grid::{Cell, Resolution, Spot};
use crate::domain::time::Minute;
use hashbrown::{HashMap, HashSet};

/// What is too many elsewhere in the zone lets the corner add so many for each.
pub const ELSEWHERE_COUNTS: f64 = 0.5;
/// A spot beside the fullest one with less than this part of its reports may be blur of the same corner.
const GOOD_PART: f64 = 0.25;

/// What bounds the count of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flood {
    /// Reports before they are bounded.
    pub counted: f64,
    /// People whose first report of their day is among them.
    pub people: u32,
    /// Reports at the fullest street corner.
    pub corner: f64,
    /// How many of the others are too many.
    pub elsewhere: f64,
    /// What the corner may add at most.
    pub most: f64,
    /// Reports that count.
    pub observed: f64,
}

impl Scan {
    /// The zone with its fullest spot bounded, where it is then still reports of people enough.
    ///
    /// A spot is a third of a cell of the finest resolution. It may add half as many reports as are too many elsewhere in the zone, and two
    /// more: that is fewer than the people an episode needs, so a corner alone never opens one.
    pub fn bounded(&self, zone: Zone, now: Minute, parameters: &Parameters) -> Option<Zone> {
        let Flood { people, observed, .. } = self.flood(&zone, now, parameters);
        let enough = f64::from(people) >= parameters.people && observed >= parameters.people;
        enough.then(|| zone.with(observed, zone.expected))
    }

    /// What bounds the count of a zone.
    pub fn flood(&self, zone: &Zone, now: Minute, parameters: &Parameters) -> Flood {
        let from = now.plus(-zone.minutes());
        let cells = self.cells_of(zone);
        let (mut people, mut spots) = (0, HashMap::<(Cell, Spot), f64>::new());
        for (minute, counts) in self.seen().filter(|(minute, _)| from <= *minute) {
            let inside = |key: FactKey| counts_now(key) && !self.is_explained(key.cell(), minute);
            let mut count = |key: FactKey, tally: Tally| {
                if !inside(key) || zone.late_only && key.lane() != Lane::LateArrived {
                    return;
                }
                people += tally.first;
                if key.cell().resolution() == Resolution::FINEST {
                    *spots.entry((key.cell(), key.spot())).or_default() += f64::from(tally.count);
                }
            };
            match zone.centre {
                None => counts.rows().for_each(|(key, tally)| count(key, tally)),
                Some(_) => counts.each_within(&cells, count),
            }
        }
        let corner = fullest_corner(&spots);
        let elsewhere = (zone.observed - corner - zone.expected).max(0.0);
        let most = parameters.spot_bound + ELSEWHERE_COUNTS * elsewhere;
        let observed = zone.observed - (corner - most).max(0.0);
        Flood { counted: zone.observed, people, corner, elsewhere, most, observed }
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

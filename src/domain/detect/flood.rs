//! A flood from one spot is no outage: what one spot may add to a zone is bounded by what
//! lies elsewhere in it.

use super::parameters::Parameters;
use super::rest::Held;
use super::scan::{Place, Scan, counts_now};
use super::zone::Zone;
use crate::domain::fact::{FactKey, Lane, Tally};
use crate::domain::grid::{Cell, Resolution, Spot};
use crate::domain::time::Minute;
use hashbrown::{HashMap, HashSet};

/// What is too many elsewhere in the zone lets the corner add so many for each.
pub const ELSEWHERE_COUNTS: f64 = 0.5;
/// A spot beside the fullest one with less than this part of its reports may be blur of
/// the same corner.
const GOOD_PART: f64 = 0.25;

/// Zones of a look or step are bounded until so many are found to be floods: bounding one
/// takes a pass over its reports.
const MOST_FLOODS: usize = 128;

/// Zones as they are once bounded, in one look or step.
///
/// Hundreds of zones lie around a flooded spot and score. Once it is known, they need not
/// be counted: they must not use up what is spent on zones elsewhere, nor delay what is
/// found there.
#[derive(Debug, Default)]
pub struct Bounds {
    known: HashMap<(Option<Place>, usize, usize, bool), Option<Zone>>,
    floods: Vec<(Zone, Cell, f64)>,
}

impl Bounds {
    /// The zone of these cells with its fullest spot bounded, where it then still has
    /// that score.
    pub fn bounded(
        &mut self,
        scan: &Scan,
        (zone, cells): (&Zone, &[Cell]),
        least: f64,
        now: Minute,
        parameters: &Parameters,
    ) -> Option<Zone> {
        let key = (zone.centre, zone.steps, zone.window, zone.late_only);
        if let Some(known) = self.known.get(&key) {
            return known.filter(|zone| zone.score >= least);
        }
        let is_flooded = |(flooded, spot, count): &(Zone, Cell, f64)| {
            let counts_them = zone.late_only == flooded.late_only && zone.window >= flooded.window;
            counts_them
                && (zone.centre.is_none() || cells.iter().any(|cell| cell.contains(*spot)))
                && zone.with(below_corner(zone, *count, parameters).observed, zone.expected).score
                    < least
        };
        if self.floods.len() == MOST_FLOODS || self.floods.iter().any(is_flooded) {
            return None;
        }
        let flood = scan.flood(zone, now, parameters);
        let bounded = flood.of(zone, parameters);
        if let Some((spot, count)) = flood.fullest
            && bounded.is_none_or(|zone| zone.score < least)
        {
            self.floods.push((*zone, spot, count));
        }
        self.known.insert(key, bounded);
        bounded.filter(|zone| zone.score >= least)
    }
}

/// What bounds the count of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flood {
    /// Reports before they are bounded.
    pub counted: f64,
    /// People whose first report of their day is among them.
    pub people: u32,
    /// The fullest spot's cell, and reports there.
    pub fullest: Option<(Cell, f64)>,
    /// Reports at the fullest street corner.
    pub corner: f64,
    /// How many of the others are too many.
    pub elsewhere: f64,
    /// What the corner may add at most.
    pub most: f64,
    /// Reports that count.
    pub observed: f64,
}

impl Flood {
    /// The zone as it is then, where it is still reports of people enough.
    fn of(&self, zone: &Zone, parameters: &Parameters) -> Option<Zone> {
        let enough =
            f64::from(self.people) >= parameters.people && self.observed >= parameters.people;
        enough.then(|| zone.with(self.observed, zone.expected))
    }
}

/// What a corner leaves of a zone.
struct Below {
    elsewhere: f64,
    most: f64,
    observed: f64,
}

fn below_corner(zone: &Zone, corner: f64, parameters: &Parameters) -> Below {
    let elsewhere = (zone.observed - corner - zone.expected).max(0.0);
    let most = parameters.spot_bound + ELSEWHERE_COUNTS * elsewhere;
    Below { elsewhere, most, observed: zone.observed - (corner - most).max(0.0) }
}

impl Scan {
    /// The zone with its fullest spot bounded, where it is then still reports of people
    /// enough.
    ///
    /// A spot is a third of a cell of the finest resolution. It may add half as many
    /// reports as are too many elsewhere in the zone, and two more: that is fewer than
    /// the people an episode needs, so a corner alone never opens one.
    pub fn bounded(&self, zone: Zone, now: Minute, parameters: &Parameters) -> Option<Zone> {
        self.bounded_rest(zone, &Held::default(), now, parameters)
    }

    /// The same of a [`Scan::rest`], without what is held of it.
    pub fn bounded_rest(
        &self,
        zone: Zone,
        held: &Held,
        now: Minute,
        parameters: &Parameters,
    ) -> Option<Zone> {
        self.flood_of_rest(&zone, held, now, parameters).of(&zone, parameters)
    }

    /// What bounds the count of a zone.
    pub fn flood(&self, zone: &Zone, now: Minute, parameters: &Parameters) -> Flood {
        self.flood_of_rest(zone, &Held::default(), now, parameters)
    }

    fn flood_of_rest(
        &self,
        zone: &Zone,
        held: &Held,
        now: Minute,
        parameters: &Parameters,
    ) -> Flood {
        let from = now.plus(-zone.minutes());
        let cells = self.cells_of(zone);
        let (mut people, mut spots) = (0, HashMap::<(Cell, Spot), f64>::new());
        for (minute, counts) in self.seen().filter(|(minute, _)| from <= *minute) {
            let inside = |key: FactKey| {
                counts_now(key) && !self.is_explained(key.cell(), minute) && !held.holds(key.cell())
            };
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
        let (fullest, corner) = fullest_corner(&spots);
        let Below { elsewhere, most, observed } = below_corner(zone, corner, parameters);
        Flood { counted: zone.observed, people, fullest, corner, elsewhere, most, observed }
    }
}

/// Reports at the fullest street corner: of the fullest spot, of the fullest one beside
/// it where the corner lies on their border, and what was blurred into other spots beside
/// it. With it comes the fullest spot's cell, and what was reported there.
///
/// An outage in one cell fills its three spots as their areas are, 1 to 3 to 3: the third
/// is too full to be blur, and is elsewhere.
fn fullest_corner(spots: &HashMap<(Cell, Spot), f64>) -> (Option<(Cell, f64)>, f64) {
    // Of two as full, the first: the answer must not depend on the order of a hash map.
    let fullest = |a: &(&(Cell, Spot), &f64), b: &(&(Cell, Spot), &f64)| {
        a.1.total_cmp(b.1).then_with(|| b.0.cmp(a.0))
    };
    let Some((spot, count)) = spots.iter().max_by(fullest) else { return (None, 0.0) };
    let near: HashSet<Cell> = spot.0.disk(1).into_iter().map(|(cell, _)| cell).collect();
    let beside = spots
        .iter()
        .filter(|(other, _)| *other != spot && near.contains(&other.0))
        .map(|(_, beside)| *beside);
    let (full, blurred): (Vec<f64>, Vec<f64>) =
        beside.partition(|beside| *beside >= GOOD_PART * count);
    (
        Some((spot.0, *count)),
        count + full.into_iter().fold(0.0, f64::max) + blurred.into_iter().sum::<f64>(),
    )
}

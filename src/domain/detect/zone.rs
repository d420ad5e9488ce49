//! Zones: neighbouring cells tested together, in many sizes and windows, around what is new. Each has a score.

use super::parameters::Parameters;
use super::places::{LATE_W, Places, STEPS, W, WINDOWS};
use super::scan::{LEVELS, Place, Scan};
use super::score::{bound, score};
use super::threshold::{Thresholds, kind};
use crate::domain::baseline::PARTS;
use crate::domain::grid::{Cell, Resolution};

/// A zone is of interest above this ratio of observed to expected, however many its reports are.
const LEAST_RATIO: f64 = 1.2;
/// The coarsest resolution of zones that say where something is.
const FINE_LEVEL: u8 = 6;
/// The rest of the map may say that this is less, or more, than a usual hour, up to these ratios.
const REST_RANGE: (f64, f64) = (0.8, 3.0);

/// A zone in the window in which it is most surprising.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zone {
    /// The place in its middle; none where the zone is everywhere.
    pub centre: Option<Place>,
    /// Places of its resolution up to so many steps away belong to it.
    pub steps: usize,
    /// Which of [`WINDOWS`].
    pub window: usize,
    /// Whether only late reports were counted.
    pub late_only: bool,
    /// Reports that count.
    pub observed: f64,
    /// Reports that were to be expected.
    pub expected: f64,
    /// Variance is `expected + dispersion * expected^2`.
    pub dispersion: f64,
    /// -log10 of the probability of so many or more.
    pub score: f64,
}

impl Zone {
    /// The same with another count.
    pub fn with(self, observed: f64, expected: f64) -> Self {
        Self { observed, expected, score: score(observed, expected, self.dispersion), ..self }
    }

    /// How much likelier its count is where everything in it is raised by the same ratio (log10 of the likelihood ratio, and a constant).
    pub fn likelihood(&self) -> f64 {
        if self.late_only { 0.0 } else { bound(self.observed, self.expected) }
    }

    /// Whether its cells are of resolution 6 or finer: small enough to say where.
    pub fn is_fine(&self) -> bool {
        self.centre.is_some_and(|(level, _)| level >= FINE_LEVEL)
    }

    /// What kind of zone it is, when thresholds are chosen.
    pub fn kind(&self) -> usize {
        kind(self.expected, self.late_only)
    }

    /// Its length in minutes.
    pub const fn minutes(&self) -> i64 {
        WINDOWS[self.window]
    }
}

/// What the rest of the map does, it is taken to do here too; where a zone is most of the map, little is taken over.
///
/// Gives what is then expected, and the dispersion that comes of not knowing it better: a gamma prior of mean 1 and weight
/// `usual_weight`, updated by a Poisson count (the space-time permutation of Kulldorff 2005 in closed form, with a prior).
pub fn corrected(count: f64, expected: f64, whole: f64, whole_expected: f64, parameters: &Parameters) -> (f64, f64) {
    let (rest, rest_expected) = ((whole - count).max(0.0), (whole_expected - expected).max(0.0));
    let weight = rest_expected + parameters.usual_weight;
    let ratio = ((rest + parameters.usual_weight) / weight).clamp(REST_RANGE.0, REST_RANGE.1);
    (expected * ratio, 1.0 / weight)
}

impl Scan {
    /// Zones around what has grown, and everywhere, each in its most surprising window, highest score first. Only those near enough to the
    /// score that opens an incident, or that teach how scores of quiet days are.
    pub fn zones(&mut self, grown: &[Place], least: f64, parameters: &Parameters) -> Vec<Zone> {
        let mut zones = Vec::new();
        for level in 0..LEVELS {
            // One cell of a coarse resolution is about what seven of the next finer one are.
            let first = usize::from(level + 1 < LEVELS);
            for centre in self.centres(level, grown) {
                zones.extend((first..=STEPS).filter_map(|steps| self.zone(level, centre, steps, least, parameters)));
            }
        }
        zones.extend(self.everywhere(least, parameters));
        zones.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| (a.centre, a.steps).cmp(&(b.centre, b.steps))));
        zones
    }

    /// Places with reports around which some zone holds what has grown.
    fn centres(&mut self, level: usize, grown: &[Place]) -> Vec<u32> {
        let mut centres = Vec::new();
        for (own, place) in grown.iter().filter(|(own, _)| usize::from(*own) >= level) {
            let cell = self.levels[usize::from(*own)].cells[*place as usize].rolled_up_to(Resolution::ALL[level]);
            let places = &mut self.levels[level];
            let place = places.find(cell).expect("what counts in a place counts in its ancestors");
            for n in 0..places.near(place, STEPS).len() {
                let centre = places.near(place, STEPS)[n];
                let looked = std::mem::replace(&mut places.looked[centre as usize], self.step);
                if looked != self.step && places.counts[centre as usize][W - 1] > 0 {
                    centres.push(centre);
                }
            }
        }
        centres
    }

    fn zone(&self, level: usize, centre: u32, steps: usize, least: f64, parameters: &Parameters) -> Option<Zone> {
        let places = &self.levels[level];
        let near = places.near(centre, steps);
        let (mut counts, mut late) = ([0; W], [0; LATE_W]);
        for place in near {
            add(&mut counts, &places.counts[*place as usize]);
            add(&mut late, &places.late[*place as usize]);
        }
        if f64::from(counts[W - 1]) < parameters.people {
            return None;
        }
        let unheard = (Places::cells_within(steps).saturating_sub(near.len())) as f32;
        let mut shares = self.unheard().map(|share| share * unheard);
        let mut learnt = 0.0;
        for place in near {
            add(&mut shares, &places.shares[*place as usize]);
            learnt += f64::from(places.learnt[*place as usize]);
        }
        let spread = &places.spread[centre as usize][steps];
        let centre = Some((level as u8, centre));
        let mut best: Option<Zone> = None;
        for (w, minutes) in WINDOWS.into_iter().enumerate() {
            let expected = (0..PARTS).map(|part| f64::from(shares[part]) * self.exposure[w][part]).sum();
            let whole: f64 = self.exposure[w].iter().sum();
            let (expected, unsure) = corrected(f64::from(counts[w]), expected, f64::from(self.counts[w]), whole, parameters);
            let (expected, observed) = (expected + parameters.least_expected, f64::from(counts[w]));
            let dispersion = spread.dispersion(minutes, learnt, self.prior_dispersion, parameters) + unsure;
            let zone = Zone { centre, steps, window: w, late_only: false, observed, expected, dispersion, score: 0.0 };
            consider(zone, parameters.people, least, &mut best);
            if w < LATE_W {
                let expected = expected * self.share_late + parameters.least_expected_late;
                let dispersion = dispersion.max(parameters.dispersion_late);
                let zone = Zone { late_only: true, observed: f64::from(late[w]), expected, dispersion, ..zone };
                consider(zone, parameters.late_reports, least, &mut best);
            }
        }
        best
    }

    fn everywhere(&self, least: f64, parameters: &Parameters) -> Option<Zone> {
        let mut best = None;
        for (w, minutes) in WINDOWS.into_iter().enumerate() {
            let (observed, expected) = (f64::from(self.counts[w]), self.exposure[w].iter().sum::<f64>() + parameters.least_expected);
            let dispersion = self.spread.dispersion(minutes, f64::INFINITY, self.prior_dispersion, parameters);
            let zone = Zone { centre: None, steps: 0, window: w, late_only: false, observed, expected, dispersion, score: 0.0 };
            consider(zone, parameters.people, least, &mut best);
        }
        best
    }

    /// The cells of a zone that the provider was heard of in; none where it is everywhere.
    pub fn cells_of(&self, zone: &Zone) -> Vec<Cell> {
        let Some((level, centre)) = zone.centre else { return Vec::new() };
        let places = &self.levels[usize::from(level)];
        places.near(centre, zone.steps).iter().map(|place| places.cells[*place as usize]).collect()
    }
}

/// Keeps the zone where its score is the highest, and above `least`. The score is summed up only where its bound says that it may be.
fn consider(mut zone: Zone, reports: f64, least: f64, best: &mut Option<Zone>) {
    let floor = best.map_or(least, |best| best.score);
    let worth = zone.observed >= reports && zone.observed > LEAST_RATIO * zone.expected && bound(zone.observed, zone.expected) > floor;
    if worth {
        zone.score = score(zone.observed, zone.expected, zone.dispersion);
        if zone.score > floor {
            *best = Some(zone);
        }
    }
}

fn add<T: Copy + std::ops::AddAssign>(sums: &mut [T], more: &[T]) {
    sums.iter_mut().zip(more).for_each(|(sum, n)| *sum += *n);
}

impl Thresholds {
    /// The score at which that zone opens an incident.
    pub fn opens_at(&self, zone: &Zone, parameters: &Parameters) -> f64 {
        self.of(zone.kind(), parameters.opens_untaught_at)
    }
}

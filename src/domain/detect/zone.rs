//! Zones: neighbouring cells tested together, in many sizes and windows, around what is
//! new. Each has a score.

use super::corrected::{Corrected, corrected};
use super::episode::Evidence;
use super::others::{Asked, Others};
use super::parameters::Parameters;
use super::places::{LATE_W, Places, STEPS, W, WINDOWS};
use super::scan::{LEVELS, Place, Scan};
use super::score::{bound, dispersed_bound, score};
use super::spread::Spread;
use super::threshold::{Thresholds, kind};
use crate::domain::baseline::PARTS;
use crate::domain::grid::Cell;
use crate::domain::time::{Minute, Window};

/// A zone is of interest above this ratio of observed to expected, however many its
/// reports are.
pub const LEAST_RATIO: f64 = 1.2;
/// The coarsest resolution of zones that say where something is.
pub const FINE_LEVEL: u8 = 6;
/// The coarsest resolution of zones that are no larger than regions.
pub const REGION_LEVEL: u8 = 3;
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
    /// By how much what other providers hear says that more than usual is to be expected:
    /// a factor of that. None where nobody was asked.
    pub others: Option<f64>,
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

    /// Whether its cells are of resolution 3 to 5: it reaches no further than some 350
    /// km, and says little of where.
    pub fn is_region(&self) -> bool {
        self.centre.is_some_and(|(level, _)| (REGION_LEVEL..FINE_LEVEL).contains(&level))
    }

    /// How much likelier it is that this part of a zone is as usual than that it fails as
    /// all others of the zone do (log10 of the likelihood ratio of two Poissons).
    pub fn outside_of(&self, whole: &Self) -> f64 {
        let others = (
            whole.observed - self.observed,
            (whole.expected - self.expected).max(f64::MIN_POSITIVE),
        );
        let ratio = (others.0 / others.1).max(1.0);
        ((ratio - 1.0) * self.expected - self.observed * ratio.ln()) / std::f64::consts::LN_10
    }

    /// How many more than expected.
    pub const fn excess(&self) -> f64 {
        self.observed - self.expected
    }

    /// How much likelier its count is where everything in it is raised by the same ratio
    /// (log10 of the likelihood ratio, and a constant).
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

impl Scan {
    /// Zones around what has grown, and everywhere, each in its most surprising window,
    /// highest score first. Only those near enough to the score that opens an episode, or
    /// that teach how scores of quiet days are.
    pub fn zones(
        &mut self,
        grown: &[Place],
        others: &Others<'_>,
        least: f64,
        parameters: &Parameters,
    ) -> Vec<Zone> {
        let (mut zones, mut within, mut hopes) = (Vec::new(), Vec::new(), Hopes::new(least));
        for level in (0..LEVELS).rev() {
            within.extend(
                grown.iter().filter(|(own, _)| usize::from(*own) == level).map(|(_, place)| *place),
            );
            within.sort_unstable();
            within.dedup();
            // One cell of a coarse resolution is about what seven of the next finer one
            // are.
            let first = usize::from(level + 1 < LEVELS);
            for centre in self.centres(level, &within) {
                self.zones_around(
                    (level as u8, centre),
                    first,
                    others,
                    &mut hopes,
                    parameters,
                    &mut zones,
                );
            }
            // What has grown in a place has grown in that which it lies in.
            for place in &mut within {
                *place = self.levels[level].parents[*place as usize];
            }
        }
        zones.extend(self.everywhere(least, parameters));
        // Equal scores are told apart by cell: numbers of places depend on who was heard
        // of first.
        let cell = |zone: &Zone| {
            zone.centre.map(|(level, place)| {
                (level, self.levels[usize::from(level)].cells[place as usize])
            })
        };
        zones.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then_with(|| (cell(a), a.steps).cmp(&(cell(b), b.steps)))
        });
        zones
    }

    /// Places of a level with reports around which some zone holds one of those that have
    /// grown.
    fn centres(&mut self, level: usize, grown: &[u32]) -> Vec<u32> {
        let places = &mut self.levels[level];
        let mut centres = Vec::new();
        for place in grown {
            for n in 0..places.near(*place, STEPS).len() {
                let centre = places.near(*place, STEPS)[n];
                let looked = std::mem::replace(&mut places.looked[centre as usize], self.step);
                if looked != self.step && places.counts[centre as usize][W - 1] > 0 {
                    centres.push(centre);
                }
            }
        }
        centres
    }

    /// Zones around a place, from so many steps on, each adding a ring to the one before.
    fn zones_around(
        &self,
        centre: Place,
        first: usize,
        others: &Others<'_>,
        hopes: &mut Hopes,
        parameters: &Parameters,
        zones: &mut Vec<Zone>,
    ) {
        let places = &self.levels[usize::from(centre.0)];
        let unheard = self.unheard().map(f64::from);
        let (mut sums, mut asked) =
            (Sums::default(), others.about(places.cells[centre.1 as usize]));
        for steps in 0..=STEPS {
            for place in places.ring(centre.1, steps) {
                sums.add(places, *place as usize);
            }
            if steps < first || f64::from(sums.counts[W - 1]) < parameters.people {
                continue;
            }
            let missing = self.missing(centre, steps) as f64;
            let shares = std::array::from_fn(|part| sums.shares[part] + unheard[part] * missing);
            let spread = &places.spread[centre.1 as usize][steps];
            zones.extend(self.zone(
                (centre, steps),
                &Sums { shares, ..sums },
                spread,
                &mut asked,
                hopes,
                parameters,
            ));
        }
    }

    /// How many cells of a zone nobody was ever heard of in.
    pub fn missing(&self, centre: Place, steps: usize) -> usize {
        Places::cells_within(steps)
            .saturating_sub(self.levels[usize::from(centre.0)].near(centre.1, steps).len())
    }

    /// What the places of a zone hold together; of its shares, those of cells that nobody
    /// was heard of in too.
    pub fn sums(&self, centre: Place, steps: usize) -> Sums {
        let places = &self.levels[usize::from(centre.0)];
        let mut sums = Sums::default();
        places.near(centre.1, steps).iter().for_each(|place| sums.add(places, *place as usize));
        let missing = self.missing(centre, steps) as f64;
        sums.shares
            .iter_mut()
            .zip(self.unheard())
            .for_each(|(share, unheard)| *share += f64::from(unheard) * missing);
        sums
    }

    /// What a cell holds; nothing where nobody was heard of in it.
    pub fn sums_of(&self, cell: Cell) -> Sums {
        let places = &self.levels[usize::from(cell.resolution().number())];
        let mut sums = Sums::default();
        if let Some(place) = places.find(cell) {
            sums.add(places, place as usize);
        }
        sums
    }

    /// What is expected of such a zone in a window.
    pub fn usual(&self, sums: &Sums, w: usize, parameters: &Parameters) -> Corrected {
        corrected(
            f64::from(sums.counts[w]),
            sums.expected(&self.exposure[w]),
            f64::from(self.counts[w]),
            self.whole[w],
            parameters,
        )
    }

    /// A zone in its most surprising window.
    fn zone(
        &self,
        (centre, steps): (Place, usize),
        sums: &Sums,
        spread: &Spread,
        asked: &mut Asked<'_, '_>,
        hopes: &mut Hopes,
        parameters: &Parameters,
    ) -> Option<Zone> {
        let fewest = parameters.people.min(parameters.late_reports);
        for w in 0..W {
            let observed = f64::from(sums.counts[w]);
            if observed < fewest {
                continue;
            }
            let tested = self.tested((centre, steps), sums, spread, w, parameters);
            // Others make a score lower only: where it is too low without them, nobody is
            // asked.
            if hopes.is_worth(&tested.all(None), parameters.people) {
                let all = tested.all(asked.ratio(steps, w, parameters));
                hopes.consider(all, |all| tested.dispersion(all), parameters.people);
            }
            if w < LATE_W
                && hopes.is_worth(&tested.late(&tested.all(None)), parameters.late_reports)
            {
                let all = tested.all(asked.ratio(steps, w, parameters));
                hopes.consider(
                    tested.late(&all),
                    |_| tested.late_dispersion(&all),
                    parameters.late_reports,
                );
            }
        }
        hopes.best()
    }

    /// A zone in one of its windows, to be scored; of its places what they hold, and how
    /// they scatter.
    #[inline]
    pub fn tested<'a>(
        &'a self,
        (centre, steps): (Place, usize),
        sums: &'a Sums,
        spread: &'a Spread,
        window: usize,
        parameters: &'a Parameters,
    ) -> Tested<'a> {
        let usual = self.usual(sums, window, parameters);
        Tested { scan: self, centre, steps, window, sums, spread, usual, parameters }
    }

    /// Everywhere, in its most surprising window.
    pub fn everywhere(&self, least: f64, parameters: &Parameters) -> Option<Zone> {
        let mut hopes = Hopes::new(least);
        for w in 0..W {
            let dispersion = |zone: &Zone| self.dispersion_everywhere(zone, parameters);
            hopes.consider(self.everywhere_in(w, parameters), dispersion, parameters.people);
        }
        hopes.best()
    }

    /// Everywhere in a window, neither scattered nor scored yet.
    pub fn everywhere_in(&self, window: usize, parameters: &Parameters) -> Zone {
        Zone {
            centre: None,
            steps: 0,
            window,
            late_only: false,
            observed: f64::from(self.counts[window]),
            expected: self.whole[window] + parameters.least_expected,
            others: None,
            dispersion: 0.0,
            score: 0.0,
        }
    }

    /// The dispersion of everywhere.
    pub fn dispersion_everywhere(&self, zone: &Zone, parameters: &Parameters) -> f64 {
        self.dispersion(&self.spread, zone.minutes(), f64::INFINITY, zone.expected, parameters)
    }

    /// What decides of a zone, in windows that end at `now`.
    pub fn evidence(&self, zone: &Zone, now: Minute) -> Evidence {
        Evidence {
            centre: self.middle_of(zone),
            ring: zone.steps as u8,
            window: Window { from: now.plus(-zone.minutes()), to: now },
            late_only: zone.late_only,
            observed: zone.observed,
            expected: zone.expected,
            dispersion: zone.dispersion,
            score: zone.score,
        }
    }

    /// The cell in the middle of a zone; none where it is everywhere.
    pub fn middle_of(&self, zone: &Zone) -> Option<Cell> {
        zone.centre.map(|(level, place)| self.levels[usize::from(level)].cells[place as usize])
    }

    /// All cells of a zone and those next to it; none where it is everywhere.
    pub fn around(&self, zone: &Zone) -> Vec<Cell> {
        let around = self.middle_of(zone).map(|middle| middle.disk(zone.steps as u8 + 1));
        around.into_iter().flatten().map(|(cell, _)| cell).collect()
    }

    /// The cells of a zone that the provider was heard of in; none where it is
    /// everywhere.
    pub fn cells_of(&self, zone: &Zone) -> Vec<Cell> {
        let Some((level, centre)) = zone.centre else { return Vec::new() };
        let places = &self.levels[usize::from(level)];
        places.near(centre, zone.steps).iter().map(|place| places.cells[*place as usize]).collect()
    }
}

impl Tested<'_> {
    /// All its reports, neither scattered nor scored yet; others say by how much more is
    /// to be expected.
    #[inline]
    pub fn all(&self, others: Option<f64>) -> Zone {
        Zone {
            centre: Some(self.centre),
            steps: self.steps,
            window: self.window,
            late_only: false,
            observed: f64::from(self.sums.counts[self.window]),
            expected: others.unwrap_or(1.0) * self.usual.expected + self.parameters.least_expected,
            others,
            dispersion: 0.0,
            score: 0.0,
        }
    }

    /// Of all its reports, those that came late.
    #[inline]
    pub fn late(&self, all: &Zone) -> Zone {
        Zone {
            late_only: true,
            observed: f64::from(self.sums.late[self.window]),
            expected: all.expected * self.scan.share_late + self.parameters.least_expected_late,
            ..*all
        }
    }

    /// The dispersion of all its reports.
    pub fn dispersion(&self, all: &Zone) -> f64 {
        let (learnt, parameters) = (self.sums.learnt, self.parameters);
        self.scan.dispersion(self.spread, all.minutes(), learnt, all.expected, parameters)
            + self.usual.unsure
    }

    /// That of those that came late.
    pub fn late_dispersion(&self, all: &Zone) -> f64 {
        self.dispersion(all).max(self.parameters.dispersion_late)
    }
}

/// The windows of a zone that may score above `least`, each with a bound of its score.
/// Scores are summed up only where bounds say that one may be the highest: of an outage
/// that grows, each longer window scores more than the one before.
struct Hopes {
    least: f64,
    windows: Vec<(f64, Zone)>,
}

impl Hopes {
    const fn new(least: f64) -> Self {
        Self { least, windows: Vec::new() }
    }

    /// Notes the zone in one of its windows, where it may score enough.
    #[inline]
    fn consider(&mut self, mut zone: Zone, dispersion: impl FnOnce(&Zone) -> f64, reports: f64) {
        if self.is_worth(&zone, reports) {
            zone.dispersion = dispersion(&zone);
            let bound = dispersed_bound(zone.observed, zone.expected, zone.dispersion);
            if bound > self.least {
                self.windows.push((bound, zone));
            }
        }
    }

    /// Whether it may score enough, however little it scatters.
    #[inline]
    fn is_worth(&self, zone: &Zone, reports: f64) -> bool {
        let is_judged = zone.observed >= reports && zone.observed > LEAST_RATIO * zone.expected;
        is_judged && bound(zone.observed, zone.expected) > self.least
    }

    /// The window with the highest score, if it is above the least: of several, the first
    /// that was noted. Forgets them all.
    fn best(&mut self) -> Option<Zone> {
        let most_hopeful = (0..self.windows.len())
            .max_by(|a, b| self.windows[*a].0.total_cmp(&self.windows[*b].0))?;
        let scored = |(_, zone): (f64, Zone)| zone.with(zone.observed, zone.expected);
        let mut best = (most_hopeful, scored(self.windows[most_hopeful]));
        for (n, window) in self.windows.drain(..).enumerate().filter(|(n, _)| *n != most_hopeful) {
            if window.0 < best.1.score {
                continue;
            }
            let zone = scored(window);
            if zone.score > best.1.score
                || zone.score.to_bits() == best.1.score.to_bits() && n < best.0
            {
                best = (n, zone);
            }
        }
        (best.1.score > self.least).then_some(best.1)
    }
}

/// A zone in one of its windows, with all that its score is made of.
#[derive(Debug, Clone, Copy)]
pub struct Tested<'a> {
    scan: &'a Scan,
    centre: Place,
    steps: usize,
    window: usize,
    sums: &'a Sums,
    spread: &'a Spread,
    usual: Corrected,
    parameters: &'a Parameters,
}

/// What the places of a zone hold together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Reports in each window that ends now.
    pub counts: [u32; W],
    /// Those of them that came late.
    pub late: [u32; LATE_W],
    /// Summed with more digits than each has: then it does not matter in which order.
    pub shares: [f64; PARTS],
    /// Reports that the shares rest on.
    pub learnt: f64,
}

impl Sums {
    fn add(&mut self, places: &Places, place: usize) {
        self.counts.iter_mut().zip(&places.counts[place]).for_each(|(sum, n)| *sum += n);
        self.late.iter_mut().zip(&places.late[place]).for_each(|(sum, n)| *sum += n);
        self.shares
            .iter_mut()
            .zip(&places.shares[place])
            .for_each(|(sum, share)| *sum += f64::from(*share));
        self.learnt += f64::from(places.learnt[place]);
    }

    /// Adds what others hold.
    pub fn include(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, n)| *sum += n);
        self.late.iter_mut().zip(other.late).for_each(|(sum, n)| *sum += n);
        self.shares.iter_mut().zip(other.shares).for_each(|(sum, share)| *sum += share);
        self.learnt += other.learnt;
    }

    /// Takes away what a part holds.
    pub fn subtract(&mut self, part: &Self) {
        self.counts.iter_mut().zip(part.counts).for_each(|(sum, n)| *sum = sum.saturating_sub(n));
        self.late.iter_mut().zip(part.late).for_each(|(sum, n)| *sum = sum.saturating_sub(n));
        self.shares.iter_mut().zip(part.shares).for_each(|(sum, share)| *sum -= share);
        self.learnt -= part.learnt;
    }

    /// Reports that are usual where so many are expected of everywhere, by part of the
    /// day.
    pub fn expected(&self, exposure: &[f64; PARTS]) -> f64 {
        self.shares.iter().zip(exposure).map(|(share, exposure)| share * exposure).sum()
    }
}

impl Thresholds {
    /// The score at which that zone opens an episode.
    pub fn opens_at(&self, zone: &Zone, parameters: &Parameters) -> f64 {
        self.of(zone.kind(), zone.others.is_some(), parameters)
    }
}

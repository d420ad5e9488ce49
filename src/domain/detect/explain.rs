//! Why a cell is judged as it is: the zone that decides about it, with every number of
//! its score.
//!
//! Names are those of docs/detection.md. Whoever has an [`Explanation`] needs nothing
//! else to compute the score again.

use super::Detector;
use super::corrected::{Corrected, REST_RANGE};
use super::episode::Evidence;
use super::flood::{ELSEWHERE_COUNTS, Flood};
use super::others::{Heard, Others};
use super::places::{LATE_W, STEPS, W};
use super::scan::{LEVELS, Place, Scan};
use super::score::dispersed_bound;
use super::spread::{Bursting, Scatter};
use super::threshold::{Choice, bounds_of};
use super::zone::{LEAST_RATIO, Zone};
use crate::domain::baseline::PARTS;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::{Hour, Minute};

/// The zone that decides about a cell now, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The zone, with the count that its flood was bounded to: `score` is of `observed`,
    /// `expected` and `dispersion`.
    pub evidence: Evidence,
    /// From what its count was bounded.
    pub flood: Flood,
    /// What the corner may add whatever lies elsewhere, and for each report that is too
    /// many elsewhere.
    pub flood_bound: (f64, f64),
    /// What was to be expected of it.
    pub usual: Usual,
    /// What its dispersion is made of, but for `unsure` of the rest of the map, and for
    /// bursts.
    pub scatter: Scatter,
    /// How reports come in bursts: `each` over what is expected (of late reports too: of
    /// all) goes into the dispersion.
    pub bursts: Bursting,
    /// Fewer people or reports than this, or a lower ratio of observed to expected, are
    /// not judged at all.
    pub judged_from: JudgedFrom,
    /// Which score is enough.
    pub threshold: Threshold,
    /// The episode that names the cell, or that the cell lies around.
    pub episode: Option<u64>,
    /// Reports of the cell before this minute are explained by an episode that is over,
    /// and counted in no window.
    pub explained_until: Option<Minute>,
    /// Whether too little is known of the provider to be sure of anything but the
    /// plainest outage.
    pub is_cold: bool,
    /// How much of the provider's history is known, in weeks.
    pub weeks: f64,
}

/// What was to be expected of a zone: `e0 = sum over parts of the day of share *
/// exposure`, `e = o r e0 + least`, or of late reports alone `(o r e0 + least) *
/// late.share + late.least`.
#[derive(Debug, Clone, PartialEq)]
pub struct Usual {
    /// The cells of the zone that the provider was heard of in, with the share of its
    /// reports that each has in each part of the day. None where the zone is everywhere,
    /// whose share is one.
    pub cells: Vec<(Cell, [f64; PARTS])>,
    /// Cells that it was never heard of in, and the share of each.
    pub unheard: (usize, f64),
    /// The hours that the window touches, as they were expected.
    pub hours: Vec<ExposedHour>,
    /// Reports expected of everywhere in the window, by part of the day: the sum of these
    /// hours.
    pub exposure: [f64; PARTS],
    /// Before the rest of the map (`e0`).
    pub raw: f64,
    /// What the rest of the map says; none where the zone is everywhere.
    pub rest: Option<Corrected>,
    /// As how many reports "as usual" weighs against the rest of the map.
    pub usual_weight: f64,
    /// The bounds of what the rest of the map may say.
    pub rest_range: (f64, f64),
    /// What other providers hear of it (`o`); none where they were not asked.
    pub others: Option<Heard>,
    /// As how many expected reports "the place is as usual" weighs against that, and what
    /// it may say at most.
    pub others_held: (f64, f64),
    /// Added to what is expected.
    pub least: f64,
    /// Where late reports alone were counted.
    pub late: Option<Late>,
}

/// Late reports alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Late {
    /// The share of reports that come late (`l`).
    pub share: f64,
    /// Added to what is expected.
    pub least: f64,
    /// Their dispersion is at least this.
    pub dispersion: f64,
}

/// Minutes of one hour in a window, and what was expected of everywhere in them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExposedHour {
    /// Which hour.
    pub hour: Hour,
    /// The part of the day it lies in.
    pub part: usize,
    /// Minutes of it in the window.
    pub minutes: u32,
    /// Those in which somebody was here to take reports: of the others nothing is
    /// expected.
    pub live: u32,
    /// Reports usual in those (`T`, summed over the lines that join the middles of the
    /// hours).
    pub usual: f64,
    /// How the days before compared with that, as it was known then (`g`).
    pub level: f64,
    /// `level * usual`.
    pub expected: f64,
}

/// What a zone needs to be judged at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedFrom {
    /// People whose first report of their day is in it.
    pub people: f64,
    /// Reports.
    pub reports: f64,
    /// Observed must be above so many times expected.
    pub ratio: f64,
}

/// The score that opens an episode in a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// It.
    pub opens_at: f64,
    /// How much lower a zone may score that belongs to an episode, or smoulders.
    pub grows_below: f64,
    /// Zones of its kind have expected counts above the first of these and up to the
    /// second; none where it is the kind of late reports alone.
    pub expected: Option<(f64, f64)>,
    /// What it comes from.
    pub origin: Origin,
}

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Origin {
    /// The provider is cold.
    Cold,
    /// Too few quiet days are known: so many.
    Untaught(usize),
    /// Chosen from quiet days.
    Chosen(Choice),
}

impl Detector {
    /// The zone that decides about a cell in windows that end where the last step or look
    /// did: of all that contain it, the one with the highest score; where none is judged,
    /// the one that comes nearest to it. None before the first step.
    #[must_use]
    pub fn explain(&self, cell: Cell, others: &Others<'_>) -> Option<Explanation> {
        let now = self.scan.now()?;
        let cell = cell.rolled_up_to(Resolution::HOURLY);
        let zone = self.deciding(cell, others);
        let flood = self.scan.flood(&zone, now, &self.parameters);
        let (usual, scatter) = (self.usual(&zone, others), self.scatter(&zone));
        let zone = zone.with(flood.observed, zone.expected);
        let places = &self.scan.levels[usize::from(cell.resolution().number())];
        let explained = places.find(cell).map(|place| places.explained[place as usize]);
        let parameters = &self.parameters;
        let reports = if zone.late_only { parameters.late_reports } else { parameters.people };
        Some(Explanation {
            evidence: self.scan.evidence(&zone, now),
            flood,
            flood_bound: (parameters.spot_bound, ELSEWHERE_COUNTS),
            usual,
            scatter,
            bursts: self.scan.bursting,
            judged_from: JudgedFrom { people: parameters.people, reports, ratio: LEAST_RATIO },
            threshold: self.threshold(&zone),
            episode: self
                .episodes()
                .find(|episode| is_named(&episode.cells, cell))
                .map(|episode| episode.id),
            explained_until: explained.filter(|until| *until > Minute(i64::MIN)),
            is_cold: self.is_cold(),
            weeks: self.baseline.weeks(),
        })
    }

    /// Of all zones that contain a cell, in each window, the one that decides.
    fn deciding(&self, cell: Cell, others: &Others<'_>) -> Zone {
        let scored = |zone: Zone| zone.with(zone.observed, zone.expected);
        let mut best = scored(self.everywhere(0));
        let mut better = |zone: Zone| {
            let is_hopeless = self.is_judged(&best)
                && (!self.is_judged(&zone)
                    || dispersed_bound(zone.observed, zone.expected, zone.dispersion) < best.score);
            if !is_hopeless {
                let zone = scored(zone);
                if self.weight(&zone) > self.weight(&best) {
                    best = zone;
                }
            }
        };
        (1..W).for_each(|w| better(self.everywhere(w)));
        let finest = usize::from(cell.resolution().number());
        for level in 0..=finest {
            let first = usize::from(level + 1 < LEVELS);
            let places = &self.scan.levels[level];
            for (near, away) in cell.rolled_up_to(Resolution::ALL[level]).disk(STEPS as u8) {
                let Some(place) = places.find(near) else { continue };
                for steps in first.max(usize::from(away))..=STEPS {
                    self.each_of((level as u8, place), steps, others, &mut better);
                }
            }
        }
        best
    }

    /// Every zone of that centre and size, not scored yet: in each window, of all reports
    /// and of late ones.
    fn each_of(
        &self,
        centre: Place,
        steps: usize,
        others: &Others<'_>,
        each: &mut impl FnMut(Zone),
    ) {
        let (scan, parameters) = (&self.scan, &self.parameters);
        let sums = scan.sums(centre, steps);
        let places = &scan.levels[usize::from(centre.0)];
        let spread = &places.spread[centre.1 as usize][steps];
        let mut asked = others.about(places.cells[centre.1 as usize]);
        for w in 0..W {
            let tested = scan.tested((centre, steps), &sums, spread, w, parameters);
            let all = tested.all(asked.ratio(steps, w, parameters));
            each(Zone { dispersion: tested.dispersion(&all), ..all });
            if w < LATE_W {
                each(Zone { dispersion: tested.late_dispersion(&all), ..tested.late(&all) });
            }
        }
    }

    fn everywhere(&self, w: usize) -> Zone {
        let zone = self.scan.everywhere_in(w, &self.parameters);
        Zone { dispersion: self.scan.dispersion_everywhere(&zone, &self.parameters), ..zone }
    }

    /// Zones that are judged before those that are not, then by score, then by how much
    /// more there is than expected.
    fn weight(&self, zone: &Zone) -> (bool, [u64; 2]) {
        // Numbers from zero on sort as their bits do.
        (
            self.is_judged(zone),
            [zone.score.max(0.0).to_bits(), (zone.observed / zone.expected).to_bits()],
        )
    }

    /// Whether a step would score it: around a place without reports it would not.
    fn is_judged(&self, zone: &Zone) -> bool {
        let reports =
            if zone.late_only { self.parameters.late_reports } else { self.parameters.people };
        let is_heard = zone.centre.is_none_or(|(level, place)| {
            self.scan.levels[usize::from(level)].counts[place as usize][W - 1] > 0
        });
        is_heard && zone.observed >= reports && zone.observed > LEAST_RATIO * zone.expected
    }

    fn usual(&self, zone: &Zone, others: &Others<'_>) -> Usual {
        let (scan, parameters) = (&self.scan, &self.parameters);
        let corrected = zone
            .centre
            .map(|centre| scan.usual(&scan.sums(centre, zone.steps), zone.window, parameters));
        let exposure = scan.exposure[zone.window];
        let missing = zone.centre.map_or(0, |centre| scan.missing(centre, zone.steps));
        let cells = shares_of(scan, zone);
        let unheard = f64::from(scan.unheard()[0]);
        let share = |part: usize| {
            cells.iter().map(|(_, shares)| shares[part]).sum::<f64>() + unheard * missing as f64
        };
        let raw = match zone.centre {
            Some(_) => (0..PARTS).map(|part| share(part) * exposure[part]).sum(),
            None => scan.whole[zone.window],
        };
        let late = Late {
            share: scan.share_late,
            least: parameters.least_expected_late,
            dispersion: parameters.dispersion_late,
        };
        Usual {
            unheard: (missing, unheard),
            hours: hours(scan, zone.minutes()),
            exposure,
            raw,
            rest: corrected,
            usual_weight: parameters.usual_weight,
            rest_range: REST_RANGE,
            others: scan
                .middle_of(zone)
                .and_then(|middle| others.about(middle).heard(zone.steps, zone.window, parameters)),
            others_held: (parameters.others_weight, parameters.others_at_most),
            least: parameters.least_expected,
            late: zone.late_only.then_some(late),
            cells,
        }
    }

    fn scatter(&self, zone: &Zone) -> Scatter {
        let scan = &self.scan;
        let (spread, learnt) = match zone.centre {
            Some((level, place)) => (
                &scan.levels[usize::from(level)].spread[place as usize][zone.steps],
                scan.sums((level, place), zone.steps).learnt,
            ),
            None => (&scan.spread, f64::INFINITY),
        };
        spread.scatter(zone.minutes(), learnt, scan.prior_dispersion, &self.parameters)
    }

    fn threshold(&self, zone: &Zone) -> Threshold {
        let chosen =
            || self.thresholds.chosen_from(zone.kind(), zone.others.is_some(), &self.parameters);
        let origin = if self.is_cold() {
            Origin::Cold
        } else {
            chosen().map_or(Origin::Untaught(self.thresholds.days().len()), Origin::Chosen)
        };
        let (opens_at, grows_below) = (self.opens_at(zone), self.parameters.grows_below);
        Threshold { opens_at, grows_below, expected: bounds_of(zone.kind()), origin }
    }
}

/// Whether a cell is one of these, or lies in one, or one lies in it.
fn is_named(cells: &[Cell], cell: Cell) -> bool {
    cells.iter().any(|named| named.contains(cell) || cell.contains(*named))
}

fn shares_of(scan: &Scan, zone: &Zone) -> Vec<(Cell, [f64; PARTS])> {
    let Some((level, centre)) = zone.centre else { return Vec::new() };
    let places = &scan.levels[usize::from(level)];
    let of = |place: &u32| {
        (places.cells[*place as usize], places.shares[*place as usize].map(f64::from))
    };
    places.near(centre, zone.steps).iter().map(of).collect()
}

/// The hours of the last so many minutes, the newest first. An hour in which the level
/// was learnt anew is there twice.
fn hours(scan: &Scan, minutes: i64) -> Vec<ExposedHour> {
    let mut hours: Vec<ExposedHour> = Vec::new();
    for rate in scan.rates(minutes) {
        let (hour, live) = (rate.minute.hour(), u32::from(0.0 < rate.usual));
        match hours
            .last_mut()
            .filter(|last| last.hour == hour && last.level.to_bits() == rate.level.to_bits())
        {
            Some(last) => {
                (last.minutes, last.live) = (last.minutes + 1, last.live + live);
                (last.usual, last.expected) =
                    (last.usual + rate.usual, last.expected + rate.expected());
            }
            None => hours.push(ExposedHour {
                hour,
                part: rate.part(),
                minutes: 1,
                live,
                usual: rate.usual,
                level: rate.level,
                expected: rate.expected(),
            }),
        }
    }
    hours
}

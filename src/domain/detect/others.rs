//! What other providers hear of the same place: where they too have more reports than
//! usual it is the place that is busy, and none of them is down.

use super::Detector;
use super::corrected::corrected;
use super::hearing::{Hearing, NEAR};
use super::parameters::Parameters;
use super::places::{Places, STEPS, WINDOWS};
use super::scan::Scan;
use crate::domain::baseline::PARTS;
use crate::domain::grid::Cell;
use crate::domain::provider::ProviderIndex;
use crate::domain::shrunk_ratio::ShrunkRatio;
use hashbrown::HashMap;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// Which of [`WINDOWS`] others are asked of: the last hour, whatever that of the zone is.
/// A few minutes of them say little.
const ASKED: usize = 6;
const _: () = assert!(WINDOWS[ASKED] == 60);
/// In so many of the shorter [`WINDOWS`] zones ask: how places are busy for longer, each
/// zone has learnt from how it scatters.
const ASKING: usize = 8;
const _: () = assert!(WINDOWS[ASKING - 1] == 90);
/// The coarsest resolution of zones that ask, up to some 60 km around. In larger ones a
/// town that is busy says nothing of the others.
const ASKING_LEVEL: u8 = 5;

/// The providers that one is compared with: all but those that fail together with it. By
/// default, nobody.
#[derive(Debug, Clone, Default)]
pub struct Others<'a> {
    /// The detectors before that of the one in the catalogue, and those after it.
    before: &'a [Detector],
    after: &'a [Detector],
    /// None where there is nobody.
    hearing: Option<&'a Hearing>,
    /// Those that were heard of in or beside a cell of [`NEAR`], as far as that was
    /// asked: of a hundred providers few are.
    near: RefCell<HashMap<Cell, Near<'a>>>,
}

type Near<'a> = Rc<[&'a Scan]>;

/// What they hear of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// Reports in the last hour, of all together.
    pub counted: f64,
    /// Reports that were to be expected, by what each hears of the rest of the map.
    pub expected: f64,
    /// By how much that says that more than usual is to be expected of a provider there.
    pub ratio: f64,
}

/// The question of the zones around one cell, put only where a score needs the answer:
/// each of their rings is summed once.
#[derive(Debug)]
pub struct Asked<'a, 'b> {
    others: &'a Others<'b>,
    centre: Cell,
    /// What those near hear of the zone that was asked about last; none before the first.
    around: Option<Vec<Around<'b>>>,
    /// The cells within [`STEPS`] steps of the centre, where somebody was never heard of
    /// in that: the same for all of them.
    disk: OnceCell<Vec<(Cell, u8)>>,
    /// The last answer, and of how many steps.
    answer: Option<(usize, Option<Heard>)>,
}

/// What a provider hears of the last hour within so many rings of a cell, whether or not
/// it was ever heard of there.
#[derive(Debug)]
struct Around<'a> {
    scan: &'a Scan,
    centre: Option<u32>,
    rings: usize,
    count: u32,
    shares: [f64; PARTS],
    /// In how many of the cells it was heard of.
    heard_of: usize,
}

impl Hearing {
    /// The detector of a provider, and those it is compared with.
    pub fn apart<'a>(
        &'a self,
        detectors: &'a mut [Detector],
        provider: ProviderIndex,
    ) -> (&'a mut Detector, Others<'a>) {
        let (before, from) = detectors.split_at_mut(usize::from(provider.0));
        let (own, after) = from.split_first_mut().expect("every provider has a detector");
        (own, Others::beside(before, after, self))
    }
}

impl<'a> Others<'a> {
    /// Those beside the provider whose detector lies between these two parts of a
    /// catalogue's. Costs nothing until somebody is asked.
    #[must_use]
    pub fn beside(before: &'a [Detector], after: &'a [Detector], hearing: &'a Hearing) -> Self {
        Self { before, after, hearing: Some(hearing), near: RefCell::default() }
    }

    /// Asks about zones around a cell.
    #[must_use]
    pub const fn about(&self, centre: Cell) -> Asked<'_, 'a> {
        Asked { others: self, centre, around: None, disk: OnceCell::new(), answer: None }
    }

    fn near(&self, centre: Cell) -> Near<'a> {
        let region = centre.rolled_up_to(NEAR);
        let found = || {
            self.hearing
                .map_or_else(Vec::new, |hearing| hearing.near(self.before, self.after, region))
                .into()
        };
        Rc::clone(self.near.borrow_mut().entry(region).or_insert_with(found))
    }
}

impl Asked<'_, '_> {
    /// By how much they say that more than usual is to be expected in a window of the
    /// zone of so many steps; none where nobody is asked.
    pub fn ratio(&mut self, steps: usize, window: usize, parameters: &Parameters) -> Option<f64> {
        self.heard(steps, window, parameters).map(|heard| heard.ratio)
    }

    /// What they hear within so many steps; none where there is nobody to ask, or a zone
    /// like that does not ask in that window. Cheapest where smaller zones are asked
    /// about first.
    pub fn heard(&mut self, steps: usize, window: usize, parameters: &Parameters) -> Option<Heard> {
        if window >= ASKING || self.centre.resolution().number() < ASKING_LEVEL {
            return None;
        }
        if let Some((_, heard)) = self.answer.filter(|(of, _)| *of == steps) {
            return heard;
        }
        let heard = self.sum(steps, parameters);
        self.answer = Some((steps, heard));
        heard
    }

    fn sum(&mut self, steps: usize, parameters: &Parameters) -> Option<Heard> {
        let (others, centre) = (self.others, self.centre);
        let around = self.around.get_or_insert_with(|| {
            others.near(centre).iter().map(|scan| Around::new(scan, centre)).collect()
        });
        if around.is_empty() {
            return None;
        }
        let (mut counted, mut expected) = (0.0, 0.0);
        for around in around {
            around.reach(steps, centre, &self.disk);
            let (count, usual) = around.hour();
            counted += count;
            expected += corrected(
                count,
                usual,
                f64::from(around.scan.counts[ASKED]),
                around.scan.whole[ASKED],
                parameters,
            )
            .expected;
        }
        let weight = parameters.others_weight;
        let range = (1.0, parameters.others_at_most);
        let ratio = ShrunkRatio { prior: 1.0, weight, range }.of(counted, expected);
        Some(Heard { counted, expected, ratio })
    }
}

impl<'a> Around<'a> {
    fn new(scan: &'a Scan, centre: Cell) -> Self {
        let place = scan.levels[usize::from(centre.resolution().number())].find(centre);
        Self { scan, centre: place, rings: 0, count: 0, shares: [0.0; PARTS], heard_of: 0 }
    }

    /// Adds the rings up to so many steps that are not in it yet; begins anew where it
    /// reaches further.
    fn reach(&mut self, steps: usize, centre: Cell, disk: &OnceCell<Vec<(Cell, u8)>>) {
        if self.rings > steps + 1 {
            *self = Self::new(self.scan, centre);
        }
        let places = &self.scan.levels[usize::from(centre.resolution().number())];
        for ring in self.rings..=steps {
            if let Some(own) = self.centre {
                places.ring(own, ring).iter().for_each(|place| self.add(places, *place as usize));
            } else {
                let cells = disk
                    .get_or_init(|| centre.disk(STEPS as u8))
                    .iter()
                    .filter(|(_, away)| usize::from(*away) == ring);
                cells
                    .filter_map(|(cell, _)| places.find(*cell))
                    .for_each(|place| self.add(places, place as usize));
            }
        }
        self.rings = steps + 1;
    }

    fn add(&mut self, places: &Places, place: usize) {
        self.count += places.counts[place][ASKED];
        self.shares
            .iter_mut()
            .zip(places.shares[place])
            .for_each(|(sum, share)| *sum += f64::from(share));
        self.heard_of += 1;
    }

    /// Reports of the last hour, and how many are usual.
    fn hour(&self) -> (f64, f64) {
        let missing = Places::cells_within(self.rings - 1).saturating_sub(self.heard_of) as f64;
        let shares = self
            .shares
            .iter()
            .zip(self.scan.unheard())
            .map(|(share, unheard)| share + f64::from(unheard) * missing);
        (
            f64::from(self.count),
            shares.zip(self.scan.exposure[ASKED]).map(|(share, exposure)| share * exposure).sum(),
        )
    }
}

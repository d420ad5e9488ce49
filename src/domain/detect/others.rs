//! What other providers hear of the same place: where they too have more reports than usual it is the place that is busy, and none of them is down.

use super::Detector;
use super::parameters::Parameters;
use super::places::{Places, WINDOWS};
use super::scan::Scan;
use super::zone::corrected;
use crate::domain::baseline::PARTS;
use crate::domain::grid::{Cell, Resolution};
use hashbrown::HashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// Which of [`WINDOWS`] others are asked of: the last hour, whatever that of the zone is. A few minutes of them say little.
const ASKED: usize = 6;
const _: () = assert!(WINDOWS[ASKED] == 60);
/// In so many of the shorter [`WINDOWS`] zones ask: how places are busy for longer, each zone has learnt from how it scatters.
const ASKING: usize = 8;
const _: () = assert!(WINDOWS[ASKING - 1] == 90);
/// The coarsest resolution of zones that ask, up to some 60 km around. In larger ones a town that is busy says nothing of the others.
const ASKING_LEVEL: u8 = 5;

/// Who was never heard of in the cell of this resolution that a zone lies in, nor in one next to that, has nothing to say of it: all of a zone that
/// asks lies there.
const NEAR: Resolution = Resolution::ALL[3];

/// The providers that one is compared with: all but those that fail together with it.
#[derive(Debug, Clone, Default)]
pub struct Others<'a> {
    all: Vec<&'a Scan>,
    /// Those that were heard of in or beside a cell of [`NEAR`], as far as that was asked: of a hundred providers few are.
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

/// The question of one zone, put once for all of its windows, and only where one of them needs the answer.
#[derive(Debug)]
pub struct Asked<'a, 'b> {
    others: &'a Others<'b>,
    centre: Cell,
    steps: usize,
    ratio: Option<f64>,
}

impl<'a> Others<'a> {
    /// Those of these providers that know what is usual.
    #[must_use]
    pub fn new(detectors: impl Iterator<Item = &'a Detector>) -> Self {
        let all = detectors.filter(|detector| !detector.is_cold()).map(|detector| &detector.scan).collect();
        Self { all, near: RefCell::default() }
    }

    /// Asks for a zone of the cells within so many steps of one.
    #[must_use]
    pub const fn about(&self, centre: Cell, steps: usize) -> Asked<'_, 'a> {
        Asked { others: self, centre, steps, ratio: None }
    }

    /// What they hear within so many steps of a cell; none where there is nobody to ask, or a zone like that does not ask in that window.
    #[must_use]
    pub fn heard(&self, centre: Cell, steps: usize, window: usize, parameters: &Parameters) -> Option<Heard> {
        if window >= ASKING || centre.resolution().number() < ASKING_LEVEL {
            return None;
        }
        let near = self.near(centre);
        if near.is_empty() {
            return None;
        }
        let (mut counted, mut expected, mut within) = (0.0, 0.0, None);
        for scan in near.iter() {
            let (count, usual) = around(scan, centre, steps, &mut within);
            counted += count;
            expected += corrected(count, usual, f64::from(scan.counts[ASKED]), scan.whole[ASKED], parameters).expected;
        }
        let weight = parameters.others_weight;
        let ratio = ((counted + weight) / (expected + weight)).clamp(1.0, parameters.others_at_most);
        Some(Heard { counted, expected, ratio })
    }

    fn near(&self, centre: Cell) -> Near<'a> {
        let region = centre.rolled_up_to(NEAR);
        let found = || {
            let around = region.disk(1);
            let is_near = |scan: &&Scan| around.iter().any(|(cell, _)| scan.levels[usize::from(NEAR.number())].find(*cell).is_some());
            self.all.iter().copied().filter(is_near).collect()
        };
        Rc::clone(self.near.borrow_mut().entry(region).or_insert_with(found))
    }
}

impl Asked<'_, '_> {
    /// By how much they say that more than usual is to be expected of the zone in a window; none where nobody is asked.
    pub fn ratio(&mut self, window: usize, parameters: &Parameters) -> Option<f64> {
        if window < ASKING && self.ratio.is_none() {
            self.ratio = self.others.heard(self.centre, self.steps, window, parameters).map(|heard| heard.ratio);
        }
        self.ratio.filter(|_| window < ASKING)
    }
}

/// Reports of the last hour within so many steps of a cell, and how many are usual, whether or not the provider was ever heard of there. What lies
/// `within` is the same for all providers, and found at most once.
fn around(scan: &Scan, centre: Cell, steps: usize, within: &mut Option<Vec<(Cell, u8)>>) -> (f64, f64) {
    let places = &scan.levels[usize::from(centre.resolution().number())];
    let (mut count, mut shares, mut heard_of) = (0, [0.0; PARTS], 0);
    let mut add = |place: usize| {
        count += places.counts[place][ASKED];
        shares.iter_mut().zip(places.shares[place]).for_each(|(sum, share)| *sum += f64::from(share));
        heard_of += 1;
    };
    if let Some(place) = places.find(centre) {
        places.near(place, steps).iter().for_each(|place| add(*place as usize));
    } else {
        let within = within.get_or_insert_with(|| centre.disk(steps as u8));
        within.iter().filter_map(|(cell, _)| places.find(*cell)).for_each(|place| add(place as usize));
    }
    let missing = Places::cells_within(steps).saturating_sub(heard_of) as f64;
    let exposed = shares.iter().zip(scan.unheard()).map(|(share, unheard)| share + f64::from(unheard) * missing).zip(scan.exposure[ASKED]);
    (f64::from(count), exposed.map(|(share, exposure)| share * exposure).sum())
}

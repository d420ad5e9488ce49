//! What is to be expected of a provider in any window, by what is known now: a copy that
//! readers may keep on other threads.

use super::parameters::Parameters;
use super::score::score;
use super::shown::ShownBaseline;
use crate::domain::baseline::{Baseline, PARTS, part_of};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::time::{Minute, Window};
use hashbrown::HashMap;
use std::sync::Arc;

/// How many standard deviations from the mean 95 % of undisturbed counts lie within.
const BAND: f64 = 1.96;

/// What is to be expected: the mean, and the bounds that 95 % of undisturbed counts lie
/// within.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Mean.
    pub mean: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// What was learnt of a provider, shared and not copied. It knows neither the rest of the
/// map nor how single zones scatter.
#[derive(Debug, Clone)]
pub struct Expectation {
    baseline: Arc<Baseline>,
    /// The provider whose map fills in what this one's lacks.
    lender: Option<Arc<Baseline>>,
    dispersion: f64,
    /// How many more reports each one brings, of the same event.
    bursts: f64,
    least_expected: f64,
    is_cold: bool,
}

/// The share of a place in a provider's reports, in each part of the day: asked once, for
/// many windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share([f64; PARTS]);

impl Share {
    /// Everywhere.
    pub const WHOLE: Self = Self([1.0; PARTS]);
}

/// What is to be expected in one window.
#[derive(Debug, Clone, Copy)]
pub struct InWindow<'a> {
    of: &'a Expectation,
    /// Reports of everywhere, by part of the day.
    exposure: [f64; PARTS],
}

impl Expectation {
    pub(super) fn new(
        baseline: Arc<Baseline>,
        lender: Option<Arc<Baseline>>,
        (dispersion, bursts): (f64, f64),
        cold: bool,
        parameters: &Parameters,
    ) -> Self {
        Self {
            baseline,
            lender,
            dispersion,
            bursts,
            least_expected: parameters.least_expected,
            is_cold: cold,
        }
    }

    /// What is to be expected of the same provider where less is seen of it: by what was
    /// learnt of that alone, its counts scattering as all do.
    #[must_use]
    pub fn of_shown(&self, shown: &ShownBaseline) -> Self {
        Self { baseline: shown.baseline(), lender: shown.lender(), ..self.clone() }
    }

    /// Whether something was learnt of a cell, as finely as is learnt.
    #[must_use]
    pub fn knows(&self, cell: Cell) -> bool {
        self.baseline.learnt_of(cell.rolled_up_to(Resolution::HOURLY)) > 0.0
    }

    /// The cells of a resolution, 0 to 7, of which something was learnt, in any order.
    pub fn cells(&self, resolution: Resolution) -> impl Iterator<Item = Cell> + '_ {
        self.baseline.cells(resolution)
    }

    /// A window, of which many cells may then be asked.
    #[must_use]
    pub fn window(&self, window: Window) -> InWindow<'_> {
        let (level, mut exposure) = (self.baseline.level(), [0.0; PARTS]);
        for minute in (window.from.0..window.to.0).map(Minute) {
            exposure[part_of(minute.hour())] += level * self.baseline.rate(minute);
        }
        InWindow { of: self, exposure }
    }

    /// What is to be expected of these cells together, none of which lies in another;
    /// without any, of everywhere.
    #[must_use]
    pub fn in_window(&self, cells: &[Cell], window: Window) -> Band {
        let of = self.window(window);
        of.band(if cells.is_empty() {
            of.everywhere()
        } else {
            cells.iter().map(|cell| of.mean(*cell)).sum()
        })
    }

    /// The share of some cells together, none of which lies in another.
    #[must_use]
    pub fn share_of(&self, cells: impl IntoIterator<Item = Cell>) -> Share {
        let mut sum = [0.0; PARTS];
        for cell in cells {
            let place = cell.rolled_up_to(Resolution::HOURLY);
            let part_of_place = if place == cell {
                1.0
            } else {
                1.0 / place.descendant_count(cell.resolution()) as f64
            };
            let shares = self.baseline.shares(place, self.lender.as_deref());
            sum.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share * part_of_place);
        }
        Share(sum)
    }

    /// The share of the reports that stand in cells inside some place, each report in the
    /// cell that its accuracy supports.
    #[must_use]
    pub fn share_where(&self, is_inside: impl Fn(Cell) -> bool) -> Share {
        let places = |cell| -> &[u16] { if is_inside(cell) { &[0] } else { &[] } };
        let share = self.shares_by(1, places);
        share[0].unwrap_or(Share([0.0; PARTS]))
    }

    /// The same of many places at once: `places` says in which of so many a cell lies. None
    /// of those in which nothing was learnt.
    ///
    /// What was learnt of a cell holds what was learnt of all cells in it. So a cell is
    /// added where it is inside and the one around it is not, and taken out where it is
    /// outside and the one around it is inside: coarse reports are left where their own
    /// cell is inside.
    #[must_use]
    pub fn shares_by<Places: AsRef<[u16]>>(
        &self,
        count: usize,
        places: impl Fn(Cell) -> Places,
    ) -> Vec<Option<Share>> {
        let mut sums: Vec<Option<[f64; PARTS]>> = vec![None; count];
        let mut around: HashMap<Cell, Places> = HashMap::new();
        for (n, resolution) in Resolution::ALL
            .into_iter()
            .take_while(|resolution| *resolution <= Resolution::HOURLY)
            .enumerate()
        {
            let mut lying = HashMap::new();
            for cell in self.baseline.cells(resolution) {
                let places_of_cell = places(cell);
                let own = places_of_cell.as_ref();
                let held = match n {
                    0 => None,
                    _ => around.get(&cell.rolled_up_to(Resolution::ALL[n - 1])),
                };
                let held = held.map(AsRef::as_ref).unwrap_or_default();
                let shares = if own == held {
                    [0.0; PARTS]
                } else {
                    self.baseline.shares(cell, self.lender.as_deref())
                };
                let entered = own.iter().filter(|place| !held.contains(place));
                let left = held.iter().filter(|place| !own.contains(place));
                for (place, sign) in entered.map(|n| (n, 1.0)).chain(left.map(|n| (n, -1.0))) {
                    let sum = sums[usize::from(*place)].get_or_insert([0.0; PARTS]);
                    sum.iter_mut().zip(shares).for_each(|(sum, share)| *sum += sign * share);
                }
                if !own.is_empty() {
                    lying.insert(cell, places_of_cell);
                }
            }
            around = lying;
        }
        // Cells nobody was heard of in have a little, at each resolution another: the
        // difference of two may fall below nothing.
        let held_at_nothing = |sum: [f64; PARTS]| Share(sum.map(|share| share.max(0.0)));
        sums.into_iter().map(|sum| sum.map(held_at_nothing)).collect()
    }

    /// The score of a count where so many are to be expected, by how the provider's
    /// counts scatter while nothing is learnt of a zone.
    #[must_use]
    pub fn score(&self, observed: f64, mean: f64) -> f64 {
        let mean = mean + self.least_expected;
        score(observed, mean, self.dispersion + self.bursts / mean)
    }

    /// Dispersion of a zone of which nothing was learnt.
    #[must_use]
    pub const fn dispersion(&self) -> f64 {
        self.dispersion
    }

    /// Whether too little is known to be sure of anything but the plainest outage.
    #[must_use]
    pub const fn is_cold(&self) -> bool {
        self.is_cold
    }

    /// How much of its history is still held, in weeks.
    #[must_use]
    pub fn weeks(&self) -> f64 {
        self.baseline.weeks()
    }
}

impl InWindow<'_> {
    /// Reports expected of a cell. One finer than what is learnt has an equal share of
    /// that.
    #[must_use]
    pub fn mean(&self, cell: Cell) -> f64 {
        let place = cell.rolled_up_to(Resolution::HOURLY);
        let shares = self.of.baseline.shares(place, self.of.lender.as_deref());
        // Held as the detector holds them, so that both give the same.
        let mean: f64 = shares
            .iter()
            .zip(&self.exposure)
            .map(|(share, exposure)| f64::from(*share as f32) * exposure)
            .sum();
        if place == cell { mean } else { mean / place.descendant_count(cell.resolution()) as f64 }
    }

    /// Whether something was learnt of a cell.
    #[must_use]
    pub fn knows(&self, cell: Cell) -> bool {
        self.of.knows(cell)
    }

    /// Reports expected to stand in a cell and in no finer one; none where none were learnt.
    #[must_use]
    pub fn mean_of_rest(&self, cell: Cell) -> Option<f64> {
        let shares = self.of.baseline.shares_of_rest(cell)?;
        Some(shares.iter().zip(&self.exposure).map(|(share, exposure)| share * exposure).sum())
    }

    /// Reports expected of a place whose share is known.
    #[must_use]
    pub fn mean_of(&self, share: &Share) -> f64 {
        share.0.iter().zip(&self.exposure).map(|(share, exposure)| share * exposure).sum()
    }

    /// Reports expected of everywhere.
    #[must_use]
    pub fn everywhere(&self) -> f64 {
        self.exposure.iter().sum()
    }

    /// The bounds of undisturbed counts of that mean.
    #[must_use]
    pub fn band(&self, mean: f64) -> Band {
        let deviation = (mean * (1.0 + self.of.bursts) + self.of.dispersion * mean * mean).sqrt();
        Band { mean, low: (mean - BAND * deviation).max(0.0), high: mean + BAND * deviation }
    }

    /// See [`Expectation::score`].
    #[must_use]
    pub fn score(&self, observed: f64, mean: f64) -> f64 {
        self.of.score(observed, mean)
    }
}

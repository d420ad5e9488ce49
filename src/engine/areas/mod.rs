//! What readers see of countries and their subdivisions: sums of the rows that the map
//! shows, each in the areas that the centre of its cell lies in.

mod index;
pub mod table;

use super::Engine;
use super::shown::Sight;
use crate::domain::assessment::{Judgement, assess_areas};
use crate::domain::detect::expectation::{InWindow, Share};
use crate::domain::grid::{Cell, Position, Resolution};
use crate::domain::incident::Incident;
use crate::domain::level::Level;
use crate::domain::provider::Subject;
use crate::domain::time::Window;
use crate::gazetteer::{AreaCode, areas_at};
use index::AreaIndex;
use std::sync::{Arc, OnceLock};

/// A cell of an incident is in all areas in which a cell of this resolution within it is:
/// 1,770 km² each.
const SAMPLED: Resolution = Resolution::ALL[4];

/// Which areas are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AreaKind {
    /// Countries (ISO 3166-1).
    Countries,
    /// Subdivisions whose borders are known (ISO 3166-2), of all countries or of one.
    Subdivisions(Option<AreaCode>),
}

/// What is shown of the areas of a kind.
#[derive(Debug)]
pub struct AreaSums {
    /// Those in which something was reported, or is expected, in the order of their codes.
    pub areas: Vec<AreaSum>,
    /// Reports in cells that lie in none of them: of one country, in the rest of it.
    pub outside: u64,
    /// Whether enough is known to say what counts mean.
    pub is_known: bool,
}

/// What is shown of an area.
#[derive(Debug, Clone, Copy)]
pub struct AreaSum {
    /// Which.
    pub area: AreaCode,
    /// Reports in cells whose centre lies in it.
    pub reports: u64,
    /// What that means.
    pub judgement: Judgement,
}

/// Countries and subdivisions, and which of them cells lie in.
#[derive(Debug)]
pub struct AreaIndexes {
    countries: AreaIndex,
    subdivisions: AreaIndex,
}

impl Default for AreaIndexes {
    fn default() -> Self {
        Self {
            countries: AreaIndex::new(|position| numbers_at(position, false)),
            subdivisions: AreaIndex::new(|position| numbers_at(position, true)),
        }
    }
}

impl AreaKind {
    fn takes(self, area: AreaCode) -> bool {
        match self {
            Self::Countries => !area.is_subdivision(),
            Self::Subdivisions(None) => area.is_subdivision(),
            Self::Subdivisions(Some(country)) => area.country() == Some(country),
        }
    }
}

impl Engine {
    /// What is shown of the areas of a kind: the rows of a map of all places, and, where it
    /// is of all problems, what they mean.
    #[must_use]
    pub fn area_sums(
        &self,
        kind: AreaKind,
        (sight, subject, window): (Sight, Subject, Window),
        map: &Level,
        is_of_all: bool,
    ) -> AreaSums {
        let (mut counts, mut outside) = (vec![0; all().len()], 0);
        for (cell, count) in map.all_rows() {
            self.areas.each_of(kind, cell, |area| match area {
                Some(number) => counts[usize::from(number)] += u64::from(count),
                None => outside += u64::from(count),
            });
        }
        let (judgements, is_known) = if is_of_all {
            self.judge_areas(kind, (sight, subject, window), &counts)
        } else {
            (vec![Judgement::default(); counts.len()], true)
        };
        let found = all().iter().zip(counts).zip(judgements);
        let areas = found.filter(|((area, reports), judgement)| {
            let is_expected = judgement.expected.is_some_and(|expected| 0.0 < expected);
            kind.takes(**area) && (0 < *reports || is_expected)
        });
        let areas =
            areas.map(|((area, reports), judgement)| AreaSum { area: *area, reports, judgement });
        AreaSums { areas: areas.collect(), outside, is_known }
    }

    fn judge_areas(
        &self,
        kind: AreaKind,
        (sight, subject, window): (Sight, Subject, Window),
        counts: &[u64],
    ) -> (Vec<Judgement>, bool) {
        let snapshot = self.detection_snapshot();
        let brands = self.expected_by(sight, &snapshot, self.catalogue.brands(subject));
        let is_known = snapshot.is_fresh(self.now()) && brands.iter().any(|(_, is_cold)| !is_cold);
        let index = self.areas.of(kind);
        let windows: Vec<(InWindow<'_>, Vec<Option<Share>>)> = brands
            .iter()
            .map(|(expectation, _)| (expectation, expectation.window(window)))
            // Of most brands of the whole catalogue nothing is expected anywhere.
            .filter(|(_, window)| subject != Subject::All || window.everywhere() > 0.0)
            .map(|(expectation, window)| {
                let shares = expectation.shares_by(counts.len(), |cell| index.areas_of(cell));
                (window, shares)
            })
            .collect();
        let incidents = self.incidents_of(sight, subject, window);
        let are_affected = affected(index, &incidents, counts.len());
        (assess_areas(counts, &windows, &are_affected, is_known), is_known)
    }
}

impl AreaIndexes {
    const fn of(&self, kind: AreaKind) -> &AreaIndex {
        match kind {
            AreaKind::Countries => &self.countries,
            AreaKind::Subdivisions(_) => &self.subdivisions,
        }
    }

    /// Gives the number of each area of a kind that a cell belongs to; none where it lies in
    /// the rest of what is asked about.
    fn each_of(&self, kind: AreaKind, cell: Cell, mut each: impl FnMut(Option<u16>)) {
        let mut is_outside = true;
        for number in &*self.of(kind).areas_of(cell) {
            if kind.takes(all()[usize::from(*number)]) {
                each(Some(*number));
                is_outside = false;
            }
        }
        if is_outside && self.is_within(kind, cell) {
            each(None);
        }
    }

    /// Whether a cell lies where areas of a kind are asked about.
    fn is_within(&self, kind: AreaKind, cell: Cell) -> bool {
        let AreaKind::Subdivisions(Some(country)) = kind else { return true };
        self.countries.areas_of(cell).iter().any(|number| all()[usize::from(*number)] == country)
    }
}

/// In which of so many areas these incidents are.
fn affected(index: &AreaIndex, incidents: &[Arc<Incident>], areas: usize) -> Vec<bool> {
    if incidents.iter().any(|incident| incident.everywhere) {
        return vec![true; areas];
    }
    let mut are_affected = vec![false; areas];
    for cell in incidents.iter().flat_map(|incident| incident.cells.iter()) {
        for sample in cell.descendants(SAMPLED.max(cell.resolution())) {
            for number in &*index.areas_of(sample) {
                are_affected[usize::from(*number)] = true;
            }
        }
    }
    are_affected
}

/// All areas, by number.
fn all() -> &'static [AreaCode] {
    static ALL: OnceLock<Vec<AreaCode>> = OnceLock::new();
    ALL.get_or_init(|| AreaCode::all().collect())
}

/// The numbers of the subdivisions, or countries, that a position lies in.
fn numbers_at(position: Position, are_subdivisions: bool) -> Vec<u16> {
    let found = areas_at(position).into_iter();
    let mut numbers: Vec<u16> = found
        .filter(|area| area.is_subdivision() == are_subdivisions)
        .filter_map(|area| all().binary_search(&area).ok())
        .map(|number| number as u16)
        .collect();
    numbers.sort_unstable();
    numbers
}

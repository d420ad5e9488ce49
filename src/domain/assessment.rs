//! What the counts of a map mean: what was to be expected of each cell, how surprising
//! its count is, and in which colour to show it.

use super::cell_set::CellSet;
use super::detect::expectation::{InWindow, Share};
use super::grid::{Cell, Resolution};
use super::level::Level;

/// Scores from which on a count is more than usual, and surprising.
const MORE_THAN_USUAL: f64 = 2.0;
const SURPRISING: f64 = 4.0;
/// In an incident, a count of so many times what was to be expected is of the highest
/// level.
const MANY_TIMES: f64 = 10.0;
/// The level of a cell in an incident.
const IN_INCIDENT: u8 = 3;

/// What the counts of a level's cells mean, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assessment {
    /// Of the cells of its resolution.
    pub cells: Vec<Judgement>,
    /// Of the coarser ones, as far as their reports stand in no finer one.
    pub coarser: Vec<Judgement>,
    /// Whether enough is known of the provider to say how surprising a count is.
    pub is_known: bool,
}

/// What the count of a cell means.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Judgement {
    /// Reports that were to be expected; none where nothing was learnt of the cell.
    pub expected: Option<f64>,
    /// How surprising the count is; none where that is not known.
    pub score: Option<f64>,
    /// In which colour to show it; none where that is not known.
    pub level: Option<u8>,
}

/// Where incidents are, brought to the resolution of a map.
#[derive(Debug, Clone, Default)]
pub struct AffectedCells {
    everywhere: bool,
    cells: CellSet,
}

impl AffectedCells {
    /// Everywhere.
    #[must_use]
    pub fn everywhere() -> Self {
        Self { everywhere: true, ..Self::default() }
    }

    /// Where cells of `resolution` lie in, or around, one of these.
    #[must_use]
    pub fn new(cells: impl IntoIterator<Item = Cell>, resolution: Resolution) -> Self {
        Self {
            cells: cells.into_iter().map(|cell| cell.rolled_up_to(resolution)).collect(),
            everywhere: false,
        }
    }

    fn holds(&self, cell: Cell) -> bool {
        self.everywhere || self.cells.holds(cell)
    }
}

/// Judges the cells of a map by what was to be expected of its brands in its window.
/// `is_known` says whether enough is known of them for more than that; `guesses`, whether
/// of a cell that nobody was heard of in something may be expected all the same.
#[must_use]
pub fn assess(
    level: &Level,
    brands: &[InWindow<'_>],
    affected: &AffectedCells,
    is_known: bool,
    guesses: bool,
) -> Assessment {
    let yardstick = Yardstick::of(brands, is_known);
    let judge = |cell: Cell, count: u32, expected: Option<f64>| {
        yardstick.judge(f64::from(count), expected, affected.holds(cell))
    };
    let of_cell = |cell: Cell| {
        let is_learnt = guesses || brands.iter().any(|brand| brand.knows(cell));
        is_learnt.then(|| brands.iter().map(|brand| brand.mean(cell)).sum())
    };
    let of_rest = |cell: Cell| {
        let means = brands.iter().filter_map(|brand| brand.mean_of_rest(cell));
        means.reduce(|sum, mean| sum + mean)
    };
    let coarser = level.coarser().iter();
    Assessment {
        cells: level.rows().map(|(cell, count)| judge(cell, count, of_cell(cell))).collect(),
        coarser: coarser.map(|(cell, count)| judge(*cell, *count, of_rest(*cell))).collect(),
        is_known: yardstick.of_most.is_some(),
    }
}

/// What the counts of areas mean, in their order, by the shares that each of the brands has
/// in each of them. `are_affected` says in which an incident is.
#[must_use]
pub fn assess_areas(
    counts: &[u64],
    brands: &[(InWindow<'_>, Vec<Option<Share>>)],
    are_affected: &[bool],
    is_known: bool,
) -> Vec<Judgement> {
    let windows: Vec<InWindow<'_>> = brands.iter().map(|(window, _)| *window).collect();
    let yardstick = Yardstick::of(&windows, is_known);
    let expected = |n: usize| {
        let means = brands.iter().filter_map(|(of, shares)| Some(of.mean_of(&shares[n]?)));
        means.reduce(|sum, mean| sum + mean)
    };
    let judge =
        |(n, count): (usize, &u64)| yardstick.judge(*count as f64, expected(n), are_affected[n]);
    counts.iter().enumerate().map(judge).collect()
}

/// By what counts are judged.
struct Yardstick<'a> {
    /// The brand that brings most: it says how the counts scatter. None where too little is
    /// known.
    of_most: Option<InWindow<'a>>,
}

impl<'a> Yardstick<'a> {
    fn of(brands: &[InWindow<'a>], is_known: bool) -> Self {
        let of_most = brands.iter().max_by(|a, b| a.everywhere().total_cmp(&b.everywhere()));
        Self { of_most: of_most.copied().filter(|_| is_known) }
    }

    fn judge(&self, count: f64, expected: Option<f64>, is_hit: bool) -> Judgement {
        let score = self.of_most.zip(expected).map(|(of, expected)| of.score(count, expected));
        let level =
            score.zip(expected).map(|(score, expected)| step(score, count, expected, is_hit));
        // People are told of an incident there, whatever is usual.
        let is_told = is_hit && self.of_most.is_some() && 0.0 < count;
        Judgement { expected, score, level: level.or(is_told.then_some(IN_INCIDENT)) }
    }
}

/// 0 as expected, 1 more than usual, 2 surprising, 3 in an incident of the window, 4 in
/// one and many times what was to be expected.
fn step(score: f64, count: f64, expected: f64, is_hit: bool) -> u8 {
    if is_hit && count > expected {
        return if count >= MANY_TIMES * expected { 4 } else { IN_INCIDENT };
    }
    u8::from(score >= MORE_THAN_USUAL) + u8::from(score >= SURPRISING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;

    fn at(resolution: i64) -> Cell {
        Cell::at(Position::new(43.65, -79.38).unwrap(), Resolution::new(resolution).unwrap())
    }

    #[test]
    fn levels_go_by_the_score_and_within_incidents_by_the_multiple() {
        let rows = [
            (0.0, 1.0, 2.0, false, 0),
            (2.0, 5.0, 1.0, false, 1),
            (4.0, 8.0, 1.0, false, 2),
            (9.0, 20.0, 1.0, false, 2),
            (1.0, 3.0, 1.0, true, 3),
            (9.0, 20.0, 1.0, true, 4),
            (0.0, 1.0, 2.0, true, 0),
        ];
        for (score, count, expected, is_hit, level) in rows {
            assert_eq!(
                step(score, count, expected, is_hit),
                level,
                "{score} {count} {expected} {is_hit}"
            );
        }
    }

    #[test]
    fn a_cell_is_hit_by_incidents_of_finer_and_of_coarser_cells() {
        let of = |incident: i64, map: i64| {
            AffectedCells::new([at(incident)], at(map).resolution()).holds(at(map))
        };
        assert!(of(7, 7) && of(7, 4) && of(4, 7));
        let far = Cell::at(Position::new(0.0, 0.0).unwrap(), Resolution::new(7).unwrap());
        assert!(!AffectedCells::new([at(4), at(7)], far.resolution()).holds(far));
        assert!(AffectedCells::everywhere().holds(far));
    }
}

//! A cell as clients see it: its index as text, and what is known of it.

use crate::domain::assessment::{Assessment, Judgement};
use crate::domain::grid::Cell;
use crate::domain::level::Level;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// H3 index of a cell as 15 hexadecimal digits.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = CellIndex)]
#[schema(value_type = String, pattern = "^8[0-9a-f]{14}$", examples("872b9bc46ffffff"))]
pub struct Hex(pub Cell);

impl Hex {
    /// Its 15 hexadecimal digits.
    #[must_use]
    pub fn digits(self) -> [u8; 15] {
        // By hand: through `Display` columns took 1.7 times as long. A cell's index
        // always has 15 digits.
        let index = self.0.h3();
        let digit = |n: usize| b"0123456789abcdef"[(index >> (4 * (14 - n)) & 0xf) as usize];
        std::array::from_fn(digit)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.digits()).expect("digits are ASCII"))
    }
}

/// What is known of a cell in the window.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CellFigures {
    /// Reports in it; one reporter counts once in two hours.
    #[schema(examples(12))]
    pub count: u32,
    /// Expected reports of an ordinary window of this length at this time; the running
    /// minute counts in full. Null where one symptom is asked for, while detection catches
    /// up, and where nothing was learnt of what is shown of the cell.
    #[schema(required = true, minimum = 0, examples(json!(null)))]
    pub expected: Option<f64>,
    /// -log10 of the probability of so many reports or more on an ordinary day. Null
    /// where `expected` is, while detection is more than two minutes late, and where the
    /// provider has too little history.
    #[schema(required = true, minimum = 0, examples(json!(null)))]
    pub score: Option<f64>,
    /// Class for the colour of a map: 0 as expected, 1 more than usual (a score of 2), 2
    /// surprising (4), 3 in an incident that was open in the window and more than
    /// expected, 4 as 3 and at least ten times as many. Null where `score` is; 3 there, too,
    /// in an incident.
    #[schema(required = true, minimum = 0, maximum = 4, examples(json!(null)))]
    pub level: Option<u8>,
}

/// The cells of a level, and what their counts mean where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The cells.
    pub level: &'a Level,
    /// What they mean.
    pub assessment: Option<&'a Assessment>,
}

impl<'a> Rows<'a> {
    /// Cells with their figures, sorted.
    #[must_use]
    pub fn figures(self) -> impl ExactSizeIterator<Item = (Cell, CellFigures)> + 'a {
        let judged = self.assessment.map(|assessment| &assessment.cells[..]);
        self.level.rows().enumerate().map(move |(n, (cell, count))| {
            (cell, CellFigures::of(count, judged.map(|judged| judged[n])))
        })
    }

    /// The same of the coarser cells.
    #[must_use]
    pub fn coarser(self) -> impl ExactSizeIterator<Item = (Cell, CellFigures)> + 'a {
        let judged = self.assessment.map(|assessment| &assessment.coarser[..]);
        self.level.coarser().iter().enumerate().map(move |(n, (cell, count))| {
            (*cell, CellFigures::of(*count, judged.map(|judged| judged[n])))
        })
    }
}

/// To thousandths: more digits say nothing and cost bytes.
#[must_use]
pub fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

impl CellFigures {
    /// A count, and what it means where that is known.
    #[must_use]
    pub fn of(count: u32, judged: Option<Judgement>) -> Self {
        let Judgement { expected, score, level } = judged.unwrap_or_default();
        Self { count, expected: expected.map(rounded), score: score.map(rounded), level }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample::at;

    #[test]
    fn a_cell_is_written_as_its_h3_index_in_hexadecimal() {
        for resolution in 0..=8 {
            let cell = at(43.65, -79.38, resolution);
            let text = serde_json::to_string(&Hex(cell)).unwrap();
            assert_eq!(text.len(), 17, "15 digits in quotes");
            assert_eq!(Cell::parse(text.trim_matches('"')).unwrap(), cell);
        }
    }
}

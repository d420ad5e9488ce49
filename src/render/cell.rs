//! A cell as clients see it: its index as text, and what is known of it.

use crate::domain::assessment::Assessment;
use crate::domain::grid::Cell;
use crate::domain::level::Level;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// H3 index of a cell as 15 hexadecimal digits.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = CellIndex)]
#[schema(value_type = String, pattern = "^8[0-9a-f]{14}$", examples("872b9bc46ffffff"))]
pub struct Hex(pub Cell);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // By hand: through `Display` columns took 1.7 times as long. A cell's index
        // always has 15 digits.
        let index = self.0.h3();
        let digit = |n: usize| b"0123456789abcdef"[(index >> (4 * (14 - n)) & 0xf) as usize];
        let digits: [u8; 15] = std::array::from_fn(digit);
        serializer.serialize_str(str::from_utf8(&digits).expect("hexadecimal digits are ASCII"))
    }
}

/// What is known of a cell in the window.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CellFigures {
    /// Reports in it; one reporter counts once in two hours.
    #[schema(examples(12))]
    pub count: u32,
    /// Expected reports of an ordinary window of this length at this time; the running
    /// minute counts in full. Null where one symptom is asked for, in coarser cells, and
    /// while detection catches up.
    #[schema(required = true, minimum = 0, examples(json!(null)))]
    pub expected: Option<f64>,
    /// -log10 of the probability of so many reports or more on an ordinary day. Null
    /// where `expected` is, while detection is more than two minutes late, and where the
    /// provider has too little history.
    #[schema(required = true, minimum = 0, examples(json!(null)))]
    pub score: Option<f64>,
    /// Class for the colour of a map: 0 as expected, 1 more than usual (a score of 2), 2
    /// surprising (4), 3 in an incident that was open in the window and more than
    /// expected, 4 as 3 and at least ten times as many. Null where `score` is.
    #[schema(required = true, minimum = 0, maximum = 4, examples(json!(null)))]
    pub level: Option<u8>,
}

/// The cells of a level, and what their counts mean where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Class for the colour of a map: 0 as expected, 1 more than usual (a score of 2), 2
    /// surprising (4), 3 in an incident that was open in the window and more than
    /// expected, 4 as 3 and at least ten times as many. Null where `score` is.
    pub level: &'a Level,
    /// What they mean.
    pub assessment: Option<&'a Assessment>,
}

impl<'a> Rows<'a> {
    /// Cells with their figures, sorted.
    #[must_use]
    pub fn figures(self) -> impl ExactSizeIterator<Item = (Cell, CellFigures)> + 'a {
        self.level
            .rows()
            .enumerate()
            .map(move |(n, (cell, count))| (cell, self.figures_of(n, count)))
    }

    fn figures_of(self, n: usize, count: u32) -> CellFigures {
        let Some(assessment) = self.assessment else { return CellFigures::of_count(count) };
        let (score, level) = assessment
            .scores
            .as_ref()
            .map(|(scores, levels)| (rounded(scores[n]), levels[n]))
            .unzip();
        CellFigures { count, expected: Some(rounded(assessment.expected[n])), score, level }
    }
}

/// To thousandths: more digits say nothing and cost bytes.
#[must_use]
pub fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

impl CellFigures {
    /// A count of which nothing more is known.
    #[must_use]
    pub const fn of_count(count: u32) -> Self {
        Self { count, expected: None, score: None, level: None }
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

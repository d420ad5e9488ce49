//! A cell as clients see it: its index as text, and what is known of it.

use crate::domain::grid::Cell;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// H3 index of a cell as 15 hexadecimal digits.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = String, pattern = "^8[0-9a-f]{14}$", examples("872b9bc46ffffff"))]
pub struct Hex(pub Cell);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // By hand: through `Display` columns took 1.7 times as long. A cell's index always has 15 digits.
        let index = self.0.h3();
        let digit = |n: usize| b"0123456789abcdef"[(index >> (4 * (14 - n)) & 0xf) as usize];
        let digits: [u8; 15] = std::array::from_fn(digit);
        serializer.serialize_str(str::from_utf8(&digits).expect("hexadecimal digits are ASCII"))
    }
}

/// What is known of a cell in the window.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CellFigures {
    /// Reports counted in it; one reporter counts once in two hours.
    #[schema(examples(12))]
    pub count: u32,
    /// Reports to be expected there in an ordinary window of this length at this time; null until detection exists.
    #[schema(required = true, minimum = 0, examples(json!(null)))]
    pub expected: Option<f64>,
    /// How surprising the count is: −log10 of the probability of so many reports on an ordinary day; null until detection exists.
    #[schema(required = true, minimum = 0, examples(json!(null)))]
    pub score: Option<f64>,
    /// The score in five steps to colour a map by, 0 (as expected) to 4; null until detection exists.
    #[schema(required = true, minimum = 0, maximum = 4, examples(json!(null)))]
    pub level: Option<u8>,
}

impl CellFigures {
    /// A count of which nothing more is known yet.
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

//! H3 indexes of cells, as clients write them.

use crate::domain::grid::Cell;

/// Digits of a decimal index: those of cells are all between 2^59 and 2^60. A hexadecimal
/// one has 15, or 16 with its leading zero.
const DECIMAL_DIGITS: std::ops::RangeInclusive<usize> = 18..=19;

/// The cell of an index: hexadecimal, with or without `0x`, or decimal.
#[must_use]
pub fn cell(text: &str) -> Option<Cell> {
    let text = text.trim();
    if DECIMAL_DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let index = text.parse().ok()?;
        return Cell::from_index(index).ok().or_else(|| rounded(index));
    }
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_plain { Cell::parse(digits).ok() } else { None }
}

/// The cell whose index became this number where it was held as a double, as JavaScript
/// does: 53 of its 60 bits are left.
///
/// Indexes of cells down to resolution 12 end in at least nine ones, so that they are
/// rounded up by one: to a number that is no index.
fn rounded(index: u64) -> Option<Cell> {
    // What is written are the fewest digits that lead back to the double, not the double
    // itself.
    let double = index as f64 as u64;
    Cell::from_index(double.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_in_hexadecimal_and_in_decimal() {
        let expected = Cell::parse("882b9bc293fffff").unwrap();
        let texts = [
            "882b9bc293fffff",
            "0x882b9bc293fffff",
            "0X882B9BC293FFFFF",
            " 0882b9bc293fffff ",
            "613256717072859135",
        ];
        assert_eq!(format!("{}", expected.h3()), "613256717072859135");
        for text in texts {
            assert_eq!(cell(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_index_that_lost_its_last_digits_is_still_known() {
        for text in ["882b9bc293fffff", "872b9bc29ffffff", "832b9bfffffffff", "8c2a1072b5981ff"] {
            let exact = Cell::parse(text).unwrap();
            let index = u64::from_str_radix(text, 16).unwrap();
            let written = format!("{}", index as f64);
            assert_ne!(written, index.to_string());
            assert_eq!(cell(&written), Some(exact), "{text} {written}");
        }
    }

    #[test]
    fn what_is_no_index_of_a_cell_is_none() {
        let texts = [
            "",
            "0x",
            "8f",
            "613",
            "+882b9bc293fffff",
            "0x0x882b9bc293fffff",
            "613256717575061000",
            "9223372036854775807",
            "ffffffffffffffff",
        ];
        for text in texts {
            assert_eq!(cell(text), None, "{text}");
        }
    }
}

//! Figures of an incident as everybody is told of them: rounded down, so that nobody reads
//! from one whether a single report was counted.

/// From here on two digits are told; below, one of 1, 2 and 5.
const TWO_DIGITS_FROM: u64 = 100;

/// A count rounded down: below 100 to 1, 2 or 5 times a power of ten, above to two digits.
/// None stays none.
#[must_use]
pub const fn rounded_down(count: u64) -> u64 {
    if count == 0 {
        return 0;
    }
    let mut unit = 1;
    while unit <= count / 10 {
        unit *= 10;
    }
    if TWO_DIGITS_FROM <= count {
        let step = unit / 10;
        return count / step * step;
    }
    let step = match count / unit {
        1 => 1,
        2..5 => 2,
        _ => 5,
    };
    step * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rounded_down_to_one_two_five_and_from_a_hundred_to_two_digits() {
        let rows = [
            (0, 0),
            (1, 1),
            (2, 2),
            (4, 2),
            (5, 5),
            (9, 5),
            (10, 10),
            (19, 10),
            (20, 20),
            (49, 20),
            (99, 50),
            (100, 100),
            (109, 100),
            (110, 110),
            (1_842, 1_800),
            (99_999, 99_000),
            (u64::MAX, 18_000_000_000_000_000_000),
        ];
        for (count, told) in rows {
            assert_eq!(rounded_down(count), told, "{count}");
        }
    }

    #[test]
    fn what_is_rounded_down_is_never_more_and_grows_with_what_it_is_of() {
        let mut before = 0;
        for count in 0..20_000 {
            let told = rounded_down(count);
            assert!(before <= told && told <= count, "{count}");
            assert_eq!(rounded_down(told), told, "{count}");
            before = told;
        }
    }
}

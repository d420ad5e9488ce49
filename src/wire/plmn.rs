//! Mobile network codes (PLMN: country code of three digits, network code of two or
//! three), as phones write them.

/// Words that stand where a phone has no code or no name, as letters in lower case.
const NOTHING: [&str; 9] =
    ["null", "nullnull", "nil", "none", "undefined", "unknown", "nan", "na", "carrier"];
/// `Integer.MAX_VALUE`: what Android's `CellInfo` says of a code that it does not know.
const UNAVAILABLE: &str = "2147483647";
/// What iPhones say instead of both parts since iOS 16.4.
const WITHHELD: &str = "65535";

/// The digits of a code, without what stands between its parts: `302-720`, `302 720` and
/// `302720` are one.
///
/// Zeros are kept: `310-26` and `310-026` are two networks.
#[must_use]
pub fn digits(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '/' | '.' | ',' | ':' | '|'))
        .collect()
}

/// Whether this is no code but what phones send that do not know, or may not tell:
/// `65535…`, `--`, zeros, `-1`, nothing.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    let digits = digits(text);
    is_nothing(text)
        || digits.chars().all(|c| c == '0')
        || digits.starts_with(WITHHELD)
        || digits.starts_with(UNAVAILABLE)
        || text.trim_start().starts_with("-1")
}

/// Whether this is the name of nobody: blank, signs only (`--` since iOS 16.4), or a word
/// for nothing.
#[must_use]
pub fn is_nothing(text: &str) -> bool {
    let letters = || text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase());
    letters().next().is_none() || NOTHING.iter().any(|word| letters().eq(word.chars()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_code_may_stand_apart() {
        for text in ["302720", "302-720", "302 720", "302/720", " 302720 ", "302.720"] {
            assert_eq!((digits(text), is_placeholder(text)), ("302720".into(), false), "{text}");
        }
        assert_eq!([digits("310-26"), digits("310-026")], ["31026", "310026"]);
    }

    #[test]
    fn what_says_nothing_is_a_placeholder() {
        let rows = [
            "",
            "  ",
            "--",
            "---",
            "0",
            "00000",
            "000000",
            "000-00",
            "65535",
            "6553565535",
            "65535-65535",
            "65535--",
            "2147483647",
            "21474836472147483647",
            "-1",
            "-1-1",
            "null",
            "(null)",
            "nullnull",
            "unknown",
            "NaN",
        ];
        for text in rows {
            assert!(is_placeholder(text), "{text:?}");
        }
        for text in ["00101", "20801", "65501", "99999", "x", "30272"] {
            assert!(!is_placeholder(text), "{text:?}");
        }
    }

    #[test]
    fn names_of_nobody_are_known() {
        assert!(
            ["", "--", " ", "null", "(null)", "Carrier"].into_iter().all(is_nothing),
            "the last is that of the iOS simulator"
        );
        assert!(!["rogers", "nobody", "-a-"].into_iter().any(is_nothing));
    }
}

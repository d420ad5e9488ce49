//! Instants as they are sent: RFC 3339, and what phones send instead.

use crate::domain::time::Timestamp;
use std::borrow::Cow;

/// What an instant must look like.
pub const INSTANT: &str = "a time like 2022-07-08T08:44:00Z (RFC 3339)";
/// What an instant in a report must look like.
pub const SENT_INSTANT: &str =
    "a time like 2022-07-08T08:44:00Z (RFC 3339), or seconds or milliseconds since 1970";

/// Decimals that are read of a second; more are cut off.
const MOST_DECIMALS: usize = 9;
/// Digits of a time since 1970 that is written as a string: fewer are a year or a date.
const LEAST_EPOCH_DIGITS: usize = 9;

/// The instant of an RFC 3339 text, with any number of decimals.
#[must_use]
pub fn instant(text: &str) -> Option<Timestamp> {
    shortened(text)
        .parse::<jiff::Timestamp>()
        .ok()
        .map(|instant| Timestamp(instant.as_millisecond()))
}

/// The instant of a text as phones send it: of an RFC 3339 text whose `+` became a blank
/// on its way through a URL, of a time since 1970, and of the text of an HTTP date, too.
#[must_use]
pub fn sent_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    if LEAST_EPOCH_DIGITS <= whole.len()
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return text.parse().ok().and_then(epoch);
    }
    instant(text).or_else(|| instant(&with_plus(text)?)).or_else(|| http_date(text))
}

/// The instant of a number since 1970: seconds below 10^11 (the year 5138), else
/// milliseconds, microseconds or nanoseconds by a thousand times that.
#[must_use]
pub fn epoch(number: f64) -> Option<Timestamp> {
    let ms = match number.abs() {
        seconds if seconds < 1e11 => number * 1e3,
        ms if ms < 1e14 => number,
        micros if micros < 1e17 => number / 1e3,
        nanos if nanos < 1e20 => number / 1e6,
        _ => return None,
    };
    Some(Timestamp(ms.round() as i64))
}

fn http_date(text: &str) -> Option<Timestamp> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text).ok().map(|instant| Timestamp(instant.as_millisecond()))
}

/// The text with its last blank as a plus.
fn with_plus(text: &str) -> Option<String> {
    text.rsplit_once(' ').map(|(before, after)| format!("{before}+{after}"))
}

/// The text without decimals that are too many.
fn shortened(text: &str) -> Cow<'_, str> {
    let Some(point) = text.find(['.', ',']) else { return text.into() };
    let decimals = text[point + 1..].bytes().take_while(u8::is_ascii_digit).count();
    if decimals <= MOST_DECIMALS {
        return text.into();
    }
    format!("{}{}", &text[..=point + MOST_DECIMALS], &text[point + 1 + decimals..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: i64 = 1_657_269_850_123;

    #[test]
    fn any_number_of_decimals_is_read() {
        let texts = [
            "2022-07-08T08:44:10.123Z",
            "2022-07-08T08:44:10.123456789Z",
            "2022-07-08T08:44:10.1234567890Z",
            "2022-07-08T08:44:10.123456789012Z",
            "2022-07-08T10:44:10.123456789012345678901234567890+02:00",
            "2022-07-08t08:44:10.123z",
        ];
        for text in texts {
            assert_eq!(instant(text), Some(Timestamp(TEN)), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2022-07-08",
            "2022-07-08T08:44:10",
            "2022-07-08T08:44:10.Z",
            "1657269850",
            "99999-01-01T00:00:00Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn what_phones_send_instead_is_read() {
        let rows = [
            ("2022-07-08T10:44:10.123 02:00", TEN),
            (" 2022-07-08T08:44:10.123Z\n", TEN),
            ("1657269850.123", TEN),
            ("1657269850123", TEN),
            ("1657269850123456", TEN),
            ("1657269850123456789", TEN),
            ("1657269850", TEN - 123),
            ("Fri, 08 Jul 2022 08:44:10 GMT", TEN - 123),
        ];
        for (text, expected) in rows {
            assert_eq!(sent_instant(text), Some(Timestamp(expected)), "{text}");
        }
        for text in [
            "",
            "now",
            "2022",
            "20220708",
            "1.2.3",
            "2022-07-08 08:44",
            "2022-07-08T08:44:10 ",
            "-1657269850",
        ] {
            assert_eq!(sent_instant(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_since_1970_are_told_apart_by_their_size() {
        let rows = [
            (0.0, Some(0)),
            (-1.5, Some(-1_500)),
            (1_657_269_850.123, Some(TEN)),
            (99_999_999_999.0, Some(99_999_999_999_000)),
            (100_000_000_000.0, Some(100_000_000_000)),
            (TEN as f64, Some(TEN)),
            (1e20, None),
            (f64::NAN, None),
        ];
        for (number, expected) in rows {
            assert_eq!(epoch(number), expected.map(Timestamp), "{number}");
        }
    }
}

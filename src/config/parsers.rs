//! What a single setting may say, where its type alone does not tell.

use crate::domain::access::key::MOST_GRACE_MS;
use crate::domain::access::scope::Scope;
use crate::domain::grid::Resolution;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use std::num::NonZero;

/// Streams that are replayed at once, at most.
const MOST_JOBS: usize = 1_024;
/// How long a key may work, where it ends at all.
const LONGEST_SPAN_MS: i64 = 36_500 * DAY_MS;
/// How much may be logged.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A place where facts are kept: not nothing, which would be the directory in which the
/// command happens to run.
pub fn store(text: &str) -> Result<String, String> {
    let expected = "it must be a directory, or the address of a Redis such as \
         redis://127.0.0.1:6379; leave it out for ./groundswell-data";
    if text.trim().is_empty() { Err(expected.into()) } else { Ok(text.to_owned()) }
}

/// A secret, which is not nothing.
pub fn secret(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("it must not be empty; leave it out where there is none".into())
    } else {
        Ok(text.to_owned())
    }
}

/// A prefix of keys: no braces, which would choose the slot, and nothing that a shell or
/// a pattern reads as something else.
pub fn prefix(text: &str) -> Result<String, String> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(sound);
    fits.then(|| text.to_owned())
        .ok_or_else(|| "it must be 1 to 64 letters, digits, - _ or .".into())
}

/// A day of UTC, counted from 1970-01-01.
pub fn day(text: &str) -> Result<i64, String> {
    let is_date =
        text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let instant = format!("{text}T00:00:00Z").parse::<jiff::Timestamp>().ok();
    instant
        .filter(|_| is_date)
        .map(|instant| instant.as_second().div_euclid(24 * 60 * 60))
        .ok_or_else(|| "it must be a day like 2026-12-05".into())
}

/// A resolution of the grid.
pub fn resolution(text: &str) -> Result<Resolution, String> {
    let resolution = text.parse().ok().and_then(|number| Resolution::new(number).ok());
    resolution.ok_or_else(|| "it must be 0..=8".into())
}

/// A number of streams.
pub fn jobs(text: &str) -> Result<NonZero<usize>, String> {
    let jobs = text.parse().ok().filter(|jobs: &NonZero<usize>| jobs.get() <= MOST_JOBS);
    jobs.ok_or_else(|| format!("it must be 1 to {MOST_JOBS}"))
}

/// What a key may do.
pub fn scope(text: &str) -> Result<Scope, String> {
    let names = || Scope::ALL.map(Scope::name).join(", ");
    Scope::from_name(text.trim()).ok_or_else(|| format!("it must be {}", names()))
}

/// How long a key works, in milliseconds.
pub fn span(text: &str) -> Result<i64, String> {
    let ms = duration_ms(text).filter(|ms| (1..=LONGEST_SPAN_MS).contains(ms));
    ms.ok_or_else(|| "it must be a number and s, m, h, d or w, such as 90d, up to 36500d".into())
}

/// How long a key that was replaced still works, in milliseconds.
pub fn grace(text: &str) -> Result<i64, String> {
    let ms = duration_ms(text).filter(|ms| *ms <= MOST_GRACE_MS);
    ms.ok_or_else(|| "it must be a number and s, m, h, d or w, such as 24h, up to 365d".into())
}

fn duration_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        "w" => 7 * DAY_MS,
        _ => return None,
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(unit_ms)
}

/// A filter of the log. A word alone must be a level: a misspelt one would be taken for a
/// module, and nothing be logged but of that.
pub fn log(text: &str) -> Result<String, String> {
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    let sound = |part: &str| part.contains(['=', '[']) || part.contains("::") || is_level(part);
    if !text.trim().is_empty() && text.split(',').map(str::trim).all(sound) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "it must be {}, or MODULE=LEVEL, several with commas between, such as \
         groundswell=debug,warn",
        LEVELS.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_does_not_exist_is_no_filter() {
        for sound in [
            "info",
            "WARN",
            "off",
            "groundswell=debug",
            "groundswell=info,warn",
            "groundswell::store=trace",
            "actix_web[request]=info",
        ] {
            assert_eq!(log(sound).as_deref(), Ok(sound));
        }
        for wrong in ["", " ", "debgu", "groundswell=info,wran", "info,", "5"] {
            assert!(
                log(wrong).is_err_and(|expected| expected.contains("off, error, warn")),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn durations_of_keys_have_a_unit_and_a_bound() {
        let rows = [
            ("90d", Some(90 * DAY_MS)),
            ("24h", Some(DAY_MS)),
            (" 2w ", Some(14 * DAY_MS)),
            ("5m", Some(5 * MINUTE_MS)),
            ("1s", Some(1_000)),
            ("365d", Some(MOST_GRACE_MS)),
        ];
        for (text, ms) in rows {
            assert_eq!((span(text).ok(), grace(text).ok()), (ms, ms), "{text:?}");
        }
        for wrong in ["", " ", "d", "90", "-1d", "+1d", "1.5h", "1y", "9é", "é", "99999999999999w"]
        {
            assert!(span(wrong).is_err() && grace(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(grace("0s"), Ok(0));
        assert!(span("0s").is_err() && grace("366d").is_err() && span("366d").is_ok());
    }

    #[test]
    fn the_ends_of_ranges_are_within() {
        assert_eq!([jobs("1"), jobs("1024")].map(|jobs| jobs.unwrap().get()), [1, 1_024]);
        assert!(
            ["0", "1025", "-1", "", "many"]
                .iter()
                .all(|text| jobs(text).is_err_and(|expected| expected == "it must be 1 to 1024"))
        );
        assert!(prefix(&"a".repeat(64)).is_ok());
        assert!(
            [&"a".repeat(65), "", "a{b}", "a b", "a*"].iter().all(|text| prefix(text).is_err())
        );
        assert_eq!(["1970-01-01", "2024-02-29"].map(|text| day(text).unwrap()), [0, 19_782]);
        assert!(
            ["", "2026-12-5", "2026-02-29", "tomorrow", "2026-12-05Z", "2026/12/05"]
                .iter()
                .all(|text| day(text).is_err_and(|expected| expected.contains("2026-12-05")))
        );
        assert!(["", " ", "\t"].iter().all(|text| store(text).is_err() && secret(text).is_err()));
    }
}

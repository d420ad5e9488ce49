//! What a simulated clock follows: from which instant on it runs how many times as fast
//! as time does.

use crate::domain::time::Timestamp;
use crate::wire::time::instant;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A minute of a faster clock would be shorter than a server needs to live through it.
pub const MOST_SPEED: u32 = 10_000;
/// Changes of speed, the beginning among them.
const MOST_STRETCHES: usize = 64;
/// Stretches begin between these instants, 1970 and 2100: the changes of people's clocks
/// are listed for that time.
const STARTS: std::ops::Range<Timestamp> = Timestamp(0)..Timestamp(4_102_444_800_000);

/// Stretches of time, each with its speed. The last has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    stretches: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    from: Timestamp,
    /// Times as fast as time.
    speed: u32,
}

/// Why a text is no timetable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// A stretch of another form.
    #[error(
        "expected START@SPEEDx like 2022-07-08T08:30:00Z@60x, several with commas between, got \
         {0:?}"
    )]
    Form(String),
    /// Not an instant.
    #[error("expected a time like 2022-07-08T08:30:00Z (RFC 3339) before the @, got {0:?}")]
    Start(String),
    /// Before or after what can be told.
    #[error(
        "expected a time from 1970-01-01T00:00:00Z to 2099-12-31T23:59:59Z before the @, got {0:?}"
    )]
    Range(String),
    /// Too slow, too fast, or no whole number.
    #[error("expected a speed of 1x to {MOST_SPEED}x after the @, got {0:?}")]
    Speed(String),
    /// A stretch that begins no later than the one before.
    #[error("expected a later time than that of the stretch before, got {0:?}")]
    Order(String),
    /// More than can be meant.
    #[error("expected at most {MOST_STRETCHES} stretches, got {0}")]
    Many(usize),
}

impl Timetable {
    /// What the clock shows first.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.stretches[0].from
    }

    /// What it shows after so much real time, and how fast it runs then.
    #[must_use]
    pub fn after(&self, real: Duration) -> (Timestamp, u32) {
        let mut left_us = i64::try_from(real.as_micros()).unwrap_or(i64::MAX);
        let mut stretches = self.stretches.iter().peekable();
        loop {
            let Stretch { from, speed } = *stretches.next().expect("the last stretch has no end");
            let shown = from.plus_ms(left_us.saturating_mul(i64::from(speed)) / 1_000);
            match stretches.peek().filter(|next| next.from <= shown) {
                Some(next) => {
                    let stretch_us = next.from.ms_since(from).unsigned_abs().saturating_mul(1_000);
                    left_us -= stretch_us.div_ceil(u64::from(speed)) as i64;
                }
                None => return (shown, speed),
            }
        }
    }
}

impl FromStr for Timetable {
    type Err = TimetableError;

    fn from_str(text: &str) -> Result<Self, TimetableError> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let count = text.split(',').count();
        if count > MOST_STRETCHES {
            return Err(TimetableError::Many(count));
        }
        for part in text.split(',').map(str::trim) {
            let shown = || part.chars().take(64).collect::<String>();
            let (start, speed) =
                part.split_once('@').ok_or_else(|| TimetableError::Form(shown()))?;
            let from = instant(start).ok_or_else(|| TimetableError::Start(shown()))?;
            if !STARTS.contains(&from) {
                return Err(TimetableError::Range(shown()));
            }
            let speed = speed
                .strip_suffix('x')
                .and_then(|speed| speed.parse().ok())
                .filter(|speed| (1..=MOST_SPEED).contains(speed));
            let speed = speed.ok_or_else(|| TimetableError::Speed(shown()))?;
            if stretches.last().is_some_and(|last| from <= last.from) {
                return Err(TimetableError::Order(shown()));
            }
            stretches.push(Stretch { from, speed });
        }
        Ok(Self { stretches })
    }
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, stretch) in self.stretches.iter().enumerate() {
            let from =
                jiff::Timestamp::from_millisecond(stretch.from.0).unwrap_or(jiff::Timestamp::MAX);
            write!(f, "{}{from}@{}x", if n > 0 { "," } else { "" }, stretch.speed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "2022-07-08T08:30:00Z@60x,2022-07-08T12:00:00Z@600x";

    #[test]
    fn it_runs_at_each_speed_from_its_instant_on() {
        let table: Timetable = TWO.parse().unwrap();
        let rows = [
            (0, "2022-07-08T08:30:00Z", 60),
            (1_500, "2022-07-08T08:31:30Z", 60),
            (209_999, "2022-07-08T11:59:59.94Z", 60),
            (210_000, "2022-07-08T12:00:00Z", 600),
            (211_000, "2022-07-08T12:10:00Z", 600),
            (270_000, "2022-07-08T22:00:00Z", 600),
        ];
        for (ms, shown, speed) in rows {
            assert_eq!(
                table.after(Duration::from_millis(ms)),
                (instant(shown).unwrap(), speed),
                "{ms} ms"
            );
        }
        assert_eq!(table.start(), instant("2022-07-08T08:30:00Z").unwrap());
    }

    #[test]
    fn it_never_goes_back() {
        let table: Timetable =
            "2022-07-08T08:30:00Z@7x,2022-07-08T08:30:00.001Z@10000x,2022-07-08T08:31:00Z@3x"
                .parse()
                .unwrap();
        let shown: Vec<Timestamp> =
            (0..40_000).map(|us| table.after(Duration::from_micros(us)).0).collect();
        assert!(shown.is_sorted());
        let _no_overflow = table.after(Duration::MAX);
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        assert_eq!(TWO.parse::<Timetable>().unwrap().to_string(), TWO);
        assert_eq!(
            "2022-07-08T04:30:00-04:00@60x".parse::<Timetable>().unwrap().to_string(),
            "2022-07-08T08:30:00Z@60x"
        );
    }

    #[test]
    fn what_is_none_is_refused_with_what_was_expected() {
        let rows = [
            ("", "expected START@SPEEDx"),
            ("2022-07-08T08:30:00Z", "expected START@SPEEDx"),
            ("yesterday@60x", "expected a time like"),
            ("2022-07-08@60x", "expected a time like"),
            (
                "1969-12-31T23:59:59Z@60x",
                "expected a time from 1970-01-01T00:00:00Z to 2099-12-31T23:59:59Z",
            ),
            ("2100-01-01T00:00:00Z@60x", "expected a time from 1970"),
            ("2022-07-08T08:30:00Z@60x,2999-01-01T00:00:00Z@1x", "expected a time from 1970"),
            ("2022-07-08T08:30:00Z@60", "expected a speed of 1x to 10000x"),
            ("2022-07-08T08:30:00Z@0x", "expected a speed"),
            ("2022-07-08T08:30:00Z@-1x", "expected a speed"),
            ("2022-07-08T08:30:00Z@10001x", "expected a speed"),
            ("2022-07-08T08:30:00Z@60x,2022-07-08T08:30:00Z@600x", "expected a later time"),
            ("2022-07-08T08:30:00Z@60x,", "expected START@SPEEDx"),
        ];
        for (text, expected) in rows {
            let message = text.parse::<Timetable>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
        for ends in ["1970-01-01T00:00:00Z@1x", "2099-12-31T23:59:59Z@10000x"] {
            assert_eq!(ends.parse::<Timetable>().unwrap().to_string(), ends);
        }
        assert_eq!([TWO; 40].join(",").parse::<Timetable>(), Err(TimetableError::Many(80)));
    }
}

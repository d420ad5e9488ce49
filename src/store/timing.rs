//! How long things last that are no rule of detection: leases, pauses between two steps,
//! retries, waits for Redis, and how long a clock must run evenly. Tests shorten them.

use crate::domain::clock_guard::Probation;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Every duration lies in this range.
const RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_hours(24);

/// Durations, all of them of real time. The default is what a service runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// For how long the lease is taken. A node that is silent for as long is taken to be
    /// gone. 10 s; at most 10 min.
    pub lease: Duration,
    /// The lease is renewed once so much of it has passed. 3 s; at most half of `lease`.
    pub renewal: Duration,
    /// Between two looks of the detectors, on a clock as fast as time. The answer to the
    /// deciding report and the incident lie at most this and the work of one look apart.
    /// 1 s; at most `renewal`, since the lease is renewed by looks.
    pub look: Duration,
    /// Between two steps of maintenance, on a clock as fast as time. 5 s.
    pub maintenance: Duration,
    /// Between two looks at the ledger. 1 s: a key that was revoked anywhere is refused
    /// everywhere within this and the time that Redis takes.
    pub ledger: Duration,
    /// For so long a node that cannot read the ledger goes by what it read before; from then
    /// on it takes no key for reports or to run the server. 1 min: longer than a failover
    /// takes. At least `ledger`.
    pub ledger_good_for: Duration,
    /// Within this a report is answered, or refused. 10 s; more than `repeat`.
    pub answer: Duration,
    /// For so long a call of Redis is repeated whose outcome is unknown. 5 s: a failover
    /// takes four. At least `reply`.
    pub repeat: Duration,
    /// How long a command of Redis may take. 3 s.
    pub reply: Duration,
    /// How long a connection to Redis may take to be made, TLS and login included. 2 s.
    pub connect: Duration,
    /// A connection to Redis without any success for so long is replaced. 3 s.
    pub stuck: Duration,
    /// A wall clock that was set must run evenly for so long before reports are dated by
    /// it again. 1 min.
    pub settle: Duration,
    /// A wall clock must run evenly for so long before anything is forgotten by it. 1 h;
    /// at least `settle`.
    pub probation: Duration,
}

/// Why a text is no timing. Each names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// A part of another form.
    #[error("expected NAME=DURATION like lease=2s, several with commas between, got {0:?}")]
    Form(String),
    /// No field of that name.
    #[error("there is no duration {0:?}; there are {names}", names = names())]
    Name(String),
    /// No duration, or one that is out of range.
    #[error("{field} must be a duration of 10ms to 24h like 500ms, 2s, 1m or 1h, got {text:?}")]
    Duration {
        /// Which.
        field: &'static str,
        /// What it says.
        text: String,
    },
    /// It is longer than another allows.
    #[error("{field} must be at most {most:?}, {why}: got {got:?}")]
    Long {
        /// Which.
        field: &'static str,
        /// The longest that is safe.
        most: Duration,
        /// Why.
        why: &'static str,
        /// What it is.
        got: Duration,
    },
}

impl Default for Timing {
    fn default() -> Self {
        let probation = Probation::default();
        let ms = |ms: i64| Duration::from_millis(ms.unsigned_abs());
        Self {
            lease: Duration::from_secs(10),
            renewal: Duration::from_secs(3),
            look: Duration::from_secs(1),
            maintenance: Duration::from_secs(5),
            ledger: Duration::from_secs(1),
            ledger_good_for: Duration::from_mins(1),
            answer: Duration::from_secs(10),
            repeat: Duration::from_secs(5),
            reply: Duration::from_secs(3),
            connect: Duration::from_secs(2),
            stuck: Duration::from_secs(3),
            settle: ms(probation.dates_after_ms),
            probation: ms(probation.forgets_after_ms),
        }
    }
}

impl Timing {
    /// How long a wall clock must run evenly.
    #[must_use]
    pub fn probation(&self) -> Probation {
        let [dates_after_ms, forgets_after_ms] =
            [self.settle, self.probation].map(|time| time.as_millis() as i64);
        Probation { dates_after_ms, forgets_after_ms }
    }

    /// The same, where the durations are safe together.
    ///
    /// # Errors
    /// Where one is longer than another allows.
    pub fn checked(self) -> Result<Self, TimingError> {
        let rules = [
            ("lease", self.lease, LONGEST_LEASE, "the longest that a store gives"),
            ("renewal", self.renewal, self.lease / 2, "half of lease, so that one may fail"),
            ("look", self.look, self.renewal, "renewal, since looks renew the lease"),
            ("ledger", self.ledger, self.ledger_good_for, "ledger_good_for, or no key is taken"),
            ("reply", self.reply, self.repeat, "repeat, so that a call is tried once"),
            ("repeat", self.repeat, self.answer, "answer, so that its outcome is told"),
            ("settle", self.settle, self.probation, "probation, which begins with it"),
        ];
        match rules.into_iter().find(|(_, got, most, _)| most < got) {
            Some((field, got, most, why)) => Err(TimingError::Long { field, most, why, got }),
            None => Ok(self),
        }
    }

    /// Each duration and its name.
    fn fields(&mut self) -> [(&'static str, &mut Duration); 13] {
        [
            ("lease", &mut self.lease),
            ("renewal", &mut self.renewal),
            ("look", &mut self.look),
            ("maintenance", &mut self.maintenance),
            ("ledger", &mut self.ledger),
            ("ledger_good_for", &mut self.ledger_good_for),
            ("answer", &mut self.answer),
            ("repeat", &mut self.repeat),
            ("reply", &mut self.reply),
            ("connect", &mut self.connect),
            ("stuck", &mut self.stuck),
            ("settle", &mut self.settle),
            ("probation", &mut self.probation),
        ]
    }
}

/// The longest lease that a store gives.
pub const LONGEST_LEASE: Duration = Duration::from_mins(10);

impl FromStr for Timing {
    type Err = TimingError;

    fn from_str(text: &str) -> Result<Self, TimingError> {
        let mut timing = Self::default();
        for part in text.split(',').map(str::trim) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| TimingError::Form(shown(part)))?;
            let mut fields = timing.fields().into_iter();
            let (field, duration) = fields
                .find(|(known, _)| *known == name.trim())
                .ok_or_else(|| TimingError::Name(shown(name)))?;
            *duration = parsed(value.trim())
                .ok_or_else(|| TimingError::Duration { field, text: shown(value) })?;
        }
        timing.checked()
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut timing = *self;
        let fields =
            timing.fields().map(|(name, duration)| format!("{name}={}ms", duration.as_millis()));
        f.write_str(&fields.join(","))
    }
}

/// A whole number of milliseconds, seconds, minutes or hours, within the range.
fn parsed(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let ms = text[..digits].parse::<u64>().ok()?.checked_mul(unit_ms)?;
    Some(Duration::from_millis(ms)).filter(|duration| RANGE.contains(duration))
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

fn names() -> String {
    Timing::default().fields().map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let timing: Timing = "lease=2s, renewal=500ms,look=200ms".parse().unwrap();
        let expected = Timing {
            lease: Duration::from_secs(2),
            renewal: Duration::from_millis(500),
            look: Duration::from_millis(200),
            ..Timing::default()
        };
        assert_eq!(timing, expected);
        let all = "lease=1s,renewal=10ms,look=10ms,maintenance=1h,ledger=30ms,answer=24h,\
                   ledger_good_for=2m,\
                   repeat=1m,reply=1m,connect=50ms,stuck=70ms,settle=2s,probation=3s";
        let all: Timing = all.parse().unwrap();
        assert!(
            Timing::default().fields().iter().zip(all.clone().fields()).all(|(a, b)| *a.1 != *b.1)
        );
        assert_eq!(all.probation(), Probation { dates_after_ms: 2_000, forgets_after_ms: 3_000 });
        assert_eq!(Timing::default().probation(), Probation::default());
    }

    #[test]
    fn what_is_none_is_refused_by_name() {
        let rows = [
            ("", "expected NAME=DURATION"),
            ("lease", "expected NAME=DURATION"),
            ("lease=2s,", "expected NAME=DURATION"),
            ("leese=2s", "there is no duration \"leese\"; there are lease, renewal, look"),
            ("lease=2", "lease must be a duration"),
            ("lease=s", "lease must be a duration"),
            ("lease=-2s", "lease must be a duration"),
            ("look=9ms", "look must be a duration of 10ms to 24h"),
            ("look=25h", "look must be a duration of 10ms to 24h"),
            ("look=99999999999999999999h", "look must be a duration"),
        ];
        for (text, expected) in rows {
            let message = text.parse::<Timing>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
    }

    #[test]
    fn what_is_unsafe_is_refused_by_name() {
        let rows = [
            ("lease=11m", "lease must be at most 600s"),
            ("lease=2s", "renewal must be at most 1s, half of lease"),
            ("renewal=10s", "renewal must be at most 5s"),
            ("look=4s", "look must be at most 3s, renewal"),
            ("ledger=2m", "ledger must be at most 60s, ledger_good_for"),
            ("reply=6s", "reply must be at most 5s, repeat"),
            ("answer=4s", "repeat must be at most 4s, answer"),
            ("settle=2h", "settle must be at most 3600s, probation"),
        ];
        for (text, expected) in rows {
            let message = text.parse::<Timing>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
        Timing::default().checked().unwrap();
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let timing: Timing = "lease=2s,renewal=500ms,look=200ms".parse().unwrap();
        assert_eq!(timing.to_string().parse::<Timing>(), Ok(timing));
    }
}

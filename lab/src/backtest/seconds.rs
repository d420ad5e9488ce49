//! Instants as the scorer has them: floats, since its figures are to be met to the digit.

use serde::{Deserialize, Deserializer, de::Error};

/// An instant: seconds since 1970-01-01T00:00:00Z, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Seconds(pub f64);

impl Seconds {
    /// This instant `seconds` later.
    #[must_use]
    pub fn plus(self, seconds: f64) -> Self {
        Self(self.0 + seconds)
    }

    /// Minutes from `earlier` to this instant; negative when `earlier` is later.
    #[must_use]
    pub fn minutes_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) / 60.0
    }

    /// The later of the two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// As a person reads it in UTC, by a pattern of `strftime`.
    #[must_use]
    pub fn written(self, pattern: &str) -> String {
        let instant = jiff::Timestamp::from_microsecond((self.0 * 1e6).round() as i64)
            .unwrap_or(jiff::Timestamp::MAX);
        instant.strftime(pattern).to_string()
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant: jiff::Timestamp = text.parse().map_err(|_| {
            D::Error::custom(format!("expected an instant of RFC 3339, got {text:?}"))
        })?;
        // Microseconds of any year that matters are whole in a float, so this is one
        // correctly rounded division, as Python's is.
        Ok(Self(instant.as_microsecond() as f64 / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_to_the_microsecond() {
        let rows = [
            ("2014-04-22T04:00:13Z", 1_398_139_213.0),
            ("2014-04-22T04:00:13.25Z", 1_398_139_213.25),
            ("2014-04-22T04:00:13.1234569+00:00", 1_398_139_213.123_456),
            ("2014-04-22T00:00:13-04:00", 1_398_139_213.0),
        ];
        for (text, seconds) in rows {
            assert_eq!(
                serde_json::from_value::<Seconds>(text.into()).unwrap(),
                Seconds(seconds),
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        let error = serde_json::from_value::<Seconds>("2014-04-22T04:00:13".into())
            .unwrap_err()
            .to_string();
        assert_eq!(error, "expected an instant of RFC 3339, got \"2014-04-22T04:00:13\"");
    }
}

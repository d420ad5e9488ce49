//! Instants and windows as text: RFC 3339, always UTC.

use crate::domain::time;
use serde::Serialize;
use utoipa::ToSchema;

/// The half-open interval `[from, to)` of observed time, in whole minutes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TimeWindow)]
pub struct Window {
    /// The first instant inside.
    #[schema(format = DateTime, examples("2022-07-08T08:30:00Z"))]
    pub from: String,
    /// The first instant after it: later than `as_of` while its last minute is running.
    #[schema(format = DateTime, examples("2022-07-08T08:45:00Z"))]
    pub to: String,
}

impl From<time::Window> for Window {
    fn from(window: time::Window) -> Self {
        Self { from: rfc3339(window.from.start()), to: rfc3339(window.to.start()) }
    }
}

/// An instant like `2022-07-08T08:44:00Z`.
#[must_use]
pub fn rfc3339(instant: time::Timestamp) -> String {
    instant.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn instants_are_utc_with_only_the_fractions_they_have() {
        let rows = [
            (1_657_269_840_000, "2022-07-08T08:44:00Z"),
            (1_657_269_840_500, "2022-07-08T08:44:00.5Z"),
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ];
        for (ms, text) in rows {
            assert_eq!(rfc3339(Timestamp(ms)), text);
        }
    }

    #[test]
    fn an_instant_beyond_the_calendar_is_its_end() {
        assert!(rfc3339(Timestamp(i64::MAX)).starts_with("9999-12-30T"));
        assert!(rfc3339(Timestamp(i64::MIN)).starts_with("-009999-"));
    }
}

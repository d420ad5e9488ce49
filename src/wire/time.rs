//! Instants as they are sent: RFC 3339.

use crate::domain::time::Timestamp;

/// What an instant must look like.
pub const INSTANT: &str = "a time like 2022-07-08T08:44:00Z (RFC 3339)";

/// The instant of an RFC 3339 text.
#[must_use]
pub fn instant(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|instant| Timestamp(instant.as_millisecond()))
}

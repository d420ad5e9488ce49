//! Instants as scenarios write them.

use groundswell::domain::time::Timestamp;

/// The instant of a text that stands in a scenario.
#[must_use]
pub fn instant(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().expect("a test reads every scenario");
    Timestamp(instant.as_millisecond())
}

//! Times as they are stored.

use crate::domain::time::{Hour, Minute};

/// A minute in four bytes: enough until the year 10136.
#[must_use]
pub fn stored_minute(minute: Minute) -> u32 {
    u32::try_from(minute.0).expect("facts are dated by a clock set after 1970")
}

/// An hour in four bytes.
#[must_use]
pub fn stored_hour(hour: Hour) -> u32 {
    u32::try_from(hour.0).expect("facts are dated by a clock set after 1970")
}

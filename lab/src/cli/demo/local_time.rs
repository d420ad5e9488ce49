//! The time where the outage was.

use groundswell::domain::time::{HOUR_MS, Timestamp};

/// Toronto's summer time.
const BEHIND_UTC_MS: i64 = -4 * HOUR_MS;

/// The time in Toronto, with the day where it is not the first.
pub fn local(at: Timestamp) -> String {
    let local =
        jiff::Timestamp::from_millisecond(at.0 + BEHIND_UTC_MS).unwrap_or(jiff::Timestamp::MIN);
    local.strftime("%a %H:%M:%S").to_string()
}

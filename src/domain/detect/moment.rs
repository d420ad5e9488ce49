//! The moment at which zones are judged.

use crate::domain::time::{Minute, Timestamp};

/// When zones are judged.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Where their windows end.
    pub now: Minute,
    /// When that is told.
    pub at: Timestamp,
    /// Whether the last minute of the windows still runs.
    pub is_running: bool,
}

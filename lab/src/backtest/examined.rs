//! All that is known of one stream after a backtest.

use super::alarms::Alarm;
use super::trace::Trace;
use super::verdict::Judged;

/// All that is known of one stream after a backtest.
#[derive(Debug, Clone)]
pub struct Examined {
    /// What was raised.
    pub alarms: Vec<Alarm>,
    /// What it was worth.
    pub judged: Judged,
    /// What the detector saw; without points where nothing was replayed.
    pub traces: Vec<Trace>,
}

//! Outages on record, played by a synthetic crowd: which reports would have come, minute
//! by minute, over real cities.
//!
//! No public series of any of these outages is as fine as a minute or a cell. What comes
//! out is a curve fitted through the few counts on record, and says so: every reporter's
//! id begins with [`report::SYNTHETIC`]. The same seed gives the same reports.

pub mod crowd;
pub mod curve;
mod draw;
mod homes;
mod instant;
mod mix;
pub mod plan;
pub mod report;
pub mod reports;
pub mod scenario;
pub mod set;
pub mod truth;
mod week;

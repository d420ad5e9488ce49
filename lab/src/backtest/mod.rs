//! The backtest: incidents held against streams with known outages, in figures and in
//! pictures.
//!
//! The arithmetic is that of the set's own scorer, to the digit. Where the incidents come
//! from is not known here: from a detector that was replayed a moment ago, or from files
//! that anyone wrote.

pub mod alarms;
pub mod axis;
mod bars;
mod cells;
mod curve;
mod entry;
pub mod examined;
pub mod figures;
pub mod operating;
mod page;
mod plot;
pub mod report;
pub mod score;
mod seconds;
pub mod set;
pub mod table;
pub mod trace;
pub mod truth;
pub mod verdict;

pub use cells::Cells;
pub use entry::SetError;
pub use plot::{Figure, draw};
pub use seconds::Seconds;

/// How all plots look.
pub const PLOT_STYLE: &str = include_str!("style.css");

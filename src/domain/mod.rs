//! What Groundswell knows, as arithmetic: no async, no clock, no serde, no I/O, no
//! logging.
//!
//! `report` becomes a `fact`, facts gather in `counts`, counts become a `view`.
//! Everything else names one noun of that walk.

pub mod access;
pub mod assessment;
pub mod baseline;
pub mod bbox;
pub mod cell_set;
pub mod clock_guard;
pub mod counted;
pub mod counts;
pub mod cover;
pub mod coverage;
pub mod detect;
pub mod extent;
pub mod fact;
pub mod grid;
pub mod incident;
pub mod late_arrivals;
pub mod level;
pub mod liveness;
pub mod local_clock;
pub mod outline;
pub mod population;
pub mod privacy;
pub mod provider;
pub mod region;
pub mod report;
pub mod reporter;
pub mod series;
pub mod shared_id;
mod shrunk_ratio;
mod steady;
pub mod symptom;
pub mod symptom_word;
pub mod tile;
pub mod time;
pub mod view;
pub mod viewport;
pub(crate) mod word_enum;

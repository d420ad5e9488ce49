//! Rehearsals: what the whole way from report to incident makes of outages on record,
//! held against what really happened.
//!
//! A scenario is played through the real ingest, store, detectors and desk; `verdict`
//! judges what was told, `table` and `plot` show it, and `maps` what of it everybody sees.

pub mod maps;
pub mod plot;
pub mod seen;
pub mod table;
pub mod verdict;

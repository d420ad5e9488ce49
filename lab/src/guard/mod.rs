//! The guard of detection's quality: figures of a run held against those in a file, each
//! with its noise and the direction that is better.
//!
//! `figures` says what is measured, `bootstrap` how much chance moves it, `bounds` what the
//! file holds, `table` how both are shown.

mod bootstrap;
pub mod bounds;
pub mod figures;
pub mod table;

//! Where reports may be shown: each in the finest cell around it in which enough people
//! were heard of, so that no number on the map is about fewer.
//!
//! Time is cut into epochs of five minutes. The groups of an epoch are cells; they follow
//! from who was heard of on the day before it, and nothing that comes later changes them.
//! So a number that was shown once is never shown again in a smaller place, and the
//! difference of two answers says no more than each of them.
//!
//! The threshold holds for what is *left* of a cell without the groups in it: what can be
//! found by subtracting must hold enough people, too. Chance sees to it that what was open
//! or closed excludes nothing: coins decide who counts, and some reports are coarsened.

pub mod asked;
pub mod coarsening;
pub mod coin;
pub mod epoch;
pub mod groups;
pub mod mass;
pub mod naming;
pub mod people;
pub mod rounding;
pub mod rule;
#[cfg(test)]
mod tests;

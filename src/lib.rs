//! Groundswell: which provider is down, where, since when, from the reports of those who
//! notice.
//!
//! The store keeps facts, the domain derives everything else, HTTP only translates. Rooms
//! may use only what stands below them:
//!
//! ```text
//! cli ─ config, catalogue     commands, settings, the list of providers
//!  ├ gazetteer                names of places: for cli, http and engine
//!  └ http                     routes, wire types, the one error table
//!     ├ render                a view in, bytes out
//!     └ engine                the use-cases; the only one who knows the time
//!        ├ wire               a report as it is sent, read: here and in http
//!        └ store              facts at rest
//!           └ domain          pure: reports, facts, counts, views
//! ```
//!
//! The words, one meaning each:
//!
//! | word | meaning |
//! |---|---|
//! | report | one message of a reporter: no service, or "it works" |
//! | reporter | who sends reports: a keyed hash that changes daily |
//! | claim | that a reporter counts already, for a provider, a period and a kind of symptom |
//! | provider, network | whom reports are about; the brands that fail together share a network |
//! | source | the app whose key sent a report |
//! | symptom | what does not work |
//! | cell, resolution | a hexagon of the H3 grid; how fine it is |
//! | fact | a count: of one minute, cell, symptom, provider, source and lane |
//! | lane | whether reports came in time or late |
//! | minute, hour, window | units of time; a window runs from a minute up to another |
//! | count, first | reports counted; those that were their reporter's first of the day |
//! | baseline, expected | what was learnt of quiet weeks; the count that it predicts |
//! | score | −log10 of the probability of such a count or a higher one |
//! | spike | a place whose score stands out now |
//! | zone | cells that are tested together: a place and its neighbours |
//! | incident | what is published: clusters of a network that belong together |
//! | revision | one state of an incident; the journal keeps all of them |
//! | source, key | an app; what it shows to say that it is that app |
//! | ledger | the journal of sources and keys: who may do what, and who changed it |
//! | attribution | what an incident means for another provider reported there |
//! | area | an administrative or drawn polygon |
//! | outline | the polygon around cells |
//! | view | the counts of one window, frozen, as a reader sees them |
//!
//! The package `groundswell-lab`, in `lab/`, plays outages that are on record and scores
//! what detection makes of known ones. It uses this library; nothing here uses it.

pub mod catalogue;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod gazetteer;
pub mod http;
pub mod render;
pub mod store;
pub mod wire;

// Held with the unit tests, so that `make check` has them: the plan of the house, and the
// specification.
#[cfg(test)]
extern crate self as groundswell;
#[cfg(test)]
#[path = "../tests/house/mod.rs"]
mod house;
#[cfg(test)]
#[path = "../tests/openapi.rs"]
mod specification;

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

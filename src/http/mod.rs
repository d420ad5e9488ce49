//! The HTTP side: extract, call the engine, convert. Knows statuses, headers and wire
//! types; decides nothing about reports.
//!
//! ```text
//! server                      listener, connections, middleware
//!  ├ connection, observe      what surrounds every request
//!  └ routes                   the table of paths
//!     ├ reports               taking reports
//!     ├ heatmap, series, providers, cells, incidents, spikes, voids, notes, pages
//!     │  ├ query, listing     parameters, read into types
//!     │  ├ basis, live        answers that need detection
//!     │  └ rendered, caching  answers made once, compressed, with an ETag
//!     ├ app                   the state that handlers share
//!     ├ body, unpacking       bodies, collected and unpacked within bounds
//!     └ error                 the one table of failures
//! openapi, params             the document
//! ```

mod admin;
mod app;
mod basis;
mod body;
mod caching;
mod cells;
mod connection;
mod content_encoding;
mod cors;
mod detection;
pub mod error;
mod exposition;
mod heatmap;
mod incidents;
mod listing;
mod live;
mod media_type;
mod notes;
mod observe;
mod open_words;
pub mod openapi;
mod pages;
mod params;
mod place_names;
mod providers;
mod query;
mod read_errors;
mod rendered;
mod report_body;
mod reports;
mod request_metrics;
mod routes;
mod series;
mod server;
mod spikes;
mod unpacking;
mod voids;

pub use server::{run_until_stopped, server};

//! The HTTP side: extract, call the engine, convert. Knows statuses, headers and wire
//! types; decides nothing about reports.
//!
//! ```text
//! server                      listener, connections, middleware
//!  ├ connection, observe      what surrounds every request; cors, request_metrics
//!  └ routes                   the table of paths
//!     ├ reports               taking reports
//!     │  └ body, media_type   bodies, collected and unpacked within bounds
//!     ├ heatmap, series, providers, cells, incidents, spikes, pages
//!     │  ├ query, region, listing
//!     │  │                    parameters, read into types
//!     │  ├ basis, live        answers that need detection
//!     │  └ respond            the one way to answer a read: ETag, encodings, cache
//!     ├ notes, voids          what operators say; admin
//!     ├ app                   the state that handlers share
//!     │  ├ response_cache     responses, by request and content
//!     │  └ place_names        what the places of incidents are called
//!     └ error                 the one table of failures
//! openapi, params, words      the document
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
mod region;
mod report_body;
mod reports;
mod request_metrics;
mod respond;
mod response;
mod response_cache;
mod routes;
mod series;
mod server;
mod source_series;
mod spikes;
mod unpacking;
mod voids;
mod words;

pub use server::{run_until_stopped, server};

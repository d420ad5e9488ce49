//! The HTTP side: extract, call the engine, convert. Knows statuses, headers and wire
//! types; decides nothing about reports.
//!
//! ```text
//! server                      listener, connections, middleware
//!  ├ connection, observe      what surrounds every request; cors, request_metrics
//!  ├ caller                   who calls, and whether they may: an argument of each handler
//!  │  ├ admission             what becomes of the body of who may not
//!  │  ├ policy, denial        what the operator decided; what who may not is told
//!  │  └ limits, client_address, fresh_ids, forwarded
//!  │                          how much each may ask for, by key and by address
//!  └ routes                   the table of paths
//!     ├ reports               taking reports
//!     │  ├ report_answers     what became of them
//!     │  └ body, media_type   bodies, collected and unpacked within bounds
//!     ├ heatmap, frames, tiles, here, areas, area_borders, area_table, series, providers, cells,
//!     │  incidents, spikes, pages
//!     │  ├ query, region, listing, lines
//!     │  │                    parameters, read into types
//!     │  ├ basis, live        answers that need detection
//!     │  └ respond            the one way to answer a read: ETag, encodings, cache
//!     ├ notes, voids          what operators say; admin
//!     ├ sources, keys, audit  who may call, and who changed that
//!     ├ privacy               what readers may see
//!     ├ app                   the state that handlers share
//!     │  ├ response_cache     responses, by request and content
//!     │  ├ publisher          in whose name documents are written
//!     │  └ place_names        what the places of incidents are called
//!     └ error                 the one table of failures
//! openapi, params, area_params, tile_params, words
//!                             the document
//! ```

mod admin;
mod admission;
mod app;
mod area_borders;
mod area_params;
mod area_table;
mod areas;
mod audit;
mod basis;
mod body;
mod caching;
mod caller;
mod cells;
pub mod client_address;
mod connection;
mod content_encoding;
mod cors;
mod coverage;
mod denial;
mod detection;
pub mod error;
mod exposition;
mod forwarded;
mod frames;
mod fresh_ids;
mod heatmap;
mod here;
mod incidents;
mod keys;
pub mod limits;
mod lines;
mod listing;
mod live;
mod map;
mod media_type;
mod notes;
mod observe;
mod open_words;
pub mod openapi;
mod pages;
mod params;
mod place_names;
pub mod policy;
mod privacy;
mod providers;
pub mod publisher;
mod query;
mod read_errors;
mod region;
mod report_answers;
mod report_body;
mod reports;
mod request_metrics;
mod respond;
mod response;
mod response_cache;
mod routes;
mod series;
mod server;
mod source_metrics;
mod source_series;
mod sources;
mod spikes;
mod style;
mod tile_params;
mod tiles;
mod unpacking;
mod voids;
mod words;

pub use server::{Listeners, run_until_stopped, server};

//! The tests of the whole, in one program, so that it is linked once: each module asks one
//! thing of the server, through real sockets, files and a real Redis.
//!
//! The house and the specification are held with the unit tests, in src/lib.rs.
//!
//! One test alone: `cargo test --test all a_part_of_its_name`.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says where")]

mod area_table;
mod areas;
mod attack;
mod backtest;
mod bad_input;
mod bombs;
mod browsers;
mod catching_up;
mod clock;
mod conformance;
mod copy;
mod coverage;
mod detection;
mod detector_pool;
mod embedded;
mod emergency;
mod fail_points;
mod files;
mod forms;
mod frames;
mod here;
mod incident_answers;
mod incident_attack;
mod incident_privacy;
mod incidents;
mod key_commands;
mod keys;
mod late;
mod ledger;
mod licences;
mod lines;
mod map;
mod odd_input;
mod privacy;
mod readers;
mod redis;
mod redis_of_others;
mod replay;
mod reporter_key;
mod settings;
mod simulate;
mod source_series;
mod stopping;
mod support;
mod tiles;
mod upgrade;

//! A small seeded load generator, shared by the benches.
//!
//! Who reports is in `crowd`, `day`, `heard`, `quiet`, `traffic`, `territory` and
//! `cities`; what they send in `report`, `pool` and `fill`; how requests travel in
//! `client`, `http`, `closed_loop` and `open_loop`; which servers answer, and to which
//! keys, in `server`, `key`, `redis` and `yardstick`; what comes out, and on which
//! machine, in `run`, `duel`, `metrics`, `disk`, `machine` and `sheet`. It knows the HTTP
//! contract only. `streams` knows the library: it counts reports in this process.
#![allow(dead_code, reason = "every bench compiles the whole generator and uses its part of it")]

pub mod cities;
pub mod client;
pub mod closed_loop;
pub mod crowd;
pub mod day;
pub mod disk;
pub mod duel;
pub mod fill;
pub mod heard;
pub mod http;
pub mod key;
pub mod machine;
pub mod metrics;
pub mod open_loop;
pub mod pool;
pub mod quiet;
pub mod redis;
pub mod report;
pub mod run;
pub mod server;
pub mod sheet;
pub mod streams;
pub mod task;
pub mod territory;
pub mod traffic;
pub mod yardstick;

/// The server's allocator, so that yardsticks and work measured in this process have the
/// same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

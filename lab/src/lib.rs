//! The laboratory of Groundswell: outages on record, played by a synthetic crowd through
//! the real server, and incidents held against outages that are known.
//!
//! It uses the server's library; nothing of the server uses it.
//!
//! ```text
//! cli                     one file per command: simulate, demo, rehearse, backtest, guard
//!  ├ guard                figures of a run held against those of a file
//!  ├ rehearsal            outages on record through all of detection: verdicts, plots
//!  │  ├ backtest          incidents against known outages: score, table, plots
//!  │  └ simulate          outages on record, played by a synthetic crowd; real cities
//! ```

pub mod backtest;
pub mod cli;
pub mod guard;
pub mod rehearsal;
pub mod simulate;

//! A report that a person can look at: a directory with an index and a page of plots for each stream.

use super::alarms::Alarm;
use super::page;
use super::score::score;
use super::set::{Set, Stream};
use super::table::table;
use super::trace::Trace;
use super::verdict::Judged;
use std::path::Path;

/// All that is known of one stream after a backtest.
#[derive(Debug, Clone)]
pub struct Examined {
    /// What was raised.
    pub alarms: Vec<Alarm>,
    /// What it was worth.
    pub judged: Judged,
    /// What the detector saw; without points where nothing was replayed.
    pub traces: Vec<Trace>,
}

/// Writes the report into a directory, which is made where it is missing.
///
/// # Errors
/// Where a file cannot be written.
pub fn write(directory: &Path, set: &Set, examined: &[(&Stream, Examined)]) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for (stream, one) in examined {
        std::fs::write(directory.join(format!("{}.html", stream.scenario)), page::stream(set, stream, one))?;
    }
    let table = table(&score(examined.iter().map(|(_, one)| &one.judged)));
    let all: Vec<&Examined> = examined.iter().map(|(_, one)| one).collect();
    std::fs::write(directory.join("index.html"), page::index(&table, &all))
}

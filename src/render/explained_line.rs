//! What incidents explain of an hour, as a line of NDJSON: with it, what was learnt can
//! be computed again from the reports.

use super::time::rfc3339;
use crate::domain::detect::Explained;
use crate::domain::time::Hour;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    hour: String,
    provider: &'a str,
    global: bool,
    cells: Vec<String>,
}

/// The line of an hour of a provider: where what was reported was not learnt.
#[must_use]
pub fn explained_line(provider: &str, hour: Hour, explained: &Explained) -> Vec<u8> {
    let line = Line {
        hour: rfc3339(hour.minutes().start.start()),
        provider,
        global: explained.is_everywhere(),
        cells: explained.cells().iter().map(ToString::to_string).collect(),
    };
    let mut bytes = serde_json::to_vec(&line).expect("cells are plain data");
    bytes.push(b'\n');
    bytes
}

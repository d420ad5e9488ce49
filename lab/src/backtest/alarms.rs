//! Incidents as a detector tells them: NDJSON, a line for each incident or for each
//! revision of one.

use super::cells::{self, Cells};
use super::entry::{self, Entry, SetError};
use super::seconds::Seconds;
use groundswell::domain::grid::Resolution;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// One incident, all that was ever told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// The name it was given, if any.
    pub id: Option<String>,
    /// Whose.
    pub provider: String,
    /// When it was first told.
    pub detected: Seconds,
    /// Where it was said to be at first.
    pub first: Cells,
    /// Where it was said to be in the end.
    pub cells: Cells,
    /// The coarsest resolution of the cells named in the end.
    pub coarsest: Resolution,
    /// When it was over, if that was told.
    pub resolved: Option<Seconds>,
    /// When it began, if that was told.
    pub onset: Option<Seconds>,
}

/// The incidents of a file, in the order of their first lines. A file that is not there
/// tells of none.
///
/// # Errors
/// Where the file cannot be read, or a line is not what it should be.
pub fn read(path: &Path) -> Result<Vec<Alarm>, SetError> {
    if path.exists() {
        parse(&path.display().to_string(), &entry::read(path)?)
    } else {
        Ok(Vec::new())
    }
}

/// The incidents of a text; `file` names it where a line is at fault.
///
/// # Errors
/// Where a line is not what it should be.
pub fn parse(file: &str, text: &str) -> Result<Vec<Alarm>, SetError> {
    let mut alarms: Vec<Alarm> = Vec::new();
    let mut numbers: HashMap<Key, usize> = HashMap::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let entry = Entry::parse(format!("{file}, line {}", n + 1), line)?;
        let alarm = revision(&entry)?;
        let number = *numbers.entry(key(&entry, n)?).or_insert(alarms.len());
        match alarms.get_mut(number) {
            Some(known) => known.revise(alarm),
            None => alarms.push(alarm),
        }
    }
    Ok(alarms)
}

impl Alarm {
    /// Where a revision tells nothing of the end or the onset, what was told before
    /// stands.
    fn revise(&mut self, revision: Self) {
        if revision.detected < self.detected {
            self.detected = revision.detected;
        }
        self.cells = revision.cells;
        self.coarsest = revision.coarsest;
        self.resolved = revision.resolved.or(self.resolved);
        self.onset = revision.onset.or(self.onset);
    }
}

fn revision(entry: &Entry) -> Result<Alarm, SetError> {
    let named = cells::named(entry, "cells")?.ok_or_else(|| entry.fault("cells", "is missing"))?;
    let coarsest = named
        .iter()
        .map(|cell| cell.resolution())
        .min()
        .ok_or_else(|| entry.fault("cells", "must name a cell"))?;
    let cells: Cells = named.into_iter().collect();
    // An empty text is no time.
    let time = |field| {
        if entry.optional::<Value>(field)? == Some("".into()) {
            Ok(None)
        } else {
            entry.optional(field)
        }
    };
    Ok(Alarm {
        id: match entry.optional("incident_id")? {
            Some(Value::String(text)) => Some(text),
            other => other.map(|value: Value| value.to_string()),
        },
        provider: entry.required("provider")?,
        detected: entry.required("detected_at")?,
        first: cells.clone(),
        cells,
        coarsest,
        resolved: time("resolved_at")?,
        onset: time("onset_estimate")?,
    })
}

/// What lines of one incident share. Texts and numbers are told apart; a number may be
/// written in several ways.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Text(String),
    Number(String),
}

/// A line without an id, or with an empty one or zero, is an incident of its own, named
/// after its place in the file.
fn key(entry: &Entry, line: usize) -> Result<Key, SetError> {
    match entry.optional::<Value>("incident_id")? {
        Some(Value::String(text)) if !text.is_empty() => Ok(Key::Text(text)),
        Some(Value::Number(number)) if number.as_f64() != Some(0.0) => {
            Ok(Key::Number(match number.as_f64() {
                Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float}"),
                _ => number.to_string(),
            }))
        }
        None | Some(Value::String(_) | Value::Number(_)) => Ok(Key::Text(format!("#{line}"))),
        Some(_) => Err(entry.fault("incident_id", "must be a text or a number")),
    }
}

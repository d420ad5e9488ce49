//! The files of a set: entries of `index.json`, `truth.json` and `real_rises.json`, and the
//! line of a report.

use super::super::homes::km_between;
use super::super::report::{Report, rfc3339};
use super::events::{Event, Expect, Rise};
use super::placed::{Played, lasting, position};
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Steps from the middle cell that are looked at: cells of resolution 7 are about 2.4 km
/// apart.
const KM_A_STEP: f64 = 2.0;

/// One stream, as `index.json` names it.
#[derive(Debug, Serialize)]
pub struct Index {
    /// Its name.
    pub scenario: String,
    family: &'static str,
    /// The file of its reports.
    pub stream: String,
    warmup: String,
    start: String,
    stop: String,
    providers: Vec<&'static str>,
    seed: u64,
}

/// One event, as `truth.json` tells it.
#[derive(Debug, Serialize)]
pub struct TruthEntry {
    /// In which stream.
    pub scenario: String,
    family: &'static str,
    provider: &'static str,
    expect: Expect,
    onset: String,
    end: String,
    last_report: String,
    centre: [f64; 2],
    radius_km: f64,
    cells: Vec<String>,
    /// How many of its reports lie in which cell of resolution 7.
    pub reports_by_cell: BTreeMap<String, u64>,
    injected: usize,
    /// When its reports came, in seconds after the onset.
    pub injected_received_s: Vec<i64>,
}

/// One rise of the background, as `real_rises.json` tells it.
#[derive(Debug, Serialize)]
pub struct RiseEntry {
    block: &'static str,
    start: String,
    end: String,
    cell: String,
}

impl Index {
    /// The entry of a stream.
    #[must_use]
    pub fn new(
        scenario: &str,
        family: &'static str,
        stream: &Range<Timestamp>,
        played: &Played,
        seed: u64,
    ) -> Self {
        Self {
            scenario: scenario.to_owned(),
            family,
            stream: format!("{scenario}.ndjson.gz"),
            warmup: super::SmallSet::history_file(),
            start: second(stream.start),
            stop: second(stream.end),
            providers: played.providers.clone(),
            seed,
        }
    }
}

impl TruthEntry {
    /// The entry of an event.
    #[must_use]
    pub fn new(scenario: &str, event: &Event, stream: &Range<Timestamp>, played: &Played) -> Self {
        let (onset, centre) = (played.lasts.start, position(event.centre));
        let mut received: Vec<i64> = played
            .injected
            .iter()
            .map(|report| report.received_at.ms_since(onset).div_euclid(1_000))
            .collect();
        received.sort_unstable();
        let mut reports_by_cell = BTreeMap::new();
        for report in &played.injected {
            let cell = Cell::at(report.position, Resolution::HOURLY).to_string();
            *reports_by_cell.entry(cell).or_default() += 1;
        }
        // What happens everywhere has no cells.
        let is_somewhere = event.reports > 0 && event.expect != Expect::CoarseOk;
        let mut cells: BTreeSet<String> = BTreeSet::new();
        if is_somewhere {
            cells.extend(cells_within(centre, event.radius_km));
            cells.extend(reports_by_cell.keys().cloned());
        }
        let last = received.last().map_or(played.lasts.end, |last| onset.plus_ms(last * 1_000));
        Self {
            scenario: scenario.to_owned(),
            family: event.family,
            provider: event.provider,
            expect: event.expect,
            onset: second(onset.max(stream.start)),
            end: second(played.lasts.end.min(stream.end)),
            last_report: second(last.min(stream.end)),
            centre: [event.centre.0, event.centre.1],
            radius_km: event.radius_km,
            cells: cells.into_iter().collect(),
            reports_by_cell,
            injected: played.injected.len(),
            injected_received_s: received,
        }
    }
}

impl RiseEntry {
    /// The entry of a rise in streams that begin at `start`.
    #[must_use]
    pub fn new(block: &'static str, rise: &Rise, start: Timestamp) -> Self {
        let lasts = lasting(start, rise.after_h, rise.lasts_h);
        let cell = Cell::at(position(rise.centre), Resolution::HOURLY).to_string();
        Self { block, start: second(lasts.start), end: second(lasts.end), cell }
    }
}

/// The line of a report, in the form of a set, without its end.
#[must_use]
pub fn line(report: &Report) -> String {
    let degrees = |degrees: f64| (degrees * 1e5).round() / 1e5;
    let mut fields = json!({
        "received_at": second(report.received_at),
        "observed_at": second(report.observed_at),
        "lat": degrees(report.position.lat()),
        "lon": degrees(report.position.lon()),
        "device_id": report.reporter_id(),
        "provider": report.provider,
        "kind": report.symptom.name(),
    });
    if let Some(metres) = report.accuracy_m {
        fields["accuracy_m"] = (metres as u64).into();
    }
    fields.to_string()
}

/// An instant to the whole second below.
fn second(instant: Timestamp) -> String {
    rfc3339(Timestamp(instant.0 - instant.0.rem_euclid(1_000)))
}

/// The cells of resolution 7 whose middle lies in a disc, and the one around its centre.
fn cells_within(centre: Position, radius_km: f64) -> impl Iterator<Item = String> {
    let middle = Cell::at(centre, Resolution::HOURLY);
    let steps = (radius_km / KM_A_STEP).ceil() as u8 + 1;
    let is_inside =
        move |cell: &Cell| *cell == middle || km_between(cell.centre(), centre) <= radius_km;
    middle
        .disk(steps)
        .into_iter()
        .map(|(cell, _)| cell)
        .filter(is_inside)
        .map(|cell| cell.to_string())
}

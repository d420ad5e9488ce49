//! Incidents as everybody is told of them: in places in which enough people spoke, with
//! figures that are rounded down; and where they were exactly, for those who may know, for
//! as long as that is kept.

mod at_rest;
mod named;
mod nodes;
mod rules;

use crate::support::client::Client;
use crate::support::ndjson;
use crate::support::server::TestServer;
use serde_json::{Value, json};

/// A village far from everybody else: its six houses are a few hundred metres apart.
const VILLAGE: (f64, f64) = (49.78, -85.42);
const STEP_DEGREES: f64 = 0.006;
/// A caller whom a proxy on this machine passed on is told what everybody is.
const PASSED_ON: (&str, &str) = ("X-Forwarded-For", "203.0.113.7");

/// A server with a quiet past whose detectors have come to the present.
fn start() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    server
}

/// So many people report Charlie from around a place, from `first` on by name, and the
/// detectors look.
fn speak(server: &TestServer, (lat, lon): (f64, f64), people: std::ops::Range<usize>) {
    let reports: Vec<Value> = people
        .map(|n| {
            let (north, east) = ((n % 2) as f64 * STEP_DEGREES, (n / 2 % 3) as f64 * STEP_DEGREES);
            json!({
                "provider": "charlie", "symptom": "no_service", "lat": lat + north,
                "lon": lon + east, "accuracy_m": 35, "reporter_id": format!("{n:016x}"),
            })
        })
        .collect();
    let answer = server.batch(&ndjson(&reports));
    assert_eq!(answer.json()["counted"], json!(reports.len()), "{answer}");
    server.watch_minutes(1);
}

/// What everybody is told.
fn public(server: &Client, path: &str) -> Value {
    let answer = server.send("GET", path, &[PASSED_ON], b"");
    assert_eq!(answer.status, 200, "{path}: {answer}");
    answer.json()
}

fn only(list: &Value) -> Value {
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{list}");
    items[0].clone()
}

/// The one incident as everybody is told of it, and exactly.
fn both(server: &Client) -> (Value, Value) {
    let exact = only(&server.read("/v1/incidents"));
    (only(&public(server, "/v1/incidents")), exact)
}

fn cells(incident: &Value) -> Vec<groundswell::domain::grid::Cell> {
    let cells = incident["cells"].as_array().unwrap().iter();
    cells
        .map(|cell| groundswell::domain::grid::Cell::parse(cell.as_str().unwrap()).unwrap())
        .collect()
}

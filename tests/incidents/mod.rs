//! Incidents as a client sees them: told within seconds, explained, followed, ended,
//! noted, withdrawn; and what bad questions get.

mod course;
mod late_voids;
mod lateness;
mod notes_and_voids;
mod reading;
mod restarts;

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, ndjson};
use serde_json::Value;

/// A server with a quiet past whose detectors have come to the present.
fn server() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    server
}

/// Charlie fails in Toronto, and the detectors have looked.
fn outage_in_toronto(server: &TestServer) -> Value {
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 30, 1))).status, 200);
    server.advance_ms(1_000);
    server.step_detection();
    only(&server.read("/v1/incidents"))
}

fn only(answer: &Value) -> Value {
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{answer}");
    items[0].clone()
}

fn post(server: &TestServer, path: &str, body: &Value) -> crate::support::client::Answer {
    server.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

fn id(incident: &Value) -> &str {
    incident["id"].as_str().unwrap()
}

/// More reports of the outage every minute for so long.
fn goes_on(server: &TestServer, minutes: i64) {
    for minute in 0..minutes {
        assert_eq!(
            server.batch(&ndjson(&outage("charlie", TORONTO, 6, 100 + minute as u64))).status,
            200
        );
        server.watch_minutes(1);
    }
}

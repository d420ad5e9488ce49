//! Answers of incidents, closer: every revision as it was known, every filter, pages,
//! maps over the antimeridian, tags; and who may say a word.

mod lists;
mod maps;
mod operator_actions;
mod revisions;
mod spikes_of_before;

use crate::support::client::Client;
use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, ndjson};
use serde_json::{Value, json};

/// Longer than any incident of these tests is held open after its end.
const MOST_MINUTES: i64 = 180;

/// A server with a quiet past whose detectors have come to the present.
fn start() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    server
}

/// So many people of a city report a provider, a fifth of them a minute.
fn outage_in(server: &TestServer, provider: &str, city: (f64, f64), people: usize) {
    for some in outage(provider, city, people, people as u64).chunks(people / 5) {
        assert_eq!(server.batch(&ndjson(some)).json()["counted"], json!(some.len()));
        server.watch_minutes(1);
    }
}

fn items(server: &Client, path: &str) -> Vec<Value> {
    server.read(path)["items"].as_array().unwrap().clone()
}

/// The ids of a list.
fn ids(server: &Client, path: &str) -> Vec<String> {
    items(server, path).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// The one incident that there is.
fn only(server: &Client) -> Value {
    let items = items(server, "/v1/incidents");
    assert_eq!(items.len(), 1, "{items:?}");
    items[0].clone()
}

fn live_until(server: &TestServer, state: &str) {
    for _ in 0..MOST_MINUTES {
        if only(server)["state"] == state {
            return;
        }
        server.watch_minutes(1);
    }
    panic!("the incident should become {state}: {}", only(server));
}

fn detail(server: &Client, incident: &Value) -> Value {
    server.read(&format!("/v1/incidents/{}", incident["id"].as_str().unwrap()))
}

/// Two incidents: of Alpha in Toronto, and five minutes later of Charlie in Vancouver.
/// Gives their ids.
fn two_incidents() -> (TestServer, String, String) {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    outage_in(&server, "charlie", VANCOUVER, 60);
    let found = ids(&server, "/v1/incidents");
    assert_eq!(found.len(), 2, "{}", server.read("/v1/incidents"));
    (server, found[1].clone(), found[0].clone())
}

//! What phones and their programs send that looks odd and means something plain is taken;
//! what means nothing sure says so; nothing is inverted.

mod nowhere;
mod placeholders;
mod spellings;

use crate::support::client::Answer;
use crate::support::server::TestServer;
use serde_json::Value;

const JSON: (&str, &str) = ("Content-Type", "application/json");
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

/// Runs a test on a server over the embedded store, and on one over Redis.
fn on_every_store(test: impl Fn(&TestServer)) {
    test(&TestServer::start());
    test(&TestServer::start_on_redis(|_| ()));
}

#[track_caller]
fn taken(answer: &Answer, what: &str) -> Value {
    assert_eq!(answer.status, 202, "{what}: {answer}");
    answer.json()
}

fn total(server: &TestServer, question: &str) -> u64 {
    server.next_tick();
    server.read(&format!("/v1/heatmap?provider=alpha&{question}"))["total"].as_u64().unwrap()
}

/// The samples of `/metrics` of one name.
fn metrics(server: &TestServer, name: &str) -> Vec<String> {
    let text = server.get("/metrics").text().to_owned();
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

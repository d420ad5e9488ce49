//! Answers over time: before the first look, at every revision, and unchanged while
//! nothing happens.

use super::{detail, ids, items, live_until, only, outage_in, start};
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER};
use serde_json::json;

#[test]
fn an_incident_can_be_read_as_it_was_known_at_every_revision() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    live_until(&server, "resolved");
    let whole = detail(&server, &only(&server));
    let revisions = whole["revisions"].as_array().unwrap();
    assert!(revisions.len() >= 3 && whole["revision_count"] == json!(revisions.len()), "{whole}");
    let id = whole["id"].as_str().unwrap();
    for revision in revisions {
        let at = revision["known_at"].as_str().unwrap();
        let then = server.read(&format!("/v1/incidents/{id}?known_at={at}"));
        for (name, value) in [
            ("revision", &then["revision"]),
            ("state", &then["state"]),
            ("reports", &then["severity"]["reports"]),
        ] {
            assert_eq!(value, &revision[name], "{name} at {at}");
        }
        assert_eq!(
            then["revisions"].as_array().unwrap().last(),
            Some(revision),
            "what came later is not told"
        );
        let listed = items(&server, &format!("/v1/incidents?known_at={at}"));
        assert_eq!((listed.len(), &listed[0]["revision"]), (1, &revision["revision"]));
    }
    let before = "2022-07-08T08:44:30Z";
    assert_eq!(ids(&server, &format!("/v1/incidents?known_at={before}")), [""; 0], "not yet known");
    let answer = server.get(&format!("/v1/incidents/{id}?known_at={before}"));
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (404, Some("not_found")),
        "{answer}"
    );
    assert!(answer.text().contains("first told of at 2022-07-08T08:45:10Z"), "{answer}");
}

#[test]
fn before_the_first_look_nothing_is_said_rather_than_that_nothing_is_wrong() {
    let server = TestServer::start();
    for path in [
        "/v1/incidents",
        "/v1/incidents.geojson",
        "/v1/incidents/00000000000000ff",
        "/v1/spikes",
        "/v1/spikes.geojson",
        "/v1/voids",
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("2")),
            "{path}: {answer}"
        );
    }
    server.catch_up();
    assert_eq!(server.read("/v1/incidents")["items"], json!([]));
}

#[test]
fn an_answer_is_unchanged_from_look_to_look_as_long_as_nothing_happens() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    live_until(&server, "resolved");
    let first = server.get("/v1/incidents");
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(first.header("access-control-allow-origin"), Some("*"));
    server.watch_minutes(1);
    let again = server.get("/v1/incidents");
    assert_ne!(again.json()["as_of"], first.json()["as_of"]);
    assert_eq!(
        (again.header("etag"), &again.json()["items"]),
        (Some(&*tag), &first.json()["items"])
    );
    assert_eq!(server.send("GET", "/v1/incidents", &[("If-None-Match", &tag)], b"").status, 304);
    outage_in(&server, "charlie", VANCOUVER, 60);
    assert_eq!(server.send("GET", "/v1/incidents", &[("If-None-Match", &tag)], b"").status, 200);
}

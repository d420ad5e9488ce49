//! A node that catches up with the past: until its detectors have come to the present, no
//! answer says that nothing is wrong.

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{CATALOGUE, TORONTO, VANCOUVER, cell, instant, ndjson};
use serde_json::{Value, json};

/// What rests on incidents or detectors.
const RESTING: [&str; 6] = [
    "/v1/incidents",
    "/v1/incidents.geojson",
    "/v1/incidents/00000000000000ff",
    "/v1/spikes",
    "/v1/spikes.geojson",
    "/v1/cells/872b9bc29ffffff?provider=charlie",
];
/// What is counts and a catalogue, and says what they mean where that is known.
const COUNTED: [&str; 7] = [
    "/v1/heatmap?provider=charlie",
    "/v1/heatmap.columns.json?provider=charlie",
    "/v1/heatmap.geojson?provider=charlie",
    "/v1/heatmap.h3j?provider=charlie",
    "/v1/series?provider=charlie",
    "/v1/providers",
    "/v1/providers/charlie",
];

/// In the middle of an outage, on a store whose journal nobody has written to.
fn in_an_outage() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 30, 1))).status, 200);
    server.advance_ms(1_000);
    server
}

/// How far it has come, by `/readyz`.
fn share(server: &TestServer) -> f64 {
    server.read("/readyz")["progress"]["share"].as_f64().unwrap()
}

fn gauge(server: &TestServer) -> f64 {
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    metrics
        .lines()
        .find_map(|line| line.strip_prefix("groundswell_detection_progress_ratios "))
        .unwrap()
        .parse()
        .unwrap()
}

fn assert_all_behind(server: &TestServer, paths: &[&str]) {
    for path in paths {
        assert_behind(server, path);
    }
}

fn assert_behind(server: &TestServer, path: &str) {
    let answer = server.get(path);
    let problem = answer.json();
    assert_eq!(
        (answer.status, &problem["code"], &problem["retryable"]),
        (503, &json!("catching_up"), &json!(true)),
        "{path}: {answer}"
    );
    let (seconds, progress) =
        (answer.header("retry-after").unwrap().parse::<u64>().unwrap(), &problem["progress"]);
    assert!((1..=60).contains(&seconds), "{path}: {answer}");
    assert_eq!(progress["detection"], "catching_up", "{path}: {answer}");
    assert!((0.0..1.0).contains(&progress["share"].as_f64().unwrap()), "{path}: {answer}");
    assert!(answer.header("detection").unwrap().starts_with("catching_up;"), "{path}: {answer}");
}

#[test]
fn without_a_journal_nothing_is_said_of_incidents_until_detection_sees_the_present() {
    let server = in_an_outage();
    let mut shares = Vec::new();
    while server.engine.detection_snapshot().is_behind {
        assert_all_behind(&server, &RESTING);
        assert_behind(&server, "/readyz?for=detection");
        shares.push(share(&server));
        server.step_detection();
    }
    assert!(
        shares.len() > 3 && shares.is_sorted() && shares[0] < 0.01 && *shares.last().unwrap() > 0.5,
        "{shares:?}"
    );
    let answer = server.get("/v1/incidents");
    assert_eq!(
        (answer.json()["stale"].clone(), answer.header("detection")),
        (json!(false), Some("current"))
    );
    assert_eq!(answer.json()["items"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(server.get("/readyz?for=detection").status, 200);
}

#[test]
fn meanwhile_what_is_known_is_answered_and_says_how_far_detection_has_come() {
    let server = in_an_outage();
    server.step_detection();
    for path in COUNTED {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer}");
        assert!(
            answer.header("detection").unwrap().starts_with("catching_up;up-to=\"2022-"),
            "{path}: {answer}"
        );
    }
    let now = server.read("/v1/providers/charlie")["now"].clone();
    assert_eq!(
        (&now["status"], &now["stale"], &now["expected"]),
        (&json!("unknown"), &json!(true), &Value::Null)
    );
    assert_eq!(server.read("/v1/heatmap?provider=charlie")["cells"][0]["expected"], Value::Null);
    assert_eq!(server.read("/v1/series?provider=charlie")["points"][0]["expected"], Value::Null);
    assert_eq!(server.read("/v1/voids")["items"], json!([]), "the journal was read");
    assert_eq!(server.get("/readyz?for=ingest").status, 200, "reports are taken");
    let ready = server.read("/readyz");
    assert_eq!(
        (&ready["status"], &ready["progress"]["detection"]),
        (&json!("ok"), &json!("catching_up"))
    );
    assert!(instant(ready["progress"]["up_to"].as_str().unwrap()) < server.now());
    assert!((gauge(&server) - share(&server)).abs() < 0.001 && gauge(&server) < 1.0);
    server.catch_up();
    assert!((gauge(&server) - 1.0).abs() < 1e-9);
    assert_eq!(server.read("/v1/providers/charlie")["now"]["stale"], false);
}

#[test]
fn with_a_journal_its_incidents_are_told_as_stale_and_nothing_else() {
    let server = in_an_outage();
    server.catch_up();
    let told = server.read("/v1/incidents")["items"][0].clone();
    let server = server.restarted_with(CATALOGUE);
    server.advance_minutes(5);
    assert_all_behind(&server, &RESTING);
    assert_behind(&server, "/v1/voids");
    server.step_detection();
    assert!(server.engine.detection_snapshot().is_behind);
    let (list, one) = (
        server.read("/v1/incidents"),
        server.read(&format!("/v1/incidents/{}", told["id"].as_str().unwrap())),
    );
    let map = server.get("/v1/incidents.geojson").json();
    for answer in [&list, &map, &one] {
        assert_eq!(
            (&answer["stale"], &answer["as_of"]),
            (&json!(true), &told["known_at"]),
            "{answer}"
        );
    }
    assert_eq!((&list["items"][0]["id"], &one["id"]), (&told["id"], &told["id"]));
    assert_all_behind(&server, &RESTING[3..]);
    server.catch_up();
    assert_eq!(server.read("/v1/incidents")["stale"], false);
}

#[test]
fn detection_that_is_late_says_so_in_every_answer_that_rests_on_it() {
    let server = in_an_outage();
    server.catch_up();
    let (seen_at, incident) =
        (server.now(), server.read("/v1/incidents")["items"][0]["id"].as_str().unwrap().to_owned());
    server.advance_minutes(3);
    let toronto = format!("/v1/cells/{}?provider=charlie", cell(TORONTO, 7));
    for path in [
        "/v1/incidents",
        "/v1/incidents.geojson",
        "/v1/spikes",
        "/v1/spikes.geojson",
        &toronto,
        &format!("/v1/incidents/{incident}"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.json()["stale"], true, "{path}: {answer}");
        assert_eq!(
            instant(answer.json()["as_of"].as_str().unwrap()).0 / 1_000,
            seen_at.0 / 1_000,
            "{path}: {answer}"
        );
        assert!(answer.header("detection").unwrap().starts_with("late;up-to="), "{path}: {answer}");
    }
    assert_eq!(server.get("/readyz?for=detection").status, 503);
    server.step_detection();
    assert_eq!(server.read("/v1/spikes")["stale"], false);
}

#[test]
fn a_wrong_question_is_wrong_while_detection_catches_up_too() {
    let server = TestServer::start();
    server.step_detection();
    for path in [
        "/v1/incidents?state=gone",
        "/v1/spikes?limit=0",
        "/v1/cells/xyz?provider=alpha",
        "/readyz?for=nothing",
    ] {
        assert_eq!(server.get(path).status, 400, "{path}");
    }
    assert_eq!(server.send("OPTIONS", "/v1/incidents", &[], b"").status, 204);
    let far = format!("/v1/cells/{}?provider=nobody", cell(VANCOUVER, 7));
    assert_eq!(server.get(&far).json()["code"], "unknown_provider");
}

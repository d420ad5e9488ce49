//! What a place is, and how a provider does there, for clients that know no H3.

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, cell, ndjson};
use serde_json::{Value, json};

fn here(server: &TestServer, (lat, lon): (f64, f64), provider: &str) -> Value {
    let path = format!("/v1/here?lat={lat}&lon={lon}&provider={provider}");
    let answer = server.get(&path);
    assert!(answer.body.len() < 1_000, "{} bytes", answer.body.len());
    answer.json()
}

#[test]
fn a_place_in_an_outage_says_since_when_and_one_elsewhere_that_there_is_none() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    for minute in 0..5 {
        assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 20, minute))).status, 200);
        server.watch_minutes(1);
    }
    let incident = server.read("/v1/incidents")["items"][0].clone();
    let there = here(&server, TORONTO, "charlie");
    assert_eq!(
        (&there["incident"]["id"], &there["incident"]["since"], &there["incident"]["state"]),
        (&incident["id"], &incident["onset"], &incident["state"])
    );
    assert_eq!(there["incident"]["place"], incident["place"]["text"]);
    let of_cell = cell(TORONTO, 7).to_string();
    assert_eq!(there["cell"], json!(of_cell));
    let map = server.read("/v1/heatmap?provider=charlie");
    let shown = map["cells"].as_array().unwrap().iter().find(|one| one["hex"] == json!(of_cell));
    if let Some(shown) = shown {
        assert_eq!((&there["count"], &there["level"]), (&shown["count"], &shown["level"]));
    }
    for (place, provider) in [(VANCOUVER, "charlie"), (TORONTO, "alpha")] {
        let elsewhere = here(&server, place, provider);
        assert_eq!(
            (&elsewhere["incident"], &elsewhere["count"]),
            (&Value::Null, &json!(0)),
            "{elsewhere}"
        );
    }
}

#[test]
fn the_cells_of_a_place_are_those_of_each_resolution() {
    let server = TestServer::start();
    let cells = server.read("/v1/cells?lat=43.6532&lon=-79.3832");
    let expected: Vec<String> =
        (0..=8).map(|resolution| cell(TORONTO, resolution).to_string()).collect();
    assert_eq!(cells["cells"], json!(expected));
}

#[test]
fn what_is_no_place_is_refused_by_field() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    let rows = [
        ("lon=1", "missing_field", "lat"),
        ("lat=1", "missing_field", "lon"),
        ("lat=91&lon=1", "invalid_value", "lat"),
        ("lat=1&lon=181", "invalid_value", "lon"),
        ("lat=north&lon=1", "invalid_value", "lat"),
        ("lat=nan&lon=1", "invalid_value", "lat"),
        ("lat=1&lon=1&colour=red", "unknown_parameter", "colour"),
    ];
    for (query, code, field) in rows {
        for path in [format!("/v1/cells?{query}"), format!("/v1/here?provider=alpha&{query}")] {
            let answer = server.get(&path);
            let problem = answer.json();
            assert_eq!(
                (answer.status, &problem["code"], &problem["errors"][0]["field"]),
                (400, &json!(code), &json!(field)),
                "{path}"
            );
        }
    }
    let nobody = server.get("/v1/here?lat=1&lon=1");
    assert_eq!(nobody.json()["errors"][0]["field"], json!("provider"));
    let unknown = server.get("/v1/here?lat=1&lon=1&provider=nobody");
    assert_eq!(unknown.json()["code"], json!("unknown_provider"));
}

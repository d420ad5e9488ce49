//! Failed emergency calls: a layer, a series and a place in incidents of their own, in which
//! no ordinary report outweighs or hides them.

use crate::support::client::Client;
use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, but, cell, instant, ndjson, report};
use fast_mvt::{MvtReaderRef, MvtValueRef};
use groundswell::domain::time::MINUTE_MS;
use serde_json::{Value, json};

const TILE: &str = "/v1/tiles/9/143/186.mvt";
const STRANGER: (&str, &str) = ("X-Forwarded-For", "203.0.113.9");

fn emergency(id: &str) -> Value {
    but(report(id), json!({"symptom": "no_emergency_calls"}))
}

/// Names of the layers of a tile, in their order.
fn layers(tile: &[u8]) -> Vec<String> {
    let tile = MvtReaderRef::new(tile).unwrap();
    tile.layers().map(|layer| layer.name().to_owned()).collect()
}

#[test]
fn one_failed_emergency_call_stands_above_whatever_else_is_reported_or_asked_for() {
    let server = TestServer::start();
    // Who reported a problem before is heard, too; and so is who is sent only this.
    let mut reports: Vec<Value> = (0..40).map(|n| report(&format!("person {n}"))).collect();
    reports.push(emergency("person 7"));
    assert_eq!(server.batch(&ndjson(&reports)).json()["counted"], 41);
    server.next_tick();
    for (query, expected) in [
        ("", &["cells", "emergency"][..]),
        ("?symptom=no_tv", &["emergency"]),
        ("?symptom=no_emergency_calls", &["cells", "emergency"]),
        ("?layers=emergency", &["emergency"]),
        ("?layers=cells", &["cells"]),
        ("?provider=charlie", &[]),
    ] {
        let tile = server.get(&format!("{TILE}{query}"));
        assert_eq!(layers(&tile.body), expected, "{query}");
    }
    let tile = server.get(&format!("{TILE}?layers=emergency"));
    let tile = MvtReaderRef::new(&tile.body).unwrap();
    let layer = tile.layers().next().unwrap();
    let features: Vec<_> = layer.features().collect();
    assert_eq!(features.len(), 1);
    let here = cell(TORONTO, 7).to_string();
    let properties: Vec<_> = features[0].properties().map(Result::unwrap).collect();
    for (key, value) in [
        ("hex", MvtValueRef::String(&here)),
        ("count", MvtValueRef::UInt(1)),
        ("resolution", MvtValueRef::UInt(7)),
    ] {
        assert!(properties.contains(&(key, value)), "{properties:?}");
    }
    let series = server.read("/v1/series?provider=alpha&symptom=no_emergency_calls&step=1h");
    let points = series["points"].as_array().unwrap();
    assert_eq!(points.iter().map(|point| point["count"].as_u64().unwrap()).sum::<u64>(), 1);
}

#[test]
fn the_style_draws_them_last_and_the_legend_names_them() {
    let server = TestServer::start();
    let style = server.read("/v1/style.json");
    let drawn = style["layers"].as_array().unwrap();
    let last = drawn.last().unwrap();
    assert_eq!(last["source-layer"], "emergency");
    let legend = style["metadata"]["groundswell:legend"].as_array().unwrap();
    let named = legend.iter().find(|row| row["layer"] == "emergency").unwrap();
    assert_eq!(
        (&named["means"], &named["colour"]),
        (&json!("emergency calls fail"), &paint(drawn))
    );
}

fn paint(drawn: &[Value]) -> Value {
    let fill = drawn.iter().find(|layer| layer["id"] == "groundswell-emergency").unwrap();
    fill["paint"]["fill-color"].clone()
}

fn the_incident(server: &Client, headers: &[(&str, &str)]) -> Value {
    let list = server.send("GET", "/v1/incidents?limit=5", headers, b"").json();
    let items = list["items"].as_array().unwrap();
    let of = |item: &&Value| item["network"] == "charlie";
    items.iter().find(of).unwrap_or_else(|| panic!("{list}")).clone()
}

#[test]
fn an_incident_tells_of_the_first_failed_emergency_call_within_a_minute() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 137, 3))).status, 200);
    server.watch_minutes(12);
    let before = the_incident(&server, &[]);
    assert_eq!(before["emergency"], json!(null), "{before}");
    let (lat, lon) = TORONTO;
    let calls: Vec<Value> = (0..3)
        .map(|n| {
            json!({"provider": "charlie", "symptom": "no_emergency_calls", "lat": lat, "lon": lon,
                "accuracy_m": 35, "reporter_id": format!("caller {n}")})
        })
        .collect();
    let at = server.now().minute().start();
    assert_eq!(server.batch(&ndjson(&calls)).json()["counted"], 3);
    server.watch_minutes(1);
    let exact = the_incident(&server, &[]);
    let since = exact["emergency"]["since"].as_str().unwrap_or_else(|| panic!("{exact}"));
    assert_eq!((&exact["emergency"]["reports"], instant(since)), (&json!(3), at));
    let told = the_incident(&server, &[STRANGER]);
    assert_eq!(told["emergency"]["reports"], 2, "rounded down: {told}");
    assert_eq!(told["emergency"]["since"], since, "the map shows them: {told}");
    // A flat map and a widget say so, too.
    let map = server.read("/v1/incidents.geojson?limit=5");
    let of = |feature: &&Value| feature["id"] == exact["id"];
    let drawn = map["features"].as_array().unwrap().iter().find(of).unwrap();
    let properties = &drawn["properties"];
    assert_eq!(
        (&properties["emergency_reports"], &properties["emergency_since"]),
        (&json!(3), &json!(since))
    );
    let here = server.read(&format!("/v1/here?provider=charlie&lat={lat}&lon={lon}"));
    assert_eq!(here["incident"]["emergency"]["reports"], 3, "{here}");
    // It is told as it was known at each moment.
    let id = exact["id"].as_str().unwrap();
    let known = before["known_at"].as_str().unwrap();
    let then = server.read(&format!("/v1/incidents/{id}?known_at={known}"));
    assert_eq!(then["emergency"], json!(null));
}

#[test]
fn calls_that_failed_before_and_come_late_are_counted_when_it_is_over() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 60, 3))).status, 200);
    server.watch_minutes(5);
    let failed = server.now().minute().start();
    server.watch_minutes(60);
    let (lat, lon) = TORONTO;
    let late = json!({"provider": "charlie", "symptom": "no_emergency_calls", "lat": lat,
        "lon": lon, "accuracy_m": 35, "reporter_id": "caller",
        "observed_at": crate::support::text(failed)});
    assert_eq!(server.report(&late).status, 202);
    let over = |incident: &Value| incident["state"] == "resolved";
    (0..600).find(|_| {
        server.watch_minutes(1);
        over(&the_incident(&server, &[]))
    });
    server.advance_ms(3 * 60 * MINUTE_MS);
    server.catch_up();
    server.watch_minutes(2);
    let told = the_incident(&server, &[]);
    assert!(over(&told), "{told}");
    assert_eq!(
        told["emergency"],
        json!({"reports": 1, "since": crate::support::text(failed)}),
        "{told}"
    );
}

//! What maps and series say of their counts: what was to be expected, how surprising they
//! are, and where people were told of an incident.

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, ndjson, report, text};
use groundswell::domain::time::MINUTE_MS;
use serde_json::{Value, json};

const DAY: &str = "private, max-age=86400";

/// A server with a quiet past whose detectors have come to the present.
fn server() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    server
}

/// Charlie fails in Toronto.
fn outage_in_toronto(server: &TestServer) {
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 30, 1))).status, 200);
    server.watch_minutes(1);
}

fn cells(server: &TestServer, query: &str) -> Vec<Value> {
    server.read(&format!("/v1/heatmap?{query}"))["cells"].as_array().unwrap().clone()
}

fn highest_level(server: &TestServer, query: &str) -> u64 {
    let cells = cells(server, query);
    cells
        .iter()
        .map(|cell| cell["level"].as_u64().unwrap_or_else(|| panic!("{query}: {cell}")))
        .max()
        .unwrap()
}

#[test]
fn a_map_shows_an_incident_in_the_windows_it_went_on_in_and_in_no_others() {
    let server = server();
    let before = text(server.now().plus_ms(-30 * MINUTE_MS));
    outage_in_toronto(&server);
    let began = text(server.now());
    for minute in 0..20 {
        assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 6, 100 + minute))).status, 200);
        server.watch_minutes(1);
    }
    assert_eq!(highest_level(&server, "provider=charlie"), 4);
    assert!(
        highest_level(&server, &format!("provider=charlie&window=24h&to={before}")) < 3,
        "it had not begun"
    );
    server.watch_minutes(150);
    assert!(server.engine.register().open().next().is_none());
    assert_eq!(
        highest_level(&server, &format!("provider=charlie&to={began}")),
        4,
        "it went on then"
    );
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 1, 7))).status, 200);
    server.watch_minutes(1);
    assert!(highest_level(&server, "provider=charlie&window=1h") < 3, "it is over");
    assert!(
        highest_level(&server, &format!("provider=alpha&window=6h&to={began}")) < 3,
        "it is Charlie's"
    );
}

#[test]
fn detection_that_is_late_says_what_is_usual_and_not_what_is_surprising() {
    let server = server();
    outage_in_toronto(&server);
    let known = |server: &TestServer| {
        let cell = cells(server, "provider=charlie")[0].clone();
        ["expected", "score", "level"].map(|figure| cell[figure].is_number())
    };
    assert_eq!(known(&server), [true, true, true]);
    server.advance_minutes(3);
    assert_eq!(known(&server), [true, false, false]);
}

#[test]
fn of_a_provider_that_nothing_is_known_of_a_map_has_counts_alone() {
    let server = TestServer::start();
    assert_eq!(server.report(&report("r")).status, 202);
    let figures = |server: &TestServer| {
        let cell = cells(server, "provider=alpha")[0].clone();
        (cell["count"].clone(), cell["score"].clone(), cell["level"].clone())
    };
    assert_eq!(figures(&server), (json!(1), Value::Null, Value::Null), "nobody has looked");
    server.catch_up();
    server.next_tick();
    assert_eq!(figures(&server), (json!(1), Value::Null, Value::Null), "it is new");
    assert_eq!(server.read("/v1/series?provider=alpha")["points"][0]["expected"], Value::Null);
}

#[test]
fn a_network_is_expected_to_have_what_its_brands_have() {
    let server = server();
    let expected = |subject: &str| {
        let cells = cells(&server, &format!("{subject}&window=24h&resolution=3"));
        let of = |cell: &Value| {
            (cell["hex"].as_str().unwrap().to_owned(), cell["expected"].as_f64().unwrap())
        };
        cells.iter().map(of).collect::<Vec<_>>()
    };
    let [alpha, bravo, north] = ["provider=alpha", "provider=bravo", "network=north"].map(expected);
    assert!(north.len() >= 5);
    for (hex, sum) in &north {
        let of = |brand: &[(String, f64)]| {
            brand.iter().find(|(cell, _)| cell == hex).map(|(_, expected)| *expected)
        };
        if let (Some(alpha), Some(bravo)) = (of(&alpha), of(&bravo)) {
            assert!((alpha + bravo - sum).abs() < 0.01, "{hex}: {alpha} and {bravo} are {sum}");
        }
    }
}

#[test]
fn a_look_that_finds_nothing_new_leaves_a_map_as_it_was() {
    let server = server();
    let path = "/v1/heatmap?provider=alpha&window=6h";
    let first = server.get(path);
    server.next_tick();
    server.step_detection();
    let again = server.send("GET", path, &[("If-None-Match", first.header("etag").unwrap())], b"");
    assert_eq!((first.status, again.status), (200, 304));
}

#[test]
fn what_no_report_can_change_is_kept_for_a_day_since_it_may_be_voided_and_is_learnt_anew() {
    let server = server();
    let cache = |path: &str| server.get(path).header("cache-control").unwrap().to_owned();
    let past = "provider=charlie&to=2022-07-05T12:00:00Z";
    for path in [
        format!("/v1/heatmap?{past}&window=6h"),
        format!("/v1/heatmap?{past}&symptom=no_calls"),
        format!("/v1/series?{past}&from=2022-07-05T00:00:00Z"),
    ] {
        assert_eq!(cache(&path), DAY, "{path}");
    }
    assert!(highest_level(&server, &format!("{past}&window=6h")) < 3);
    // What is not known yet will be.
    let unknown = "provider=echo&to=2022-07-05T12:00:00Z";
    for path in ["heatmap", "series"].map(|what| format!("/v1/{what}?{unknown}")) {
        assert!(cache(&path).contains("max-age=10,"), "{path}");
    }
}

#[test]
fn a_box_around_the_world_is_expected_to_have_what_everywhere_has() {
    let server = server();
    let expected = |place: &str| {
        server.read(&format!("/v1/series?provider=charlie&step=1h{place}"))["points"][3]["expected"]
            .as_f64()
    };
    let (everywhere, boxed) = (expected("").unwrap(), expected("&bbox=-180,-90,180,90").unwrap());
    assert!((everywhere - boxed).abs() < 0.01, "{everywhere} everywhere, {boxed} in a box");
    let toronto = expected("&bbox=-80,43,-79,44").unwrap();
    assert!((0.1..0.3).contains(&(toronto / everywhere)), "one city of five: {toronto}");
}

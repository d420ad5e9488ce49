//! `GET /v1/sources/{number}/series`: where an operator finds a broken app, and the
//! minutes to void.

use crate::support::server::TestServer;
use crate::support::stored::{report, wait};
use crate::support::{NOW, TORONTO, VANCOUVER, cell, instant, text};
use groundswell::domain::fact::Source;
use groundswell::domain::grid::Cell;
use groundswell::domain::provider::ProviderIndex;
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{HOUR_MS, MINUTE_MS};
use groundswell::store::Store;
use serde_json::{Value, json};

const APP: Source = Source(7);
const BRAVO: ProviderIndex = ProviderIndex(1);

/// A report of the app, observed and come so many minutes ago.
fn sent(n: u64, observed_ago: i64, arrived_ago: i64, place: Cell) -> Report {
    let now = instant(NOW).minute();
    let observed = Observed {
        minute: now.plus(-observed_ago),
        arrived: now.plus(-arrived_ago),
        late: 5 < observed_ago - arrived_ago,
    };
    Report { source: APP, observed, cell: place, ..report(n) }
}

/// What the app and others sent in the last hours.
fn past(store: &Store) {
    let [here, there] = [TORONTO, VANCOUVER].map(|place| cell(place, 8));
    let mut reports: Vec<Report> = (0..6).map(|n| sent(n, 50, 50, here)).collect();
    reports.extend((6..8).map(|n| sent(n, 200, 50, there)));
    reports.push(Report { provider: BRAVO, symptom: Symptom::Working, ..sent(8, 58, 58, there) });
    reports.push(sent(9, 45, 45, Cell::NOWHERE));
    reports.extend((10..60).map(|n| Report { source: Source(0), ..sent(n, 50, 50, here) }));
    reports.push(sent(60, 20 * 24 * 60, 20 * 24 * 60, here));
    assert!(wait(store.record(&reports)).iter().all(Result::is_ok));
    let now = instant(NOW);
    wait(store.mark_live(now.minute().plus(-30 * 24 * 60)..now.minute().plus(1))).unwrap();
    wait(store.tidy(now)).unwrap();
}

fn points(server: &TestServer, query: &str) -> Vec<Value> {
    let answer = server.read(&format!("/v1/sources/7/series{query}"));
    answer["points"].as_array().unwrap().clone()
}

fn at(points: &[Value], minutes_ago: i64) -> Value {
    let at = instant(NOW).plus_ms(-minutes_ago * MINUTE_MS);
    let is_before = |point: &&Value| instant(point["t"].as_str().unwrap()) <= at;
    points.iter().rev().find(is_before).unwrap().clone()
}

fn holds(server: &TestServer) {
    let [here, there] = [TORONTO, VANCOUVER].map(|place| cell(place, 7).to_string());
    let all = points(server, "");
    assert_eq!(all.len(), 25, "a day of hours, and the one that runs");
    let expected = json!({
        "t": at(&all, 50)["t"], "count": 8, "late": 1, "late_arrived": 2, "cells": 2,
        "top_cell": here, "top_cell_share": 0.75
    });
    assert_eq!(at(&all, 50), expected);
    let observed = at(&all, 200);
    assert_eq!(
        (&observed["count"], &observed["late"], &observed["top_cell"]),
        (&json!(2), &json!(2), &json!(there))
    );
    let quiet = at(&all, 500);
    assert_eq!(
        (&quiet["count"], &quiet["top_cell"], &quiet["top_cell_share"], &quiet["gap"]),
        (&json!(0), &Value::Null, &Value::Null, &Value::Null)
    );
    let sum = |points: &[Value]| points.iter().map(|p| p["count"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum(&points(server, "?provider=bravo")), 1);
    assert_eq!(sum(&points(server, "?symptom=working")), 1);
    assert_eq!(sum(&points(server, "?symptom=no_service&provider=alpha")), 9);
    let now = instant(NOW);
    let last_hour = text(now.plus_ms(-HOUR_MS));
    let minutes = points(server, &format!("?from={last_hour}&step=1m"));
    assert_eq!((minutes.len(), at(&minutes, 50)["count"].clone()), (61, json!(6)));
    // Minutes are gone, and hours are left.
    let long_ago = text(now.minute().plus(-25 * 24 * 60).hour().first_minute().start());
    let days = points(server, &format!("?from={long_ago}&step=1d"));
    assert_eq!(sum(&days), 11);
    assert_eq!(at(&days, 20 * 24 * 60)["top_cell"], json!(here));
}

#[test]
fn an_operator_sees_what_one_source_sent_by_hour_and_from_where() {
    let server = TestServer::start_after(past);
    holds(&server);
    let answer = server.get("/v1/sources/7/series");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let answer = answer.json();
    assert_eq!(
        (&answer["source"], &answer["provider"], &answer["step"]),
        (&json!(7), &Value::Null, &json!("1h"))
    );
    let nobody = server.read("/v1/sources/16383/series");
    assert!(nobody["points"].as_array().unwrap().iter().all(|point| point["count"] == 0));
}

#[test]
fn the_same_is_seen_on_a_redis() {
    holds(&TestServer::start_on_redis(past));
}

#[test]
fn what_was_voided_is_left_out_so_an_operator_sees_that_it_is_gone() {
    let server = TestServer::start_after(past);
    server.step_detection();
    let now = instant(NOW);
    let [from, to] = [55, 45].map(|ago| text(now.plus_ms(-ago * MINUTE_MS)));
    let void = json!({"source": 7, "from": from, "to": to, "reason": "a test of the app"});
    let answer = server.send(
        "POST",
        "/v1/voids",
        &[("Content-Type", "application/json")],
        void.to_string().as_bytes(),
    );
    assert_eq!(answer.status, 202, "{answer}");
    assert_eq!(
        answer.json()["withdrawn"],
        json!({"reports": 7, "late": 1, "beyond": 1}),
        "observed, whenever they came: {answer}"
    );
    server.step_detection();
    let left = at(&points(&server, ""), 50);
    assert_eq!((&left["count"], &left["late_arrived"]), (&json!(1), &json!(2)), "{left}");
}

#[test]
fn only_operators_ask_and_only_for_what_there_is() {
    let server = TestServer::start();
    let rows = [
        ("/v1/sources/16384/series", 404, "not_found"),
        ("/v1/sources/-1/series", 404, "not_found"),
        ("/v1/sources/app/series", 404, "not_found"),
        ("/v1/sources/7/series?provider=nobody", 400, "unknown_provider"),
        ("/v1/sources/7/series?symptom=sad", 400, "invalid_value"),
        ("/v1/sources/7/series?step=2d", 400, "invalid_value"),
        ("/v1/sources/7/series?cell=1", 400, "unknown_parameter"),
        ("/v1/sources/7/series?to=2099-01-01T00:00:00Z", 400, "in_future"),
        ("/v1/sources/7/series?from=2022-07-08T09:00:00Z", 400, "invalid_value"),
        ("/v1/sources/7/series?from=2022-07-01T00:00:00Z&step=1m", 400, "invalid_value"),
        ("/v1/sources/7/series?from=2022-06-20T00:30:00Z&step=1h", 400, "out_of_retention"),
        ("/v1/sources/7/series?from=2022-01-01T00:00:00Z&step=1d", 400, "out_of_retention"),
    ];
    for (path, status, code) in rows {
        let answer = server.get(path);
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{path}");
    }
    let path = "/v1/sources/7/series";
    let passed_on = server.send("GET", path, &[("X-Forwarded-For", "203.0.113.9")], b"");
    assert_eq!((passed_on.status, &passed_on.json()["code"]), (403, &json!("forbidden")));
    let asked = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET")];
    let preflight = server.send("OPTIONS", path, &asked, b"");
    assert!(preflight.header("access-control-allow-methods").is_none(), "{preflight}");
    assert_eq!(server.send("POST", path, &[], b"").status, 405);
}

//! Voids and late reports: withdrawn by when they were observed, whenever they came.

use super::{only, post, server};
use crate::support::past::{outage, quiet_past};
use crate::support::server::TestServer;
use crate::support::{TORONTO, but, ndjson, text};
use groundswell::domain::time::MINUTE_MS;
use serde_json::{Value, json};

/// Reports of Charlie from Toronto that come now and were observed so long ago.
fn late(server: &TestServer, minutes_ago: i64, reports: usize, seed: u64) {
    let observed_at = text(server.now().plus_ms(-minutes_ago * MINUTE_MS));
    let reports: Vec<Value> = outage("charlie", TORONTO, reports, seed)
        .into_iter()
        .map(|report| but(report, json!({"observed_at": observed_at})))
        .collect();
    assert_eq!(server.batch(&ndjson(&reports)).status, 200);
}

/// Withdraws what was observed between so many minutes ago. Gives the answer.
fn void(server: &TestServer, from: i64, to: i64) -> Value {
    let [from, to] = [from, to].map(|ago| text(server.now().plus_ms(-ago * MINUTE_MS)));
    let void = json!({
        "source": 0, "provider": "charlie", "from": from, "to": to, "reason": "a broken app"
    });
    let answer = post(server, "/v1/voids", &void);
    assert_eq!(answer.status, 202, "{answer}");
    answer.json()
}

fn open_incidents(server: &TestServer) -> usize {
    let open = server.read("/v1/incidents?state=possible,confirmed,recovering");
    open["items"].as_array().unwrap().len()
}

fn late_reports_are_withdrawn_with_the_minutes_in_which_they_were_observed(server: &TestServer) {
    server.catch_up();
    late(server, 90, 60, 1);
    server.watch_minutes(1);
    let incident = only(&server.read("/v1/incidents"));
    assert_eq!(incident["evidence"]["late_only"], json!(true), "{incident}");

    // What came in the last minutes was observed an hour and a half ago.
    let answer = void(server, 10, 0);
    assert_eq!(answer["withdrawn"]["late"], json!(0), "{answer}");
    server.catch_up();
    server.watch_minutes(1);
    assert_eq!(open_incidents(server), 1, "nothing of it was observed then");

    let answer = void(server, 100, 80);
    let withdrawn = &answer["withdrawn"];
    assert_eq!(withdrawn["late"], json!(60), "{answer}");
    assert!(withdrawn["reports"].as_u64() >= Some(60) && withdrawn["beyond"].is_u64(), "{answer}");
    assert_eq!(server.read("/v1/voids")["items"][0]["withdrawn"], *withdrawn);
    server.catch_up();
    server.watch_minutes(1);
    let gone = only(&server.read("/v1/incidents"));
    assert_eq!(
        (&gone["id"], &gone["state"], &gone["ending"]["reason"]),
        (&incident["id"], &json!("withdrawn"), &json!("a broken app"))
    );

    // More of them come, now and in five minutes: they count nowhere.
    late(server, 92, 60, 2);
    server.watch_minutes(5);
    late(server, 97, 60, 3);
    server.watch_minutes(1);
    assert_eq!(open_incidents(server), 0);
    let map = server.read("/v1/heatmap?provider=charlie&window=3h");
    assert!(map["total"].as_u64() < Some(30), "{}", map["total"]);

    // Others that come late, of an hour that nobody voided, are evidence as before.
    late(server, 200, 60, 4);
    server.watch_minutes(1);
    assert_eq!(open_incidents(server), 1);
}

#[test]
fn late_reports_are_withdrawn_by_when_they_were_observed() {
    late_reports_are_withdrawn_with_the_minutes_in_which_they_were_observed(&server());
}

#[test]
fn late_reports_are_withdrawn_by_when_they_were_observed_on_a_redis() {
    let server = TestServer::start_on_redis(quiet_past);
    late_reports_are_withdrawn_with_the_minutes_in_which_they_were_observed(&server);
}

#[test]
fn a_node_that_starts_sees_what_one_that_was_there_sees() {
    let server = server();
    late(&server, 90, 60, 1);
    late(&server, 300, 60, 2);
    server.watch_minutes(1);
    void(&server, 100, 80);
    server.catch_up();
    late(&server, 95, 60, 3);
    server.watch_minutes(6);
    // Which minute a look ends in, a restart may change; what was counted, it may not.
    let seen = |server: &TestServer| {
        let [incidents, spikes] = ["/v1/incidents", "/v1/spikes"].map(|path| server.read(path));
        let figures = |items: &Value| {
            let of = |item: &Value| {
                let evidence = &item["evidence"];
                [&item["state"], &evidence["observed"], &evidence["late_only"]].map(Value::clone)
            };
            items["items"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
        };
        (figures(&incidents), figures(&spikes))
    };
    let before = seen(&server);
    let server = server.restarted_with(crate::support::CATALOGUE);
    server.catch_up();
    assert_eq!(seen(&server), before);
}

//! The course of an incident: published, recovering, over, revised.

use super::{goes_on, id, only, outage_in_toronto, server};
use crate::support::past::outage;
use crate::support::{TORONTO, ndjson, text};
use groundswell::domain::detect::METHOD;
use groundswell::domain::time::MINUTE_MS;
use serde_json::{Value, json};

#[test]
fn an_incident_is_told_within_the_look_after_the_report_that_decides() {
    let server = server();
    assert_eq!(server.read("/v1/incidents")["items"], json!([]));
    assert_eq!(server.read("/v1/providers/charlie")["now"]["status"], "no_problems");
    let incident = outage_in_toronto(&server);
    assert_eq!(
        (&incident["network"], &incident["state"], &incident["providers"]),
        (&json!("charlie"), &json!("confirmed"), &json!(["charlie"]))
    );
    assert_eq!(incident["place"]["subdivisions"], json!(["CA-ON"]));
    assert!(
        incident["place"]["cities"].as_array().unwrap().contains(&json!("Toronto")),
        "{incident}"
    );
    assert!(
        incident["evidence"]["score"].as_f64().unwrap() > 6.0
            && incident["severity"]["reports"] == 30,
        "{incident}"
    );
    let now = server.read("/v1/providers/charlie")["now"].clone();
    assert_eq!(
        (&now["status"], &now["open_incidents"]),
        (&json!("problems"), &json!([incident["id"]]))
    );
    assert!(now["expected"].as_f64().unwrap() < 5.0, "{now}");
    assert_eq!(server.read("/v1/providers/alpha")["now"]["status"], "no_problems");
    assert_eq!(
        server.read("/v1/providers/echo")["now"]["status"],
        "unknown",
        "nothing is known of it"
    );
}

#[test]
fn an_incident_recovers_and_is_over_and_what_was_known_can_be_asked() {
    let server = server();
    let told = outage_in_toronto(&server);
    let told_at = server.now();
    goes_on(&server, 20);
    server.watch_minutes(150);
    let over = only(&server.read("/v1/incidents"));
    assert_eq!(
        (&over["id"], &over["state"], &over["ending"]["type"]),
        (&told["id"], &json!("resolved"), &json!("subsided"))
    );
    assert_eq!(server.read("/v1/providers/charlie")["now"]["status"], "no_problems");
    let detail = server.read(&format!("/v1/incidents/{}", id(&told)));
    let states: Vec<&Value> =
        detail["revisions"].as_array().unwrap().iter().map(|revision| &revision["state"]).collect();
    assert!(
        states.contains(&&json!("recovering")) && states.last() == Some(&&json!("resolved")),
        "{states:?}"
    );
    assert_eq!(detail["severity"]["reports"], 30 + 20 * 6);
    assert!(
        detail["timeline"].as_array().unwrap().len() >= 4 && detail["method"]["version"] == METHOD
    );
    let known = server.read(&format!("/v1/incidents/{}?known_at={}", id(&told), text(told_at)));
    assert_eq!(
        (&known["state"], &known["revision"], &known["resolved_at"]),
        (&json!("confirmed"), &json!(0), &Value::Null)
    );
    assert_eq!(
        only(&server.read(&format!("/v1/incidents?known_at={}", text(told_at))))["state"],
        "confirmed"
    );
    let before = text(told_at.plus_ms(-60 * MINUTE_MS));
    assert_eq!(server.read(&format!("/v1/incidents?known_at={before}"))["items"], json!([]));
    assert_eq!(server.get(&format!("/v1/incidents/{}?known_at={before}", id(&told))).status, 404);
}

#[test]
fn reports_that_come_after_the_end_are_a_revision_of_what_was_told() {
    let server = server();
    let began = text(server.now().plus_ms(-5 * MINUTE_MS));
    let told = outage_in_toronto(&server);
    goes_on(&server, 10);
    server.watch_minutes(90);
    let over = only(&server.read("/v1/incidents"));
    assert_eq!((&over["state"], &over["severity"]["reports"]), (&json!("resolved"), &json!(90)));
    // Phones that are back tell of minutes before anybody else could.
    let late: Vec<Value> = outage("charlie", TORONTO, 40, 7)
        .into_iter()
        .map(|report| crate::support::but(report, json!({"observed_at": began})))
        .collect();
    assert_eq!(server.batch(&ndjson(&late)).status, 200);
    server.watch_minutes(90);
    let again = only(&server.read("/v1/incidents?to=2022-07-08T09:00:00Z"));
    assert_eq!((&again["id"], &again["state"]), (&told["id"], &json!("resolved")));
    assert!(
        again["onset"].as_str().unwrap() < over["onset"].as_str().unwrap(),
        "{} is not before {}",
        again["onset"],
        over["onset"]
    );
    assert_eq!(again["severity"]["reports"], 130);
    assert!(again["revision"].as_u64() > over["revision"].as_u64());
}

#[test]
fn brands_of_a_network_are_one_incident() {
    let server = server();
    server.batch(&ndjson(&outage("alpha", TORONTO, 30, 3)));
    server.batch(&ndjson(&outage("bravo", TORONTO, 12, 4)));
    server.watch_minutes(2);
    let incident = only(&server.read("/v1/incidents"));
    let mut providers: Vec<&str> =
        incident["providers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    providers.sort_unstable();
    assert_eq!((&incident["network"], providers), (&json!("north"), vec!["alpha", "bravo"]));
}

//! Sources and keys created, listed, changed, rotated and revoked; and the record of it.

use super::{Keyed, by_keys, get, in_days, refused, report};
use crate::support;
use groundswell::http::policy::Anonymous;
use serde_json::{Value, json};

fn started() -> Keyed {
    Keyed::start(by_keys(Anonymous::Nothing))
}

#[test]
fn a_source_is_created_listed_and_changed() {
    let server = started();
    let created = server.operate(
        "POST",
        "/v1/sources",
        &json!({"name": "Outage app", "contact": "ops@app.example"}),
    );
    let expected = json!({"number": 1, "name": "Outage app", "contact": "ops@app.example",
        "may_open": true, "created_at": support::NOW});
    assert_eq!((created.status, created.json()), (201, expected), "{created}");
    assert_eq!(created.header("cache-control"), Some("private, no-store"));
    let taken = server.operate("POST", "/v1/sources", &json!({"name": "OUTAGE APP"}));
    refused(&taken, 400, "invalid_value");
    assert_eq!(taken.json()["errors"][0]["field"], json!("name"));
    assert_eq!(server.source("Other"), 2);
    let change = json!({"contact": null, "may_open": false});
    let changed = server.must("PATCH", "/v1/sources/1", &change);
    assert_eq!(
        (&changed["name"], &changed["contact"], &changed["may_open"]),
        (&json!("Outage app"), &json!(null), &json!(false))
    );
    let list = server.must("GET", "/v1/sources", &json!({}));
    let numbers: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|source| &source["number"]).collect();
    assert_eq!(numbers, [1, 2]);
    let page = server.must("GET", "/v1/sources?limit=1", &json!({}));
    let next = format!("/v1/sources?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = server.must("GET", &next, &json!({}));
    assert_eq!((&page["items"][0]["number"], page.get("next_cursor")), (&json!(2), None));
    refused(&server.operate("PATCH", "/v1/sources/3", &json!({"name": "x"})), 404, "not_found");
    for number in ["0", "16384", "x", "-1"] {
        let path = format!("/v1/sources/{number}");
        refused(&server.operate("PATCH", &path, &json!({"name": "x"})), 400, "invalid_value");
    }
}

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
    let server = started();
    let source = server.source("app");
    let fields = json!({"name": "android 2.1", "source": source, "scopes": ["read", "report"],
        "providers": ["alfa", "bravo"], "origins": ["https://app.example"],
        "expires_at": in_days(90), "test": true,
        "limits": {"reads_per_minute": 60, "reports_per_second": 5, "reports_per_day": 1_000}});
    let created = server.must("POST", "/v1/keys", &fields);
    let key = created["key"].as_str().unwrap();
    let id = created["id"].as_str().unwrap();
    assert!(key.starts_with(&format!("gsk_{id}_")) && key.len() == 51, "{key}");
    let mut expected = json!({"id": id, "revoked_at": null, "replaced_by": null,
        "last_used": null, "reports_today": 0, "created_at": support::NOW,
        "created_by": "key", "created_by_key": &server.admin[4..12]});
    for (name, value) in fields.as_object().unwrap() {
        expected[name] = value.clone();
    }
    expected["scopes"] = json!(["report", "read"]);
    expected["providers"] = json!(["alpha", "bravo"]);
    let mut shown = created.clone();
    shown.as_object_mut().unwrap().remove("key");
    assert_eq!(shown, expected);
    server.step_access();
    let list = get(&server, &server.admin, "/v1/keys");
    assert!(!list.text().contains(&key[13..]), "{list}");
    let list = list.json();
    assert_eq!(list["items"][0], expected);
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "and that of the operator");
    assert_eq!(list["items"][1]["last_used"], json!("2022-07-08"));
    let of_source = server.must("GET", "/v1/keys?source=1", &json!({}));
    assert_eq!(of_source["items"].as_array().unwrap().len(), 1);
    let page = server.must("GET", "/v1/keys?limit=1", &json!({}));
    let next = format!("/v1/keys?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = server.must("GET", &next, &json!({}));
    assert_eq!((&page["items"][0]["name"], page.get("next_cursor")), (&json!("admin"), None));
}

#[test]
fn a_key_that_cannot_be_is_refused_by_field() {
    let server = started();
    let source = server.source("app");
    let good = json!({"name": "a", "source": source, "scopes": ["report"]});
    let rows = [
        (json!({"scopes": ["reports"]}), 400, "invalid_value", "scopes"),
        (json!({"scopes": ["admin"], "origins": ["null"]}), 400, "invalid_value", "scopes"),
        (json!({"scopes": ["report", "admin"], "test": true}), 400, "invalid_value", "scopes"),
        (json!({"origins": ["https://*.example"]}), 400, "invalid_value", "origins"),
        (json!({"origins": ["https://a.example/path"]}), 400, "invalid_value", "origins"),
        (json!({"expires_at": support::NOW}), 400, "invalid_value", "expires_at"),
        (json!({"limits": {"reports_per_day": 0}}), 400, "invalid_value", "reports_per_day"),
        (json!({"providers": ["nobody"]}), 400, "unknown_provider", "providers"),
        (json!({"source": 7}), 400, "invalid_value", "source"),
        (json!({"source": null}), 400, "missing_field", "source"),
        (json!({"quota": 5}), 400, "malformed_body", "body"),
    ];
    for (fields, status, code, field) in rows {
        let answer = server.operate("POST", "/v1/keys", &with(&good, &fields));
        refused(&answer, status, code);
        assert_eq!(answer.json()["errors"][0]["field"], json!(field), "{fields}: {answer}");
    }
    for origin in ["capacitor://localhost", "ionic://localhost", "null", "https://a.example"] {
        server.key(&with(&good, &json!({"origins": [origin]})));
    }
    let text = [("Content-Type", "text/plain")];
    let body = good.to_string();
    let answer =
        super::with_key(&server, &server.admin, "POST", "/v1/keys", &text, body.as_bytes());
    refused(&answer, 415, "unsupported_media_type");
    let parameter = server.operate("POST", "/v1/keys?scope=admin", &good);
    refused(&parameter, 400, "unknown_parameter");
}

#[test]
fn a_key_is_rotated_with_a_grace_and_revoked_at_once() {
    let server = started();
    let source = server.source("app");
    let (id, old) = server.key(&json!({"name": "a", "source": source, "scopes": ["report"],
        "limits": {"reports_per_day": 100}}));
    let rotated =
        server.operate("POST", &format!("/v1/keys/{id}/rotate"), &json!({"grace_seconds": 3_600}));
    assert_eq!(rotated.status, 201, "{rotated}");
    let rotated = rotated.json();
    let new = rotated["key"].as_str().unwrap().to_owned();
    assert_eq!(
        (&rotated["source"], &rotated["scopes"], &rotated["limits"]["reports_per_day"]),
        (&json!(source), &json!(["report"]), &json!(100))
    );
    for key in [&old, &new] {
        assert_eq!(report(&server, key, &support::report("r")).status, 202);
    }
    let listed = server.must("GET", "/v1/keys", &json!({}));
    let of_old = &listed["items"][1];
    assert_eq!(
        (&of_old["id"], &of_old["replaced_by"], &of_old["expires_at"]),
        (&json!(id), &rotated["id"], &json!("2022-07-08T09:44:10Z"))
    );
    let again = server.operate("POST", &format!("/v1/keys/{id}/rotate"), &json!({}));
    refused(&again, 400, "invalid_value");
    server.advance_minutes(61);
    let detail = refused(&report(&server, &old, &support::report("r")), 401, "unauthenticated");
    assert!(detail.starts_with("expired"), "{detail}");
    assert_eq!(report(&server, &new, &support::report("s")).status, 202);
    let new_id = rotated["id"].as_str().unwrap();
    for _ in 0..2 {
        let revoked = server.must("DELETE", &format!("/v1/keys/{new_id}"), &json!({}));
        assert_eq!(revoked["revoked_at"], json!("2022-07-08T09:45:10Z"));
    }
    let detail = refused(&report(&server, &new, &support::report("t")), 401, "unauthenticated");
    assert!(detail.starts_with("revoked"), "{detail}");
    let dead = server.operate("POST", &format!("/v1/keys/{new_id}/rotate"), &json!({}));
    refused(&dead, 400, "invalid_value");
    for (path, code, status) in [
        ("/v1/keys/AAAAAAAA", "not_found", 404),
        ("/v1/keys/AAAAAAA", "invalid_value", 400),
        ("/v1/keys/AAAAAAA_", "invalid_value", 400),
    ] {
        refused(&server.operate("DELETE", path, &json!({})), status, code);
    }
    let bare =
        super::with_key(&server, &server.admin, "POST", "/v1/keys/AAAAAAAA/rotate", &[], b"");
    refused(&bare, 404, "not_found");
}

#[test]
fn who_changed_what_is_on_record() {
    let server = started();
    let source = server.source("app");
    let (id, _) = server.key(&json!({"name": "a", "source": source, "scopes": ["report"]}));
    server.advance_minutes(1);
    let rotated = server.must("POST", &format!("/v1/keys/{id}/rotate"), &json!({}));
    server.must("DELETE", &format!("/v1/keys/{id}"), &json!({}));
    let audit = server.must("GET", "/v1/audit", &json!({}));
    let items = audit["items"].as_array().unwrap();
    let changes: Vec<&str> = items.iter().map(|entry| entry["change"].as_str().unwrap()).collect();
    let first = ["key_created", "privacy_set"];
    assert_eq!(changes[..4], ["key_revoked", "key_rotated", "key_created", "source_set"]);
    assert_eq!(changes[4..], first);
    let admin = &server.admin[4..12];
    assert_eq!(
        (&items[1]["by"], &items[1]["by_key"], &items[1]["key"], &items[1]["replaced_by"]),
        (&json!("key"), &json!(admin), &json!(id), &rotated["id"])
    );
    assert_eq!((&items[4]["by"], &items[4]["by_key"]), (&json!("command_line"), &json!(null)));
    assert_eq!((&items[3]["source"], &items[3]["name"]), (&json!(source), &json!("app")));
    let since = server.must("GET", "/v1/audit?since=2022-07-08T08:45:00Z", &json!({}));
    assert_eq!(since["items"].as_array().unwrap().len(), 2);
    let mut seen = Vec::new();
    let mut path = "/v1/audit?limit=2".to_owned();
    loop {
        let page = server.must("GET", &path, &json!({}));
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/audit?limit=2&cursor={next}");
        server.source(&format!("source {}", seen.len()));
    }
    assert_eq!(&seen, items, "what is added meanwhile moves no page");
}

#[test]
fn who_withdrew_reports_is_on_record() {
    let server = started();
    let source = server.source("app");
    server.advance_minutes(5);
    let void = json!({
        "source": source, "from": "2022-07-08T08:44:00Z", "to": "2022-07-08T08:46:00Z",
        "provider": "alpha", "reason": "its test reports",
    });
    let told = server.must("POST", "/v1/voids", &void);
    let audit = server.must("GET", "/v1/audit", &json!({}));
    let entry = &audit["items"][0];
    assert_eq!(
        (&entry["change"], &entry["by_key"], &entry["source"], &entry["provider"]),
        (&json!("reports_voided"), &json!(server.admin[4..12]), &json!(source), &json!("alpha"))
    );
    assert_eq!(
        (&entry["from"], &entry["to"]),
        (&json!("2022-07-08T08:44:00Z"), &json!("2022-07-08T08:46:00Z"))
    );
    let id = &server.admin[4..12];
    assert!(!told.to_string().contains(id), "what everybody may read does not say: {told}");
}

fn with(object: &Value, fields: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in fields.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

#[test]
fn an_operator_is_warned_two_weeks_before_no_key_may_run_the_server() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    server.key(&json!({"name": "b", "scopes": ["admin"], "expires_at": in_days(20)}));
    server.must("DELETE", &format!("/v1/keys/{}", &server.admin[4..12]), &json!({}));
    let warnings = || server.read("/readyz")["warnings"].clone();
    assert_eq!(warnings(), json!([]));
    server.advance_minutes(7 * 24 * 60);
    let said = warnings()[0].as_str().unwrap().to_owned();
    assert!(said.contains("in 14 days no key works whose scope is admin"), "{said}");
}

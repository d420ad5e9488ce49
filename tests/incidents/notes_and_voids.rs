//! Operator actions: notes on incidents, and voids of reports.

use super::{goes_on, id, only, outage_in_toronto, post, server};
use crate::support::past::outage;
use crate::support::{TORONTO, instant, ndjson, text};
use groundswell::domain::time::MINUTE_MS;
use serde_json::{Value, json};

#[test]
fn a_note_is_plain_text_and_the_first_official_word_gives_the_lead() {
    let server = server();
    let incident = outage_in_toronto(&server);
    server.watch_minutes(30);
    let path = format!("/v1/incidents/{}/notes", id(&incident));
    let html = "<script>alert(1)</script> & \u{2028}x";
    let answer = post(&server, &path, &json!({"source": "a newspaper", "text": html}));
    assert_eq!((answer.status, answer.header("x-content-type-options")), (201, Some("nosniff")));
    assert_eq!(
        (answer.json()["text"].clone(), answer.json()["official"].clone()),
        (json!(html), json!(false))
    );
    let said_at = text(server.now().plus_ms(-10 * MINUTE_MS));
    let note = json!({
        "source": "Charlie", "text": "We are aware.", "official": true, "said_at": said_at
    });
    assert_eq!(post(&server, &path, &note).status, 201);
    let detail = server.read(&format!("/v1/incidents/{}", id(&incident)));
    assert_eq!(detail["notes"].as_array().unwrap().len(), 2);
    assert_eq!(detail["lead_seconds"], 20 * 60, "{}", detail["detected_at"]);
    let said: Vec<&Value> = detail["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "note")
        .map(|event| &event["text"])
        .collect();
    assert_eq!(said, [&json!("We are aware."), &json!(html)]);
}

#[test]
fn a_note_that_is_none_is_refused_by_its_field() {
    let server = server();
    let incident = outage_in_toronto(&server);
    let path = format!("/v1/incidents/{}/notes", id(&incident));
    let rows = [
        (json!({}), "missing_field", "source"),
        (json!({"source": "a"}), "missing_field", "text"),
        (json!({"source": "", "text": "b"}), "invalid_value", "source"),
        (json!({"source": "a", "text": "   "}), "invalid_value", "text"),
        (json!({"source": "a", "text": 7}), "invalid_value", "text"),
        (json!({"source": "a", "text": "x".repeat(10_001)}), "invalid_value", "text"),
        (json!({"source": "a", "text": "b", "said_at": "yesterday"}), "invalid_value", "said_at"),
        (
            json!({"source": "a", "text": "b", "said_at": "2099-01-01T00:00:00Z"}),
            "in_future",
            "said_at",
        ),
    ];
    for (body, code, field) in rows {
        let answer = post(&server, &path, &body).json();
        assert_eq!(
            (&answer["code"], &answer["errors"][0]["field"]),
            (&json!(code), &json!(field)),
            "{answer}"
        );
    }
    assert_eq!(
        post(&server, &path, &json!({"source": "a", "text": "x".repeat(100_000)})).json()["code"],
        "too_large"
    );
    assert_eq!(post(&server, &path, &json!(7)).json()["code"], "malformed_body");
    assert_eq!(
        server.send("POST", &path, &[("Content-Type", "text/html")], b"<p>").json()["code"],
        "unsupported_media_type"
    );
    let note = json!({"source": "a", "text": "b"});
    assert_eq!(post(&server, "/v1/incidents/0000000000000000/notes", &note).status, 404);
    assert_eq!(
        post(&server, "/v1/incidents/nonsense/notes", &note).json()["code"],
        "invalid_value"
    );
    let passed_on = [("Content-Type", "application/json"), ("X-Forwarded-For", "203.0.113.9")];
    assert_eq!(
        server.send("POST", &path, &passed_on, note.to_string().as_bytes()).json()["code"],
        "forbidden"
    );
    assert_eq!(server.get(&path).status, 405);
    assert_eq!(server.read(&format!("/v1/incidents/{}", id(&incident)))["notes"], json!([]));
}

#[test]
fn reports_that_are_voided_are_seen_no_more_and_take_their_incident_with_them() {
    let server = server();
    let incident = outage_in_toronto(&server);
    goes_on(&server, 5);
    let void = json!({
        "source": 0, "provider": "charlie",
        "from": "2022-07-08T08:44:00Z", "to": text(server.now()), "reason": "an app gone wild"
    });
    let answer = post(&server, "/v1/voids", &void);
    assert_eq!(answer.status, 202, "{answer}");
    server.catch_up();
    server.watch_minutes(1);
    let gone = only(&server.read("/v1/incidents"));
    assert_eq!((&gone["id"], &gone["state"]), (&incident["id"], &json!("withdrawn")));
    assert_eq!(gone["ending"], json!({"type": "withdrawn", "reason": "an app gone wild"}));
    assert_eq!(server.read("/v1/providers/charlie")["now"]["status"], "no_problems");
    assert_eq!(
        server.read("/v1/heatmap?provider=charlie&window=15m")["total"]
            .as_u64()
            .map(|total| total < 6),
        Some(true)
    );
    assert_eq!(server.read("/v1/voids")["items"][0]["reason"], "an app gone wild");
    server.watch_minutes(2);
    assert_eq!(
        server.read("/v1/incidents?state=possible,confirmed,recovering")["items"],
        json!([])
    );
}

#[test]
fn an_incident_that_others_spoke_for_too_outlives_a_void() {
    let server = server();
    let incident = outage_in_toronto(&server);
    goes_on(&server, 3);
    let void = json!({
        "source": 5, "from": "2022-07-08T08:44:00Z", "to": text(server.now()),
        "reason": "nothing of the kind came"
    });
    assert_eq!(post(&server, "/v1/voids", &void).status, 202);
    server.catch_up();
    server.watch_minutes(1);
    let kept = only(&server.read("/v1/incidents"));
    assert_eq!((&kept["id"], &kept["state"]), (&incident["id"], &json!("confirmed")));
}

#[test]
fn an_incident_whose_first_brand_is_voided_is_dated_by_what_is_left() {
    let server = server();
    let begin = server.now();
    for minute in 0..40 {
        // Bravo and Alpha ride on one network: one incident. Alpha is heard of twenty
        // minutes later.
        let bravo = outage("bravo", TORONTO, 6, 200 + minute);
        let alpha =
            if minute < 20 { Vec::new() } else { outage("alpha", TORONTO, 6, 300 + minute) };
        assert_eq!(server.batch(&ndjson(&[bravo, alpha].concat())).status, 200);
        server.watch_minutes(1);
    }
    server.watch_minutes(150);
    let over = only(&server.read("/v1/incidents"));
    assert_eq!(
        (&over["state"], &over["providers"]),
        (&json!("resolved"), &json!(["bravo", "alpha"]))
    );
    let minutes_in =
        |incident: &Value| instant(incident["onset"].as_str().unwrap()).ms_since(begin) / MINUTE_MS;
    assert!((-2..5).contains(&minutes_in(&over)), "{over}");
    let void = json!({
        "source": 0, "provider": "bravo",
        "from": text(begin), "to": text(server.now()), "reason": "made up"
    });
    assert_eq!(post(&server, "/v1/voids", &void).status, 202);
    server.catch_up();
    server.watch_minutes(1);
    let left = only(&server.read("/v1/incidents"));
    assert_eq!((&left["id"], &left["state"]), (&over["id"], &json!("resolved")));
    assert!((18..25).contains(&minutes_in(&left)), "{left}");
}

#[test]
fn a_void_that_is_none_is_refused_by_its_field() {
    let server = server();
    let (from, to) = ("2022-07-08T08:00:00Z", "2022-07-08T08:30:00Z");
    let good = json!({"source": 0, "from": from, "to": to, "reason": "why"});
    let with = |fields: Value| crate::support::but(good.clone(), fields);
    let rows = [
        (with(json!({"source": null})), "missing_field", "source"),
        (with(json!({"source": 16_384})), "invalid_value", "source"),
        (with(json!({"source": 0.5})), "invalid_value", "source"),
        (with(json!({"from": null})), "missing_field", "from"),
        (with(json!({"to": "2022-07-08T08:00:00Z"})), "invalid_value", "to"),
        (with(json!({"to": "2099-01-01T00:00:00Z"})), "in_future", "to"),
        (with(json!({"from": "2022-06-01T00:00:00Z"})), "out_of_retention", "from"),
        (with(json!({"provider": "nobody"})), "unknown_provider", "provider"),
        (with(json!({"reason": ""})), "invalid_value", "reason"),
    ];
    for (body, code, field) in rows {
        let answer = post(&server, "/v1/voids", &body).json();
        assert_eq!(
            (&answer["code"], &answer["errors"][0]["field"]),
            (&json!(code), &json!(field)),
            "{answer}"
        );
    }
    assert_eq!(server.read("/v1/voids")["items"], json!([]));
}

//! Incidents as a client sees them: told within seconds, explained, followed, ended,
//! noted, withdrawn; and what bad questions get.

use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{CATALOGUE, NOW, TORONTO, VANCOUVER, cell, instant, ndjson, text};
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::detect::{METHOD, QuietDay};
use groundswell::domain::incident::entry::{Entry, Lesson};
use groundswell::domain::time::MINUTE_MS;
use groundswell::store::journal::{Appended, Position};
use groundswell::wire::journal::to_bytes;
use serde_json::{Value, json};
use std::str::FromStr;

/// A server with a quiet past whose detectors have come to the present.
fn server() -> TestServer {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    server
}

/// Charlie fails in Toronto, and the detectors have looked.
fn outage_in_toronto(server: &TestServer) -> Value {
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 30, 1))).status, 200);
    server.advance_ms(1_000);
    server.look_out();
    only(&server.read("/v1/incidents"))
}

fn only(answer: &Value) -> Value {
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{answer}");
    items[0].clone()
}

fn post(server: &TestServer, path: &str, body: &Value) -> crate::support::client::Answer {
    server.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

fn id(incident: &Value) -> &str {
    incident["id"].as_str().unwrap()
}

/// More reports of the outage every minute for so long.
fn goes_on(server: &TestServer, minutes: i64) {
    for minute in 0..minutes {
        assert_eq!(
            server.batch(&ndjson(&outage("charlie", TORONTO, 6, 100 + minute as u64))).status,
            200
        );
        server.watch_minutes(1);
    }
}

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
fn incidents_are_found_by_place_time_state_and_score() {
    let server = server();
    let toronto = outage_in_toronto(&server);
    server.batch(&ndjson(&outage("alpha", VANCOUVER, 30, 2)));
    server.watch_minutes(1);
    let count = |query: &str| {
        server.read(&format!("/v1/incidents?{query}"))["items"].as_array().unwrap().len()
    };
    assert_eq!(count(""), 2);
    let rows = [
        ("area=CA-ON", 1),
        ("area=CA", 2),
        ("area=US", 0),
        ("bbox=-80,43,-79,44", 1),
        ("bbox=0,0,1,1", 0),
        ("provider=alpha", 1),
        ("network=north", 1),
        ("provider=bravo", 0),
        ("state=confirmed,possible", 2),
        ("state=resolved", 0),
        ("min_score=5", 2),
        ("min_score=500", 0),
        ("to=2022-07-08T08:00:00Z", 0),
        ("from=2022-07-08T08:44:00Z", 2),
    ];
    for (query, expected) in rows {
        assert_eq!(count(query), expected, "{query}");
    }
    let first = server.read("/v1/incidents?limit=1");
    assert_eq!(only(&first)["network"], "north", "the newest comes first");
    let second = server
        .read(&format!("/v1/incidents?limit=1&cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_eq!((&only(&second)["id"], second.get("next_cursor")), (&toronto["id"], None));
}

#[test]
fn outlines_are_geojson_that_others_read() {
    let server = server();
    let incident = outage_in_toronto(&server);
    let answer = server.get("/v1/incidents.geojson");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/geo+json")));
    let collection =
        geojson::FeatureCollection::from_str(&String::from_utf8(answer.body).unwrap()).unwrap();
    let feature = &collection.features[0];
    assert_eq!(feature.id, Some(geojson::feature::Id::String(id(&incident).into())));
    let shape: geo::MultiPolygon = feature.geometry.clone().unwrap().try_into().unwrap();
    let toronto = geo::Point::new(TORONTO.1, TORONTO.0);
    assert!(geo::Validation::is_valid(&shape));
    assert!(geo::Intersects::intersects(&shape, &toronto));
    assert!(
        feature
            .properties
            .as_ref()
            .unwrap()
            .values()
            .all(|value| !value.is_array() && !value.is_object()),
        "properties are flat"
    );
    let spikes = server.get("/v1/spikes.geojson");
    let spikes =
        geojson::FeatureCollection::from_str(&String::from_utf8(spikes.body).unwrap()).unwrap();
    assert!(!spikes.features.is_empty());
}

#[test]
fn a_spike_says_to_which_incident_it_belongs() {
    let server = server();
    assert_eq!(server.read("/v1/spikes?min_score=5")["items"], json!([]));
    let incident = outage_in_toronto(&server);
    let spikes = server.read("/v1/spikes?provider=charlie");
    let strongest = &spikes["items"][0];
    assert_eq!((&strongest["incident"], &spikes["stale"]), (&incident["id"], &json!(false)));
    assert!(
        strongest["evidence"]["score"].as_f64() >= strongest["score_threshold"].as_f64(),
        "{strongest}"
    );
    assert_eq!(server.read("/v1/spikes?area=US")["items"], json!([]));
    server.advance_minutes(5);
    assert_eq!(
        server.read("/v1/spikes?provider=charlie")["stale"],
        true,
        "nobody has looked for five minutes"
    );
}

#[test]
fn a_cell_is_explained_and_a_map_shows_what_is_usual() {
    let server = server();
    let incident = outage_in_toronto(&server);
    let hex = incident["cells"][0].as_str().unwrap();
    let why = server.read(&format!("/v1/cells/{hex}?provider=charlie"));
    assert_eq!((&why["incident"], &why["cold_start"]), (&incident["id"], &json!(false)));
    assert!(
        why["evidence"]["score"].as_f64() >= why["threshold"]["score_threshold"].as_f64(),
        "{why}"
    );
    let cells = server.read("/v1/heatmap?provider=charlie")["cells"].clone();
    let hit = cells.as_array().unwrap().iter().find(|cell| cell["hex"] == hex).unwrap().clone();
    assert!(
        hit["level"].as_u64() >= Some(3) && hit["expected"].as_f64() < hit["count"].as_f64(),
        "{hit}"
    );
    let quiet = server.read("/v1/heatmap?provider=alpha&window=24h")["cells"].clone();
    let levels: Vec<u64> =
        quiet.as_array().unwrap().iter().map(|cell| cell["level"].as_u64().unwrap()).collect();
    assert!(
        levels.len() > 20 && levels.iter().filter(|level| **level > 1).count() <= 1,
        "{levels:?}"
    );
    let one = server.read("/v1/heatmap?provider=charlie&symptom=no_service")["cells"][0].clone();
    assert_eq!(
        (&one["expected"], &one["score"], &one["level"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let columns = server.read("/v1/heatmap.columns.json?provider=charlie")["columns"].clone();
    assert_eq!(
        columns["level"].as_array().unwrap().len(),
        columns["hex"].as_array().unwrap().len()
    );
}

#[test]
fn quiet_counts_lie_in_the_band_of_a_series() {
    let server = server();
    let series = server.read("/v1/series?provider=charlie&step=1h&from=2022-07-05T00:00:00Z");
    let points = series["points"].as_array().unwrap();
    let number = |point: &Value, field: &str| {
        point[field].as_f64().unwrap_or_else(|| panic!("{field} of {point}"))
    };
    let inside = points.iter().filter(|point| {
        number(point, "expected_low") <= number(point, "count")
            && number(point, "count") <= number(point, "expected_high")
    });
    let (inside, all) = (inside.count() as f64, points.len() as f64);
    assert!(inside >= 0.85 * all, "{inside} of {all}");
    let network =
        server.read("/v1/series?network=north&step=1h")["points"][3]["expected"].as_f64().unwrap();
    let brands: f64 = ["alpha", "bravo"]
        .map(|id| {
            server.read(&format!("/v1/series?provider={id}&step=1h"))["points"][3]["expected"]
                .as_f64()
                .unwrap()
        })
        .iter()
        .sum();
    assert!((network - brands).abs() < 0.01, "{network} of the network, {brands} of its brands");
    let toronto = cell(TORONTO, 4);
    let part = server.read(&format!("/v1/series?provider=charlie&step=1h&cell={toronto}"))["points"][3]["expected"].as_f64().unwrap();
    assert!((0.05..0.5).contains(&(part / number(&points[0], "expected"))), "{part}");
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
    assert_eq!(
        post(&server, &path, &json!({"source": "Charlie", "text": "We are aware.", "official": true, "said_at": said_at})).status,
        201
    );
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
    let void = json!({"source": 0, "provider": "charlie", "from": "2022-07-08T08:44:00Z", "to": text(server.now()), "reason": "an app gone wild"});
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
    let void = json!({"source": 5, "from": "2022-07-08T08:44:00Z", "to": text(server.now()), "reason": "nothing of the kind came"});
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
    let void = json!({"source": 0, "provider": "bravo", "from": text(begin), "to": text(server.now()), "reason": "made up"});
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
    let good = json!({"source": 0, "from": "2022-07-08T08:00:00Z", "to": "2022-07-08T08:30:00Z", "reason": "why"});
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

/// Where the score that opens an incident of Charlie in Toronto comes from.
fn threshold(server: &TestServer) -> Value {
    server.read(&format!("/v1/cells/{}?provider=charlie", cell(TORONTO, 7)))["threshold"].clone()
}

/// A server with a quiet past and these entries in its journal.
fn server_after(entries: &[Vec<u8>]) -> TestServer {
    let server = TestServer::start_after_quiet_past_and(|store| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(matches!(
            runtime.block_on(store.append(None, Position::START, entries)),
            Ok(Appended::Yes { .. })
        ));
    });
    server.catch_up();
    server
}

#[test]
fn what_quiet_days_taught_outlives_a_restart() {
    // A version with another method has been here, and its clock was ahead.
    let strange = of_another_method(&lesson(-20));
    let server = server_after(&[strange]);
    for day in 0..9 {
        // Three in a minute are worth a score: that of an incident once a week has taught
        // that it is seldom reached.
        assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 3, day))).status, 200);
        server.watch_minutes(1);
        server.advance_minutes(24 * 60 - 1);
        server.catch_up();
    }
    let before = threshold(&server);
    let server = server.restarted_with(CATALOGUE);
    server.catch_up();
    let after = threshold(&server);
    // The day that the first server began in was not whole, and is told nobody.
    assert_eq!((&before["quiet_days"], &after["quiet_days"]), (&json!(9), &json!(8)));
    assert_eq!((&before["origin"], &after["origin"]), (&json!("calibrated"), &json!("calibrated")));
}

#[test]
fn an_incident_of_before_a_restart_is_not_taken_for_usual() {
    let server = server();
    outage_in_toronto(&server);
    goes_on(&server, 20);
    server.advance_minutes(2 * 24 * 60 - 20);
    server.catch_up();
    let usual = |server: &TestServer| {
        let series =
            server.read(&format!("/v1/series?provider=charlie&cell={}&step=1h", cell(TORONTO, 5)));
        series["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point["expected"].as_f64().unwrap())
            .sum::<f64>()
    };
    let before = usual(&server);
    let server = server.restarted_with(CATALOGUE);
    server.catch_up();
    let after = usual(&server);
    assert!((after / before - 1.0).abs() < 0.001, "{before} before, {after} after");
}

/// What a quiet day so many days before [`NOW`] taught of Charlie, as bytes of the
/// journal.
fn lesson(ago: i64) -> Vec<u8> {
    let quiet_day = QuietDay::of(instant(NOW).minute().plus(-ago * 24 * 60));
    let (version, parameters) = (METHOD.to_owned(), Parameters::default().fingerprint());
    to_bytes(&Entry::Lesson(Lesson { provider: "charlie".into(), version, parameters, quiet_day }))
}

/// The same lesson, by a method that no version has.
fn of_another_method(lesson: &[u8]) -> Vec<u8> {
    let ours = format!(r#""version":"{METHOD}""#);
    let text = String::from_utf8(lesson.to_vec()).unwrap();
    assert!(text.contains(&ours), "{text}");
    text.replace(&ours, r#""version":"0""#).into_bytes()
}

#[test]
fn a_damaged_lesson_is_left_out_and_the_others_are_learnt() {
    let day =
        |from: &str, to: &str| String::from_utf8(lesson(5)).unwrap().replace(from, to).into_bytes();
    let rows = [
        (lesson(5), "calibrated", 7),
        (day("0.0,", "-1.0,"), "uncalibrated", 6),
        (day("[0.0,", "["), "uncalibrated", 6),
        (lesson(5)[..40].to_vec(), "uncalibrated", 6),
        // Scores of another method are not these.
        (of_another_method(&lesson(5)), "uncalibrated", 6),
    ];
    for (fifth, origin, quiet_days) in rows {
        let entries: Vec<Vec<u8>> =
            (2..8).rev().map(|ago| if ago == 5 { fifth.clone() } else { lesson(ago) }).collect();
        let threshold = threshold(&server_after(&entries));
        // Seven days are enough: six that are told, and the rest of the one in which the
        // detectors begin.
        assert_eq!(
            (&threshold["origin"], &threshold["quiet_days"]),
            (&json!(origin), &json!(quiet_days)),
            "{}",
            String::from_utf8_lossy(&fifth)
        );
    }
}

#[test]
fn bad_questions_are_refused_by_their_parameter() {
    let server = TestServer::start();
    let rows = [
        ("/v1/incidents?state=gone", "invalid_value", "state"),
        ("/v1/incidents?area=CA-XX", "invalid_value", "area"),
        ("/v1/incidents?area=ontario", "invalid_value", "area"),
        ("/v1/incidents?cursor=1", "invalid_value", "cursor"),
        ("/v1/incidents?cursor=before:1:xyz", "invalid_value", "cursor"),
        ("/v1/incidents?limit=0", "invalid_value", "limit"),
        ("/v1/incidents?min_score=-1", "invalid_value", "min_score"),
        ("/v1/incidents?known_at=2099-01-01T00:00:00Z", "in_future", "known_at"),
        ("/v1/incidents?known_at=now", "invalid_value", "known_at"),
        ("/v1/incidents?provider=nobody", "unknown_provider", "provider"),
        ("/v1/incidents?bbox=1,2,3", "invalid_value", "bbox"),
        ("/v1/incidents?from=2022-07-08T08:00:00Z&to=2022-07-08T08:00:00Z", "invalid_value", "to"),
        ("/v1/incidents/xyz", "invalid_value", "id"),
        ("/v1/incidents.geojson?sort=1", "unknown_parameter", "sort"),
        ("/v1/spikes?state=confirmed", "unknown_parameter", "state"),
        ("/v1/spikes?cursor=before", "invalid_value", "cursor"),
        ("/v1/cells/xyz?provider=alpha", "invalid_value", "cell"),
        ("/v1/cells/872b9bc29ffffff", "missing_field", "provider"),
        ("/v1/cells/872b9bc29ffffff?provider=nobody", "unknown_provider", "provider"),
    ];
    for (path, code, field) in rows {
        let answer = server.get(path).json();
        assert_eq!(
            (&answer["code"], &answer["errors"][0]["field"]),
            (&json!(code), &json!(field)),
            "{path}: {answer}"
        );
    }
    let behind = server.get("/v1/cells/872b9bc29ffffff?provider=alpha");
    assert_eq!(
        (behind.status, behind.json()["retryable"].clone()),
        (503, json!(true)),
        "nobody has looked yet"
    );
}

fn detection_lag_seconds(server: &TestServer) -> f64 {
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    metrics
        .lines()
        .find_map(|line| line.strip_prefix("groundswell_detection_lag_seconds "))
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn detection_that_has_not_come_to_the_present_is_late_since_it_began() {
    let server = TestServer::start_after_quiet_past();
    server.advance_minutes(10);
    assert!(detection_lag_seconds(&server) >= 600.0, "nobody has looked yet");
    server.look_out();
    assert!(
        server.engine.outlook().is_behind && detection_lag_seconds(&server) >= 600.0,
        "one look is one piece of the past"
    );
    server.catch_up();
    assert!(detection_lag_seconds(&server) < 1.0);
}

#[test]
fn detection_that_is_late_is_not_taken_for_quiet() {
    let server = server();
    assert_eq!(server.read("/v1/providers/alpha")["now"]["status"], "no_problems");
    server.advance_minutes(3);
    assert_eq!(server.read("/v1/providers/alpha")["now"]["status"], "unknown");
    assert!(detection_lag_seconds(&server) >= 180.0);
    server.look_out();
    assert_eq!(server.read("/v1/providers/alpha")["now"]["status"], "no_problems");
}

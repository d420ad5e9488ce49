//! Reports as forms: the fields, errors, limits and sources of JSON.

use crate::support::client::Answer;
use crate::support::server::TestServer;
use crate::support::{but, report, text};
use serde_json::{Value, json};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn sent(server: &TestServer, form: &str) -> Answer {
    server.send("POST", "/v1/reports", &[FORM], form.as_bytes())
}

/// A report as a form.
fn form(report: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in report.as_object().unwrap() {
        form.append_pair(name, value.as_str().unwrap_or(&value.to_string()));
    }
    form.finish()
}

#[test]
fn a_form_is_counted_once_and_answered_as_json_is() {
    let server = TestServer::start();
    let observed = text(server.now());
    let one = but(report("a b&c=ü"), json!({"observed_at": observed, "id": "r 1"}));
    let answer = sent(&server, &form(&one));
    assert_eq!((answer.status, answer.header("content-type")), (202, Some("application/json")));
    assert_eq!(answer.json()["outcome"], json!("counted"));
    assert_eq!(answer.json()["id"], json!("r 1"));
    // The same by JSON is the same report.
    assert_eq!(server.report(&one).json()["outcome"], json!("duplicate"));
    assert_eq!(sent(&server, &form(&one)).json()["outcome"], json!("duplicate"));
    // A page leaves fields empty that nobody filled in, and sends the name of its button.
    let filled = format!("{}&plmn=&cell=&observed_at=&id=&send=Send", form(&report("another")));
    let answer = sent(&server, &filled);
    assert_eq!(answer.json()["outcome"], json!("counted"), "{answer}");
    assert!(answer.json()["warning"].as_str().unwrap().contains("\"send\""), "{answer}");
    server.next_tick();
    assert_eq!(server.read("/v1/heatmap?provider=alpha")["total"], json!(2));
    // Packed, and with what browsers add.
    let packed = crate::support::gzip(form(&report("packed")).as_bytes());
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("Content-Encoding", "gzip"),
        ("Sent-At", &*observed),
    ];
    let answer = server.send("POST", "/v1/reports", &headers, &packed);
    assert_eq!(answer.json()["outcome"], json!("counted"), "{answer}");
}

#[test]
fn what_is_wrong_with_a_form_is_wrong_with_json() {
    let server = TestServer::start();
    let of = |answer: &Answer| {
        let problem = answer.json();
        let fields: Vec<Value> = problem["errors"]
            .as_array()
            .map(|errors| errors.iter().map(|error| error["field"].clone()).collect())
            .unwrap_or_default();
        (answer.status, problem["code"].clone(), fields)
    };
    for fields in [
        json!({"provider": null}),
        json!({"provider": "nobody"}),
        json!({"symptom": null}),
        json!({"lat": null}),
        json!({"lat": "91"}),
        json!({"lat": "north", "lon": "west"}),
        json!({"reporter_id": null}),
        json!({"reporter_id": "x".repeat(129)}),
        json!({"observed_at": "yesterday"}),
        json!({"observed_at": "2022-07-01T00:00:00Z"}),
        json!({"observed_at": "2022-07-09T00:00:00Z"}),
        json!({"cell": "zz", "lat": null, "lon": null}),
        json!({"id": "x".repeat(129)}),
    ] {
        let faulty = but(report("a"), fields.clone());
        let by_json = server.report(&faulty);
        assert_eq!(of(&sent(&server, &form(&faulty))), of(&by_json), "{fields}");
        assert_eq!(by_json.status, 400, "{by_json}");
    }
    let rows = [
        ("", "missing_field"),
        ("provider=alpha&provider=bravo", "malformed_body"),
        ("provider=%FF", "malformed_body"),
    ];
    for (body, code) in rows {
        let answer = sent(&server, body);
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(code)), "{body}");
    }
    // JSON that is said to be a form is kept, and the request mended.
    let json = server.send("POST", "/v1/reports", &[FORM], report("a").to_string().as_bytes());
    let expected = json.json()["errors"][0]["expected"].clone();
    assert_eq!((json.status, expected), (415, json!("application/json")));
    let large = format!("{}&id={}", form(&report("a")), "x".repeat(64 << 10));
    assert_eq!(sent(&server, &large).json()["code"], json!("too_large"));
    let batch = server.send("POST", "/v1/reports/batch", &[FORM], form(&report("a")).as_bytes());
    assert_eq!((batch.status, &batch.json()["errors"][0]["field"]), (415, &json!("Content-Type")));
    server.next_tick();
    assert_eq!(server.read("/v1/heatmap?provider=alpha")["total"], json!(0));
}

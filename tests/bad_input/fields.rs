//! Reports with fields that are wrong, missing or unknown.

use super::check;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, cell, ndjson, report};
use serde_json::json;

#[test]
fn a_report_with_a_bad_value_is_refused_by_the_name_of_the_field() {
    let server = TestServer::start();
    let (lat, lon) = TORONTO;
    let (here, elsewhere) = (cell(TORONTO, 8).to_string(), cell(VANCOUVER, 8).to_string());
    let long = "x".repeat(10_240);
    let rows = [
        (json!({"provider": "nobody"}), "unknown_provider", "provider"),
        (json!({"provider": "delta"}), "unknown_provider", "provider"),
        (json!({"provider": null}), "missing_field", "provider"),
        (json!({"provider": 7}), "invalid_value", "provider"),
        (json!({"plmn": "001002"}), "invalid_value", "plmn"),
        (json!({"plmn": "99999"}), "invalid_value", "plmn"),
        (json!({"plmn": true}), "invalid_value", "plmn"),
        (json!({"provider": "nobody", "plmn": "65535"}), "unknown_provider", "provider"),
        (json!({"provider": null, "plmn": "6553565535"}), "missing_field", "provider"),
        (json!({"provider": null, "plmn": "--"}), "missing_field", "provider"),
        (json!({"provider": null, "plmn": "000000"}), "missing_field", "provider"),
        (json!({"provider": null, "plmn": 0}), "missing_field", "provider"),
        (json!({"provider": null, "plmn": "99999"}), "unknown_provider", "plmn"),
        (json!({"symptom": null}), "missing_field", "symptom"),
        (json!({"symptom": ["no_service"]}), "invalid_value", "symptom"),
        (json!({"lat": 91}), "invalid_value", "lat"),
        (json!({"lon": 181}), "invalid_value", "lon"),
        (json!({"lat": "43.65 N"}), "invalid_value", "lat"),
        (json!({"lat": "NaN"}), "invalid_value", "lat"),
        (json!({"lat": -180}), "invalid_value", "lat"),
        (json!({"lon": true}), "invalid_value", "lon"),
        (json!({"lat": {"deg": 43}}), "invalid_value", "lat"),
        (json!({"cell": elsewhere}), "invalid_value", "lat"),
        (json!({"cell": here, "lat": null}), "invalid_value", "lon"),
        (json!({"lat": null, "lon": null}), "missing_field", "lat"),
        (json!({"lat": null}), "missing_field", "lat"),
        (json!({"lon": null}), "missing_field", "lon"),
        (json!({"lat": null, "lon": null, "cell": "8f"}), "invalid_value", "cell"),
        (json!({"lat": null, "lon": null, "cell": "ffffffffffffffff"}), "invalid_value", "cell"),
        (json!({"lat": null, "lon": null, "cell": 613}), "invalid_value", "cell"),
        (json!({"accuracy_m": "35 m"}), "invalid_value", "accuracy_m"),
        (json!({"accuracy_m": [35]}), "invalid_value", "accuracy_m"),
        (json!({"accuracy_m": false}), "invalid_value", "accuracy_m"),
        (json!({"observed_at": "yesterday"}), "invalid_value", "observed_at"),
        (json!({"observed_at": "2022-07-08"}), "invalid_value", "observed_at"),
        (json!({"observed_at": 1e30}), "invalid_value", "observed_at"),
        (json!({"observed_at": true}), "invalid_value", "observed_at"),
        (json!({"observed_at": 1_657_096_840}), "too_old", "observed_at"),
        (json!({"observed_at": 1_657_273_450_000_u64}), "in_future", "observed_at"),
        (json!({"observed_at": "2022-07-05T08:44:00Z"}), "too_old", "observed_at"),
        (json!({"observed_at": "2022-07-08T09:44:10Z"}), "in_future", "observed_at"),
        (json!({"observed_at": "9999-12-30T00:00:00Z"}), "in_future", "observed_at"),
        (json!({"observed_at": "99999-01-01T00:00:00Z"}), "invalid_value", "observed_at"),
        (json!({"reporter_id": null}), "missing_field", "reporter_id"),
        (json!({"reporter_id": ["a"]}), "invalid_value", "reporter_id"),
        (json!({"reporter_id": 1e23}), "invalid_value", "reporter_id"),
        (json!({"reporter_id": long}), "invalid_value", "reporter_id"),
        (json!({"reporter_id": "x".repeat(129)}), "invalid_value", "reporter_id"),
        (json!({"reporter_id": "Ω".repeat(129)}), "invalid_value", "reporter_id"),
        (json!({"symptom": "Ω".repeat(65)}), "invalid_value", "symptom"),
        (json!({"id": long}), "invalid_value", "id"),
        (json!({"id": "Ω".repeat(129)}), "invalid_value", "id"),
        (json!({"id": {"n": 7}}), "invalid_value", "id"),
        (json!({"device_id": "another"}), "malformed_body", "reporter_id"),
        (json!({"kind": "no_tv"}), "malformed_body", "symptom"),
        (json!({"kind": "working"}), "malformed_body", "symptom"),
    ];
    for (fields, code, field) in rows {
        let sent = but(report("r"), fields);
        check(&server.report(&sent), 400, code, field, &sent.to_string());
        let line = server.batch(&ndjson(std::slice::from_ref(&sent))).json();
        let result = &line["results"][0];
        assert_eq!(
            (&line["rejected"], &result["code"], &result["field"]),
            (&json!(1), &json!(code), &json!(field)),
            "{sent}"
        );
        assert_eq!(result["retryable"], json!(false), "{sent}");
    }
    assert_eq!(
        server.report(&but(report("r"), json!({"lat": lat, "lon": lon}))).status,
        202,
        "none of these took the reporter's claim"
    );
}

#[test]
fn lengths_are_counted_in_characters_as_the_schema_does() {
    let server = TestServer::start();
    let longest = "Ω".repeat(128);
    let sent = but(report(&longest), json!({"id": longest, "symptom": "Ω".repeat(64)}));
    let answer = server.report(&sent);
    assert_eq!(answer.status, 202, "{}", answer.json());
    assert_eq!(answer.json()["id"], json!(longest));
}

#[test]
fn a_report_with_several_bad_values_names_them_all() {
    let server = TestServer::start();
    let problem = server
        .report(&but(report("r"), json!({"provider": "nobody", "lat": 91, "reporter_id": null})))
        .json();
    let fields: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["provider", "lat", "reporter_id"]);
    assert_eq!(problem["errors"][1]["got"], "91");
}

#[test]
fn unknown_fields_and_symptoms_are_accepted_with_a_warning() {
    let server = TestServer::start();
    let rows = [
        (json!({"battery": 0.7, "nested": {"a": [1, 2]}}), "unknown field \"battery\" is ignored"),
        (
            json!({"symptom": "no_carrier_pigeons"}),
            "unknown symptom \"no_carrier_pigeons\" counts as other",
        ),
    ];
    for (n, (fields, warning)) in rows.into_iter().enumerate() {
        let answer = server.report(&but(report(&format!("r{n}")), fields.clone()));
        assert_eq!((answer.status, &answer.json()["warning"]), (202, &json!(warning)), "{fields}");
        let line = server.batch(&ndjson(&[but(report(&format!("b{n}")), fields.clone())])).json();
        assert_eq!(line["counted"], json!(1), "{fields}");
        assert!(line.to_string().contains(&warning.replace('"', "\\\"")), "{fields}: {line}");
    }
    server.next_tick();
    assert_eq!(server.read("/v1/heatmap?provider=alpha&symptom=other")["total"], json!(2));
}

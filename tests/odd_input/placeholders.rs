//! Values that phones send where they know none: ignored with a warning, or counted by
//! name.

use super::{JSON, NDJSON, metrics, taken};
use crate::support::server::TestServer;
use crate::support::{TORONTO, but, cell, ndjson, report};
use serde_json::json;

#[test]
fn a_position_that_says_none_beside_a_cell_is_passed_over_with_a_warning() {
    let server = TestServer::start();
    for (n, (lat, lon)) in [(0, 0), (-180, -180)].into_iter().enumerate() {
        let sent = json!({
            "provider": "alpha", "symptom": "no_tv", "cell": "872b9bc46ffffff",
            "lat": lat, "lon": lon, "reporter_id": format!("r{n}")
        });
        let answer = taken(&server.report(&sent), &sent.to_string());
        assert_eq!(
            (&answer["outcome"], &answer["cell"]),
            (&json!("counted"), &json!("872b9bc46ffffff")),
            "{sent}"
        );
        assert!(answer["warning"].as_str().unwrap().contains("the cell counts"), "{answer}");
    }
}

#[test]
fn an_accuracy_that_phones_send_for_none_is_unknown() {
    let server = TestServer::start();
    let unknown = cell(TORONTO, 6).to_string();
    let values = [
        "0",
        "0.0",
        "-0.0",
        "-1",
        "-1e300",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-1\"",
        "\"\"",
        "\"null\"",
    ];
    for (n, value) in values.iter().enumerate() {
        let plain = but(report(&format!("r{n}")), json!({"accuracy_m": 7_777})).to_string();
        let body = plain.replace("7777", value);
        let answer = taken(&server.send("POST", "/v1/reports", &[JSON], body.as_bytes()), &body);
        assert_eq!(
            (&answer["cell"], &answer["outcome"]),
            (&json!(unknown), &json!("counted")),
            "{body}"
        );
        assert!(
            answer["warning"].as_str().is_some_and(|warning| warning.contains("counts as unknown")),
            "{body}: {answer}"
        );
        for (media_type, body) in [(NDJSON, body.clone()), (JSON, format!("[{body}]"))] {
            let answer =
                server.send("POST", "/v1/reports/batch", &[media_type], body.as_bytes()).json();
            assert_eq!(answer["duplicate"], json!(1), "{body}: {answer}");
        }
    }
    let without = taken(&server.report(&but(report("w"), json!({"accuracy_m": null}))), "without");
    assert_eq!(
        (&without["cell"], without.get("warning")),
        (&json!(unknown), None),
        "nothing was sent, and nothing is warned of"
    );
}

#[test]
fn a_placeholder_beside_a_provider_is_passed_over_with_a_warning() {
    let server = TestServer::start();
    for (n, plmn) in
        ["65535", "6553565535", "65535-65535", "--", "", "000000", "0", "null", "2147483647"]
            .iter()
            .enumerate()
    {
        let answer =
            taken(&server.report(&but(report(&format!("r{n}")), json!({"plmn": plmn}))), plmn);
        assert_eq!(answer["outcome"], "counted", "{plmn}");
        assert!(
            answer["warning"].as_str().is_some_and(|warning| warning.starts_with("plmn ")),
            "{plmn}: {answer}"
        );
    }
    let alone = server.report(&but(report("a"), json!({"provider": null, "plmn": "6553565535"})));
    assert_eq!((alone.status, &alone.json()["code"]), (400, &json!("missing_field")));
    assert!(
        alone.json()["errors"][0]["expected"].as_str().unwrap().contains("/v1/providers"),
        "{alone}"
    );
    assert_eq!(
        metrics(&server, "groundswell_report_warnings_total{kind=\"placeholder\"}")[0]
            .rsplit(' ')
            .next(),
        Some("9")
    );
}

#[test]
fn unknown_providers_are_counted_by_name() {
    let server = TestServer::start();
    for (name, times) in [("telus", 3), ("Telus ", 2), ("bell\n\"", 1)] {
        (0..times).for_each(|_| {
            assert_eq!(server.report(&but(report("r"), json!({"provider": name}))).status, 400);
        });
    }
    server.batch(&ndjson(&[
        but(report("r"), json!({"provider": null, "plmn": "302-720"})),
        but(report("r"), json!({"provider": "delta"})),
    ]));
    let expected = [
        "groundswell_unknown_provider_reports_total{field=\"provider\",name=\"telus\"} 5",
        "groundswell_unknown_provider_reports_total{field=\"plmn\",name=\"302-720\"} 1",
        "groundswell_unknown_provider_reports_total{field=\"provider\",name=\"bell__\"} 1",
        "groundswell_unknown_provider_reports_total{field=\"provider\",name=\"delta\"} 1",
    ];
    assert_eq!(metrics(&server, "groundswell_unknown_provider_reports_total"), expected);
    for n in 0..100 {
        server.report(&but(report("r"), json!({"provider": format!("invented-{n}")})));
    }
    let listed = metrics(&server, "groundswell_unknown_provider_reports_total");
    assert_eq!((listed.len(), &*listed[0]), (50, expected[0]));
}

//! Other spellings of fields, symptoms and times, which count as what they mean.

use super::{JSON, NDJSON, metrics, on_every_store, taken, total};
use crate::support::server::TestServer;
use crate::support::{TORONTO, but, cell, gzip, ndjson, report};
use serde_json::{Value, json};

#[test]
fn what_means_the_same_is_taken_without_a_warning_over_every_way_in() {
    let server = TestServer::start();
    let here = cell(TORONTO, 8);
    let by_cell =
        |value: Value| json!({"lat": null, "lon": null, "accuracy_m": null, "cell": value});
    let rows = [
        json!({"id": 7}),
        json!({"id": 9_007_199_254_740_993_u64}),
        json!({"reporter_id": 1_234_567}),
        json!({"device_id": "?"}),
        json!({"kind": "NO-SERVICE"}),
        json!({"provider": "Alpha"}),
        json!({"provider": " ALFA "}),
        json!({"plmn": "00101"}),
        json!({"provider": null, "plmn": "001-01"}),
        json!({"provider": null, "plmn": "001 01"}),
        json!({"provider": "--", "plmn": "00101"}),
        json!({"symptom": "No Service"}),
        json!({"symptom": "noService"}),
        json!({"symptom": "NO-SERVICE"}),
        json!({"lat": "43.6532", "lon": " -79.3832"}),
        json!({"accuracy_m": "35.0"}),
        json!({"cell": here.to_string()}),
        json!({"cell": " "}),
        json!({"lat": "", "lon": "", "accuracy_m": null, "cell": here.to_string()}),
        by_cell(json!(here.h3())),
        by_cell(json!(here.h3().to_string())),
        by_cell(json!(here.h3() as f64)),
        by_cell(json!(format!("0x{here}"))),
        by_cell(json!(format!("0X{}", here.to_string().to_uppercase()))),
        json!({"observed_at": "2022-07-08T08:44:00.123456789012Z"}),
        json!({"observed_at": "2022-07-08T10:44:00 02:00"}),
        json!({"observed_at": 1_657_269_840}),
        json!({"observed_at": 1_657_269_840.25}),
        json!({"observed_at": 1_657_269_840_000_u64}),
        json!({"observed_at": "1657269840000"}),
    ];
    for (n, fields) in rows.iter().enumerate() {
        let mut sent = but(report(&format!("single-{n}")), fields.clone());
        if fields.get("device_id").is_some() {
            sent["device_id"] = sent["reporter_id"].clone();
        }
        let answer = taken(&server.report(&sent), &sent.to_string());
        assert_eq!(
            (&answer["outcome"], &answer["observed_at"]),
            (&json!("counted"), &json!("2022-07-08T08:44:00Z")),
            "{sent}"
        );
        assert_eq!(answer["cell"], json!(here.to_string()), "{sent}");
        let warned = fields["provider"] == "--";
        assert_eq!(answer.get("warning").is_some(), warned, "{sent}: {answer}");
        if let Some(id) = fields.get("id") {
            assert_eq!(answer["id"], json!(id.to_string()));
        }
        let again = [ndjson(std::slice::from_ref(&sent)), format!("[{sent}]").into_bytes()];
        for (body, media_type) in again.iter().zip([NDJSON, JSON]) {
            let answer = server.send("POST", "/v1/reports/batch", &[media_type], body).json();
            assert_eq!(
                (&answer["duplicate"], &answer["rejected"]),
                (&json!(1), &json!(0)),
                "{sent}: {answer}"
            );
        }
    }
    assert_eq!(total(&server, "symptom=no_service"), rows.len() as u64);
}

#[test]
fn a_number_or_null_beside_an_older_name_that_says_the_same_is_one() {
    let server = TestServer::start();
    let (lat, lon) = TORONTO;
    let place = format!("\"provider\":\"alpha\",\"lat\":{lat},\"lon\":{lon}");
    let bodies = [
        format!(
            r#"{{{place},"symptom":"no_tv","kind":"NO_TV","reporter_id":"71","device_id":71}}"#
        ),
        format!(
            r#"{{{place},"symptom":"no_tv","symptom":"no_tv","device_id":"72","reporter_id":null}}"#
        ),
        format!(
            r#"{{{place},"lat":"{lat}","kind":"no_tv","reporter_id":null,"device_id":"73","id":null}}"#
        ),
        format!(
            r#"{{{place},"kind":"no_tv","cell":0,"reporter_id":"","device_id":"75","observed_at":" "}}"#
        ),
        format!(r#"{{{place},"kind":"no_tv","cell":"null","reporter_id":18446744073709551615}}"#),
    ];
    for body in bodies {
        let answer = taken(&server.send("POST", "/v1/reports", &[JSON], body.as_bytes()), &body);
        assert_eq!(
            (&answer["outcome"], answer.get("warning")),
            (&json!("counted"), None),
            "{body}"
        );
    }
    let differing = format!("{{{place},\"lat\":44,\"symptom\":\"no_tv\",\"reporter_id\":\"74\"}}");
    assert_eq!(
        server.send("POST", "/v1/reports", &[JSON], differing.as_bytes()).json()["code"],
        "malformed_body"
    );
}

#[test]
fn marks_zeros_and_newlines_around_a_body_change_nothing() {
    let server = TestServer::start();
    let around = |n: usize| {
        let plain = report(&format!("r{n}")).to_string();
        match n % 6 {
            0 => format!("\u{feff}{plain}"),
            1 => format!("{plain}\0\0\0"),
            2 => format!("\r\n{plain}\n"),
            3 => format!("\u{feff}\n{plain}\0\n"),
            4 => format!("\u{feff}\u{feff}{plain}"),
            _ => plain,
        }
    };
    let fillers: [&[u8]; 4] = [b"", b"\n", &[0; 512], b"\0\r\n"];
    let mut n = 0;
    for encoding in ["identity", "gzip", "zstd"] {
        for filler in fillers {
            for _ in 0..6 {
                n += 1;
                let plain = around(n);
                let packed = match encoding {
                    "gzip" => gzip(plain.as_bytes()),
                    "zstd" => zstd::encode_all(plain.as_bytes(), 1).unwrap(),
                    _ => plain.into_bytes(),
                };
                let body = [&packed[..], filler].concat();
                // Every other time nobody says how the body is packed.
                let told = if n % 2 == 0 { encoding } else { "identity" };
                let headers = [JSON, ("Content-Encoding", told)];
                let single = server.send("POST", "/v1/reports", &headers, &body);
                assert_eq!(taken(&single, encoding)["outcome"], "counted", "{encoding} {n}");
                let lines = [NDJSON, ("Content-Encoding", encoding)];
                assert_eq!(
                    server.send("POST", "/v1/reports/batch", &lines, &body).json()["duplicate"],
                    json!(1),
                    "{encoding} {n}"
                );
            }
        }
    }
    let lines = format!("\u{feff}{}\r\n\u{feff}{}\n\0\n\0\0", report("x"), report("y"));
    assert_eq!(
        server.batch(lines.as_bytes()).json()["counted"],
        json!(2),
        "marks between files that were put together"
    );
    let array = format!("\u{feff}[{},{}]\0\n", report("v"), report("w"));
    assert_eq!(
        server.send("POST", "/v1/reports/batch", &[JSON], array.as_bytes()).json()["counted"],
        json!(2)
    );
}

#[test]
fn a_senders_clock_is_read_however_it_is_told() {
    let server = TestServer::start();
    // Clocks an hour ahead: what they saw ten minutes ago is put right.
    let sent_at = [
        "2022-07-08T09:44:10Z",
        "2022-07-08T11:44:10+02:00",
        "2022-07-08T11:44:10%2B02:00",
        "1657273450",
        "1657273450000",
    ];
    let observed = json!({"observed_at": "2022-07-08T09:34:10Z"});
    for (n, sent_at) in sent_at.iter().enumerate() {
        for path in ["/v1/reports", "/v1/reports/batch"] {
            let body = but(report(&format!("{path}{n}")), observed.clone()).to_string();
            let media_type = if path.ends_with("batch") { NDJSON } else { JSON };
            let answer = server.send(
                "POST",
                &format!("{path}?sent_at={sent_at}"),
                &[media_type],
                body.as_bytes(),
            );
            assert!((200..=202).contains(&answer.status), "{sent_at}: {answer}");
        }
    }
    for (n, header) in
        ["2022-07-08T09:44:10Z", "1657273450", "Fri, 08 Jul 2022 09:44:10 GMT"].iter().enumerate()
    {
        let body = but(report(&format!("header{n}")), observed.clone()).to_string();
        let answer = taken(
            &server.send("POST", "/v1/reports", &[JSON, ("Sent-At", header)], body.as_bytes()),
            header,
        );
        assert_eq!(
            (&answer["observed_at"], answer.get("warning")),
            (&json!("2022-07-08T08:34:00Z"), None),
            "{header}"
        );
    }
    assert_eq!(total(&server, "to=2022-07-08T08:35:00Z&window=1m"), 13);
}

#[test]
fn a_sent_at_header_that_cannot_be_read_is_passed_over_with_a_warning() {
    let server = TestServer::start();
    let header = ("Sent-At", "noon");
    let warning = "Sent-At \"noon\" is no time, and is ignored";
    let answer = taken(
        &server.send("POST", "/v1/reports", &[JSON, header], report("a").to_string().as_bytes()),
        "single",
    );
    assert_eq!((&answer["outcome"], &answer["warning"]), (&json!("counted"), &json!(warning)));
    let lines = ndjson(&[report("b"), but(report("c"), json!({"battery": 1}))]);
    let answer = server.send("POST", "/v1/reports/batch", &[NDJSON, header], &lines).json();
    let expected =
        format!("{warning}; 1 items, the first at 1: unknown field \"battery\" is ignored");
    assert_eq!((&answer["counted"], &answer["warning"]), (&json!(2), &json!(expected)));
    let warned = metrics(&server, "groundswell_report_warnings_total{kind=\"unreadable_sent_at\"}");
    assert_eq!(warned, ["groundswell_report_warnings_total{kind=\"unreadable_sent_at\"} 2"]);
}

#[test]
fn no_word_counts_as_its_opposite() {
    on_every_store(|server| {
        let rows: [(&[&str], &str, &str); 3] = [
            (&["working", "WORKING", "Works", "OK", "fine", "w-o-r-k-i-n-g"], "counted", "working"),
            (
                &[
                    "not_working",
                    "NOT WORKING",
                    "stopped working",
                    "isn't working",
                    "no_carrier_pigeons",
                    "network_down",
                ],
                "counted",
                "other",
            ),
            (
                &["workin", "WROKING", "workng", "works again", "is working now", "okay"],
                "ignored",
                "nothing",
            ),
        ];
        for (words, outcome, symptom) in rows {
            for word in words {
                let sent = but(report(word), json!({"symptom": word, "id": "echo"}));
                let answer = taken(&server.report(&sent), word);
                assert_eq!(
                    (&answer["outcome"], &answer["id"]),
                    (&json!(outcome), &json!("echo")),
                    "{word}: {answer}"
                );
                assert_eq!(
                    answer.get("warning").is_some(),
                    symptom != "working",
                    "{word}: {answer}"
                );
                assert_eq!(answer.get("cell").is_some(), outcome == "counted", "{word}: {answer}");
                let batch = server.batch(&ndjson(&[sent])).json();
                let count =
                    if outcome == "ignored" { &batch["ignored"] } else { &batch["duplicate"] };
                assert_eq!((count, &batch["rejected"]), (&json!(1), &json!(0)), "{word}: {batch}");
                assert!(
                    batch["results"][0]["warning"].is_string() || symptom == "working",
                    "{word}: {batch}"
                );
            }
        }
        assert_eq!(
            [
                total(server, "symptom=working"),
                total(server, "symptom=other"),
                total(server, "window=1h")
            ],
            [6, 6, 6]
        );
        assert_eq!(
            metrics(server, "groundswell_reports_total{outcome=\"ignored\"}"),
            ["groundswell_reports_total{outcome=\"ignored\"} 12"]
        );
        assert_eq!(
            metrics(server, "groundswell_report_warnings_total{kind=\"unclear_symptom\"}").len(),
            1
        );
    });
}

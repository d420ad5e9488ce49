//! What phones and their programs send that looks odd and means something plain is taken;
//! what means nothing sure says so; nothing is inverted.

use crate::support::client::Answer;
use crate::support::past::quiet_past;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, cell, gzip, ndjson, report, text};
use groundswell::domain::time::MINUTE_MS;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

/// Runs a test on a server over the embedded store, and on one over Redis.
fn on_every_store(test: impl Fn(&TestServer)) {
    test(&TestServer::start());
    test(&TestServer::start_on_redis(|_| ()));
}

#[track_caller]
fn taken(answer: &Answer, what: &str) -> Value {
    assert_eq!(answer.status, 202, "{what}: {answer}");
    answer.json()
}

fn total(server: &TestServer, question: &str) -> u64 {
    server.next_tick();
    server.read(&format!("/v1/heatmap?provider=alpha&{question}"))["total"].as_u64().unwrap()
}

/// The samples of `/metrics` of one name.
fn metrics(server: &TestServer, name: &str) -> Vec<String> {
    let text = server.get("/metrics").text().to_owned();
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

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
            "{{{place},\"symptom\":\"no_tv\",\"kind\":\"NO_TV\",\"reporter_id\":\"71\",\"device_id\":71}}"
        ),
        format!(
            "{{{place},\"symptom\":\"no_tv\",\"symptom\":\"no_tv\",\"device_id\":\"72\",\"reporter_id\":null}}"
        ),
        format!(
            "{{{place},\"lat\":\"{lat}\",\"kind\":\"no_tv\",\"reporter_id\":null,\"device_id\":\"73\",\"id\":null}}"
        ),
        format!(
            "{{{place},\"kind\":\"no_tv\",\"cell\":0,\"reporter_id\":\"\",\"device_id\":\"75\",\"observed_at\":\" \"}}"
        ),
        format!(
            "{{{place},\"kind\":\"no_tv\",\"cell\":\"null\",\"reporter_id\":18446744073709551615}}"
        ),
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

#[test]
fn a_position_that_says_none_beside_a_cell_is_passed_over_with_a_warning() {
    let server = TestServer::start();
    for (n, (lat, lon)) in [(0, 0), (-180, -180)].into_iter().enumerate() {
        let sent = json!({"provider": "alpha", "symptom": "no_tv", "cell": "872b9bc46ffffff", "lat": lat, "lon": lon, "reporter_id": format!("r{n}")});
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
fn ids_that_many_phones_send_count_once_a_minute_and_cell() {
    on_every_store(|server| {
        let ids = [
            "null",
            "(null)",
            "00000000-0000-0000-0000-000000000000",
            "",
            "  ",
            "0",
            "undefined",
            "9774d56d682e549c",
        ];
        for (n, id) in ids.iter().enumerate() {
            let answer = taken(&server.report(&report(id)), id);
            assert_eq!(answer["outcome"], if n == 0 { "counted" } else { "duplicate" }, "{id:?}");
            assert!(
                answer["warning"].as_str().is_some_and(|warning| warning.contains("many phones")),
                "{id:?}: {answer}"
            );
        }
        assert_eq!(total(server, "window=5m"), 1);
        let (lat, lon) = VANCOUVER;
        assert_eq!(
            server.report(&but(report("nil"), json!({"lat": lat, "lon": lon}))).json()["outcome"],
            "counted",
            "another cell"
        );
        assert_eq!(
            server.report(&but(report("nil"), json!({"provider": "bravo"}))).json()["outcome"],
            "counted",
            "another provider"
        );
        server.advance_ms(MINUTE_MS);
        assert_eq!(server.report(&report("none")).json()["outcome"], "counted", "another minute");
        assert_eq!(server.report(&report("of its own")).json()["outcome"], "counted");
        assert_eq!(total(server, "window=5m"), 4);
        // However late, and however its clock is off: what counts is the minute it was
        // observed in.
        let late = json!({"observed_at": text(server.now().plus_ms(-90 * MINUTE_MS))});
        let outcomes = ["null", "nil"]
            .map(|id| server.report(&but(report(id), late.clone())).json()["outcome"].clone());
        assert_eq!(outcomes, [json!("counted"), json!("duplicate")]);
        assert_eq!(total(server, "window=3h"), 5);
        assert_eq!(
            metrics(server, "groundswell_report_warnings_total{kind=\"shared_id\"}")[0]
                .rsplit(' ')
                .next(),
            Some("13")
        );
    });
}

#[test]
fn shared_ids_and_reports_from_nowhere_open_no_incident() {
    for server in [TestServer::start_after_quiet_past(), TestServer::start_on_redis(quiet_past)] {
        server.catch_up();
        let ((lat, lon), mut counted) = (TORONTO, 0);
        // 500 senders of shared ids in one cell over ten minutes, others all over the
        // city; some tell it late; and 500 phones without a position.
        for minute in 0..10 {
            let ago = text(server.now().plus_ms(-30 * MINUTE_MS));
            let shared = (0..50).map(|n| {
                but(report(["null", "", "0", "nil"][n % 4]), json!({"provider": "charlie"}))
            });
            let around = (0..50).map(|n| {
                let (lat, lon) = (lat + f64::from(n) / 1_000.0, lon - f64::from(n) / 1_000.0);
                but(report("null"), json!({"provider": "charlie", "lat": lat, "lon": lon}))
            });
            let late = (0..50).map(|n| {
                let lat = lat + f64::from(n) / 1_000.0;
                but(report("null"), json!({"provider": "charlie", "lat": lat, "observed_at": ago}))
            });
            let nowhere = (0..50).map(|n| {
                but(
                    report(&format!("nowhere-{minute}-{n}")),
                    json!({"provider": "charlie", "lat": 0, "lon": 0}),
                )
            });
            let all: Vec<Value> = shared.chain(around).chain(late).chain(nowhere).collect();
            let answer = server.batch(&ndjson(&all)).json();
            assert_eq!(answer["rejected"], json!(0), "{answer}");
            counted += answer["counted"].as_u64().unwrap();
            server.watch_minutes(1);
            assert_eq!(server.read("/v1/incidents")["items"], json!([]));
            assert_eq!(server.read("/v1/spikes")["items"], json!([]));
        }
        let map = server.read("/v1/heatmap?provider=charlie&window=1h");
        assert_eq!((&map["unplaced"], counted > 600), (&json!(500), true), "{counted}");
        assert!(map["total"].as_u64().unwrap() >= counted, "{map}");
        // The same number of phones of their own is an outage.
        let own: Vec<Value> = (0..100)
            .map(|n| {
                let (lat, lon) = (lat + f64::from(n) / 2_000.0, lon - f64::from(n) / 2_000.0);
                but(
                    report(&format!("own-{n}")),
                    json!({"provider": "charlie", "lat": lat, "lon": lon}),
                )
            })
            .collect();
        server.batch(&ndjson(&own));
        server.watch_minutes(1);
        assert_eq!(server.read("/v1/incidents")["items"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_report_from_nowhere_counts_in_the_total_and_in_no_cell() {
    on_every_store(|server| {
        let nowhere = [
            json!({"lat": 0, "lon": 0}),
            json!({"lat": "0.0", "lon": "-0.0"}),
            json!({"lat": 0.0001, "lon": 0, "accuracy_m": null}),
            json!({"lat": 0, "lon": 0, "accuracy_m": 1e7}),
            json!({"lat": -180, "lon": -180}),
            json!({"lat": null, "lon": null, "cell": cell((0.0, 0.0), 8).to_string()}),
            json!({"lat": null, "lon": null, "cell": cell((0.0, 0.0), 6).h3()}),
        ];
        for (n, fields) in nowhere.iter().enumerate() {
            let sent = but(report(&format!("r{n}")), fields.clone());
            let answer = taken(&server.report(&sent), &sent.to_string());
            assert_eq!(
                (&answer["outcome"], answer.get("cell")),
                (&json!("counted"), None),
                "{sent}"
            );
            assert!(
                answer["warning"]
                    .as_str()
                    .is_some_and(|warning| warning.contains("lies in no cell")),
                "{sent}: {answer}"
            );
        }
        assert_eq!(server.report(&report("placed")).json()["outcome"], "counted");
        assert_eq!(
            server.report(&but(report("r0"), json!({"observed_at": text(server.now())}))).json()["outcome"],
            "duplicate"
        );
        server.next_tick();
        let check = |path: &str, total: u64, unplaced: u64, cells: usize| {
            let answer = server.read(path);
            let head = if path.contains("h3j") { &answer["metadata"] } else { &answer };
            assert_eq!(
                (&head["total"], &head["unplaced"]),
                (&json!(total), &json!(unplaced)),
                "{path}"
            );
            let listed = ["cells", "features"]
                .iter()
                .find_map(|name| answer[*name].as_array())
                .map(Vec::len);
            assert_eq!(
                listed.or_else(|| answer["columns"]["hex"].as_array().map(Vec::len)),
                Some(cells),
                "{path}: {answer}"
            );
        };
        for resolution in 0..=8 {
            check(&format!("/v1/heatmap?provider=alpha&resolution={resolution}"), 8, 7, 1);
        }
        for format in [".geojson", ".h3j", ".columns.json"] {
            check(&format!("/v1/heatmap{format}?provider=alpha"), 8, 7, 1);
        }
        check("/v1/heatmap?network=north", 8, 7, 1);
        check("/v1/heatmap?provider=alpha&bbox=-1,-1,1,1", 0, 0, 0);
        let span = "from=2022-07-08T08:00:00Z&to=2022-07-08T08:45:00Z&step=1h";
        let series = |filter: &str| {
            server.read(&format!("/v1/series?provider=alpha&{span}{filter}"))["points"][0]["count"]
                .clone()
        };
        let around = cell((0.0, 0.0), 7).to_string();
        assert_eq!(
            [series(""), series("&bbox=-1,-1,1,1"), series(&format!("&cell={around}"))],
            [json!(8), json!(0), json!(0)]
        );
        assert_eq!(server.read("/v1/providers/alpha")["now"]["count"], json!(8));
    });
}

#[test]
fn reports_without_a_place_stay_so_in_hours_and_after_a_restart() {
    let mut server = TestServer::start();
    for n in 0..3 {
        taken(
            &server.report(&but(report(&format!("r{n}")), json!({"lat": 0, "lon": 0}))),
            "nowhere",
        );
        taken(&server.report(&report(["null", "0", "nil"][n])), "shared");
    }
    let whole = |server: &TestServer| {
        let answer = server.read("/v1/heatmap?provider=alpha&to=2022-07-08T09:00:00Z&window=1h");
        [&answer["total"], &answer["unplaced"], &answer["cells"][0]["count"]]
            .map(|number| number.as_u64().unwrap())
    };
    server.advance_ms(60 * MINUTE_MS);
    assert_eq!(whole(&server), [4, 3, 1]);
    server = server.restarted_with(crate::support::CATALOGUE);
    assert_eq!(whole(&server), [4, 3, 1], "from the log or a snapshot");
    server.advance_ms(4 * 24 * 60 * MINUTE_MS);
    server.keep_house();
    assert_eq!(whole(&server), [4, 3, 1], "aged");
    server.advance_ms(20 * 24 * 60 * MINUTE_MS);
    server.keep_house();
    let hours = server.read(
        "/v1/series?provider=alpha&from=2022-07-08T08:00:00Z&to=2022-07-08T09:00:00Z&step=1h",
    );
    assert_eq!(hours["points"][0]["count"], json!(4), "of hours");
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

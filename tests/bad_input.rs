//! What clients must not send is answered by a problem with a stable code that names the
//! field: never by a 500, never by silence.

use crate::support::client::{Answer, Client, read_answer};
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, cell, gzip, ndjson, report};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

/// Checks that an answer is a problem of that status and code, about that field; an empty
/// name stands for no field.
#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, field: &str, request: &str) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, Some("application/problem+json")),
        "{request}: {answer}"
    );
    let problem = answer.json();
    let first = problem["errors"][0]["field"].as_str().unwrap_or_default();
    assert_eq!((problem["code"].as_str(), first), (Some(code), field), "{request}: {answer}");
    assert_eq!(
        (&problem["status"], &problem["retryable"]),
        (&json!(status), &json!(status == 503)),
        "{request}: {answer}"
    );
    assert!(
        ["type", "title", "detail"]
            .iter()
            .all(|member| problem[member].as_str().is_some_and(|text| !text.is_empty())),
        "{answer}"
    );
    assert!(
        answer.header("x-request-id").is_some(),
        "{request}: a request that failed has an id too"
    );
}

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
fn a_body_that_is_no_report_is_refused() {
    let server = TestServer::start();
    let rows: [(&[u8], &str, &str); 15] = [
        (b"", "malformed_json", ""),
        (b"no JSON", "malformed_json", ""),
        (b"{\"provider\": \"alpha\"", "malformed_json", ""),
        (b"{\"lat\": NaN}", "malformed_json", ""),
        (b"{\"lat\": 1e999}", "malformed_json", ""),
        (b"{\"provider\": \"alpha\"} {}", "malformed_json", ""),
        (b"{\"provider\": \"\xff\"}", "malformed_json", ""),
        (b"{\"provider\": \"\\ud800\"}", "malformed_json", ""),
        (b"null", "malformed_body", "report"),
        (b"[]", "malformed_body", "report"),
        (b"[{\"provider\": \"alpha\"}]", "malformed_body", "report"),
        (b"\"alpha\"", "malformed_body", "report"),
        (b"7", "malformed_body", "report"),
        (b"-7.5", "malformed_body", "report"),
        (b"true", "malformed_body", "report"),
    ];
    for (body, code, field) in rows {
        let answer = server.send("POST", "/v1/reports", &[JSON], body);
        check(&answer, 400, code, field, &String::from_utf8_lossy(body));
    }
}

#[test]
fn a_batch_that_cannot_be_read_is_refused_whole() {
    let server = TestServer::start();
    let rows: [(&[u8], (&str, &str), &str); 8] = [
        (b"", JSON, "malformed_json"),
        (b"no JSON", JSON, "malformed_json"),
        (b"[{}", JSON, "malformed_json"),
        (b"{}", JSON, "malformed_body"),
        (b"null", JSON, "malformed_body"),
        (b"7", JSON, "malformed_body"),
        (b"", NDJSON, "malformed_body"),
        (b"\n \r\n\n", NDJSON, "malformed_body"),
    ];
    for (body, media_type, code) in rows {
        let answer = server.send("POST", "/v1/reports/batch", &[media_type], body);
        check(
            &answer,
            400,
            code,
            "",
            &format!("{} {:?}", media_type.1, String::from_utf8_lossy(body)),
        );
    }
}

#[test]
fn a_hundred_thousand_nested_brackets_are_refused() {
    let server = TestServer::start();
    let nested = |depth| [b"{\"lat\": ".to_vec(), vec![b'['; depth]].concat();
    check(
        &server.send("POST", "/v1/reports", &[JSON], &nested(60_000)),
        400,
        "malformed_json",
        "",
        "nested in a report",
    );
    check(
        &server.send("POST", "/v1/reports", &[JSON], &nested(100_000)),
        413,
        "too_large",
        "",
        "nested beyond the limit of a report",
    );
    check(
        &server.send("POST", "/v1/reports/batch", &[JSON], &vec![b'['; 100_000]),
        400,
        "malformed_json",
        "",
        "nested in a batch",
    );
    let closed = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let listed = server.send("POST", "/v1/reports/batch", &[JSON], &closed).json();
    assert_eq!(
        (&listed["rejected"], &listed["results"][0]["code"]),
        (&json!(1), &json!("malformed_body")),
        "a list is no report"
    );
    let objects = "{\"a\":".repeat(100_000);
    check(
        &server.send("POST", "/v1/reports/batch", &[JSON], format!("[{objects}").as_bytes()),
        400,
        "malformed_json",
        "",
        "objects",
    );
    let line = server.send("POST", "/v1/reports/batch", &[NDJSON], &nested(100_000)).json();
    assert_eq!(
        (&line["rejected"], &line["results"][0]["code"]),
        (&json!(1), &json!("malformed_json"))
    );
}

#[test]
fn broken_and_blank_lines_never_spoil_the_others() {
    let server = TestServer::start();
    let lines = format!(
        "{}\n\n{{\"provider\":\n[]\n   \r\n\u{fffd}\n{}\nnull\n{}",
        report("a"),
        but(report("b"), json!({"id": "b-1"})),
        report("c")
    );
    let answer = server.batch(lines.as_bytes()).json();
    assert_eq!((&answer["counted"], &answer["rejected"]), (&json!(3), &json!(4)));
    let results = answer["results"].as_array().unwrap();
    let faults: Vec<_> = results
        .iter()
        .map(|result| (result["index"].as_u64().unwrap(), result["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        faults,
        [
            (1, "malformed_json"),
            (2, "malformed_body"),
            (3, "malformed_json"),
            (5, "malformed_body")
        ]
    );
}

#[test]
fn more_than_ten_thousand_items_are_refused_and_ten_thousand_are_not() {
    let server = TestServer::start();
    for (items, status) in [(10_000, 200), (10_001, 413)] {
        let bodies: [(Vec<u8>, (&str, &str)); 2] = [
            ("{}\n".repeat(items).into(), NDJSON),
            (format!("[{}]", vec!["{}"; items].join(",")).into(), JSON),
        ];
        for (body, media_type) in bodies {
            let answer = server.send("POST", "/v1/reports/batch", &[media_type], &body);
            assert_eq!(answer.status, status, "{items} items of {}", media_type.1);
            if status == 413 {
                check(&answer, 413, "too_many_items", "body", media_type.1);
            }
        }
    }
}

#[test]
fn a_body_over_its_limit_is_refused_whether_its_length_is_announced_or_not() {
    let server = TestServer::start();
    for (path, limit) in [("/v1/reports", 64 << 10), ("/v1/reports/batch", 4 << 20)] {
        let body = vec![b' '; limit + 1];
        check(&server.send("POST", path, &[JSON], &body), 413, "too_large", "", path);
        let mut chunked = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: \
                 application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        .into_bytes();
        for chunk in body.chunks(60_000) {
            chunked.extend(
                format!("{:x}\r\n", chunk.len())
                    .bytes()
                    .chain(chunk.iter().copied())
                    .chain(*b"\r\n"),
            );
        }
        chunked.extend(b"0\r\n\r\n");
        check(&server.raw(&chunked), 413, "too_large", "", &format!("{path} in chunks"));
        let at_limit = server.send("POST", path, &[JSON], &body[..limit]);
        check(&at_limit, 400, "malformed_json", "", &format!("{path} just within its limit"));
    }
}

#[test]
fn a_body_that_unpacks_beyond_its_limit_is_refused() {
    let server = TestServer::start();
    for (path, limit) in [("/v1/reports", 64 << 10), ("/v1/reports/batch", 16 << 20)] {
        let plain = vec![b' '; limit + 1];
        for (encoding, packed) in
            [("gzip", gzip(&plain)), ("zstd", zstd::encode_all(&plain[..], 1).unwrap())]
        {
            let answer =
                server.send("POST", path, &[JSON, ("Content-Encoding", encoding)], &packed);
            check(&answer, 413, "too_large", "", &format!("{path} {encoding}"));
        }
    }
}

#[test]
fn a_packed_body_that_is_broken_is_refused() {
    let server = TestServer::start();
    let plain = report("r").to_string();
    let (gzipped, zstded) =
        (gzip(plain.as_bytes()), zstd::encode_all(plain.as_bytes(), 1).unwrap());
    let mut flipped = gzipped.clone();
    flipped[gzipped.len() - 6] ^= 1;
    let rows = [
        ("gzip", &gzipped[..gzipped.len() - 9], "cut short"),
        ("gzip", &gzipped[..5], "cut within the head"),
        ("gzip", &flipped, "of another checksum"),
        ("gzip", plain.as_bytes(), "not packed at all"),
        ("gzip", b"", "empty"),
        ("zstd", &zstded[..zstded.len() - 3], "cut short"),
        ("zstd", plain.as_bytes(), "not packed at all"),
    ];
    for (encoding, body, how) in rows {
        for path in ["/v1/reports", "/v1/reports/batch"] {
            let answer = server.send("POST", path, &[JSON, ("Content-Encoding", encoding)], body);
            check(&answer, 400, "malformed_body", "", &format!("{path} {encoding} {how}"));
        }
    }
}

#[test]
fn media_types_and_encodings_that_are_not_read_are_named() {
    let server = TestServer::start();
    let body = report("r").to_string();
    let rows = [
        ("/v1/reports", ("Content-Type", "text/html"), "Content-Type"),
        (
            "/v1/reports/batch",
            ("Content-Type", "application/x-www-form-urlencoded"),
            "Content-Type",
        ),
        ("/v1/reports", ("Content-Type", "application/x-ndjson"), "Content-Type"),
        ("/v1/reports", ("Content-Type", "application/x-www-form-urlencoded"), "Content-Type"),
        ("/v1/reports/batch", ("Content-Type", "text/csv"), "Content-Type"),
        ("/v1/reports", ("Content-Encoding", "br"), "Content-Encoding"),
        ("/v1/reports/batch", ("Content-Encoding", "gzip, gzip"), "Content-Encoding"),
    ];
    for (path, header, field) in rows {
        let answer = server.send("POST", path, &[header], body.as_bytes());
        check(&answer, 415, "unsupported_media_type", field, &format!("{path} {header:?}"));
    }
    assert_eq!(
        server
            .send(
                "POST",
                "/v1/reports",
                &[("Content-Type", "Application/JSON; charset=utf-8")],
                body.as_bytes()
            )
            .status,
        202
    );
}

#[test]
fn a_method_that_a_path_does_not_take_is_answered_by_those_it_does() {
    let server = TestServer::start();
    let reads = [
        "/",
        "/v1/heatmap",
        "/v1/heatmap.geojson",
        "/v1/series",
        "/v1/providers",
        "/v1/providers/alpha",
        "/healthz",
        "/readyz",
        "/metrics",
    ];
    let rows = reads
        .iter()
        .flat_map(|path| ["POST", "DELETE"].map(|method| (method, *path, "GET, HEAD, OPTIONS")));
    let writes = ["/v1/reports", "/v1/reports/batch"]
        .into_iter()
        .flat_map(|path| ["GET", "PUT", "BREW"].map(|method| (method, path, "OPTIONS, POST")));
    for (method, path, allow) in rows.chain(writes) {
        let answer = server.send(method, path, &[], b"");
        check(&answer, 405, "method_not_allowed", "", &format!("{method} {path}"));
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn a_path_where_nothing_is_says_so() {
    let server = TestServer::start();
    let rows = [
        ("/v1", ""),
        ("/v1/nothing", ""),
        ("/v1/reports/", ""),
        ("/v2/heatmap?provider=alpha", ""),
        ("/%2e%2e/etc/passwd", ""),
        ("/v1/providers/nobody", "id"),
        ("/v1/heatmap.png?provider=alpha", "path"),
        ("/v1/heatmap.geojson.gz", "path"),
    ];
    for (path, field) in rows {
        check(&server.get(path), 404, "not_found", field, path);
        assert_eq!(server.send("HEAD", path, &[], b"").status, 404, "HEAD {path}");
    }
}

#[test]
fn a_query_with_a_bad_parameter_is_refused_by_its_name() {
    let server = TestServer::start();
    let heatmap = [
        ("", "missing_field", "provider"),
        ("provider=nobody", "unknown_provider", "provider"),
        ("network=alpha", "unknown_provider", "network"),
        ("provider=alpha&network=north", "invalid_value", "network"),
        ("provider=alpha&colour=red", "unknown_parameter", "colour"),
        ("provider=alpha&provider=alpha", "repeated_parameter", "provider"),
        ("provider=alpha&window=5m&window=5m", "repeated_parameter", "window"),
        ("provider=alpha&window=0", "invalid_value", "window"),
        ("provider=alpha&window=0m", "invalid_value", "window"),
        ("provider=alpha&window=48h", "invalid_value", "window"),
        ("provider=alpha&window=x", "invalid_value", "window"),
        ("provider=alpha&window=", "invalid_value", "window"),
        ("provider=alpha&bbox=1,2,3", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,2,3,4,5", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,44,3,43", "invalid_value", "bbox"),
        ("provider=alpha&bbox=-36001,1,3,4", "invalid_value", "bbox"),
        ("provider=alpha&bbox=-20,176,-15,182", "invalid_value", "bbox"),
        ("provider=alpha&bbox=nan,1,3,4", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,1,inf,4", "invalid_value", "bbox"),
        ("provider=alpha&bbox=1,1,3,1e999", "invalid_value", "bbox"),
        ("provider=alpha&bbox=a,b,c,d", "invalid_value", "bbox"),
        ("provider=alpha&resolution=16", "invalid_value", "resolution"),
        ("provider=alpha&resolution=9", "invalid_value", "resolution"),
        ("provider=alpha&resolution=-1", "invalid_value", "resolution"),
        ("provider=alpha&resolution=7.0", "invalid_value", "resolution"),
        ("provider=alpha&zoom=25", "invalid_value", "zoom"),
        ("provider=alpha&zoom=inf", "invalid_value", "zoom"),
        ("provider=alpha&symptom=hunger", "invalid_value", "symptom"),
        ("provider=alpha&to=noon", "invalid_value", "to"),
        ("provider=alpha&to=2022-07-08T08:46:11Z", "in_future", "to"),
        ("provider=alpha&to=9999-12-30T00:00:00Z", "in_future", "to"),
        ("provider=alpha&to=2022-06-24T08:44:10Z", "out_of_retention", "to"),
        ("provider=alpha&to=0001-01-01T00:00:00Z", "out_of_retention", "to"),
    ];
    let series = [
        ("", "missing_field", "provider"),
        ("provider=alpha&window=5m", "unknown_parameter", "window"),
        ("provider=alpha&step=0m", "invalid_value", "step"),
        ("provider=alpha&step=2d", "invalid_value", "step"),
        ("provider=alpha&step=1m&from=2022-07-01T00:00:00Z", "invalid_value", "step"),
        ("provider=alpha&cell=zz", "invalid_value", "cell"),
        ("provider=alpha&cell=882b9bc293fffff&bbox=1,2,3,4", "invalid_value", "bbox"),
        ("provider=alpha&from=2022-07-08T09:00:00Z", "invalid_value", "from"),
        ("provider=alpha&from=yesterday", "invalid_value", "from"),
        ("provider=alpha&to=2023-01-01T00:00:00Z", "in_future", "to"),
        ("provider=alpha&step=1d&from=2022-05-01T00:00:00Z", "out_of_retention", "from"),
        ("provider=alpha&step=1d&from=0001-01-01T00:00:00Z", "out_of_retention", "from"),
    ];
    let providers = [
        ("limit=0", "invalid_value", "limit"),
        ("limit=1001", "invalid_value", "limit"),
        ("limit=ten", "invalid_value", "limit"),
        ("country=ca", "invalid_value", "country"),
        ("category=postal", "invalid_value", "category"),
        ("cursor=7", "invalid_value", "cursor"),
        ("page=2", "unknown_parameter", "page"),
    ];
    let others = [
        ("/v1/providers/alpha?country=US", "unknown_parameter", "country"),
        ("/readyz?for=lunch", "invalid_value", "for"),
        ("/readyz?for=ingest&for=ingest", "repeated_parameter", "for"),
    ];
    let formats =
        ["/v1/heatmap", "/v1/heatmap.geojson", "/v1/heatmap.h3j", "/v1/heatmap.columns.json"];
    let heatmap = heatmap
        .iter()
        .flat_map(|row| formats.map(|path| (format!("{path}?{}", row.0), row.1, row.2)));
    let series = series.iter().map(|row| (format!("/v1/series?{}", row.0), row.1, row.2));
    let providers = providers.iter().map(|row| (format!("/v1/providers?{}", row.0), row.1, row.2));
    let others = others.iter().map(|row| (row.0.to_owned(), row.1, row.2));
    for (path, code, field) in heatmap.chain(series).chain(providers).chain(others) {
        check(&server.get(&path), 400, code, field, &path);
    }
}

#[test]
fn a_sender_with_a_bad_clock_or_parameter_is_told_so() {
    let server = TestServer::start();
    let body = report("r").to_string();
    let rows = [
        ("/v1/reports?sent_at=now", JSON, "invalid_value", "sent_at"),
        ("/v1/reports?results=all", JSON, "unknown_parameter", "results"),
        ("/v1/reports/batch?results=some", JSON, "invalid_value", "results"),
        (
            "/v1/reports/batch?sent_at=2022-07-08T08:44:00Z&sent_at=2022-07-08T08:44:00Z",
            JSON,
            "repeated_parameter",
            "sent_at",
        ),
    ];
    for (path, header, code, field) in rows {
        check(&server.send("POST", path, &[header], body.as_bytes()), 400, code, field, path);
    }
}

#[test]
fn parameters_of_caches_and_campaigns_are_passed_over() {
    let server = TestServer::start();
    assert_eq!(
        server
            .get("/v1/heatmap?provider=alpha&v=3&v=4&key=abc&utm_source=news&utm_source=radio")
            .status,
        200
    );
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

#[test]
fn too_many_cells_are_refused_by_the_finest_resolution_that_fits() {
    let server = TestServer::start();
    // 250 x 201 places, 0.02 degrees (about 2 km) apart: far enough for a cell of
    // resolution 8 each, too near for one of resolution 6 each.
    let places = (0..250_u32).flat_map(|row| {
        (0..201_u32)
            .map(move |column| (1.0 + f64::from(row) * 0.02, 1.0 + f64::from(column) * 0.02))
    });
    let reports: Vec<Value> = places
        .enumerate()
        .map(|(n, (lat, lon))| but(report(&format!("r{n}")), json!({"lat": lat, "lon": lon})))
        .collect();
    for batch in reports.chunks(10_000) {
        assert_eq!(server.batch(&ndjson(batch)).json()["counted"], json!(batch.len()));
    }
    server.next_tick();
    for format in ["", ".geojson", ".h3j", ".columns.json"] {
        let answer = server.get(&format!("/v1/heatmap{format}?provider=alpha&resolution=8"));
        check(&answer, 400, "too_many_cells", "resolution", format);
        let error = answer.json()["errors"][0].clone();
        assert_eq!(error["got"], json!("50250 cells"));
        let fits = error["expected"]
            .as_str()
            .unwrap()
            .strip_prefix("at most ")
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned();
        let fitting = server.read(&format!("/v1/heatmap?provider=alpha&resolution={fits}"));
        assert_eq!(
            (&fitting["total"], fitting["cells"].as_array().unwrap().len() <= 50_000),
            (&json!(50_250), true)
        );
        let finer: u8 = fits.parse::<u8>().unwrap() + 1;
        assert_eq!(
            server.get(&format!("/v1/heatmap?provider=alpha&resolution={finer}")).status,
            400,
            "{fits} is the finest that fits"
        );
    }
    assert_eq!(
        server.get("/v1/heatmap?provider=alpha&resolution=8&bbox=1,1,2,2").status,
        200,
        "a smaller box fits too"
    );
}

#[test]
fn requests_that_are_hardly_http_are_answered_too() {
    let server = TestServer::start();
    let rows: [(&[u8], u16); 2] = [
        (
            b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
            400,
        ),
        (b"GET /%zz%ff?provider=%ff&%00 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    ];
    for (request, status) in rows {
        let answer = server.raw(request);
        assert_eq!(answer.status, status, "{}: {answer}", String::from_utf8_lossy(request));
    }
    cut_off_in_the_middle(&server);
}

/// A body that ends before its announced length is answered as far as anybody can still
/// hear it, and harms nobody else.
fn cut_off_in_the_middle(server: &Client) {
    use std::io::Write;
    let mut stream = server.connect();
    stream
        .write_all(
            b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{\"provider\"",
        )
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    check(&read_answer(&mut stream), 400, "malformed_request", "", "a body cut off");
    assert_eq!(server.get("/healthz").status, 200);
}

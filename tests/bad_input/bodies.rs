//! Bodies that cannot be read: no JSON, too long, too deep, broken in their encoding, of
//! another media type.

use super::{JSON, NDJSON, check};
use crate::support::client::{Client, read_answer};
use crate::support::server::TestServer;
use crate::support::{but, gzip, report};
use serde_json::json;

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
        ("/v1/reports", ("Content-Type", "multipart/form-data; boundary=x"), "Content-Type"),
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

//! Bytes that are not HTTP, or stop before a request is whole.

use crate::support::client::Client;
use crate::support::server::TestServer;
use serde_json::{Value, json};
use std::io::{Read, Write};

/// Sends bytes on a connection of their own and reads all that comes until the server
/// closes, which must be no reset.
fn whole_of(server: &Client, sent: &[u8]) -> String {
    let mut stream = server.connect();
    stream.write_all(sent).unwrap();
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .unwrap_or_else(|error| panic!("{error} after {}", String::from_utf8_lossy(&bytes)));
    String::from_utf8(bytes).unwrap()
}

/// Checks that the last answer of a connection is a problem of that status and code.
#[track_caller]
fn check_parting(answers: &str, status: &str, code: &str, sent: &[u8]) {
    let sent = String::from_utf8_lossy(&sent[..sent.len().min(80)]).into_owned();
    let last = &answers[answers
        .rfind("HTTP/1.1 ")
        .unwrap_or_else(|| panic!("{sent:?} was not answered: {answers:?}"))..];
    let (head, body) = last.split_once("\r\n\r\n").unwrap();
    let problem: Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{sent:?}: {error}: {last}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{sent:?}: {head}");
    assert_eq!(
        (problem["code"].as_str(), problem["status"].to_string()),
        (Some(code), status.to_owned()),
        "{sent:?}"
    );
    let length = format!("content-length: {}", body.len());
    for line in [
        "content-type: application/problem+json",
        "connection: close",
        "access-control-allow-origin: *",
        "cache-control: no-store",
        &length,
    ] {
        assert!(head.split("\r\n").any(|there| there == line), "{sent:?} lacks {line}: {head}");
    }
    for name in ["x-request-id: ", "date: ", "x-content-type-options: nosniff"] {
        assert_eq!(head.matches(name).count(), 1, "{sent:?} {name}: {head}");
    }
}

#[test]
fn what_is_no_http_is_answered_by_a_problem() {
    let server = TestServer::start();
    let rows: [&[u8]; 17] = [
        b"NONSENSE\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nUser Agent: x\r\n\r\n",
        b"GET /health\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HEAD /healthz HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v1/heatmap HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n",
        b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: \
             6\r\n\r\n12345",
        b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: \
             chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nNONSENSE\r\n\r\n",
    ];
    for sent in rows {
        check_parting(&whole_of(&server, sent), "400", "malformed_request", sent);
    }
    assert_eq!(server.get("/healthz").status, 200, "nobody else is harmed");
}

#[test]
fn answers_before_nonsense_come_first_and_whole() {
    let server = TestServer::start();
    let sent = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: \
         a\r\n\r\nNONSENSE\r\n\r\n";
    let answers = whole_of(&server, sent);
    check_parting(&answers, "400", "malformed_request", sent);
    assert_eq!(
        (answers.matches("HTTP/1.1 200 OK").count(), answers.matches("HTTP/1.1 400").count()),
        (2, 1)
    );
    assert!(answers.contains("{\"status\":\"ok\"}HTTP/1.1 200 OK"), "one follows the other");
    let metrics = server.get("/metrics");
    assert!(
        metrics.text().contains("groundswell_requests_total{route=\"unknown\",status=\"400\"} 1\n"),
        "it is counted once: {}",
        metrics.text()
    );
}

#[test]
fn a_head_over_its_limit_is_answered_however_much_more_is_sent() {
    let server = TestServer::start();
    let many = "X-Y: z\r\n".repeat(200);
    let rows = [
        format!("GET /v1/heatmap?provider={} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(300_000)),
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n\r\n", "a".repeat(3_000_000)),
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
    ];
    for sent in rows {
        check_parting(
            &whole_of(&server, sent.as_bytes()),
            "431",
            "headers_too_large",
            sent.as_bytes(),
        );
    }
}

#[test]
fn a_head_that_does_not_arrive_is_answered_and_may_come_again() {
    let server = TestServer::start();
    let answers = whole_of(&server, b"GET /healthz HT");
    check_parting(&answers, "408", "request_timeout", b"GET /healthz HT");
    assert!(
        answers.contains("\"retryable\":true") && answers.contains("retry-after: "),
        "{answers}"
    );
}

#[test]
fn a_chunk_that_cannot_be_read_is_answered_by_a_problem() {
    let server = TestServer::start();
    for chunk in ["zz\r\n", "-1\r\n", "5\r\n{\"a\"", "ffffffffffffffffff\r\n"] {
        let sent = format!(
            "POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Type: \
             application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
        );
        let mut stream = server.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = crate::support::client::read_answer(&mut stream);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (400, Some("application/problem+json")),
            "{chunk:?}: {answer}"
        );
        assert_eq!(answer.json()["code"], json!("malformed_request"), "{chunk:?}: {answer}");
    }
}

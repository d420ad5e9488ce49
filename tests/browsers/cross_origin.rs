//! Pages and hybrid apps that call from another origin: preflights, readable answers,
//! beacons.

use super::{APP, JSON, READS, started};
use crate::support::client::{Answer, Client};
use crate::support::server::TestServer;
use crate::support::{ndjson, report};
use serde_json::{Value, json};

/// Asks as a browser does before it lets a page of another origin call.
fn preflight(server: &Client, path: &str, method: &str, headers: &str) -> Answer {
    let asked = [
        ("Origin", APP),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", headers),
    ];
    server.send("OPTIONS", path, &asked, b"")
}

/// Whether a browser lets a page of that origin read the answer to a call with
/// credentials.
fn is_readable(answer: &Answer, origin: &str, with_credentials: bool) -> bool {
    let (allowed, credentials) = (
        answer.header("access-control-allow-origin"),
        answer.header("access-control-allow-credentials"),
    );
    if with_credentials {
        allowed == Some(origin) && credentials == Some("true")
    } else {
        [Some("*"), Some(origin)].contains(&allowed)
    }
}

#[test]
fn a_hybrid_app_may_report_from_its_own_origin() {
    let server = TestServer::start();
    for path in ["/v1/reports", "/v1/reports/batch"] {
        for headers in ["content-type", "content-type,sent-at,authorization,x-app-version"] {
            let answer = preflight(&server, path, "POST", headers);
            assert_eq!(answer.status, 204, "{path}: {answer}");
            assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
            assert_eq!(
                answer.header("access-control-allow-headers"),
                Some(headers),
                "`*` would leave out Authorization"
            );
            assert_eq!(answer.header("access-control-max-age"), Some("86400"));
            assert!(
                is_readable(&answer, APP, true) && answer.header("vary").is_some(),
                "sendBeacon sends credentials"
            );
        }
        let plain = server.send("OPTIONS", path, &[], b"");
        assert_eq!((plain.status, plain.header("allow")), (204, Some("OPTIONS, POST")), "{path}");
        let private = [
            ("Origin", APP),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Private-Network", "true"),
        ];
        assert_eq!(
            server
                .send("OPTIONS", path, &private, b"")
                .header("access-control-allow-private-network"),
            Some("true")
        );
        let lacking = preflight(&server, path, "DELETE", "content-type");
        assert_eq!(
            (lacking.status, lacking.header("allow")),
            (405, Some("OPTIONS, POST")),
            "{path}: {lacking}"
        );
        assert!(lacking.json()["detail"].as_str().unwrap().contains("DELETE"), "{lacking}");
    }
    let sent = server.send(
        "POST",
        "/v1/reports",
        &[JSON, ("Origin", APP)],
        report("r").to_string().as_bytes(),
    );
    assert!(sent.status == 202 && is_readable(&sent, APP, true), "{sent}");
    let without = server.report(&report("s"));
    assert!(
        without.status == 202 && without.header("access-control-allow-origin") == Some("*"),
        "{without}"
    );
}

#[test]
fn a_page_can_read_why_its_report_was_refused() {
    let server = TestServer::start();
    let large = vec![b' '; (64 << 10) + 1];
    let rows: [(&str, &str, (&str, &str), &[u8], u16); 9] = [
        ("POST", "/v1/reports", JSON, b"no JSON", 400),
        ("POST", "/v1/reports?colour=red", JSON, b"{}", 400),
        ("POST", "/v1/reports", JSON, &large, 413),
        ("POST", "/v1/reports", ("Content-Type", "text/csv"), b"{}", 415),
        ("POST", "/v1/reports/batch", ("Content-Encoding", "br"), b"{}", 415),
        ("POST", "/v1/reports/", JSON, b"{}", 404),
        ("PUT", "/v1/reports", JSON, b"{}", 405),
        ("POST", "/v1/heatmap", JSON, b"{}", 405),
        ("POST", "/v1/nothing", JSON, b"{}", 404),
    ];
    for (method, path, header, body, status) in rows {
        for origin in [APP, "https://app.example", "null"] {
            let answer = server.send(method, path, &[header, ("Origin", origin)], body);
            assert_eq!(answer.status, status, "{method} {path}: {answer}");
            assert!(is_readable(&answer, origin, false), "{method} {path}: {answer}");
            assert!(
                answer
                    .header("access-control-expose-headers")
                    .is_some_and(|names| names.contains("Retry-After")),
                "{method} {path}"
            );
        }
    }
    server.engine.stop();
    let answer = server.send(
        "POST",
        "/v1/reports",
        &[JSON, ("Origin", APP)],
        report("r").to_string().as_bytes(),
    );
    assert!(
        answer.status == 503
            && answer.header("retry-after").is_some()
            && is_readable(&answer, APP, true),
        "{answer}"
    );
}

#[test]
fn a_page_may_read_with_headers_of_its_own() {
    let server = started();
    for path in READS {
        for method in ["GET", "HEAD"] {
            let answer =
                preflight(&server, path, method, "x-requested-with, authorization, cache-control");
            assert_eq!(
                (answer.status, answer.header("access-control-allow-methods")),
                (204, Some("GET, HEAD")),
                "{path}: {answer}"
            );
            assert_eq!(
                answer.header("access-control-allow-headers"),
                Some("x-requested-with, authorization, cache-control"),
                "{path}"
            );
            assert!(is_readable(&answer, APP, false), "{path}");
        }
        let lacking = preflight(&server, path, "PATCH", "content-type");
        assert!(
            lacking.status == 405
                && lacking
                    .header("allow")
                    .is_some_and(|allow| allow.starts_with("GET, HEAD, OPTIONS")),
            "{path}"
        );
        assert!(lacking.header("access-control-allow-headers").is_none(), "{path}");
    }
    // Many a wrapper round fetch says that even of a GET.
    let json = preflight(&server, "/v1/heatmap?provider=alpha", "GET", "content-type");
    assert_eq!(json.header("access-control-allow-headers"), Some("content-type"));
}

#[test]
fn a_beacon_is_taken_for_what_it_holds() {
    let server = TestServer::start();
    let beacon = Some("text/plain;charset=UTF-8");
    let types = [
        beacon,
        Some("text/plain"),
        None,
        Some(""),
        Some("application/octet-stream"),
        Some("application/vnd.api+json"),
        Some("text/json"),
    ];
    for (n, media_type) in types.into_iter().enumerate() {
        let answer = posted(
            &server,
            "/v1/reports",
            media_type,
            report(&format!("one{n}")).to_string().as_bytes(),
        );
        assert_eq!(
            (answer.status, &answer.json()["outcome"]),
            (202, &json!("counted")),
            "{media_type:?}: {answer}"
        );
    }
    for (n, media_type) in [beacon, None, Some("application/octet-stream")].into_iter().enumerate()
    {
        let reports: Vec<Value> = (0..3).map(|m| report(&format!("batch{n}-{m}"))).collect();
        let lists = [
            json!(reports).to_string().into_bytes(),
            format!("\n {}", json!(reports)).into_bytes(),
        ];
        let bodies = [
            lists[0].clone(),
            lists[1].clone(),
            ndjson(&reports),
            reports[0].to_string().into_bytes(),
        ];
        let counts = [(3, 0), (0, 3), (0, 3), (0, 1)];
        for (body, (counted, duplicate)) in bodies.iter().zip(counts) {
            let answer = posted(&server, "/v1/reports/batch", media_type, body);
            let told = answer.json();
            assert_eq!(
                (&told["counted"], &told["duplicate"], &told["rejected"]),
                (&json!(counted), &json!(duplicate), &json!(0)),
                "{answer}"
            );
        }
    }
    for body in [&b"no JSON"[..], b"", b"a=b&c=d"] {
        assert_eq!(
            posted(&server, "/v1/reports", beacon, body).json()["code"],
            json!("malformed_json")
        );
    }
}

/// A POST with that media type, or without any.
fn posted(server: &Client, path: &str, media_type: Option<&str>, body: &[u8]) -> Answer {
    let media_type =
        media_type.map(|media_type| format!("Content-Type: {media_type}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nOrigin: {APP}\r\n{media_type}Content-Length: \
         {}\r\n\r\n",
        body.len()
    );
    server.raw(&[head.as_bytes(), body].concat())
}

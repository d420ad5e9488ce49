//! What browsers, hybrid apps, monitors, proxies and map libraries send beyond what a
//! client of the API would, over a real socket.

use crate::support::client::{Answer, Client};
use crate::support::server::TestServer;
use crate::support::{TORONTO, but, ndjson, report};
use serde_json::{Value, json};
use std::io::{Read, Write};

const APP: &str = "capacitor://localhost";
const JSON: (&str, &str) = ("Content-Type", "application/json");
/// Paths that are read.
const READS: [&str; 17] = [
    "/",
    "/docs/",
    "/docs/index.html",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/v1/heatmap?provider=alpha",
    "/v1/heatmap.geojson?provider=alpha",
    "/v1/heatmap.h3j?provider=alpha",
    "/v1/heatmap.columns.json?provider=alpha",
    "/v1/series?provider=alpha",
    "/v1/incidents",
    "/v1/incidents.geojson",
    "/v1/spikes",
    "/v1/providers",
    "/v1/voids",
];

fn started() -> TestServer {
    let server = TestServer::start();
    server.catch_up();
    server
}

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

#[test]
fn what_trackers_and_monitors_add_changes_no_answer() {
    let server = started();
    let added = "fbclid=a&gclid=b&utm_source=c&mc_cid=d&cachebuster=e&_=1&_=2&v=3&key=4&msclkid=5";
    for path in READS {
        let joint = if path.contains('?') { '&' } else { '?' };
        assert_eq!(server.get(path).status, 200, "{path}");
        assert_eq!(server.get(&format!("{path}{joint}{added}")).status, 200, "{path}");
        let unknown = server.get(&format!("{path}{joint}colour=red"));
        assert_eq!(
            unknown.status,
            if path.starts_with("/v1/") { 400 } else { 200 },
            "{path}: {unknown}"
        );
    }
    assert_eq!(server.get("/docs?fbclid=a").header("location"), Some("/docs/"));
    assert_eq!(server.get("/readyz?for=ingest&deep=1&deep=2").status, 200);
    assert_eq!(server.get("/?%ff=%00&=&&").status, 200);
    let sent = server.send(
        "POST",
        &format!("/v1/reports?{added}"),
        &[JSON],
        report("r").to_string().as_bytes(),
    );
    assert_eq!(sent.status, 202, "{sent}");
}

#[test]
fn whatever_is_read_has_a_head_and_names_its_methods() {
    let server = started();
    for path in READS.into_iter().chain(["/docs"]) {
        let (whole, head) = (server.get(path), server.send("HEAD", path, &[], b""));
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
        for name in ["content-type", "etag", "cache-control", "location"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
        let refused = server.send("DELETE", path, &[], b"");
        assert_eq!(
            (refused.status, refused.header("content-type")),
            (405, Some("application/problem+json")),
            "{path}: {refused}"
        );
        assert!(
            refused.header("allow").is_some_and(|allow| allow.starts_with("GET, HEAD, OPTIONS")),
            "{path}"
        );
        // There are no parts: the whole is the answer that RFC 9110 allows.
        let part = server.send("GET", path, &[("Range", "bytes=0-1"), ("If-Range", "\"x\"")], b"");
        assert_eq!((part.status, part.header("content-range")), (whole.status, None), "{path}");
    }
    for path in ["//", "/healthz/", "/docs/nothing.js", "//healthz"] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (404, Some("application/problem+json")),
            "{path}: {answer}"
        );
    }
}

#[test]
fn a_tag_is_known_again_after_proxies_and_on_any_line() {
    let server = started();
    assert_eq!(server.report(&report("r")).status, 202);
    server.next_tick();
    for path in [
        "/v1/heatmap?provider=alpha",
        "/v1/heatmap.geojson?provider=alpha",
        "/v1/series?provider=alpha",
        "/v1/incidents",
        "/v1/providers",
    ] {
        let tag = server.get(path).header("etag").unwrap().to_owned();
        let strong = tag.trim_start_matches("W/").to_owned();
        let by_apache = format!("{}-gzip\"", strong.trim_end_matches('"'));
        let by_jetty = format!("W/{}--gzip\"", strong.trim_end_matches('"'));
        let known: [&[&str]; 8] = [
            &[&tag],
            &[&strong],
            &[&by_apache],
            &[&by_jetty],
            &["*"],
            &["\"other\"", &tag],
            &["\"other\"", "\"another\", \"third\"", &by_apache],
            &[&format!("\"other\", {tag}")],
        ];
        for lines in known {
            let headers: Vec<_> = lines.iter().map(|line| ("If-None-Match", *line)).collect();
            let answer = server.send("GET", path, &headers, b"");
            assert_eq!(
                (answer.status, answer.header("etag"), answer.body.len()),
                (304, Some(&*tag), 0),
                "{path} {lines:?}"
            );
            assert_eq!(
                server.send("HEAD", path, &headers, b"").status,
                304,
                "HEAD {path} {lines:?}"
            );
        }
        let unknown: [&[(&str, &str)]; 4] = [
            &[("If-None-Match", "\"other\"")],
            &[("If-None-Match", "\"other-gzip\""), ("If-None-Match", "W/\"another\"")],
            &[("If-Modified-Since", "Fri, 08 Jul 2099 08:44:00 GMT")],
            &[
                ("If-None-Match", "\"other\""),
                ("If-Modified-Since", "Fri, 08 Jul 2099 08:44:00 GMT"),
            ],
        ];
        for headers in unknown {
            assert_eq!(server.send("GET", path, headers, b"").status, 200, "{path} {headers:?}");
        }
    }
}

#[test]
fn a_box_of_a_web_map_holds_what_the_map_shows() {
    let server = TestServer::start();
    let places = [(-17.0, 179.0), (-17.0, -179.0), (-17.0, 0.0), TORONTO];
    for (n, (lat, lon)) in places.into_iter().enumerate() {
        assert_eq!(
            server.report(&but(report(&format!("r{n}")), json!({"lat": lat, "lon": lon}))).status,
            202
        );
    }
    server.next_tick();
    let rows = [
        ("176,-20,182,-15", 2),
        ("176,-20,-178,-15", 2),
        ("-184,-20,-178,-15", 2),
        ("536,-20,542,-15", 2),
        ("176,-20,180,-15", 1),
        ("180,-20,182,-15", 1),
        ("-190,-20,-170,-15", 2),
        ("-1,-20,1,-15", 1),
        ("359,-20,361,-15", 1),
        ("359,-20,1,-15", 1),
        ("280,43,281,44", 1),
        ("-180,-90,180,90", 4),
        ("0,-90,360,90", 4),
        ("-540,-120,540,120", 4),
        ("10,-90,170,90", 0),
    ];
    for (bbox, total) in rows {
        for path in ["/v1/heatmap", "/v1/heatmap.columns.json"] {
            assert_eq!(
                server.read(&format!("{path}?provider=alpha&bbox={bbox}"))["total"],
                json!(total),
                "{path} {bbox}"
            );
        }
        let series = server.read(&format!("/v1/series?provider=alpha&bbox={bbox}"));
        let counts =
            series["points"].as_array().unwrap().iter().filter_map(|point| point["count"].as_u64());
        assert_eq!(counts.sum::<u64>(), total, "{bbox}");
    }
}

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

#[test]
fn metrics_name_each_family_once_and_come_as_the_scraper_prefers() {
    let server = TestServer::start();
    assert_eq!(server.report(&report("r")).status, 202);
    assert_eq!(server.get("/v1/heatmap?provider=alpha").status, 200);
    assert_eq!(server.get("/nothing").status, 404);
    let open = server.get("/metrics");
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.text().ends_with("# EOF\n"));
    let old = server.send(
        "GET",
        "/metrics",
        &[("Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")],
        b"",
    );
    assert_eq!(old.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(
        old.text().contains("# TYPE groundswell_reports_total counter\n")
            && !old.text().contains("# EOF")
            && !old.text().contains("# UNIT")
    );
    for text in [open.text(), old.text()] {
        let described: Vec<&str> =
            text.lines().filter(|line| line.starts_with("# ") && *line != "# EOF").collect();
        let mut names: Vec<(&str, &str)> = described
            .iter()
            .map(|line| line[2..].split_once(' ').unwrap())
            .map(|(kind, rest)| (kind, rest.split(' ').next().unwrap()))
            .collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "a family is described more than once: {text}");
        assert!(
            names.iter().any(|(_, name)| *name == "groundswell_request_duration_seconds"),
            "{text}"
        );
    }
}

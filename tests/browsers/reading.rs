//! Requests of trackers, monitors, proxies, map libraries and scrapers that read.

use super::{JSON, READS, started};
use crate::support::server::TestServer;
use crate::support::{TORONTO, but, report};
use serde_json::json;

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

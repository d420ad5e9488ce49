//! Who is let in: keys that are good, and what is said of those that are not.

use super::{Keyed, by_keys, get, in_days, invented, mistyped, refused, report, with_key};
use crate::support;
use crate::support::client::Answer;
use crate::support::server::TestServer;
use actix_web::http::header::HeaderName;
use groundswell::http::client_address::Proxies;
use groundswell::http::policy::{Anonymous, Policy};
use serde_json::json;

#[test]
fn a_key_that_is_not_good_is_refused_with_the_reason() {
    let server = Keyed::start(by_keys(Anonymous::All));
    let source = server.source("app");
    let (revoked_id, revoked) =
        server.key(&json!({"name": "a", "source": source, "scopes": ["report"]}));
    server.must("DELETE", &format!("/v1/keys/{revoked_id}"), &json!({}));
    let (_, expired) = server.key(&json!({"name": "b", "source": source, "scopes": ["report"],
        "expires_at": in_days(1)}));
    assert_eq!(report(&server, &expired, &support::report("r")).status, 202);
    server.advance_minutes(24 * 60);
    let good = server.key_of(source, &["report"]);
    let wrong_secret = format!("{}{}", &good[..13], &invented()[13..]);
    let rows = [
        (revoked.as_str(), "revoked"),
        (&expired, "expired"),
        (&invented(), "unknown"),
        (&mistyped(&good), "not a key"),
        (&wrong_secret, "not a key"),
        (&good[..50], "not a key"),
        ("gsk_", "not a key"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x", "not a key"),
        ("", "not a key"),
    ];
    for (key, reason) in rows {
        for answer in [
            report(&server, key, &support::report("r")),
            get(&server, key, "/v1/providers"),
            with_key(&server, key, "POST", "/v1/voids", &[super::JSON], b"{}"),
        ] {
            let detail = refused(&answer, 401, "unauthenticated");
            assert!(detail.starts_with(reason), "{key}: {detail}");
        }
    }
    assert_eq!(report(&server, &good, &support::report("r")).status, 202);
    let counted = get(&server, &server.admin, "/metrics");
    for reason in ["revoked", "expired", "unknown", "not_a_key"] {
        let line = format!("groundswell_denied_total{{reason=\"{reason}\"}} ");
        assert!(counted.text().contains(&line), "{line}: {}", counted.text());
    }
}

#[test]
fn a_key_stands_in_one_header_whatever_its_case_and_beside_what_proxies_ask_for() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let key = server.key(&json!({"name": "a", "scopes": ["read"]})).1;
    let sent = |lines: &[String]| -> Answer {
        let lines = lines.join("\r\n");
        server.raw(format!("GET /v1/providers HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n").as_bytes())
    };
    let good = [
        format!("Authorization: Bearer {key}"),
        format!("authorization: bearer {key}"),
        format!("AUTHORIZATION: BEARER   {key}  "),
    ];
    for line in good {
        assert_eq!(sent(std::slice::from_ref(&line)).status, 200, "{line}");
    }
    let one = format!("Authorization: Bearer {key}");
    for second in [one.clone(), "Authorization: Basic YTpi".to_owned()] {
        let detail = refused(&sent(&[one.clone(), second]), 400, "malformed_request");
        assert!(detail.contains("authorization"), "{detail}");
    }
    // A key without its scheme is refused, never taken for nobody's.
    for line in [format!("Authorization: {key}"), format!("Authorization: Key {key}")] {
        let detail = refused(&sent(&[line]), 401, "unauthenticated");
        assert!(detail.starts_with("not a key") && detail.contains("Bearer"), "{detail}");
    }
    // In the address it may be written by the numbers of its characters, and stands alone.
    let encoded = key.replace('_', "%5F");
    for path in ["/v1/providers?key=", "/v1/providers?k%65y="] {
        assert_eq!(server.get(&format!("{path}{encoded}")).status, 200, "{path}");
        refused(&server.get(&format!("{path}{encoded}0")), 401, "unauthenticated");
        let both = get(&server, &key, &format!("{path}{encoded}"));
        refused(&both, 400, "repeated_parameter");
    }
    // A proxy's own is passed over: then there is no key.
    let detail = refused(&sent(&["Authorization: Basic YTpi".into()]), 401, "unauthenticated");
    assert!(detail.starts_with("a key is needed") && detail.contains("read"), "{detail}");
}

#[test]
fn a_key_without_the_scope_is_told_which_one_it_lacks() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let key = |scopes: &[&str]| server.key_of(source, scopes);
    let calls = |key: &str| {
        [
            report(&server, key, &support::report("r")).status,
            get(&server, key, "/v1/providers").status,
            get(&server, key, "/v1/keys").status,
            get(&server, key, "/metrics").status,
        ]
    };
    let rows: [(&[&str], [u16; 4]); 5] = [
        (&["report"], [202, 403, 403, 403]),
        (&["read"], [403, 200, 403, 403]),
        (&["exact"], [403, 200, 403, 403]),
        (&["report", "read"], [202, 200, 403, 403]),
        (&["admin"], [202, 200, 200, 200]),
    ];
    for (scopes, expected) in rows {
        assert_eq!(calls(&key(scopes)), expected, "{scopes:?}");
    }
    let answer = get(&server, &key(&["report"]), "/v1/providers");
    let detail = refused(&answer, 403, "forbidden");
    assert!(detail.contains("scope read") && detail.contains("has report"), "{detail}");
    let answer = report(&server, &key(&["exact"]), &support::report("r"));
    let detail = refused(&answer, 403, "forbidden");
    assert!(detail.contains("scope report") && detail.contains("has exact"), "{detail}");
}

#[test]
fn without_a_key_everybody_may_what_the_operator_decided() {
    let rows = [
        (Anonymous::Nothing, [401, 401]),
        (Anonymous::Read, [401, 200]),
        (Anonymous::Report, [202, 200]),
        (Anonymous::All, [202, 200]),
    ];
    for (anonymous, expected) in rows {
        let server = TestServer::start_by(by_keys(anonymous));
        let statuses =
            [server.report(&support::report("r")).status, server.get("/v1/providers").status];
        assert_eq!(statuses, expected, "{anonymous:?}");
        for path in ["/v1/keys", "/v1/sources", "/v1/audit", "/metrics"] {
            let detail = refused(&server.get(path), 401, "unauthenticated");
            assert!(detail.contains("scope admin"), "{path}: {detail}");
        }
        for path in ["/", "/healthz", "/readyz", "/openapi.json", "/docs/"] {
            assert_eq!(server.get(path).status, 200, "{path}");
        }
        assert_eq!(server.get("/v1/nothing").status, 404);
    }
}

#[test]
fn an_open_server_takes_keys_as_well_and_is_run_by_them_from_anywhere() {
    let server = Keyed::of(TestServer::start_by_on(Policy::default(), "0.0.0.0:0"));
    refused(&server.get("/v1/keys"), 403, "forbidden");
    let source = server.source("app");
    let key = server.key_of(source, &["read"]);
    assert_eq!(report(&server, &key, &support::report("r")).status, 202, "as everybody may");
    refused(&get(&server, &key, "/v1/keys"), 403, "forbidden");
    refused(&get(&server, &mistyped(&key), "/v1/providers"), 401, "unauthenticated");
    assert_eq!(server.get("/metrics").status, 200);
    let near = TestServer::start();
    assert_eq!(near.get("/v1/keys").status, 200, "from the machine itself");
    let forwarded = near.send("GET", "/v1/keys", &[("X-Forwarded-For", "203.0.113.9")], b"");
    refused(&forwarded, 403, "forbidden");
    // A proxy on this machine passes on what everybody asks, whatever its header is called.
    let header: HeaderName = "cf-connecting-ip".parse().unwrap();
    let named = Proxies { trusted: Vec::new(), header };
    let near = TestServer::start_by(Policy { proxies: named, ..Policy::default() });
    assert_eq!(near.get("/v1/keys").status, 200);
    let passed_on = near.send("GET", "/v1/keys", &[("CF-Connecting-IP", "203.0.113.9")], b"");
    refused(&passed_on, 403, "forbidden");
    let trusted = Proxies { trusted: vec!["127.0.0.1".parse().unwrap()], ..Proxies::default() };
    let server = TestServer::start_by(Policy { proxies: trusted, ..Policy::default() });
    refused(&server.get("/v1/keys"), 403, "forbidden");
}

#[test]
fn a_refused_use_is_no_use() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let (id, key) = server.key(&json!({"name": "a", "scopes": ["read"]}));
    let last_used = || {
        server.step_access();
        let listed = server.must("GET", "/v1/keys", &json!({}));
        let items = listed["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["id"] == json!(id)).unwrap()["last_used"].clone()
    };
    refused(&report(&server, &key, &support::report("r")), 403, "forbidden");
    let page = [("Origin", "https://a.example")];
    refused(&with_key(&server, &key, "GET", "/v1/providers", &page, b""), 403, "forbidden");
    assert_eq!(last_used(), json!(null));
    assert_eq!(get(&server, &key, "/v1/providers").status, 200);
    assert_ne!(last_used(), json!(null));
}

#[test]
fn only_keys_that_do_little_stand_in_an_address() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let key = |scopes: &[&str]| server.key_of(source, scopes);
    let in_address = |key: &str| server.get(&format!("/v1/providers?limit=1&key={key}"));
    let read = key(&["read"]);
    assert_eq!(in_address(&read).status, 200);
    for scopes in [&["report"][..], &["read", "report"], &["exact"], &["admin"]] {
        let detail = refused(&in_address(&key(scopes)), 403, "forbidden");
        assert!(detail.contains("Authorization: Bearer"), "{detail}");
    }
    assert!(refused(&in_address(&invented()), 401, "unauthenticated").starts_with("unknown"));
    let mistyped = mistyped(&read);
    assert!(refused(&in_address(&mistyped), 401, "unauthenticated").starts_with("not a key"));
    let twice = server.get(&format!("/v1/providers?key={read}&key={read}"));
    refused(&twice, 400, "repeated_parameter");
    // What is no key is what monitors add. A key in the header stands there alone.
    refused(&server.get("/v1/providers?key=4"), 401, "unauthenticated");
    let path = format!("/v1/providers?key={mistyped}");
    refused(&get(&server, &read, &path), 400, "repeated_parameter");
}

#[test]
fn a_key_of_pages_works_on_those_pages_and_another_on_none() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let pages = json!(["https://app.example", "capacitor://localhost", "null"]);
    let (_, of_pages) = server.key(&json!({"name": "pages", "source": source,
        "scopes": ["report", "read"], "origins": pages}));
    let of_none = server.key_of(source, &["report", "read"]);
    let body = support::report("r").to_string();
    let sent = |key: &str, origin: Option<&str>| {
        let origin = origin.map(|origin| ("Origin", origin));
        let headers: Vec<_> = [Some(super::JSON), origin].into_iter().flatten().collect();
        with_key(&server, key, "POST", "/v1/reports", &headers, body.as_bytes())
    };
    let read = |key: &str, origin: Option<&str>| {
        let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
        with_key(&server, key, "GET", "/v1/providers", &headers, b"")
    };
    for origin in ["https://app.example", "capacitor://localhost", "null"] {
        assert_eq!(sent(&of_pages, Some(origin)).status, 202, "{origin}");
        assert_eq!(read(&of_pages, Some(origin)).status, 200, "{origin}");
        refused(&sent(&of_none, Some(origin)), 403, "forbidden");
        refused(&read(&of_none, Some(origin)), 403, "forbidden");
    }
    let others = [
        "https://app.example.evil",
        "https://APP.example",
        "http://app.example",
        "https://app.example:8443",
        "ionic://localhost",
        "",
    ];
    for origin in others {
        let answer = sent(&of_pages, Some(origin));
        let detail = refused(&answer, 403, "forbidden");
        assert!(detail.contains("not for pages of"), "{detail}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "it is readable");
    }
    refused(&sent(&of_pages, None), 403, "forbidden");
    assert_eq!(read(&of_pages, None).status, 200, "an image has no origin");
    assert_eq!([sent(&of_none, None).status, read(&of_none, None).status], [202, 200]);
    // A beacon sets no header.
    let beacon = server.send(
        "POST",
        &format!("/v1/reports?key={of_pages}"),
        &[("Origin", "https://app.example"), ("Content-Type", "text/plain;charset=UTF-8")],
        support::report("beacon").to_string().as_bytes(),
    );
    assert_eq!(beacon.status, 202, "{beacon}");
}

#[test]
fn preflights_need_no_key_and_no_page_of_another_origin_runs_the_server() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let asked = |path: &str, method: &str| {
        let headers = [
            ("Origin", "https://app.example"),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "authorization,content-type"),
        ];
        server.send("OPTIONS", path, &headers, b"")
    };
    for (path, method) in [("/v1/reports", "POST"), ("/v1/providers", "GET")] {
        let answer = asked(path, method);
        assert_eq!(answer.status, 204, "{path}: {answer}");
        let granted = answer.header("access-control-allow-headers").unwrap();
        assert!(granted.contains("authorization"), "{granted}");
    }
    let of_operators = [
        ("/v1/keys", "GET"),
        ("/v1/keys", "POST"),
        ("/v1/keys/AAAAAAAA", "DELETE"),
        ("/v1/keys/AAAAAAAA/rotate", "POST"),
        ("/v1/sources", "POST"),
        ("/v1/sources/1", "PATCH"),
        ("/v1/audit", "GET"),
        ("/v1/privacy", "PUT"),
        ("/v1/voids", "POST"),
    ];
    for (path, method) in of_operators {
        let answer = asked(path, method);
        assert!(matches!(answer.status, 403 | 405), "{method} {path}: {answer}");
        let granted = answer.header("access-control-allow-headers");
        assert_eq!(granted, None, "{method} {path}");
    }
    let read = with_key(
        &server,
        &server.admin,
        "GET",
        "/v1/keys",
        &[("Origin", "https://app.example")],
        b"",
    );
    assert_eq!((read.status, read.header("access-control-allow-origin")), (403, None), "{read}");
}

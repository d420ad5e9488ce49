//! Notes and voids: who may send them, and in which shape.

use super::{detail, ids, outage_in, start};
use crate::support::TORONTO;
use crate::support::client::Client;
use crate::support::server::TestServer;
use serde_json::{Value, json};

/// A note and a void that would be taken, at their paths.
fn words(incident: &str) -> [(String, Value); 2] {
    let (from, to) = ("2022-07-08T08:00:00Z", "2022-07-08T08:30:00Z");
    let void = json!({"source": 5, "from": from, "to": to, "reason": "why"});
    [
        (format!("/v1/incidents/{incident}/notes"), json!({"source": "a", "text": "b"})),
        ("/v1/voids".into(), void),
    ]
}

#[test]
fn a_word_is_taken_only_from_this_machine_itself() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    let id = ids(&server, "/v1/incidents").remove(0);
    for (path, body) in words(&id) {
        let sent = |headers: &[(&str, &str)]| {
            let mut lines = vec![format!("POST {path} HTTP/1.1")];
            lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
            lines.push(format!("Content-Length: {}\r\n\r\n{body}", body.to_string().len()));
            let answer = server.raw(lines.join("\r\n").as_bytes());
            (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
        };
        let json = ("Content-Type", "application/json");
        let taken = (if path == "/v1/voids" { 202 } else { 201 }, String::new());
        for (host, origin) in [
            ("127.0.0.1:8080", None),
            ("localhost", None),
            ("[::1]:80", None),
            ("localhost:8080", Some("http://localhost:8080")),
        ] {
            let headers =
                [Some(("Host", host)), Some(json), origin.map(|origin| ("Origin", origin))];
            assert_eq!(
                sent(&headers.into_iter().flatten().collect::<Vec<_>>()),
                taken,
                "{path} {host} {origin:?}"
            );
        }
        let forbidden = (403, "forbidden".to_owned());
        let others: [&[(&str, &str)]; 7] = [
            // A name that its owner let lead here, which a browser then takes for the
            // page's own.
            &[("Host", "evil.example")],
            &[("Host", "127.0.0.1.evil.example:8080")],
            &[("Host", "localhost"), ("Origin", "https://evil.example")],
            &[("Host", "localhost"), ("Origin", "null")],
            &[("Host", "localhost"), ("Origin", "http://localhost:3000")],
            &[("Host", "localhost"), ("Forwarded", "for=203.0.113.9")],
            &[("Host", "localhost"), ("X-Real-IP", "203.0.113.9")],
        ];
        for headers in others {
            assert_eq!(sent(&[headers, &[json]].concat()), forbidden, "{path} {headers:?}");
        }
        assert_eq!(
            sent(&[("Host", "localhost")]),
            (415, "unsupported_media_type".into()),
            "a page may leave it out unasked"
        );
        never_granted(&server, &path);
    }
}

/// No preflight lets a page of another origin send JSON to this path, whichever method it
/// asks about: browsers keep what is granted by header.
fn never_granted(server: &Client, path: &str) {
    for method in [None, Some("GET"), Some("POST"), Some("PUT")] {
        let asked = [
            ("Origin", "https://evil.example"),
            ("Access-Control-Request-Headers", "content-type, x-app"),
        ];
        let headers: Vec<_> = asked
            .into_iter()
            .chain(method.map(|method| ("Access-Control-Request-Method", method)))
            .collect();
        let answer = server.send("OPTIONS", path, &headers, b"");
        let granted =
            answer.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
        assert!(
            !granted.contains("content-type") && !granted.contains('*'),
            "{path} {method:?}: {granted}"
        );
        assert!(answer.header("access-control-allow-credentials").is_none(), "{path} {method:?}");
        if matches!(method, Some("POST" | "PUT")) {
            assert!(matches!(answer.status, 403 | 405), "{path} {method:?}: {answer}");
            assert!(answer.header("access-control-allow-methods").is_none(), "{path} {method:?}");
        }
    }
    let written = server.send(
        "POST",
        path,
        &[("Origin", "https://evil.example"), ("Content-Type", "text/plain")],
        b"{}",
    );
    assert_eq!(
        (written.status, written.header("access-control-allow-origin")),
        (403, None),
        "{path}: {written}"
    );
}

#[test]
fn a_server_that_others_reach_takes_no_word() {
    let server = TestServer::start_on("0.0.0.0:0", |_| ());
    server.step_detection();
    for (path, body) in words("00000000000000ff") {
        let answer = server.send(
            "POST",
            &path,
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        );
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (403, Some("forbidden")),
            "{path}: {answer}"
        );
    }
}

#[test]
fn a_word_of_another_shape_is_refused_rather_than_half_understood() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    let id = ids(&server, "/v1/incidents").remove(0);
    let [(note_path, note), (void_path, void)] = words(&id);
    let but = |body: &Value, fields: Value| crate::support::but(body.clone(), fields);
    let rows = [
        (&note_path, json!(["a", "b", null, true]), "malformed_body", ""),
        (&note_path, json!("a"), "malformed_body", ""),
        (&note_path, but(&note, json!({"offical": true})), "malformed_body", ""),
        (&note_path, but(&note, json!({"official": "yes"})), "invalid_value", "official"),
        (&note_path, but(&note, json!({"source": "x".repeat(501)})), "invalid_value", "source"),
        (
            &void_path,
            json!([5, "2022-07-08T08:00:00Z", "2022-07-08T08:30:00Z", null, "why"]),
            "malformed_body",
            "",
        ),
        (&void_path, but(&void, json!({"providr": "alpha"})), "malformed_body", ""),
        (&void_path, but(&void, json!({"provider": ["alpha"]})), "invalid_value", "provider"),
        (&void_path, but(&void, json!({"reason": "x".repeat(1_001)})), "invalid_value", "reason"),
    ];
    for (path, body, code, field) in rows {
        let answer = server.send(
            "POST",
            path,
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        );
        let problem = answer.json();
        let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert_eq!(
            (answer.status, problem["code"].as_str(), named),
            (400, Some(code), field),
            "{path} {body}: {answer}"
        );
    }
    assert_eq!(
        (
            server.read("/v1/voids")["items"].clone(),
            detail(&server, &json!({"id": id}))["notes"].clone()
        ),
        (json!([]), json!([]))
    );
    assert_eq!(
        server.get(&format!("{void_path}?limit=1")).json()["code"],
        json!("unknown_parameter")
    );
    let sent = but(&note, json!({"text": "x".repeat(10_000), "official": false}));
    let taken = server.send(
        "POST",
        &note_path,
        &[("Content-Type", "application/json")],
        sent.to_string().as_bytes(),
    );
    assert_eq!(
        (taken.status, taken.header("location")),
        (201, Some(&*format!("/v1/incidents/{id}"))),
        "{taken}"
    );
}

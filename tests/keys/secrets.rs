//! No secret leaves the server but once: not in an error, a log, a metric or the record.

use super::nodes::{first_key, node};
use super::{JSON, get, invented, mistyped, with_key};
use crate::support::client::Client;
use crate::support::redis::{cli, own_prefix, shared_single};
use crate::support::{self};
use serde_json::json;

/// The secret part of a key.
fn secret(key: &str) -> &str {
    &key[13..]
}

#[test]
fn a_secret_is_found_nowhere() {
    let prefix = own_prefix();
    let admin = first_key(&prefix);
    let server = node(&prefix, &["--log", "trace", "--anonymous", "read"]);
    let created = |fields: &serde_json::Value| {
        let body = fields.to_string();
        let answer = with_key(&server, &admin, "POST", "/v1/keys", &[JSON], body.as_bytes());
        assert_eq!(answer.status, 201, "{answer}");
        let told = answer.json();
        (told["id"].as_str().unwrap().to_owned(), told["key"].as_str().unwrap().to_owned())
    };
    let (id, read) = created(&json!({"name": "a", "scopes": ["read"]}));
    let (_, exact) = created(&json!({"name": "b", "scopes": ["exact"]}));
    let rotated = with_key(
        &server,
        &admin,
        "POST",
        &format!("/v1/keys/{id}/rotate"),
        &[JSON],
        br#"{"grace_seconds": 60}"#,
    );
    let rotated = rotated.json()["key"].as_str().unwrap().to_owned();
    let keys = [admin.clone(), read, exact, rotated, invented(), mistyped(&admin)];
    let mut told = Vec::new();
    for key in &keys {
        told.extend(answers_about(&server, key));
    }
    for path in ["/v1/keys", "/v1/audit", "/v1/sources", "/metrics", "/readyz", "/openapi.json"] {
        told.push(get(&server, &admin, path).text().to_owned());
    }
    server.terminate();
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("/v1/providers"), "{log}");
    let port = shared_single().rsplit(':').next().unwrap().parse().unwrap();
    let names = cli(port, &["KEYS", &format!("{prefix}:*")]);
    let stored: Vec<String> = names.lines().map(|name| cli(port, &["DUMP", name])).collect();
    assert!(names.contains("{ledger}:journal"), "{names}");
    for key in &keys {
        let secret = secret(key);
        for text in told.iter().chain([&log]).chain(&stored) {
            assert!(!text.contains(secret), "{}: {text}", &key[..12]);
        }
    }
}

/// Everything that a server answers to a key wherever somebody puts it.
fn answers_about(server: &Client, key: &str) -> Vec<String> {
    let report = support::report("r").to_string();
    let answers = [
        get(server, key, "/v1/providers"),
        get(server, key, "/v1/keys/x"),
        server.get(&format!("/v1/providers?key={key}")),
        server.get(&format!("/v1/providers?key={key}&key={key}")),
        server.get(&format!("/v1/providers?colour={key}")),
        server.get(&format!("/v1/providers?{key}=1")),
        server.get(&format!("/v1/providers?country={key}")),
        server.get(&format!("/v1/heatmap?provider={key}")),
        server.get(&format!("/v1/providers/{key}")),
        server.get(&format!("/{key}")),
        server.send("DELETE", &format!("/v1/keys/{key}"), &[], b""),
        server.send(&key[..20], "/v1/providers", &[], b""),
        with_key(server, key, "POST", "/v1/reports", &[JSON], report.as_bytes()),
        with_key(server, key, "POST", "/v1/keys", &[JSON], format!("{{\"{key}\": 1}}").as_bytes()),
        with_key(server, key, "POST", "/v1/keys", &[JSON], format!("\"{key}\"").as_bytes()),
        with_key(server, key, "POST", "/v1/voids", &[JSON], format!("{{\"{key}\": 1}}").as_bytes()),
        server.raw(
            format!(
                "GET /v1/keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\
                 Authorization: Bearer {key}\r\n\r\n"
            )
            .as_bytes(),
        ),
        server.raw(
            format!("GET /v1/keys HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\n\r\n").as_bytes(),
        ),
    ];
    let text = |answer: crate::support::client::Answer| {
        let retold: Vec<String> = ["location", "www-authenticate", "allow", "vary", "x-request-id"]
            .iter()
            .filter_map(|name| answer.header(name).map(str::to_owned))
            .collect();
        format!("{} {}", String::from_utf8_lossy(&answer.body), retold.join(" "))
    };
    answers.map(text).into()
}

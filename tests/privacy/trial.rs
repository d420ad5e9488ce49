//! A server that somebody tries out shows them their own report at once, and nobody whom a
//! proxy on the same machine brings.

use super::{READS, asking, rule, rule_of};
use crate::keys::refused;
use crate::support::binary::{Binary, groundswell, within};
use crate::support::client::Answer;
use crate::support::server::TestServer;
use groundswell::http::client_address::Proxies;
use groundswell::http::policy::Policy;
use serde_json::json;
use std::time::Duration;

/// Headers of requests that do not come from this machine itself, or from a page of
/// another.
const FROM_ELSEWHERE: [(&str, &str); 8] = [
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-For", ""),
    ("Forwarded", "for=203.0.113.9"),
    ("Via", "1.1 proxy"),
    ("X-Real-IP", "203.0.113.9"),
    ("Host", "map.example"),
    ("Origin", "https://map.example"),
    ("Origin", "null"),
];

fn by(server: &TestServer, path: &str, header: (&str, &str)) -> Answer {
    server.send("GET", path, &[header], b"")
}

#[test]
fn who_is_on_the_machine_sees_all_and_whom_a_proxy_brings_what_everybody_may() {
    let server = TestServer::start();
    server.catch_up();
    for (path, _) in READS.iter().filter(|(_, has_rule)| *has_rule) {
        // Whoever asks first: neither is answered out of the other's cache.
        for _ in 0..2 {
            for header in FROM_ELSEWHERE {
                let answer = by(&server, path, header);
                assert_eq!(rule_of(&answer.json()), rule(3, 7), "{path} {header:?}");
                let kept = answer.header("cache-control").unwrap();
                assert!(kept.starts_with("public, "), "{path} {header:?}: {kept}");
                assert!(answer.header("vary").unwrap().contains("X-Forwarded-For"), "{answer}");
            }
            for header in [("Accept", "*/*"), ("Origin", "http://localhost:3000")] {
                let answer = by(&server, path, header);
                assert!(rule_of(&answer.json()).is_null(), "{path} {header:?}: {answer}");
                let kept = answer.header("cache-control").unwrap();
                assert!(kept.starts_with("private, max-age"), "{path} {header:?}: {kept}");
                assert!(answer.header("vary").unwrap().contains("X-Forwarded-For"), "{answer}");
            }
        }
        let tag = server.get(path).header("etag").unwrap().to_owned();
        let headers = [("If-None-Match", tag.as_str())];
        assert_eq!(server.send("GET", path, &headers, b"").status, 304, "{path}");
        let passed_on = [headers[0], FROM_ELSEWHERE[0]];
        assert_eq!(server.send("GET", path, &passed_on, b"").status, 200, "{path}");
    }
}

#[test]
fn exact_figures_may_be_asked_for_on_the_machine_itself_and_nowhere_else() {
    for asked in [asking(3, 7), asking(1, 8)] {
        let server = TestServer::start_by_asking(Policy::default(), asked);
        let path = "/v1/heatmap?provider=alpha&exact=true";
        let near = server.get(path);
        assert_eq!(near.header("cache-control"), Some("private, no-store"), "{near}");
        assert!(rule_of(&near.json()).is_null(), "{near}");
        for header in FROM_ELSEWHERE {
            let detail = refused(&by(&server, path, header), 401, "unauthenticated");
            assert!(detail.contains("scope exact"), "{header:?}: {detail}");
        }
        server.step_access();
        let audit = server.read("/v1/audit");
        let entry = &audit["items"][0];
        assert_eq!(
            [&entry["change"], &entry["by"]],
            [&json!("exact_read"), &json!("this_machine")]
        );
    }
}

#[test]
fn once_something_is_chosen_everybody_is_shown_the_same() {
    let server = TestServer::start();
    let path = "/v1/heatmap?provider=alpha";
    assert!(rule_of(&server.read(path)).is_null());
    let json = [("Content-Type", "application/json")];
    let chosen = server.send("PUT", "/v1/privacy", &json, br#"{"k": 3}"#);
    assert_eq!(chosen.status, 200, "{chosen}");
    assert_eq!(rule_of(&server.read(path)), rule(3, 7));
    let kept = server.get(path).header("cache-control").unwrap().to_owned();
    assert!(kept.starts_with("public"), "{kept}");
}

#[test]
fn a_server_that_others_reach_or_that_has_a_proxy_is_tried_out_by_nobody() {
    let proxies = || Proxies {
        trusted: vec!["192.0.2.1".parse().unwrap()],
        header: "x-forwarded-for".parse().unwrap(),
    };
    let servers = [
        TestServer::start_by_on(Policy::default(), "0.0.0.0:0"),
        TestServer::start_by(Policy { proxies: proxies(), ..Policy::default() }),
    ];
    for server in servers {
        let answer = server.get("/v1/heatmap?provider=alpha");
        assert_eq!(rule_of(&answer.json()), rule(3, 7), "{answer}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{answer}");
    }
}

#[test]
fn a_start_says_what_is_hidden_from_whom_and_a_newcomer_sees_their_own_report_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start(directory.path(), &[]);
    let says = |server: &Binary, part: &str| {
        let is_said = || server.log().contains(part);
        assert!(within(Duration::from_secs(10), is_said), "{part}: {}", server.log());
    };
    for part in ["nothing is hidden from callers on this machine", "public would see", "(k = 3)"] {
        says(&server, part);
    }
    let answer = server.report(&crate::support::report("a newcomer"));
    assert_eq!(answer.status, 202, "{answer}");
    let cell = answer.json()["cell"].clone();
    let map = "/v1/heatmap?provider=alpha&window=15m&resolution=8";
    let told = || server.get(map).json()["cells"][0]["hex"].clone();
    let is_told = || told() == cell;
    assert!(within(Duration::from_secs(10), is_told));
    let front = server.get("/");
    assert!(front.text().contains("Nothing is hidden from you here"), "{front}");
    drop(server);
    let public = tempfile::tempdir().unwrap();
    let mut command = groundswell(&["serve", "--listen", "0.0.0.0:0", "--auth", "open", "--store"]);
    let server = Binary::of(command.arg(public.path()));
    says(&server, "readers see reports in cells in which at least 3 people");
    assert!(!server.log().contains("nothing is hidden"), "{}", server.log());
}

//! What a call costs, and what is answered where nothing is left.

use super::{Keyed, by_keys, get, refused, report, with_key};
use crate::support::client::{Answer, Client};
use crate::support::{self, but, ndjson};
use groundswell::http::client_address::Proxies;
use groundswell::http::limits::AddressLimits;
use groundswell::http::policy::{Anonymous, Policy};
use serde_json::{Value, json};
use std::num::NonZeroU32;

fn limited(reports: u32, reads: u32) -> Policy {
    let limits = AddressLimits {
        reports_per_minute: NonZeroU32::new(reports),
        reads_per_minute: NonZeroU32::new(reads),
    };
    Policy { limits, ..by_keys(Anonymous::All) }
}

/// The same where the tests say who calls.
fn proxied(policy: &Policy) -> Policy {
    let proxies = Proxies { trusted: vec!["127.0.0.1".parse().unwrap()], ..Proxies::default() };
    Policy { proxies, ..policy.clone() }
}

/// Checks that an answer says to wait, for whose sake and how long.
#[track_caller]
fn rate_limited(answer: &Answer, policy: &str, quota: u64, window_s: u64) -> u64 {
    refused(answer, 429, "rate_limited");
    let wait_s: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(1 <= wait_s, "{wait_s}");
    let allowed = format!("\"{policy}\";q={quota};w={window_s}");
    assert_eq!(answer.header("ratelimit-policy"), Some(&*allowed), "{answer}");
    let left = answer.header("ratelimit").unwrap();
    assert!(left.starts_with(&format!("\"{policy}\";r=")), "{left}");
    assert!(left.ends_with(&format!(";t={wait_s}")), "{left}");
    wait_s
}

fn batch_of(client: &Client, key: &str, reports: &[Value]) -> Answer {
    let lines = [("Content-Type", "application/x-ndjson")];
    with_key(client, key, "POST", "/v1/reports/batch", &lines, &ndjson(reports))
}

fn many(prefix: &str, count: usize) -> Vec<Value> {
    (0..count).map(|n| support::report(&format!("{prefix}{n}"))).collect()
}

#[test]
fn an_address_without_a_key_has_its_minute() {
    let server = Keyed::start(limited(3, 0));
    for n in 0..3 {
        assert_eq!(server.report(&support::report(&format!("r{n}"))).status, 202);
    }
    let answer = server.report(&support::report("r3"));
    assert!(rate_limited(&answer, "address", 3, 60) <= 20);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "a page can read it");
    assert!(answer.header("access-control-expose-headers").unwrap().contains("RateLimit"));
    // Refused before the body is read: of one that never comes.
    let head = b"POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    rate_limited(&server.raw(head), "address", 3, 60);
    // Keys are other callers.
    let source = server.source("app");
    let key = server.key_of(source, &["report"]);
    assert_eq!(report(&server, &key, &support::report("k")).status, 202);
    let metrics = get(&server, &server.admin, "/metrics");
    assert!(metrics.text().contains("groundswell_denied_total{reason=\"address\"} 2"));
}

#[test]
fn a_read_that_was_there_or_is_known_costs_a_twentieth() {
    let server = Keyed::start(limited(0, 3));
    let first = server.get("/v1/providers");
    assert_eq!(first.status, 200);
    let tag = first.header("etag").unwrap().to_owned();
    for _ in 0..10 {
        let known = server.send("GET", "/v1/providers", &[("If-None-Match", &tag)], b"");
        assert_eq!(known.status, 304);
        assert_eq!(server.get("/v1/providers").status, 200);
    }
    // Those were twenty twentieths, after one read: two of the three of a minute.
    let quota = 3 * 20;
    assert_eq!(server.get("/v1/providers?limit=1").status, 200);
    rate_limited(&server.get("/v1/providers?limit=2"), "address", quota, 60);
    assert_eq!(server.report(&support::report("r")).status, 202, "reports are counted apart");
    assert_eq!(server.get("/readyz").status, 200, "and probes not at all");
}

#[test]
fn a_batch_costs_its_items() {
    let server = Keyed::start(limited(10, 0));
    let batch = |count| server.batch(&ndjson(&many("b", count)));
    assert_eq!(batch(4).json()["counted"], json!(4));
    assert!(rate_limited(&batch(7), "address", 10, 60) <= 30);
    assert_eq!(batch(5).json()["duplicate"], json!(4), "what was refused cost one");
    assert!(rate_limited(&batch(1), "address", 10, 60) <= 6);
    let other = Keyed::start(limited(10, 0));
    // More than there ever is at once is taken where all is there, and the next waits.
    assert_eq!(other.batch(&ndjson(&many("b", 30))).json()["counted"], json!(30));
    let waits = rate_limited(&other.batch(&ndjson(&many("b", 1))), "address", 10, 60);
    assert!((120..=130).contains(&waits), "{waits}");
}

#[test]
fn one_batch_keeps_nobody_waiting_who_has_the_same_key() {
    let server = Keyed::start(proxied(&limited(6_000, 0)));
    let source = server.source("app");
    let (_, key) = server.key(&json!({"name": "a", "source": source, "scopes": ["report"],
        "limits": {"reports_per_second": 100}}));
    let from = |address: &str, reports: &[Value]| {
        let headers = [("Content-Type", "application/x-ndjson"), ("X-Forwarded-For", address)];
        with_key(&server, &key, "POST", "/v1/reports/batch", &headers, &ndjson(reports))
    };
    for _ in 0..3 {
        let detail = refused(&from("203.0.113.9", &many("b", 10_000)), 413, "too_many_items");
        assert!(detail.contains("at most 100 reports of this key at once"), "{detail}");
    }
    assert_eq!(from("198.51.100.1", &many("c", 40)).json()["counted"], json!(40));
    assert_eq!(from("198.51.100.2", &many("d", 1)).status, 200);
}

#[test]
fn any_tag_costs_what_making_the_answer_costs_and_a_real_one_a_twentieth() {
    let server = Keyed::start(limited(0, 2));
    for n in 1..3 {
        let path = format!("/v1/providers?limit={n}");
        let answer = server.send("GET", &path, &[("If-None-Match", "*")], b"");
        assert_eq!(answer.status, 304, "{answer}");
    }
    rate_limited(&server.get("/v1/providers?limit=3"), "address", 40, 60);
}

#[test]
fn reads_are_paid_for_before_they_are_made() {
    let server = Keyed::start(limited(0, 4));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let get = |n: usize| server.get(&format!("/v1/providers?limit={n}")).status;
        let threads: Vec<_> = (1..20).map(|n| scope.spawn(move || get(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let made = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(made, 4, "{statuses:?}");
}

#[test]
fn who_is_refused_pays_a_unit_of_reads() {
    let server = Keyed::start(limited(0, 1));
    for _ in 0..20 {
        refused(&get(&server, &super::invented(), "/v1/providers"), 401, "unauthenticated");
    }
    rate_limited(&get(&server, &super::invented(), "/v1/providers"), "address", 20, 60);
    let key = server
        .key(&json!({"name": "a", "scopes": ["read"],
        "limits": {"reads_per_minute": 5}}))
        .1;
    assert_eq!(get(&server, &key, "/v1/providers").status, 200, "a key has its own");
}

#[test]
fn a_key_has_its_own_second_and_its_own_minute_of_reads() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let limits = json!({"reads_per_minute": 1, "reports_per_second": 1});
    let fields = json!({"name": "a", "source": source, "scopes": ["report", "read"],
        "limits": limits});
    let (_, key) = server.key(&fields);
    let (_, other) = server.key(&fields);
    let refused_once = (0..1_000).map(|n| report(&server, &key, &support::report(&format!("{n}"))));
    let answer = refused_once.into_iter().find(|answer| answer.status != 202).unwrap();
    // One address is let have what others leave of it.
    assert!(rate_limited(&answer, "address", 1, 2) <= 2);
    assert_eq!(report(&server, &other, &support::report("o")).status, 202);
    assert_eq!(get(&server, &key, "/v1/providers").status, 200);
    let answer = get(&server, &key, "/v1/providers?limit=1");
    rate_limited(&answer, "key", 20, 60);
    assert_eq!(get(&server, &other, "/v1/providers?limit=1").status, 200);
}

#[test]
fn a_days_quota_is_used_up_and_comes_back_with_the_day() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let (id, key) = server.key(&json!({"name": "a", "source": source, "scopes": ["report"],
        "limits": {"reports_per_day": 10}}));
    assert_eq!(report(&server, &key, &support::report("r")).status, 202);
    assert_eq!(batch_of(&server, &key, &many("b", 6)).json()["counted"], json!(6));
    let day_s = 24 * 60 * 60;
    // Fewer would fit: whoever sends it splits it.
    let detail = refused(&batch_of(&server, &key, &many("c", 4)), 413, "too_many_items");
    assert!(detail.contains("at most 3 reports of this key today"), "{detail}");
    let detail = refused(&batch_of(&server, &key, &many("c", 30)), 413, "too_many_items");
    assert!(detail.contains("at most 3"), "{detail}");
    assert_eq!(batch_of(&server, &key, &many("c", 3)).json()["counted"], json!(3));
    let answer = report(&server, &key, &support::report("s"));
    // Until the end of the day: 15 h 15 min 50 s.
    assert_eq!(rate_limited(&answer, "quota", 10, day_s), 54_950);
    server.step_access();
    let listed = server.must("GET", "/v1/keys", &json!({}));
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["reports_today"]),
        (&json!(id), &json!(10))
    );
    server.advance_minutes(16 * 60);
    server.step_access();
    let next_day = but(support::report("t"), json!({}));
    assert_eq!(report(&server, &key, &next_day).status, 202);
}

#[test]
fn without_a_key_a_batch_has_at_most_fifty_items() {
    let server = Keyed::start(by_keys(Anonymous::Report));
    let batch = |count| server.batch(&ndjson(&many("b", count)));
    assert_eq!(batch(50).json()["counted"], json!(50));
    let detail = refused(&batch(51), 413, "too_many_items");
    assert!(detail.contains("50 reports without a key"), "{detail}");
    let array = json!(many("a", 51)).to_string();
    let answer = server.send("POST", "/v1/reports/batch", &[super::JSON], array.as_bytes());
    refused(&answer, 413, "too_many_items");
    let source = server.source("app");
    let key = server.key_of(source, &["report"]);
    assert_eq!(batch_of(&server, &key, &many("k", 51)).json()["counted"], json!(51));
    let open = Keyed::start(by_keys(Anonymous::All));
    assert_eq!(open.batch(&ndjson(&many("b", 51))).json()["counted"], json!(51));
}

//! What becomes of reports by the key that sends them: their source, the providers that it
//! speaks for, tests, and who may be new.

use super::{Keyed, by_keys, get, refused, report, with_key};
use crate::support::server::TestServer;
use crate::support::{self, but, ndjson};
use groundswell::http::client_address::Proxies;
use groundswell::http::policy::{Anonymous, Policy};
use serde_json::{Value, json};
use std::num::NonZeroU32;

/// Reports of Alpha in the last hour.
fn total(server: &Keyed) -> Value {
    server.next_tick();
    let answer = get(server, &server.admin, "/v1/heatmap?provider=alpha&window=1h");
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()["total"].clone()
}

#[test]
fn the_source_of_a_key_stands_in_every_report() {
    let server = Keyed::start(by_keys(Anonymous::Report));
    server.catch_up();
    let (one, two) = (server.source("one"), server.source("two"));
    let keys = [server.key_of(one, &["report"]), server.key_of(two, &["report"])];
    for (n, key) in keys.iter().enumerate() {
        for m in 0..=n {
            assert_eq!(report(&server, key, &support::report(&format!("{n}-{m}"))).status, 202);
        }
    }
    assert_eq!(server.report(&support::report("nobody")).status, 202);
    assert_eq!(total(&server), json!(4));
    let metrics = get(&server, &server.admin, "/metrics");
    for line in ["{source=\"0\"} 1", "{source=\"1\"} 1", "{source=\"2\"} 2"] {
        let line = format!("groundswell_source_reports_total{line}");
        assert!(metrics.text().contains(&line), "{line}: {}", metrics.text());
    }
    server.advance_minutes(1);
    let void = json!({"source": two, "from": "2022-07-08T08:00:00Z", "to": "2022-07-08T08:45:10Z",
        "reason": "a broken app"});
    let answer = server.operate("POST", "/v1/voids", &void);
    assert_eq!(answer.status, 202, "{answer}");
    server.step_detection();
    assert_eq!(total(&server), json!(2), "what the other sent, and nobody");
}

#[test]
fn a_key_for_some_providers_reports_about_no_others() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let (_, key) = server.key(&json!({"name": "a", "source": source, "scopes": ["report"],
        "providers": ["alpha"]}));
    let about = |provider: &str| but(support::report("r"), json!({"provider": provider}));
    let by_code = but(support::report("s"), json!({"provider": null, "plmn": "00101"}));
    assert_eq!(report(&server, &key, &about("alfa")).status, 202, "by another name");
    assert_eq!(report(&server, &key, &by_code).status, 202);
    let answer = report(&server, &key, &about("bravo"));
    refused(&answer, 403, "forbidden");
    assert_eq!(answer.json()["errors"][0]["field"], json!("provider"));
    let items =
        [about("bravo"), but(about("alpha"), json!({"reporter_id": "t"})), about("charlie")];
    let lines = [("Content-Type", "application/x-ndjson")];
    let answer = with_key(&server, &key, "POST", "/v1/reports/batch", &lines, &ndjson(&items));
    let told = answer.json();
    assert_eq!((&told["counted"], &told["rejected"]), (&json!(1), &json!(2)), "{answer}");
    let first = &told["results"][0];
    assert_eq!(
        (&first["index"], &first["outcome"], &first["code"], &first["retryable"]),
        (&json!(0), &json!("rejected"), &json!("forbidden"), &json!(false))
    );
}

#[test]
fn a_key_for_tests_is_answered_as_any_other_and_counts_nowhere() {
    let server = Keyed::start(by_keys(Anonymous::Nothing));
    let source = server.source("app");
    let (_, key) = server.key(&json!({"name": "a", "source": source, "scopes": ["report"],
        "test": true}));
    for _ in 0..2 {
        let answer = report(&server, &key, &support::report("r")).json();
        assert_eq!((&answer["outcome"], &answer["test"]), (&json!("counted"), &json!(true)));
        assert!(answer["cell"].is_string() && answer["observed_at"].is_string(), "{answer}");
    }
    let old = but(support::report("r"), json!({"observed_at": "2022-07-01T00:00:00Z"}));
    refused(&report(&server, &key, &old), 400, "too_old");
    let unclear = but(support::report("r"), json!({"symptom": "works again"}));
    assert_eq!(report(&server, &key, &unclear).json()["outcome"], json!("ignored"));
    let items = [support::report("a"), but(support::report("b"), json!({"lat": 91}))];
    let lines = [("Content-Type", "application/x-ndjson")];
    let answer = with_key(&server, &key, "POST", "/v1/reports/batch", &lines, &ndjson(&items));
    let told = answer.json();
    assert_eq!(
        (&told["counted"], &told["rejected"], &told["test"]),
        (&json!(1), &json!(1), &json!(true))
    );
    assert_eq!(total(&server), json!(0));
    let metrics = get(&server, &server.admin, "/metrics");
    assert!(!metrics.text().contains("groundswell_source_reports_total{source=\"1\"}"));
    let good = server.key_of(source, &["report"]);
    let answer = report(&server, &good, &support::report("r")).json();
    assert_eq!((&answer["outcome"], answer.get("test")), (&json!("counted"), None));
    assert_eq!(total(&server), json!(1));
}

/// A server with a quiet past.
fn started_after_quiet_past(policy: Policy) -> Keyed {
    let server = Keyed::of(TestServer::start_by_after_quiet_past(policy));
    server.catch_up();
    server
}

/// Incidents after sixty people reported within minutes, each with these headers.
fn incidents_after(
    server: &Keyed,
    headers: impl Fn(usize) -> Vec<(&'static str, String)>,
) -> usize {
    let sent = support::past::outage("alpha", support::TORONTO, 60, 60);
    for (n, one) in sent.iter().enumerate() {
        let own = headers(n);
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = [super::JSON].into_iter().chain(own).collect();
        let answer = server.send("POST", "/v1/reports", &headers, one.to_string().as_bytes());
        assert_eq!(answer.status, 202, "{answer}");
        assert_eq!(answer.json()["outcome"], json!("counted"));
        if n % 12 == 11 {
            server.watch_minutes(1);
        }
    }
    assert!(60 <= total(server).as_u64().unwrap(), "they count all the same");
    let answer = get(server, &server.admin, "/v1/incidents");
    answer.json()["items"].as_array().unwrap().len()
}

#[test]
fn reports_that_may_not_open_count_and_make_no_incident_by_themselves() {
    let policy = |may_open| Policy { anonymous_may_open: may_open, ..by_keys(Anonymous::Report) };
    for (may_open, expected) in [(true, 1), (false, 0)] {
        let server = started_after_quiet_past(policy(may_open));
        assert_eq!(incidents_after(&server, |_| Vec::new()), expected, "{may_open}");
    }
    let server = started_after_quiet_past(by_keys(Anonymous::Nothing));
    let source = server.must("POST", "/v1/sources", &json!({"name": "a", "may_open": false}));
    let key = server.key_of(source["number"].as_u64().unwrap(), &["report"]);
    let bearer = |_| vec![("Authorization", format!("Bearer {key}"))];
    assert_eq!(incidents_after(&server, bearer), 0);
}

#[test]
fn ids_beyond_so_many_a_day_from_one_network_make_no_incident() {
    let started = || {
        let proxies = Proxies { trusted: vec!["127.0.0.1".parse().unwrap()], ..Proxies::default() };
        let fresh_ids = NonZeroU32::new(2);
        started_after_quiet_past(Policy { fresh_ids, proxies, ..by_keys(Anonymous::Report) })
    };
    let from_one = |n: usize| vec![("X-Forwarded-For", format!("203.0.113.{n}"))];
    assert_eq!(incidents_after(&started(), from_one), 0);
    let from_many = |n: usize| vec![("X-Forwarded-For", format!("203.0.{n}.9"))];
    assert_eq!(incidents_after(&started(), from_many), 1);
    let server = started();
    let source = server.source("app");
    let key = server.key_of(source, &["report"]);
    let with_key = |_| vec![("Authorization", format!("Bearer {key}"))];
    assert_eq!(incidents_after(&server, with_key), 1, "a key vouches for its app");
}

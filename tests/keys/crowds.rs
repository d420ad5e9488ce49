//! Thousands of phones behind one address, as a carrier has them: in an outage every report
//! of an app counts, and without a key what is over an address's limit is refused, never
//! made to count for less.

use super::{Keyed, by_keys, get, refused, report};
use crate::support::client::{Answer, read_answer};
use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER};
use groundswell::http::client_address::Proxies;
use groundswell::http::limits::AddressLimits;
use groundswell::http::policy::{Anonymous, Policy};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::num::NonZeroU32;

/// The address that a carrier puts its phones behind.
const CARRIER: &str = "203.0.113.9";
const CONNECTIONS: usize = 200;
/// What an address may send in a minute where nothing else was set.
const REPORTS_PER_MINUTE: usize = 6_000;

/// A server on the internet, behind a proxy, whose detectors have come to the present.
fn internet_facing() -> Keyed {
    let limits = AddressLimits {
        reports_per_minute: NonZeroU32::new(REPORTS_PER_MINUTE as u32),
        reads_per_minute: None,
    };
    let trusted = vec!["127.0.0.1".parse().unwrap()];
    let proxies = Proxies { trusted, ..Proxies::default() };
    let policy = Policy { limits, proxies, ..by_keys(Anonymous::Report) };
    let server = TestServer::start_by_after_quiet_past(policy);
    server.catch_up();
    Keyed::of(server)
}

/// A proxy, which keeps its connections as long as the server does.
struct Proxy<'a> {
    server: &'a Keyed,
    connections: Vec<TcpStream>,
}

impl<'a> Proxy<'a> {
    fn connect(server: &'a Keyed) -> Self {
        Self { server, connections: (0..CONNECTIONS).map(|_| server.connect()).collect() }
    }

    /// Passes on reports of phones behind an address, each in a request of its own, as many
    /// at once as there are connections.
    fn pass_on(&mut self, reports: &[Value], from: &str, key: Option<&str>) -> Vec<Answer> {
        let key = key.map_or_else(String::new, |key| format!("Authorization: Bearer {key}\r\n"));
        let mut answers = Vec::with_capacity(reports.len());
        for some in reports.chunks(CONNECTIONS) {
            for (report, connection) in some.iter().zip(&mut self.connections) {
                let body = report.to_string();
                let request = format!(
                    "POST /v1/reports HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {from}\r\n\
                     {key}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(request.as_bytes()).unwrap();
            }
            for connection in &mut self.connections[..some.len()] {
                let answer = read_answer(connection);
                // As it is where a body was not read.
                if answer.header("connection") == Some("close") {
                    *connection = self.server.connect();
                }
                answers.push(answer);
            }
        }
        answers
    }
}

#[track_caller]
fn assert_counted(answer: &Answer) {
    assert_eq!((answer.status, &answer.json()["outcome"]), (202, &json!("counted")), "{answer}");
}

/// The only incident, once the detectors have looked.
fn found(server: &Keyed) -> Value {
    server.advance_ms(1_000);
    server.step_detection();
    let answer = get(server, &server.admin, "/v1/incidents").json();
    let incidents = answer["items"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{answer}");
    let incident = incidents[0].clone();
    assert_eq!(
        (&incident["state"], &incident["providers"]),
        (&json!("confirmed"), &json!(["charlie"]))
    );
    let cities = incident["place"]["cities"].as_array().unwrap();
    assert!(cities.contains(&json!("Toronto")), "{incident}");
    incident
}

#[test]
fn twenty_thousand_phones_behind_one_address_all_count_and_the_outage_is_found() {
    const PHONES: usize = 20_000;
    const A_SECOND: usize = 400;
    let server = internet_facing();
    // Twice as much as comes: within a key, an address that is over its own limit leaves
    // half of the key's to the others.
    let (_, app) = server.key(&json!({"name": "app", "source": server.source("app"),
        "scopes": ["report"], "limits": {"reports_per_second": 1_000}}));
    let mut proxy = Proxy::connect(&server);
    for reports in outage("charlie", TORONTO, PHONES, 1).chunks(A_SECOND) {
        let answers = proxy.pass_on(reports, CARRIER, Some(&app));
        answers.iter().for_each(assert_counted);
        server.advance_ms(1_000);
    }
    assert_eq!(found(&server)["severity"]["reports"], json!(PHONES));
}

#[test]
fn without_a_key_an_address_has_its_minute_and_what_is_over_is_refused_never_weaker() {
    const OVER: usize = 100;
    const A_SECOND: usize = REPORTS_PER_MINUTE / 60;
    let server = internet_facing();
    let reports = outage("charlie", TORONTO, REPORTS_PER_MINUTE + OVER, 2);
    let mut proxy = Proxy::connect(&server);
    let answers = proxy.pass_on(&reports, CARRIER, None);
    let (taken, refusals): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 202);
    taken.iter().for_each(assert_counted);
    assert_eq!((taken.len(), refusals.len()), (REPORTS_PER_MINUTE, OVER));
    for answer in &refusals {
        refused(answer, 429, "rate_limited");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    // After as long as it said, phones are heard again, as many as the minute has.
    server.advance_ms(1_000);
    let again = outage("charlie", TORONTO, A_SECOND, 3);
    proxy.pass_on(&again, CARRIER, None).iter().for_each(assert_counted);
    // Other addresses and apps are other callers, the proxy itself too.
    let mut elsewhere = outage("alpha", VANCOUVER, 3, 4);
    assert_counted(&proxy.pass_on(&elsewhere[..1], "198.51.100.1", None)[0]);
    let app = server.key_of(server.source("app"), &["report"]);
    assert_counted(&proxy.pass_on(&elsewhere[1..2], CARRIER, Some(&app))[0]);
    assert_counted(&report(&server, &app, &elsewhere.remove(2)));
    assert_eq!(
        found(&server)["severity"]["reports"],
        json!(REPORTS_PER_MINUTE + A_SECOND),
        "each that was taken speaks for the incident"
    );
}

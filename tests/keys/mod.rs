//! Keys, apps and limits as callers meet them, through real sockets: who is let in, what
//! is refused and how, and what each call costs.

mod administering;
mod admission;
mod caching;
mod crowds;
mod limits;
mod nodes;
mod proxies;
mod reporting;
mod secrets;
mod store_faults;

use crate::support::client::{Answer, Client};
use crate::support::instant;
use crate::support::server::TestServer;
use groundswell::domain::access::entry::Actor;
use groundswell::domain::access::key::{KeyLimits, NewKey};
use groundswell::domain::access::scope::Scope;
use groundswell::domain::fact::Source;
use groundswell::http::policy::{Anonymous, Auth, Policy};
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::Arc;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A policy by which keys say who may what, and everybody this.
pub fn by_keys(anonymous: Anonymous) -> Policy {
    Policy { auth: Auth::Keys, anonymous, ..Policy::default() }
}

/// A server, and a key to run it by.
pub struct Keyed {
    server: TestServer,
    pub admin: String,
}

impl Keyed {
    pub fn start(policy: Policy) -> Self {
        Self::of(TestServer::start_by(policy))
    }

    /// A server that is given its first key, as at the command line.
    pub fn of(server: TestServer) -> Self {
        let new = NewKey {
            source: Source::OPEN,
            name: "admin".into(),
            scopes: [Scope::Admin].into_iter().collect(),
            providers: None,
            origins: Arc::new([]),
            expires_at: None,
            limits: KeyLimits::default(),
            is_test: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let created = runtime.block_on(server.engine.create_key(Actor::CommandLine, new));
        let admin = created.unwrap().1.reveal().to_owned();
        Self { server, admin }
    }

    /// A call of who runs it.
    pub fn operate(&self, method: &str, path: &str, body: &Value) -> Answer {
        with_key(self, &self.admin, method, path, &[JSON], body.to_string().as_bytes())
    }

    /// A call that must be taken.
    pub fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.operate(method, path, body);
        assert!((200..300).contains(&answer.status), "{method} {path} {body}: {answer}");
        answer.json()
    }

    /// Number of a new source.
    pub fn source(&self, name: &str) -> u64 {
        self.must("POST", "/v1/sources", &json!({"name": name}))["number"].as_u64().unwrap()
    }

    /// A new key with these fields: its id and its text.
    pub fn key(&self, fields: &Value) -> (String, String) {
        let created = self.must("POST", "/v1/keys", fields);
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        (text("id"), text("key"))
    }

    /// A new key of a source, with these scopes.
    pub fn key_of(&self, source: u64, scopes: &[&str]) -> String {
        self.key(&json!({"name": "a key", "source": source, "scopes": scopes})).1
    }
}

impl Deref for Keyed {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.server
    }
}

/// A call with a key.
pub fn with_key(
    client: &Client,
    key: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [&[("Authorization", bearer.as_str())], headers].concat();
    client.send(method, path, &headers, body)
}

/// A read with a key.
pub fn get(client: &Client, key: &str, path: &str) -> Answer {
    with_key(client, key, "GET", path, &[], b"")
}

/// One report with a key.
fn report(client: &Client, key: &str, report: &Value) -> Answer {
    with_key(client, key, "POST", "/v1/reports", &[JSON], report.to_string().as_bytes())
}

/// Checks status and code of a refusal, and gives its detail.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, Some("application/problem+json")),
        "{answer}"
    );
    let problem = answer.json();
    assert_eq!(problem["code"], json!(code), "{answer}");
    assert_eq!(problem["retryable"], json!(status == 429 || status == 503), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    assert_eq!(answer.header("www-authenticate"), (status == 401).then_some("Bearer"), "{answer}");
    problem["detail"].as_str().unwrap().to_owned()
}

/// A key whose last character is another: mistyped.
fn mistyped(key: &str) -> String {
    let last = if key.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &key[..key.len() - 1])
}

/// A key that was never created, in the form of one.
fn invented() -> String {
    let random = std::array::from_fn(|n| n as u8 * 3);
    groundswell::wire::key_text::KeyText::from_random(&random).unwrap().reveal().to_owned()
}

/// Days after the moment at which servers begin.
fn in_days(days: i64) -> String {
    crate::support::text(instant(crate::support::NOW).plus_ms(days * 86_400_000))
}

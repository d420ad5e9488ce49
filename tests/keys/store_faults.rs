//! What becomes of keys and of what they may still send, while a part of the store fails.

use super::nodes::{first_key, node, operate};
use super::{JSON, refused, report, with_key};
use crate::support;
use crate::support::binary::{Binary, within};
use crate::support::redis::{cli, own_prefix, shared_single};
use serde_json::{Value, json};
use std::time::Duration;

const SHARDS: usize = 16;

/// A node whose parts of Redis can be made unreadable, and a key to run it by.
struct Faulty {
    node: Binary,
    admin: String,
    prefix: String,
}

impl Faulty {
    fn start(more: &[&str]) -> Self {
        let prefix = own_prefix();
        let admin = first_key(&prefix);
        Self { node: node(&prefix, more), admin, prefix }
    }

    /// A key that reports, with these fields beside.
    fn reporting_key(&self, more: &Value) -> String {
        operate(&self.node, &self.admin, "POST", "/v1/sources", r#"{"name": "app"}"#);
        let fields = json!({"name": "k", "source": 1, "scopes": ["report"]});
        let fields = support::but(fields, more.clone()).to_string();
        let created = operate(&self.node, &self.admin, "POST", "/v1/keys", &fields);
        created["key"].as_str().unwrap().to_owned()
    }

    /// Puts a text where another kind of value belongs, and keeps what was there.
    fn make_unreadable(&self, key: &str) {
        let spoil = "if redis.call('EXISTS', KEYS[1]) == 1 then
                         redis.call('RENAME', KEYS[1], KEYS[2])
                     end
                     return redis.call('SET', KEYS[1], 'spoilt')";
        assert!(self.eval(spoil, key).contains("OK"), "{key}");
    }

    /// Puts back what was there.
    fn mend(&self, key: &str) {
        let mend = "redis.call('DEL', KEYS[1])
                    if redis.call('EXISTS', KEYS[2]) == 1 then
                        redis.call('RENAME', KEYS[2], KEYS[1])
                    end
                    return 'OK'";
        assert!(self.eval(mend, key).contains("OK"), "{key}");
    }

    fn eval(&self, script: &str, key: &str) -> String {
        let port: u16 = shared_single().rsplit(':').next().unwrap().parse().unwrap();
        let key = format!("{}:1:{key}", self.prefix);
        cli(port, &["EVAL", script, "2", &key, &format!("{key}:aside")])
    }

    fn status(&self, key: &str, reporter: &str) -> u16 {
        report(&self.node, key, &support::report(reporter)).status
    }
}

/// Where a provider's reports are.
fn shards() -> impl Iterator<Item = String> {
    let provider = support::report("r")["provider"].as_str().unwrap().to_owned();
    (0..SHARDS).map(move |shard| format!("{{{provider}:{shard}}}:open"))
}

#[test]
fn a_node_that_cannot_read_the_ledger_for_long_takes_no_key_but_to_read() {
    let faulty =
        Faulty::start(&["--anonymous", "report", "--timing", "ledger=100ms,ledger_good_for=1s"]);
    let key = faulty.reporting_key(&json!({}));
    assert_eq!(faulty.status(&key, "a"), 202);
    let exactly = || {
        let path = "/v1/providers?exact=true";
        with_key(&faulty.node, &faulty.admin, "GET", path, &[], b"")
    };
    assert_eq!(exactly().status, 200);
    faulty.make_unreadable("{ledger}:journal");
    assert!(within(Duration::from_secs(10), || faulty.status(&key, "b") == 503));
    let detail = refused(&report(&faulty.node, &key, &support::report("b")), 503, "unavailable");
    assert!(detail.contains("which keys were revoked"), "{detail}");
    let listed = with_key(&faulty.node, &faulty.admin, "GET", "/v1/keys", &[], b"");
    refused(&listed, 503, "unavailable");
    refused(&exactly(), 503, "unavailable");
    let by_key = with_key(&faulty.node, &faulty.admin, "GET", "/v1/providers", &[], b"");
    assert_eq!(by_key.status, 200, "what everybody sees can be read: {by_key}");
    let without_key = faulty.node.report(&support::report("c"));
    assert_eq!(without_key.status, 202, "who has no key loses nothing: {without_key}");
    let ready = refused(&faulty.node.get("/readyz?for=ingest"), 503, "unavailable");
    assert!(ready.contains("reports with a key are refused"), "{ready}");
    assert_eq!(faulty.node.get("/readyz").status, 200, "answers can be read");
    faulty.mend("{ledger}:journal");
    assert!(within(Duration::from_secs(10), || faulty.status(&key, "b") == 202));
    assert_eq!(faulty.node.get("/readyz?for=ingest").status, 200);
}

#[test]
fn what_could_not_be_recorded_is_not_counted_as_the_keys() {
    let faulty = Faulty::start(&["--timing", "maintenance=200ms"]);
    let key = faulty.reporting_key(&json!({"limits": {"reports_per_day": 3}}));
    let test_key = {
        let fields = json!({"name": "t", "source": 1, "scopes": ["report"], "test": true});
        let created = operate(&faulty.node, &faulty.admin, "POST", "/v1/keys", &fields.to_string());
        created["key"].as_str().unwrap().to_owned()
    };
    shards().for_each(|shard| faulty.make_unreadable(&shard));
    for n in 0..5 {
        let answer = report(&faulty.node, &key, &support::report(&format!("a{n}")));
        refused(&answer, 503, "unavailable");
    }
    let items: Vec<Value> = (0..3).map(|n| support::report(&format!("b{n}"))).collect();
    let body = serde_json::to_vec(&items).unwrap();
    let batch = |key| with_key(&faulty.node, key, "POST", "/v1/reports/batch", &[JSON], &body);
    refused(&batch(&key), 503, "unavailable");
    // A key for tests is told what the others are, as long as the last try is known to have
    // failed.
    let is_told = || {
        report(&faulty.node, &key, &support::report("c"));
        faulty.status(&test_key, "c") == 503
    };
    assert!(within(Duration::from_secs(10), is_told));
    shards().for_each(|shard| faulty.mend(&shard));
    assert!(within(Duration::from_secs(10), || faulty.status(&test_key, "d") == 202));
    // All three of its day are left.
    assert_eq!(batch(&key).status, 200);
    refused(&report(&faulty.node, &key, &support::report("e")), 429, "rate_limited");
}

//! `groundswell keys`: creates, lists, rotates and revokes keys. A key is printed once,
//! alone on its line of the standard output; all else goes to the standard error.

use super::access::table::table;
use super::access::{Access, key_id};
use super::opened::Purpose;
use super::settings::Environment;
use crate::config::ledger::{
    CreateKeyConfig, KeysConfig, ListConfig, RevokeKeyConfig, RotateKeyConfig,
};
use crate::domain::access::scope::Scope;
use crate::domain::clock_guard::Probation;
use crate::domain::time::Timestamp;
use crate::engine::clock::Clock;
use crate::render::time::rfc3339;
use crate::wire::time::instant;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io::Write;

pub fn run(config: &KeysConfig, environment: &Environment) -> anyhow::Result<()> {
    match config {
        KeysConfig::Create(config) => create(config, environment),
        KeysConfig::List(config) => list(config, environment),
        KeysConfig::Rotate(config) => rotate(config, environment),
        KeysConfig::Revoke(config) => revoke(config, environment),
    }
}

fn create(config: &CreateKeyConfig, environment: &Environment) -> anyhow::Result<()> {
    let has_source = config.source.is_some() || config.new_source.is_some();
    ensure!(
        has_source || !config.scopes.contains(&Scope::Report),
        "a key that reports belongs to a source, so that its reports can be told apart and taken \
         back: give --source NAME, or --new-source NAME"
    );
    let access = Access::open(&config.place, environment, Purpose::Make)?;
    let source = match (&config.source, &config.new_source) {
        (Some(source), _) => access.source(source)?["number"].clone(),
        (None, Some(name)) => {
            let created = access.create_source(&json!({ "name": name }))?;
            say(&format!("source {} ({name}) was created", created["number"]))?;
            created["number"].clone()
        }
        (None, None) => json!(0),
    };
    let created = access.create_key(&body(config, &source)).with_context(|| match source {
        Value::Number(number) if config.new_source.is_some() => {
            format!(
                "source {number} is there and the key is not: create one with --source {number}"
            )
        }
        _ => "the key was not created, as far as is known".into(),
    })?;
    print_once(&created)
}

/// What is asked for, as the HTTP interface has it. What was not said is left out.
fn body(config: &CreateKeyConfig, source: &Value) -> Value {
    let scopes: Vec<&str> = config.scopes.iter().map(|scope| scope.name()).collect();
    let mut body = json!({ "name": config.name, "source": source, "scopes": scopes });
    if !config.providers.is_empty() {
        body["providers"] = json!(config.providers);
    }
    if !config.origins.is_empty() {
        body["origins"] = json!(config.origins);
    }
    if let Some(ms) = config.expires {
        body["expires_at"] = json!(rfc3339(now().plus_ms(ms)));
    }
    let limits = [
        ("reads_per_minute", config.reads_per_minute.map(u64::from)),
        ("reports_per_second", config.per_second.map(u64::from)),
        ("reports_per_day", config.per_day),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            body["limits"][name] = json!(limit);
        }
    }
    if config.test {
        body["test"] = json!(true);
    }
    body
}

fn rotate(config: &RotateKeyConfig, environment: &Environment) -> anyhow::Result<()> {
    let id = key_id(&config.id)?;
    let access = Access::open(&config.place, environment, Purpose::Change)?;
    let created = access.rotate_key(id, config.grace)?;
    print_once(&created)?;
    let end = rfc3339(now().plus_ms(config.grace));
    say(&format!("key {id} works until {end} at the latest; `keys list` says when it was used"))
}

fn revoke(config: &RevokeKeyConfig, environment: &Environment) -> anyhow::Result<()> {
    let id = key_id(&config.id)?;
    let access = Access::open(&config.place, environment, Purpose::Change)?;
    access.revoke_key(id)?;
    say(&format!("key {id} is revoked: every node refuses it within two seconds"))?;
    // The key that revoked itself may look no more.
    let is_last = access.keys().is_ok_and(|keys| !keys.iter().any(|key| runs_servers(key, now())));
    if is_last {
        say("no key may run a server now: create one on the store")?;
    }
    Ok(())
}

fn list(config: &ListConfig, environment: &Environment) -> anyhow::Result<()> {
    let access = Access::open(&config.place, environment, Purpose::Read)?;
    let keys = access.keys()?;
    if config.json {
        let list = serde_json::to_string_pretty(&json!({ "items": keys }))?;
        return Ok(writeln!(std::io::stdout(), "{list}")?);
    }
    let now = now();
    let rows: Vec<[String; 7]> = keys.iter().map(|key| row(key, now)).collect();
    let head = ["ID", "NAME", "SOURCE", "SCOPES", "WORKS UNTIL", "LAST USED", "REPORTS TODAY"];
    Ok(std::io::stdout().write_all(table(head, &rows).as_bytes())?)
}

fn row(key: &Value, now: Timestamp) -> [String; 7] {
    [
        text(&key["id"]),
        text(&key["name"]) + if key["test"] == true { " (test)" } else { "" },
        text(&key["source"]),
        scopes(key),
        until(key, now),
        key["last_used"].as_str().unwrap_or("-").to_owned(),
        text(&key["reports_today"]),
    ]
}

fn scopes(key: &Value) -> String {
    let names = key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.collect::<Vec<_>>().join(",")
}

fn runs_servers(key: &Value, now: Timestamp) -> bool {
    let is_over = key["expires_at"].as_str().and_then(instant).is_some_and(|end| end <= now);
    let is_admin = key["scopes"].as_array().is_some_and(|all| all.contains(&json!("admin")));
    is_admin && key["revoked_at"].is_null() && !is_over
}

/// How long a key works, and that it no longer does.
fn until(key: &Value, now: Timestamp) -> String {
    if let Some(at) = key["revoked_at"].as_str() {
        return format!("revoked {at}");
    }
    match key["expires_at"].as_str() {
        Some(at) if instant(at).is_some_and(|end| end <= now) => format!("expired {at}"),
        Some(at) => at.to_owned(),
        None => "-".into(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Prints the text of a new key, and says what it is.
fn print_once(created: &Value) -> anyhow::Result<()> {
    let id = text(&created["id"]);
    let key = created["key"].as_str().context("the answer holds no key")?;
    let mut out = std::io::stdout();
    writeln!(out, "{key}").and_then(|()| out.flush()).with_context(|| {
        format!("key {id} was created and could not be printed: revoke it, and create another")
    })?;
    let end = until(created, now());
    let end = if end == "-" { "it does not expire".into() } else { format!("until {end}") };
    say(&format!(
        "key {id} ({}) of source {}, scopes {}, {end}: every node knows it within two seconds. It \
         was printed this once, since the store has only its hash",
        text(&created["name"]),
        text(&created["source"]),
        scopes(created),
    ))
}

fn say(sentence: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{sentence}")?)
}

/// The time, in whole seconds.
fn now() -> Timestamp {
    let shown = Clock::system(Probation::default()).shown();
    Timestamp(shown.0 - shown.0.rem_euclid(1_000))
}

//! `groundswell sources`: creates, lists and changes sources, the apps that keys belong to.

use super::access::Access;
use super::access::table::table;
use super::opened::Purpose;
use super::settings::Environment;
use crate::config::ledger::{ChangeSourceConfig, CreateSourceConfig, ListConfig, SourcesConfig};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io::Write;

pub fn run(config: &SourcesConfig, environment: &Environment) -> anyhow::Result<()> {
    match config {
        SourcesConfig::Create(config) => create(config, environment),
        SourcesConfig::List(config) => list(config, environment),
        SourcesConfig::Change(config) => change(config, environment),
    }
}

fn create(config: &CreateSourceConfig, environment: &Environment) -> anyhow::Result<()> {
    let access = Access::open(&config.place, environment, Purpose::Make)?;
    let mut body = json!({ "name": config.name, "may_open": config.may_open });
    if let Some(contact) = &config.contact {
        body["contact"] = json!(contact);
    }
    let created = access.create_source(&body)?;
    Ok(writeln!(std::io::stdout(), "{}", created["number"])?)
}

fn list(config: &ListConfig, environment: &Environment) -> anyhow::Result<()> {
    let access = Access::open(&config.place, environment, Purpose::Read)?;
    let sources = access.sources()?;
    if config.json {
        let list = serde_json::to_string_pretty(&json!({ "items": sources }))?;
        return Ok(writeln!(std::io::stdout(), "{list}")?);
    }
    let rows: Vec<[String; 5]> = sources.iter().map(row).collect();
    let head = ["NUMBER", "NAME", "CONTACT", "MAY OPEN CELLS", "CREATED"];
    Ok(std::io::stdout().write_all(table(head, &rows).as_bytes())?)
}

fn row(source: &Value) -> [String; 5] {
    let text = |name: &str| source[name].as_str().unwrap_or("-").to_owned();
    [
        source["number"].to_string(),
        text("name"),
        text("contact"),
        if source["may_open"] == false { "no".into() } else { "yes".into() },
        text("created_at"),
    ]
}

fn change(config: &ChangeSourceConfig, environment: &Environment) -> anyhow::Result<()> {
    let mut body = json!({});
    if let Some(name) = &config.name {
        body["name"] = json!(name);
    }
    if let Some(contact) = &config.contact {
        let contact = contact.trim();
        body["contact"] = if contact.is_empty() { Value::Null } else { json!(contact) };
    }
    if let Some(may_open) = config.may_open {
        body["may_open"] = json!(may_open);
    }
    ensure!(body != json!({}), "give what is to change: --name, --contact or --may-open");
    let access = Access::open(&config.place, environment, Purpose::Change)?;
    let number = access.source(&config.source)?["number"].as_u64().context("a source's number")?;
    let changed = access.change_source(number, &body)?;
    Ok(writeln!(std::io::stderr(), "source {number} is now {}", changed["name"])?)
}

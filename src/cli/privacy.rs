//! `groundswell privacy`: shows and sets what readers may see, in a store or by way of a
//! server that has it.

use super::access::Access;
use super::opened::Purpose;
use super::settings::Environment;
use crate::config::privacy::{PrivacyCommand, SetPrivacyConfig, ShowPrivacyConfig};
use anyhow::ensure;
use serde_json::{Value, json};
use std::io::Write;

pub fn run(config: &PrivacyCommand, environment: &Environment) -> anyhow::Result<()> {
    match config {
        PrivacyCommand::Show(config) => show(config, environment),
        PrivacyCommand::Set(config) => set(config, environment),
    }
}

fn show(config: &ShowPrivacyConfig, environment: &Environment) -> anyhow::Result<()> {
    let privacy = Access::open(&config.place, environment, Purpose::Read)?.privacy()?;
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&privacy)?)?)
}

fn set(config: &SetPrivacyConfig, environment: &Environment) -> anyhow::Result<()> {
    let mut body = json!({});
    if let Some(k) = config.k {
        body["k"] = json!(k);
    }
    if let Some(finest) = config.finest {
        body["finest"] = json!(finest.number());
    }
    ensure!(body != json!({}), "give what is to change: --k or --finest");
    let now = Access::open(&config.place, environment, Purpose::Make)?.set_privacy(&body)?;
    let mut told = std::io::stderr();
    writeln!(
        told,
        "readers see by k = {} and finest = {}: every node knows it within two seconds",
        now["k"], now["finest"]
    )?;
    for effect in now["effects"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        writeln!(told, "warning: {effect}")?;
    }
    Ok(())
}

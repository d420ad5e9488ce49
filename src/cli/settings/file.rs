//! Settings in a TOML file, under their long names, with - or _.

use super::{FILE, Given, hint};
use crate::catalogue::line_at;
use crate::cli::text::{read, trimmed, without_line_ends};
use anyhow::{Context, anyhow, bail, ensure};
use clap::{Arg, Command};
use std::collections::HashMap;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// The settings of a command that a file gives.
///
/// # Errors
/// Where it cannot be read, or says what cannot be; the message names the line.
pub fn settings(subcommand: &Command, path: &Path) -> anyhow::Result<Vec<Given>> {
    let text = read(path)?;
    parse(subcommand, &text, &path.display().to_string())
}

fn parse(subcommand: &Command, text: &str, shown: &str) -> anyhow::Result<Vec<Given>> {
    let line_of = |at: usize| line_at(text, at);
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        anyhow!("{shown}: line {line}: {}", error.message())
    })?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let (mut given, mut lines) = (Vec::new(), HashMap::new());
    for (name, value) in entries {
        let (line, name) = (line_of(name.span().start), name.get_ref().as_ref());
        let setting = setting(subcommand, name, value.get_ref())
            .map_err(|error| anyhow!("{shown}: line {line}: {error}"))?;
        if let Some((before, other)) = lines.insert(setting.id.clone(), (line, name)) {
            bail!(
                "{shown}: line {line}: {name} is the same setting as {other} on line {before}: \
                 leave one of them out"
            );
        }
        given.push(Given { origin: format!("{shown}: line {line}: {name}"), ..setting });
    }
    Ok(given)
}

fn setting(subcommand: &Command, name: &str, value: &DeValue<'_>) -> anyhow::Result<Given> {
    let id = name.replace('-', "_");
    let known = || {
        subcommand
            .get_arguments()
            .filter_map(Arg::get_long)
            .filter(|long| !matches!(*long, FILE | "help" | "version"))
    };
    ensure!(
        known().any(|long| long.replace('-', "_") == id),
        "unknown setting {name:?}{}; `groundswell serve --help` lists them",
        hint(&name.replace('_', "-"), known())
    );
    let text = match value {
        DeValue::String(text) if super::PASSWORDS.contains(&&*id) => {
            without_line_ends(text).to_owned()
        }
        DeValue::String(text) => trimmed(text).to_owned(),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .context("not a number")?
            .to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        other => bail!(
            "{name} must be a string, a whole number, true or false, got {}",
            other.type_str()
        ),
    };
    ensure!(!text.is_empty(), "{name} must not be empty: leave it out where it is not set");
    Ok(Given { id, value: text.into(), origin: String::new() })
}

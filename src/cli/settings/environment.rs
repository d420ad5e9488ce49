//! Settings in the environment. A variable that is empty or blank counts as unset.

use super::{Given, PASSWORDS, nearest};
use crate::cli::text::{trimmed, without_line_ends};
use crate::store::fail_point;
use clap::{Arg, Command};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

const PREFIX: &str = "GROUNDSWELL_";
/// What docker-compose.yml and the tests read.
const OF_OTHERS: [&str; 6] = [
    "GROUNDSWELL_CLUSTER_NET",
    "GROUNDSWELL_DOMAIN",
    "GROUNDSWELL_IMAGE",
    "GROUNDSWELL_INTERNET_NET",
    "GROUNDSWELL_PUBLISH_ON",
    "GROUNDSWELL_SHARED",
];
/// The key that a command shows a server. No flag gives it: everybody on a machine sees
/// the arguments of its processes.
pub const ADMIN_KEY: &str = "GROUNDSWELL_ADMIN_KEY";

/// Variables, by name.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// One of these variables.
    #[cfg(test)]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    /// The settings of a command that variables give.
    pub(super) fn settings(&self, subcommand: &Command) -> Vec<Given> {
        let given = |argument: &Arg| {
            let (id, name) = (argument.get_id().as_str(), argument.get_env()?);
            let value = cleaned(id, self.get(name)?)?;
            Some(Given { id: id.to_owned(), value, origin: name.to_string_lossy().into_owned() })
        };
        subcommand.get_arguments().filter_map(given).collect()
    }

    /// A secret that no flag gives, where it is set.
    pub fn secret(&self, name: &str) -> Option<String> {
        let value = self.get(OsStr::new(name))?.to_string_lossy().into_owned();
        Some(trimmed(&value).to_owned()).filter(|secret| !secret.is_empty())
    }

    fn get(&self, name: &OsStr) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }
}

/// The value that is meant, where one is. What is no text is left as it is: a path may be
/// anything.
fn cleaned(id: &str, value: &OsStr) -> Option<OsString> {
    let cleaned = match value.to_str() {
        Some(text) if trimmed(text).is_empty() => return None,
        Some(text) if PASSWORDS.contains(&id) => without_line_ends(text).into(),
        Some(text) => trimmed(text).into(),
        None => value.to_owned(),
    };
    Some(cleaned)
}

/// What is to be told of variables that look like settings of ours and are none.
pub fn misspelt(command: &Command, environment: &Environment) -> Vec<String> {
    let mut known: BTreeSet<&str> = OF_OTHERS.into_iter().chain([ADMIN_KEY]).collect();
    add_variables(command, &mut known);
    let names = environment.0.iter().filter_map(|(name, _)| name.to_str());
    let ours = names.filter(|name| {
        name.to_ascii_uppercase().starts_with(PREFIX)
            && !known.contains(name)
            && (!fail_point::ARE_COMPILED_IN || *name != fail_point::VARIABLE)
            && !is_of_an_orchestrator(name)
    });
    let told = |name: &str| {
        // The prefix, which all have, would make any two names alike.
        let settings = known
            .iter()
            .filter(|known| !OF_OTHERS.contains(known))
            .filter_map(|known| known.strip_prefix(PREFIX));
        let meant = nearest(&name.to_ascii_uppercase()[PREFIX.len()..], settings);
        let hint =
            meant.map_or_else(String::new, |meant| format!("; did you mean {PREFIX}{meant}?"));
        format!("the environment sets {name}, which is no setting and has no effect{hint}")
    };
    let mut told: Vec<String> = ours.map(told).collect();
    told.sort();
    told
}

/// Adds the variables of a command and of all within it.
fn add_variables<'a>(command: &'a Command, known: &mut BTreeSet<&'a str>) {
    known.extend(command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()));
    command.get_subcommands().for_each(|inner| add_variables(inner, known));
}

/// Whether Kubernetes or Docker tells it to every process beside a service that is called
/// groundswell.
fn is_of_an_orchestrator(name: &str) -> bool {
    name == "GROUNDSWELL_PORT"
        || name.starts_with("GROUNDSWELL_PORT_")
        || name.starts_with("GROUNDSWELL_SERVICE_")
}

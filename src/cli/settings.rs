//! From where each setting has its value: a flag, else the environment, else a TOML file,
//! else its default.
//!
//! What the environment and the file say is put behind the command's name as if it had
//! been given as flags, so that one parser judges all.

mod environment;
mod file;

pub use environment::{ADMIN_KEY, Environment, misspelt};

use anyhow::{anyhow, bail};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::path::Path;

/// The command that takes settings from a file.
const WITH_FILE: &str = "serve";
/// The setting that names the file.
const FILE: &str = "config";
/// Settings that may begin or end with a blank: only line ends are no part of a password,
/// as in its file.
const PASSWORDS: [&str; 2] = ["redis_password", "redis_sentinel_password"];
/// Names that are nearer to each other than this are taken for one that is misspelt.
const ALIKE: f64 = 0.7;

/// A value of a setting that no flag gave.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    /// The setting, as the parser calls it.
    id: String,
    value: OsString,
    /// Where it stands, for people.
    origin: String,
}

/// Why arguments are none.
#[derive(Debug)]
pub enum Refused {
    /// The parser says so, or was asked for help. It knows how to show that.
    ByParser(clap::Error),
    /// The environment or the file says what cannot be.
    Setting(anyhow::Error),
}

/// Parses arguments, beside what the environment and the file that they name say.
///
/// # Errors
/// Where a flag, a variable or a setting of the file says what cannot be.
pub fn resolve(
    command: &Command,
    arguments: &[OsString],
    environment: &Environment,
) -> Result<ArgMatches, Refused> {
    let named = command;
    let command = without_environment(named.clone());
    let matches = command.clone().try_get_matches_from(arguments).map_err(Refused::ByParser)?;
    let (words, flags) = innermost(&matches);
    let (Some(subcommand), Some(named)) = (find(&command, &words), find(named, &words)) else {
        return Ok(matches);
    };
    let with = |added: &[Given]| with(subcommand, words.len(), arguments, added);
    let mut layers = vec![flags_given(subcommand, flags), environment.settings(named)];
    if words == [WITH_FILE]
        && let Some(path) = path_of_file(flags, &layers[1])
    {
        layers.push(file::settings(subcommand, Path::new(&path)).map_err(Refused::Setting)?);
    }
    let added = effective(subcommand, &layers).map_err(Refused::Setting)?;
    for given in &added {
        let alone = command
            .clone()
            .try_get_matches_from(with(std::slice::from_ref(given)).map_err(Refused::Setting)?);
        alone.map_err(|error| Refused::Setting(anyhow!("{}: {}", given.origin, reason(&error))))?;
    }
    let all = with(&added).map_err(Refused::Setting)?;
    command.try_get_matches_from(all).map_err(Refused::ByParser)
}

/// The names of the command that was given, from the outermost on, and its flags: of
/// `keys create` those of `create`.
fn innermost(matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let (mut names, mut flags) = (Vec::new(), matches);
    while let Some((name, inner)) = flags.subcommand() {
        names.push(name);
        flags = inner;
    }
    (names, flags)
}

/// The command of these names; none where no command was given.
fn find<'a>(command: &'a Command, names: &[&str]) -> Option<&'a Command> {
    let (last, outer) = names.split_last()?;
    let parent = outer.iter().try_fold(command, |parent, name| parent.find_subcommand(name))?;
    parent.find_subcommand(last)
}

/// The same command, whose help names the variables, and whose parser does not look at
/// them.
fn without_environment(command: Command) -> Command {
    let quiet =
        |argument: Arg| match argument.get_env().map(|name| name.to_string_lossy().into_owned()) {
            Some(name) => {
                let help = format!(
                    "{} [env: {name}]",
                    argument.get_help().map(ToString::to_string).unwrap_or_default()
                );
                argument.env(None::<&str>).help(help)
            }
            None => argument,
        };
    command.mut_subcommands(|subcommand| without_environment(subcommand.mut_args(quiet)))
}

fn flags_given(subcommand: &Command, flags: &ArgMatches) -> Vec<Given> {
    let ids = subcommand.get_arguments().map(|argument| argument.get_id().as_str());
    let given = ids.filter(|id| flags.value_source(id) == Some(ValueSource::CommandLine));
    given
        .map(|id| Given {
            id: id.to_owned(),
            value: OsString::new(),
            origin: format!("--{}", id.replace('_', "-")),
        })
        .collect()
}

fn path_of_file(flags: &ArgMatches, environment: &[Given]) -> Option<OsString> {
    let flag = flags.get_one::<std::path::PathBuf>(FILE).map(|path| path.clone().into_os_string());
    flag.or_else(|| {
        environment.iter().find(|given| given.id == FILE).map(|given| given.value.clone())
    })
}

/// What the layers below the flags add: each setting once, from the highest layer that
/// has it or one that stands in its place.
fn effective(subcommand: &Command, layers: &[Vec<Given>]) -> anyhow::Result<Vec<Given>> {
    let mut chosen: Vec<(usize, &Given)> = Vec::new();
    for (layer, given) in layers
        .iter()
        .enumerate()
        .flat_map(|(layer, all)| all.iter().map(move |given| (layer, given)))
    {
        let rival = chosen.iter().find(|(_, other)| {
            other.id == given.id || exclude_each_other(subcommand, &other.id, &given.id)
        });
        match rival {
            None => chosen.push((layer, given)),
            Some((above, _)) if *above < layer => {}
            Some((_, other)) => bail!("{} and {} cannot both be given", other.origin, given.origin),
        }
    }
    Ok(chosen.into_iter().filter(|(layer, _)| *layer > 0).map(|(_, given)| given.clone()).collect())
}

fn exclude_each_other(subcommand: &Command, one: &str, other: &str) -> bool {
    let argument = |id: &str| subcommand.get_arguments().find(|argument| argument.get_id() == id);
    let excludes = |one: Option<&Arg>, other: &str| {
        one.is_some_and(|one| {
            subcommand.get_arg_conflicts_with(one).iter().any(|argument| argument.get_id() == other)
        })
    };
    excludes(argument(one), other) || excludes(argument(other), one)
}

/// The arguments, with further settings behind the command's names, which come first.
fn with(
    subcommand: &Command,
    names: usize,
    arguments: &[OsString],
    added: &[Given],
) -> anyhow::Result<Vec<OsString>> {
    let before = 1 + names;
    let mut all: Vec<OsString> = arguments.iter().take(before).cloned().collect();
    for given in added {
        let argument =
            subcommand.get_arguments().find(|argument| argument.get_id() == given.id.as_str());
        let long = argument.and_then(Arg::get_long).unwrap_or(&given.id);
        if argument.is_some_and(|argument| matches!(argument.get_action(), ArgAction::SetTrue)) {
            if is_yes(given)? {
                all.push(format!("--{long}").into());
            }
        } else {
            let mut flag = OsString::from(format!("--{long}="));
            flag.push(&given.value);
            all.push(flag);
        }
    }
    all.extend(arguments.iter().skip(before).cloned());
    Ok(all)
}

/// Whether a setting that is a mere flag is set.
fn is_yes(given: &Given) -> anyhow::Result<bool> {
    match given.value.to_string_lossy().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        other => bail!("{}: expected true or false, got {other:?}", given.origin),
    }
}

/// What the parser says of a value, on one line.
fn reason(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let text = text
        .split("\n\nFor more information")
        .next()
        .unwrap_or(text)
        .split("\n\nUsage:")
        .next()
        .unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name that somebody may have meant.
fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known =
        known.into_iter().map(|known| (known, strsim::normalized_damerau_levenshtein(name, known)));
    known
        .filter(|(_, alike)| *alike >= ALIKE)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(known, _)| known)
}

/// "; did you mean X?", where somebody may have meant something.
fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |known| format!("; did you mean {known}?"))
}

#[cfg(test)]
mod tests;

//! The command line: one file per command.

mod backtest;
mod copy;
mod demo;
mod interrupt;
mod openapi;
mod opened;
mod output;
mod place;
mod rehearse;
mod replay;
mod serve;
mod signals;
mod simulate;

use anyhow::{Context, bail};
use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

/// Turns crowd reports of lost service into one trustworthy answer: which provider is down, where, since when.
#[derive(Debug, Parser)]
#[command(name = "groundswell", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Take reports and answer questions over HTTP
    Serve(Box<crate::config::Config>),
    /// Move everything that an embedded store holds to a Redis; may be cut off and begun again
    Copy(Box<crate::config::CopyConfig>),
    /// Play files of reports through ingest, store and detectors on simulated time, and write the incidents
    Replay(Box<crate::config::ReplayConfig>),
    /// Replay streams with known outages, score the incidents, and plot them
    Backtest(Box<backtest::Arguments>),
    /// Play an outage on record by a synthetic crowd, into files or to a server
    Simulate(simulate::Arguments),
    /// Watch 8 July 2022 unfold: a server on a fast clock, a synthetic crowd, and an account of what it finds
    Demo(demo::Arguments),
    /// Play outages on record through all of detection, and tell what it is worth
    Rehearse(rehearse::Arguments),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
}

/// Runs the command that the process was started with.
///
/// # Errors
/// Where it cannot do its work; the message is for the person who started it.
pub fn run() -> anyhow::Result<()> {
    let cli = parse(std::env::args_os().collect())?;
    let signals = signals::Signals::heard().context("signals cannot be heard")?;
    match cli.command {
        Commands::Serve(config) => serve::run(&config, &signals),
        Commands::Copy(config) => copy::run(&config),
        Commands::Replay(config) => replay::run(&config),
        Commands::Backtest(arguments) => backtest::run(&arguments),
        Commands::Simulate(arguments) => simulate::run(&arguments),
        Commands::Demo(arguments) => demo::run(&arguments, &signals),
        Commands::Rehearse(arguments) => rehearse::run(&arguments),
        Commands::Openapi => openapi::run(),
    }
}

/// Parses arguments; a TOML file's settings stand in for defaults, so that environment and flags win.
fn parse(arguments: Vec<OsString>) -> anyhow::Result<Cli> {
    let mut command = Cli::command();
    if let Some(path) = config_file(&command, &arguments) {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let table: toml::Table = text.parse().with_context(|| path.display().to_string())?;
        command = with_defaults(command, table).with_context(|| path.display().to_string())?;
    }
    Ok(Cli::from_arg_matches(&command.get_matches_from(arguments)).unwrap_or_else(|error| error.exit()))
}

/// The file named by flag or environment, where the arguments parse so far.
fn config_file(command: &Command, arguments: &[OsString]) -> Option<std::path::PathBuf> {
    let matches = command.clone().ignore_errors(true).try_get_matches_from(arguments).ok()?;
    let (_, serve) = matches.subcommand().filter(|(name, _)| *name == "serve")?;
    serve.get_one::<std::path::PathBuf>("config").cloned()
}

fn with_defaults(command: Command, table: toml::Table) -> anyhow::Result<Command> {
    let known: Vec<String> =
        crate::config::Config::augment_args(Command::new("")).get_arguments().map(|a| a.get_id().to_string()).collect();
    let mut defaults = Vec::new();
    for (name, value) in table {
        let id = name.replace('-', "_");
        if !known.contains(&id) || id == "config" {
            bail!("unknown setting {name:?}; `groundswell serve --help` lists them");
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            other => bail!("{name} must be a string or a whole number, got {other}"),
        };
        defaults.push((id, text));
    }
    Ok(command.mut_subcommand("serve", |serve| {
        defaults.into_iter().fold(serve, |serve, (id, text)| serve.mut_arg(id, |arg| arg.default_value(text)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auth, Config};

    fn config(flags: &[&str], file: &str) -> anyhow::Result<Config> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("groundswell.toml");
        std::fs::write(&path, file)?;
        let arguments = ["groundswell", "serve", "--config"].into_iter().map(OsString::from).chain([path.into()]);
        match parse(arguments.chain(flags.iter().map(OsString::from)).collect())?.command {
            Commands::Serve(config) => Ok(*config),
            _ => bail!("another command"),
        }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "listen = \"127.0.0.1:9000\"\nlateness-hours = 24\nauth = \"open\"\n";
        let config = config(&["--lateness-hours", "12"], file).unwrap();
        assert_eq!((config.listen.port(), config.lateness_hours, config.auth), (9000, 12, Some(Auth::Open)));
        assert_eq!(config.snapshot_log_mib, 128);
    }

    #[test]
    fn an_unknown_setting_in_the_file_is_refused_by_name() {
        let error = format!("{:#}", config(&[], "listne = \"127.0.0.1:9000\"\n").unwrap_err());
        assert!(error.contains("unknown setting \"listne\""), "{error}");
    }

    #[test]
    fn an_address_that_others_reach_needs_auth_said_explicitly() {
        for (listen, auth, sound) in [
            ("127.0.0.1:0", None, true),
            ("[::1]:0", None, true),
            ("0.0.0.0:0", None, false),
            ("[::ffff:10.0.0.1]:0", None, false),
            ("0.0.0.0:0", Some("open"), true),
        ] {
            let flags: Vec<&str> = ["--listen", listen].into_iter().chain(auth.into_iter().flat_map(|auth| ["--auth", auth])).collect();
            assert_eq!(config(&flags, "").unwrap().check().is_ok(), sound, "{listen} {auth:?}");
        }
    }
}

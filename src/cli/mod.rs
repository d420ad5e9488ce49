//! The command line: one file per command.

mod access;
mod copy;
mod first_key;
mod keys;
pub mod limits;
pub mod listening;
mod openapi;
pub mod opened;
pub mod output;
mod place;
mod policy;
mod population;
mod privacy;
pub mod replay;
mod reporter_key;
pub mod serve;
mod settings;
pub mod signals;
mod sources;
mod text;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use settings::{Environment, Refused};
use std::ffi::OsString;
use std::io::Write;

/// Turns crowd reports of lost service into one trustworthy answer: which provider is
/// down, where, since when.
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
    /// Move everything that an embedded store holds to a Redis; may be cut off and begun
    /// again
    Copy(Box<crate::config::CopyConfig>),
    /// Play files of reports through ingest, store and detectors on simulated time, and
    /// write the incidents
    Replay(Box<crate::config::ReplayConfig>),
    /// Create, list, rotate and revoke keys: what apps and operators show to say who they
    /// are
    #[command(subcommand)]
    Keys(crate::config::ledger::KeysConfig),
    /// Create, list and change sources: the apps that keys belong to
    #[command(subcommand)]
    Sources(crate::config::ledger::SourcesConfig),
    /// Show and set what readers may see: how many people a number is about at least, and
    /// how fine a cell may be
    #[command(subcommand)]
    Privacy(crate::config::privacy::PrivacyCommand),
    /// Replace the reporter key, from a day on or at once: the way out where it has leaked
    ReporterKey(Box<crate::config::reporter_key::ReporterKeyConfig>),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
}

/// Runs the command that the process was started with.
///
/// # Errors
/// Where it cannot do its work; the message is for the person who started it.
pub fn run() -> anyhow::Result<()> {
    // Before any secret is read.
    limits::forbid_images();
    let environment = Environment::of_process();
    let cli = match parse(&std::env::args_os().collect::<Vec<_>>(), &environment) {
        Ok(cli) => cli,
        Err(Refused::ByParser(error)) => error.exit(),
        Err(Refused::Setting(error)) => return Err(error),
    };
    // A server logs them.
    if !matches!(cli.command, Commands::Serve(_)) {
        for told in misspelt_variables() {
            writeln!(std::io::stderr(), "warning: {told}")?;
        }
    }
    limits::raise_open_files();
    let signals = signals::Signals::heard().context("signals cannot be heard")?;
    match cli.command {
        Commands::Serve(config) => serve::run(&config, &signals),
        Commands::Copy(config) => copy::run(&config),
        Commands::Replay(config) => replay::run(&config),
        Commands::Keys(config) => keys::run(&config, &environment),
        Commands::Sources(config) => sources::run(&config, &environment),
        Commands::Privacy(command) => privacy::run(&command, &environment),
        Commands::ReporterKey(config) => reporter_key::run(&config),
        Commands::Openapi => openapi::run(),
    }
}

/// What is to be told of variables that look like settings of ours and are none.
fn misspelt_variables() -> Vec<String> {
    settings::misspelt(&Cli::command(), &Environment::of_process())
}

fn parse(arguments: &[OsString], environment: &Environment) -> Result<Cli, Refused> {
    let matches = settings::resolve(&Cli::command(), arguments, environment)?;
    Cli::from_arg_matches(&matches).map_err(Refused::ByParser)
}

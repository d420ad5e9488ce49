//! The command line of the laboratory: one file per command.

mod backtest;
mod demo;
mod guard;
mod rehearse;
mod simulate;

use anyhow::Context;
use clap::{Parser, Subcommand};
use groundswell::cli::{limits, signals};

/// Plays outages that are on record, and scores what detection makes of known ones.
#[derive(Debug, Parser)]
#[command(name = "groundswell-lab", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Replay streams with known outages, score the incidents, and plot them
    Backtest(Box<backtest::Arguments>),
    /// Play an outage on record by a synthetic crowd, into files or to a server
    Simulate(simulate::Arguments),
    /// Watch 8 July 2022 unfold: a server on a fast clock, a synthetic crowd, and an
    /// account of what it finds
    Demo(demo::Arguments),
    /// Play outages on record through all of detection, and tell what it is worth
    Rehearse(rehearse::Arguments),
    /// Hold the quality of detection against a file, and fail where it is worse
    Guard(guard::Arguments),
}

/// Runs the command that the process was started with.
///
/// # Errors
/// Where it cannot do its work; the message is for the person who started it.
pub fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    limits::raise_open_files();
    let signals = signals::Signals::heard().context("signals cannot be heard")?;
    match cli.command {
        Commands::Backtest(arguments) => backtest::run(&arguments),
        Commands::Simulate(arguments) => simulate::run(&arguments),
        Commands::Demo(arguments) => demo::run(&arguments, &signals),
        Commands::Rehearse(arguments) => rehearse::run(&arguments),
        Commands::Guard(arguments) => guard::run(&arguments),
    }
}

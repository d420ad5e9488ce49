//! `groundswell simulate`: an outage on record, played by a synthetic crowd, into files
//! or to a server.

pub(super) mod files;
pub(super) mod send;
mod server;
mod set;

use crate::simulate::plan::Plan;
use crate::simulate::scenario::{ALL, Scenario};
use anyhow::{anyhow, bail, ensure};
use clap::{ArgGroup, Args, Subcommand};
use groundswell::domain::time::{HOUR_MS, Timestamp};
use groundswell::render::time::rfc3339;
use groundswell::wire::time::{INSTANT, instant};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;

/// So long before the scenario a stream may begin.
const MOST_BEFORE_MS: i64 = 8 * 7 * 24 * HOUR_MS;

/// What is played, how, and where to.
#[derive(Debug, Clone, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["out", "to", "list"]),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
)]
pub struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// Outage to play; --list names them
    #[arg(required_unless_present = "list", value_name = "SCENARIO")]
    scenario: Option<String>,
    /// Print the names of the scenarios and what happens in them
    #[arg(long, conflicts_with_all = ["scenario", "out", "to"])]
    list: bool,
    /// What chance begins with: the same seed gives the same reports
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many of those whom the largest public aggregator counted report here, above 0
    /// and up to 1
    #[arg(long, default_value_t = 0.1, value_parser = share, value_name = "SHARE")]
    crowd: f64,
    /// Quiet weeks before the stream, 0 to 8
    #[arg(
        long,
        default_value_t = 3,
        value_parser = clap::value_parser!(i64).range(0..=8),
        conflicts_with = "to",
        value_name = "N",
    )]
    history_weeks: i64,
    /// Folder that history.ndjson.gz, stream.ndjson.gz and truth.json are written to
    #[arg(long, conflicts_with = "to", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Server that the reports are sent to as they come, such as <http://127.0.0.1:8080>.
    /// One on a simulated clock is followed; for another the scenario begins now
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// How many times as fast as time it is played to a server that is on no simulated
    /// clock
    #[arg(
        long,
        requires = "to",
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        value_name = "N",
    )]
    speed: Option<u32>,
    /// Instant from which on reports are of the stream; those before are history. At most
    /// 8 weeks before the scenario begins. The scenario's own, or a followed server's
    /// present, when not given
    #[arg(long, value_parser = rfc3339_instant, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Instant at which the stream ends, the scenario's own at the latest, and when not
    /// given
    #[arg(long, value_parser = rfc3339_instant, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// What is simulated instead of an outage on record.
#[derive(Debug, Clone, Subcommand)]
enum Other {
    /// Write a small set of streams with known outages of many kinds, over one city, in the
    /// form that `backtest --set` reads
    Set(set::Arguments),
}

/// Plays the scenario, or writes a set.
///
/// # Errors
/// Where there is none of that name, or what comes of it cannot be written or sent.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(Other::Set(arguments)) = &arguments.other {
        return set::run(arguments);
    }
    if arguments.list {
        return list();
    }
    let plan = Plan::new(
        scenario(arguments.scenario.as_deref().unwrap_or_default())?,
        arguments.seed,
        arguments.crowd,
    );
    match (&arguments.out, &arguments.to) {
        (Some(directory), _) => {
            let stream = stream(
                &plan,
                arguments.from.unwrap_or_else(|| plan.scenario.from()),
                arguments.until,
            )?;
            let history = files::history_before(&stream, arguments.history_weeks);
            files::write(&plan, history, stream, directory)
        }
        (None, Some(url)) => {
            // What can be told without the server's time is told before it is reached.
            stream(&plan, arguments.from.unwrap_or_else(|| earliest(&plan)), arguments.until)?;
            send::send(&plan, url, arguments.from, arguments.until, arguments.speed)
        }
        (None, None) => bail!("give --out or --to"),
    }
}

fn list() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for scenario in ALL {
        writeln!(out, "{:17} {}", scenario.name, scenario.title)?;
    }
    Ok(())
}

fn scenario(name: &str) -> anyhow::Result<&'static Scenario> {
    let names = || ALL.map(|scenario| scenario.name).join(", ");
    Scenario::by_name(name)
        .ok_or_else(|| anyhow!("there is no scenario {name:?}; there are {}", names()))
}

/// The instants of a stream that begins somewhere in the scenario, or in the quiet weeks
/// before it.
fn stream(
    plan: &Plan,
    from: Timestamp,
    until: Option<Timestamp>,
) -> anyhow::Result<Range<Timestamp>> {
    let (name, earliest, ends) = (plan.scenario.name, earliest(plan), plan.scenario.until());
    let until = until.unwrap_or(ends);
    ensure!(
        until <= ends,
        "the stream would end at {}, when it has long been over: {name} ends at {}",
        rfc3339(until),
        rfc3339(ends)
    );
    ensure!(
        from < until,
        "the stream would begin at {}, when it is over: {name} ends at {}",
        rfc3339(from),
        rfc3339(until)
    );
    ensure!(
        earliest <= from,
        "the stream would begin at {}, too long before the outage: {name} has quiet weeks from {} \
         on",
        rfc3339(from),
        rfc3339(earliest)
    );
    Ok(from..until)
}

/// The first instant at which a stream may begin.
fn earliest(plan: &Plan) -> Timestamp {
    plan.scenario.from().plus_ms(-MOST_BEFORE_MS)
}

/// A bar over the minutes of the scenario. Draws nothing where standard error is no
/// terminal.
fn bar(minutes: i64) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {percent} %, {eta} to go, {msg}")?;
    Ok(ProgressBar::new(minutes.unsigned_abs()).with_style(style))
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| 0.0 < *share && *share <= 1.0);
    share.ok_or_else(|| {
        "it must be a number above 0 and up to 1, 1 being all whom the largest \
         public aggregator counted"
            .into()
    })
}

fn rfc3339_instant(text: &str) -> Result<Timestamp, String> {
    instant(text).ok_or_else(|| format!("it must be {INSTANT}"))
}

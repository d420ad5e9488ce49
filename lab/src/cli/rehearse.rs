//! `groundswell rehearse`: outages on record through the whole of detection, and what it
//! is worth.

use super::simulate::files;
use crate::rehearsal::maps::{self, Frame};
use crate::rehearsal::plot::draw;
use crate::rehearsal::seen::Seen;
use crate::rehearsal::table::table;
use crate::rehearsal::verdict::{Verdict, verdict};
use crate::simulate::plan::Plan;
use crate::simulate::scenario::{ALL, Scenario};
use anyhow::{anyhow, ensure};
use clap::Args;
use groundswell::cli::output::{Finished, Outputs};
use groundswell::cli::replay::passing_setting;
use groundswell::domain::provider::Catalogue;
use groundswell::engine::replay::leftovers::Leftover;
use groundswell::engine::replay::past::Past;
use groundswell::store::Store;
use std::io::Write;
use std::path::PathBuf;

/// Which outages, how, and where the answers go.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Outages to rehearse; all when none is given
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// What chance begins with
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many of those whom the largest public aggregator counted report here, above 0
    /// and up to 1
    #[arg(long, default_value_t = 0.1, value_parser = super::simulate::share, value_name = "SHARE")]
    crowd: f64,
    #[command(flatten)]
    quiet: Quiet,
    /// Folder that a plot of each and the table are written to
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Folder that maps of each are written to: of everything, and as everybody sees it
    #[arg(long, value_name = "DIR")]
    maps: Option<PathBuf>,
    /// Degrees west, south, east and north of the maps
    #[arg(
        long,
        value_delimiter = ',',
        num_args = 4,
        allow_hyphen_values = true,
        default_value = "-80.7,43.1,-77.7,45.1",
        value_name = "DEGREES"
    )]
    frame: Vec<f64>,
    /// File that the verdicts are written to as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What goes before an outage that is rehearsed.
#[derive(Debug, Clone, Args)]
pub(super) struct Quiet {
    /// Quiet weeks before each outage that is rehearsed, 1 to 8
    #[arg(
        long,
        default_value_t = 3,
        value_parser = clap::value_parser!(i64).range(1..=8),
        value_name = "N",
    )]
    pub history_weeks: i64,
}

/// Rehearses them, prints the table, and fails where a verdict is not as it should be.
///
/// # Errors
/// Where there is no such scenario, files cannot be written, or something was missed,
/// blamed, or ended too soon.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let named = |name: &String| {
        Scenario::by_name(name)
            .ok_or_else(|| anyhow!("there is no scenario {name:?}; simulate --list names them"))
    };
    let scenarios: Vec<&Scenario> = if arguments.scenarios.is_empty() {
        ALL.to_vec()
    } else {
        arguments.scenarios.iter().map(named).collect::<anyhow::Result<_>>()?
    };
    let mut outputs = Outputs::beside([])?;
    let mut in_report = |name: &str| {
        arguments.report.as_ref().map(|directory| outputs.target(&directory.join(name))).transpose()
    };
    let plots = scenarios
        .iter()
        .map(|scenario| in_report(&format!("{}.svg", scenario.name)))
        .collect::<Result<Vec<_>, _>>()?;
    let table_target = in_report("table.md")?;
    let json_target = arguments.json.as_ref().map(|file| outputs.target(file)).transpose()?;
    let frame = match arguments.frame[..] {
        [west, south, east, north] if west < east && south < north => {
            Some(Frame { west, south, east, north })
        }
        _ => None,
    };
    let frame = frame.ok_or_else(|| anyhow!("a frame is west,south,east,north, in this order"))?;
    let (mut verdicts, mut written): (Vec<Verdict>, Vec<Finished>) = (Vec::new(), Vec::new());
    for (scenario, plot) in scenarios.into_iter().zip(plots) {
        let plan = Plan::new(scenario, arguments.seed, arguments.crowd);
        let (seen, drawn) = rehearsed(&plan, arguments.quiet.history_weeks, |facts, seen| {
            let wants = arguments.maps.is_some();
            if wants { maps::draw(&plan, facts, seen, frame) } else { Ok(Vec::new()) }
        })?;
        for (directory, (name, map)) in arguments.maps.iter().cycle().zip(drawn) {
            written.push(outputs.target(&directory.join(name))?.written(map.as_bytes())?);
        }
        verdicts.push(verdict(&plan, &seen));
        if let Some(target) = plot {
            written.push(target.written(draw(&plan, &seen).as_bytes())?);
        }
    }
    let table = table(&verdicts);
    if let Some(target) = table_target {
        written.push(target.written(table.as_bytes())?);
    }
    if let Some(target) = json_target {
        written.push(target.written((serde_json::to_string_pretty(&verdicts)? + "\n").as_bytes())?);
    }
    outputs.publish(written)?;
    std::io::stdout().lock().write_all(table.as_bytes())?;
    let wrong: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.is_right())
        .map(|verdict| verdict.scenario)
        .collect();
    ensure!(wrong.is_empty(), "not as it should be: {}", wrong.join(", "));
    Ok(())
}

/// Plays a scenario through ingest, store, detectors and desk.
pub(super) fn rehearse(plan: &Plan, history_weeks: i64) -> anyhow::Result<Seen> {
    Ok(rehearsed(plan, history_weeks, |_, _| Ok(()))?.0)
}

/// The same, and looks at the store and at what was seen before the store ends.
fn rehearsed<T>(
    plan: &Plan,
    history_weeks: i64,
    look: impl FnOnce((&Store, &Catalogue), &Seen) -> anyhow::Result<T>,
) -> anyhow::Result<(Seen, T)> {
    let directory = Leftover::directory("groundswell-rehearsal-")?;
    let stream = plan.scenario.from()..plan.scenario.until();
    files::write(plan, files::history_before(&stream, history_weeks), stream, directory.path())?;
    let file = |name: &str| directory.path().join(name);
    let setting = passing_setting(groundswell::catalogue::builtin());
    let past = Past::play(&setting, &[file("history.ndjson.gz").into()], &mut |_| {})?;
    let (mut seen, mut simulation) = (Seen::default(), past.resume()?);
    simulation.replay(&[file("stream.ndjson.gz").into()], &mut seen)?;
    let found = look((simulation.store(), &setting.catalogue), &seen)?;
    Ok((seen, found))
}

//! `groundswell-lab guard`: the quality of detection on sets of streams and in rehearsals,
//! held against a file.

use super::backtest::play::{Way, play};
use super::backtest::{bar, curve, jobs, name_of};
use super::rehearse::{Quiet, rehearse};
use crate::backtest::examined::Examined;
use crate::backtest::operating;
use crate::backtest::score::score;
use crate::backtest::set::{Set, Stream};
use crate::backtest::verdict::Judged;
use crate::guard::bounds::{Bounds, Outcome, word};
use crate::guard::figures::Subject;
use crate::guard::table::table;
use crate::rehearsal::verdict::{Verdict, verdict};
use crate::simulate::plan::Plan;
use crate::simulate::scenario::{ALL, Scenario};
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use groundswell::cli::output::Outputs;
use groundswell::domain::detect::parameters::Parameters;
use groundswell::engine::replay::jobs::each;
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The sets that are guarded, below the folder with the shared data.
const SETS: [&str; 2] = ["detbench", "detbench2"];
const SHARED: &str = "GROUNDSWELL_SHARED";
/// As `rehearse` plays a scenario when nothing else is said.
const CROWD: f64 = 0.1;

/// What is run, and which file it is held against.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Folder of a set. Where sets or rehearsals are given, only these are run; else
    /// detbench and detbench2 of ../shared, or of the folder that `GROUNDSWELL_SHARED`
    /// names, and all rehearsals
    #[arg(long = "set", value_name = "DIR")]
    sets: Vec<PathBuf>,
    /// Outage to rehearse
    #[arg(long = "rehearsal", value_name = "SCENARIO")]
    rehearsals: Vec<String>,
    /// Seeds of each rehearsal, from 1 on
    #[arg(
        long,
        default_value_t = 4,
        value_parser = clap::value_parser!(u64).range(1..=64),
        value_name = "N",
    )]
    seeds: u64,
    #[command(flatten)]
    quiet: Quiet,
    /// Only streams whose names begin so; * stands for anything
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    streams: Vec<String>,
    /// File with the figures
    #[arg(long, default_value = "benches/detection-guard.toml", value_name = "FILE")]
    file: PathBuf,
    /// Run nothing: take the figures that an earlier run wrote into this file
    #[arg(long, conflicts_with_all = ["sets", "rehearsals", "streams"], value_name = "FILE")]
    measured: Option<PathBuf>,
    /// Write the figures of this run into the file, in place of those of the same sets and
    /// rehearsals
    #[arg(long)]
    write: bool,
    /// How many streams are played at a time; as many as cores when not given
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    jobs: Option<u16>,
}

/// Runs the detector, prints the figures beside the file's, and fails where one is worse
/// beyond its noise.
///
/// # Errors
/// Where a set or the file cannot be read, or a figure is worse or missing.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let began = Instant::now();
    let runs_all = arguments.sets.is_empty() && arguments.rehearsals.is_empty();
    let is_new = arguments.write && !arguments.file.exists();
    let mut bounds = if is_new { Bounds::default() } else { read(&arguments.file)? };
    let mut outputs = Outputs::beside([])?;
    let target = arguments.write.then(|| outputs.target(&arguments.file)).transpose()?;
    let jobs = jobs(arguments.jobs);
    let mut out = std::io::stdout().lock();
    let subjects = match &arguments.measured {
        Some(file) => read(file)?.subjects(),
        None => measure(arguments, runs_all, jobs, &mut out)?,
    };
    write!(out, "{}", table(&bounds, &subjects))?;
    writeln!(out, "took {:.0} s, {jobs} at a time", began.elapsed().as_secs_f64())?;
    if let Some(target) = target {
        bounds.take(&subjects);
        return Ok(outputs.publish([target.written(bounds.text().as_bytes())?])?);
    }
    let faults = faults(&bounds, &subjects, runs_all && arguments.streams.is_empty());
    ensure!(
        faults.is_empty(),
        "detection is worse than {} says:\n  {}",
        arguments.file.display(),
        faults.join("\n  ")
    );
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Bounds> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Bounds::parse(&text).with_context(|| file.display().to_string())
}

/// Runs the detector on what was asked for.
fn measure(
    arguments: &Arguments,
    runs_all: bool,
    jobs: NonZero<usize>,
    out: &mut impl Write,
) -> anyhow::Result<Vec<Subject>> {
    let sets = if runs_all { shared_sets()? } else { arguments.sets.clone() };
    let scenarios = scenarios(arguments, runs_all)?;
    let mut subjects = Vec::new();
    for folder in &sets {
        subjects.push(guard_set(arguments, folder, jobs, out)?);
    }
    subjects.extend(guard_rehearsals(&scenarios, arguments, jobs)?);
    Ok(subjects)
}

/// What is worse or missing, a line each.
fn faults(bounds: &Bounds, subjects: &[Subject], runs_all: bool) -> Vec<String> {
    let mut faults = Vec::new();
    for subject in subjects {
        for figure in &subject.figures {
            let name = format!("{} {}: {}", word(subject.kind), subject.name, figure.name);
            match (bounds.outcome(subject, figure), bounds.of(subject, &figure.name)) {
                (Outcome::Worse, Some(bound)) => faults.push(format!(
                    "{name} is {:.3}, but was {:.3} with a noise of {:.3}",
                    figure.value, bound.value, bound.noise
                )),
                (Outcome::Unknown, _) => faults.push(format!("{name} is not in the file")),
                _ => {}
            }
        }
    }
    let missing = bounds.missing(subjects, runs_all);
    faults.extend(missing.into_iter().map(|what| format!("{what} was not measured")));
    faults
}

/// The sets of the shared data.
fn shared_sets() -> anyhow::Result<Vec<PathBuf>> {
    let shared = std::env::var_os(SHARED).map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let sets = SETS.map(|name| shared.join(name));
    for set in &sets {
        ensure!(
            set.is_dir(),
            "there is no {}: point {SHARED} at the folder with the shared data, or name sets by \
             --set",
            set.display()
        );
    }
    Ok(sets.into())
}

fn scenarios(arguments: &Arguments, runs_all: bool) -> anyhow::Result<Vec<&'static Scenario>> {
    if runs_all {
        return Ok(ALL.to_vec());
    }
    let named = |name: &String| {
        Scenario::by_name(name)
            .ok_or_else(|| anyhow!("there is no scenario {name:?}; simulate --list names them"))
    };
    arguments.rehearsals.iter().map(named).collect()
}

/// Plays a set, prints its table and curve, and gives its figures.
fn guard_set(
    arguments: &Arguments,
    folder: &Path,
    jobs: NonZero<usize>,
    out: &mut impl Write,
) -> anyhow::Result<Subject> {
    let (set, name) = (Set::read(folder)?, name_of(folder)?);
    let wanted = |stream: &&Stream| {
        arguments.streams.is_empty()
            || arguments.streams.iter().any(|pattern| stream.matches(pattern))
    };
    let streams: Vec<&Stream> = set.streams.iter().filter(wanted).collect();
    ensure!(!streams.is_empty(), "{name} has no stream of that name");
    let way = Way { parameters: &Parameters::default(), jobs, is_recorded: false };
    let bar = bar(&name, streams.len())?;
    let examined: Vec<Examined> = play(&set, &streams, way, &bar, &|_, _| Ok(()))?;
    bar.finish_and_clear();
    let runs = curve(&set, &streams, &examined, jobs)?;
    let judged: Vec<&Judged> = examined.iter().map(|one| &one.judged).collect();
    let score = score(judged.iter().copied());
    writeln!(out, "{name}\n{}", crate::backtest::table::table(&score))?;
    writeln!(out, "{}", operating::table(&[(&name, &runs)]))?;
    Ok(Subject::of_set(&name, &judged, &runs))
}

/// Rehearses each scenario with each seed, and gives the figures of each scenario.
fn guard_rehearsals(
    scenarios: &[&'static Scenario],
    arguments: &Arguments,
    jobs: NonZero<usize>,
) -> anyhow::Result<Vec<Subject>> {
    let (seeds, weeks) = (arguments.seeds, arguments.quiet.history_weeks);
    let items: Vec<(&'static Scenario, u64)> = scenarios
        .iter()
        .flat_map(|scenario| (1..=seeds).map(move |seed| (*scenario, seed)))
        .collect();
    let bar = bar("rehearsals", items.len())?;
    let verdicts = each(jobs, &items, |(scenario, seed)| -> anyhow::Result<Verdict> {
        let plan = Plan::new(scenario, *seed, CROWD);
        let seen = rehearse(&plan, weeks)?;
        bar.inc(1);
        Ok(verdict(&plan, &seen))
    });
    let verdicts = verdicts.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    bar.finish_and_clear();
    Ok(scenarios
        .iter()
        .zip(verdicts.chunks(seeds as usize))
        .map(|(scenario, of_seeds)| Subject::of_rehearsal(scenario.name, of_seeds))
        .collect())
}

//! `groundswell backtest`: a folder of streams with known outages, the score of the incidents in them, and a report with plots.

use crate::backtest::alarms;
use crate::backtest::figures::Score;
use crate::backtest::report::{self, Examined};
use crate::backtest::score::score;
use crate::backtest::set::{Set, Stream};
use crate::backtest::table::table;
use crate::backtest::trace::Recorder;
use crate::backtest::verdict::judge;
use crate::domain::detect::REREAD_MINUTES;
use crate::domain::detect::episode::{Episode, State};
use crate::domain::detect::parameters::Parameters;
use crate::engine::replay::past::Past;
use crate::engine::replay::{Observer, jobs, providers};
use crate::engine::watch::Step;
use crate::render::incident_line::incident_line;
use anyhow::{Context, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};

/// What is tested, and where the answers go.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Folder with index.json, truth.json and the streams
    #[arg(long, value_name = "DIR")]
    set: PathBuf,
    /// Folder with incidents to score, one SCENARIO.ndjson each, instead of replaying the streams
    #[arg(long, value_name = "DIR")]
    alarms: Option<PathBuf>,
    /// Folder that the incidents of the replayed streams are written to, one SCENARIO.ndjson each
    #[arg(long, value_name = "DIR", conflicts_with = "alarms")]
    out: Option<PathBuf>,
    /// Folder that a report with plots is written to
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// File that the figures are written to as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only streams whose names begin so; * stands for anything
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    streams: Vec<String>,
    /// After the whole, the streams with even and with odd numbers apart
    #[arg(long)]
    halves: bool,
    /// How many streams are replayed at a time; as many as cores when not given
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    jobs: Option<u16>,
}

/// Examines the streams, prints the table, and writes what was asked for.
///
/// # Errors
/// Where the set or the incidents cannot be read, or the answers cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let set = Set::read(&arguments.set)?;
    let wanted = |stream: &&Stream| arguments.streams.is_empty() || arguments.streams.iter().any(|pattern| stream.matches(pattern));
    let streams: Vec<&Stream> = set.streams.iter().filter(wanted).collect();
    ensure!(!streams.is_empty(), "{} has no stream of that name", arguments.set.join("index.json").display());
    let cores = || std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let jobs = arguments.jobs.and_then(|jobs| NonZero::new(usize::from(jobs))).unwrap_or_else(cores);
    let examined = match &arguments.alarms {
        Some(folder) => streams.iter().map(|stream| examine(&set, stream, folder)).collect::<anyhow::Result<_>>()?,
        None => replay(&set, &streams, arguments, jobs)?,
    };
    let examined: Vec<(&Stream, Examined)> = streams.into_iter().zip(examined).collect();

    let mut out = std::io::stdout().lock();
    write!(out, "{}", table(&of(&examined, |_| true)))?;
    if arguments.halves {
        let odd = |stream: &Stream| stream.number().is_some_and(|number| number % 2 == 1);
        write!(out, "\neven numbers\n{}", table(&of(&examined, |stream| !odd(stream))))?;
        write!(out, "\nodd numbers\n{}", table(&of(&examined, odd)))?;
    }
    if let Some(file) = &arguments.json {
        write_json(file, &of(&examined, |_| true)).with_context(|| file.display().to_string())?;
    }
    if let Some(directory) = &arguments.report {
        report::write(directory, &set, &examined).with_context(|| directory.display().to_string())?;
    }
    Ok(())
}

/// The score of some of the streams.
fn of(examined: &[(&Stream, Examined)], which: impl Fn(&Stream) -> bool) -> Score {
    score(examined.iter().filter(|(stream, _)| which(stream)).map(|(_, one)| &one.judged))
}

fn write_json(file: &Path, score: &Score) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(score)?;
    Ok(std::fs::write(file, text + "\n")?)
}

/// The incidents of a folder, judged.
fn examine(set: &Set, stream: &Stream, folder: &Path) -> anyhow::Result<Examined> {
    let recorder = Recorder::new(set, stream, Parameters::default().opens_untaught_at);
    let alarms = alarms::read(&folder.join(format!("{}.ndjson", stream.scenario)))?;
    Ok(Examined { judged: judge(set, stream, &alarms), alarms, traces: recorder.traces() })
}

/// Plays the streams: each history once, then every stream that goes on from it.
fn replay(set: &Set, streams: &[&Stream], arguments: &Arguments, jobs: NonZero<usize>) -> anyhow::Result<Vec<Examined>> {
    let bar = bar(streams.len())?;
    let mut examined: Vec<Option<Examined>> = streams.iter().map(|_| None).collect();
    let mut histories: Vec<&Option<PathBuf>> = streams.iter().map(|stream| &stream.history).collect();
    histories.sort_unstable();
    histories.dedup();
    for history in histories {
        let mut of_history: Vec<usize> = (0..streams.len()).collect();
        of_history.retain(|n| streams[*n].history == *history);
        let files = |n: &usize| streams[*n].reports.clone().with_context(|| format!("{} names no stream", streams[*n].scenario));
        let reports: Vec<PathBuf> = of_history.iter().map(files).collect::<anyhow::Result<_>>()?;
        let history: Vec<PathBuf> = history.iter().cloned().collect();
        let setting = super::replay::passing_setting(providers::named_in(history.iter().chain(&reports))?);
        let past = Past::play(&setting, &history, &mut |_| {})?;
        let played = jobs::each(jobs, &of_history, |n| -> anyhow::Result<Examined> {
            let stream = streams[*n];
            let mut seen = Seen { recorder: Recorder::new(set, stream, Parameters::default().opens_untaught_at), lines: Vec::new() };
            past.resume()?.replay(&[files(n)?], &mut seen)?;
            bar.inc(1);
            let Seen { recorder, lines } = seen;
            if let Some(folder) = &arguments.out {
                let file = folder.join(format!("{}.ndjson", stream.scenario));
                std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, &lines)).with_context(|| file.display().to_string())?;
            }
            let alarms = alarms::parse(&stream.scenario, &String::from_utf8_lossy(&lines))?;
            Ok(Examined { judged: judge(set, stream, &alarms), alarms, traces: recorder.traces() })
        });
        for (n, played) in of_history.into_iter().zip(played) {
            examined[n] = Some(played.with_context(|| streams[n].scenario.clone())?);
        }
    }
    bar.finish_and_clear();
    Ok(examined.into_iter().flatten().collect())
}

/// What was seen of one stream.
struct Seen {
    recorder: Recorder,
    lines: Vec<u8>,
}

impl Observer for Seen {
    fn step(&mut self, provider: &str, step: &Step<'_>) {
        // Of a minute that is read again for the last time no more is to come.
        let last = step.minute.plus(-REREAD_MINUTES);
        let facts = step.facts.first().filter(|(minute, _)| *minute == last).map(|(minute, counts)| (*minute, &**counts));
        self.recorder.see(provider, step.minute, step.detector, facts);
    }

    fn revision(&mut self, provider: &str, incident: &Episode) -> std::io::Result<()> {
        if incident.state != State::Possible {
            self.lines.extend(incident_line(provider, incident));
        }
        Ok(())
    }
}

/// Draws nothing where standard error is no terminal.
fn bar(streams: usize) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} streams, {eta} to go")?;
    Ok(ProgressBar::new(streams as u64).with_style(style))
}

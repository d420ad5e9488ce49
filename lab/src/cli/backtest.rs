//! `groundswell backtest`: a folder of streams with known outages, the score of the
//! incidents in them, and a report with plots.

use crate::backtest::alarms;
use crate::backtest::examined::Examined;
use crate::backtest::figures::Score;
use crate::backtest::report;
use crate::backtest::score::score;
use crate::backtest::set::{Set, Stream};
use crate::backtest::table::table;
use crate::backtest::trace::Recorder;
use crate::backtest::verdict::judge;
use anyhow::{Context, ensure};
use clap::Args;
use groundswell::cli::output::{Outputs, Target};
use groundswell::cli::replay::{history_is_sound, passing_setting, stream_is_sound};
use groundswell::domain::detect::REREAD_MINUTES;
use groundswell::domain::detect::episode::{Episode, State};
use groundswell::domain::detect::parameters::Parameters;
use groundswell::engine::replay::account::Account;
use groundswell::engine::replay::past::Past;
use groundswell::engine::replay::source::Source;
use groundswell::engine::replay::{Observer, jobs, providers};
use groundswell::engine::watch::Step;
use groundswell::render::incident_line::incident_line;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};

/// Where the answers go.
struct Answers {
    outputs: Outputs,
    /// The incidents of each stream, where they are asked for.
    incidents: Vec<Option<Target>>,
    /// The pages of the report in the order in which they are made, where they are asked
    /// for.
    report: Vec<Target>,
    json: Option<Target>,
}

/// What is tested, and where the answers go.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Folder with index.json, truth.json and the streams
    #[arg(long, value_name = "DIR")]
    set: PathBuf,
    /// Folder with incidents to score, one SCENARIO.ndjson each, instead of replaying the
    /// streams
    #[arg(long, value_name = "DIR")]
    alarms: Option<PathBuf>,
    /// Folder that the incidents of the replayed streams are written to, one
    /// SCENARIO.ndjson each
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
    let wanted = |stream: &&Stream| {
        arguments.streams.is_empty()
            || arguments.streams.iter().any(|pattern| stream.matches(pattern))
    };
    let streams: Vec<&Stream> = set.streams.iter().filter(wanted).collect();
    ensure!(
        !streams.is_empty(),
        "{} has no stream of that name",
        arguments.set.join("index.json").display()
    );
    let cores = || std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let jobs =
        arguments.jobs.and_then(|jobs| NonZero::new(usize::from(jobs))).unwrap_or_else(cores);
    let answers = Answers::of(arguments, &streams)?;
    let examined = match &arguments.alarms {
        Some(folder) => streams
            .iter()
            .map(|stream| examine(&set, stream, folder))
            .collect::<anyhow::Result<_>>()?,
        None => replay(&set, &streams, &answers, jobs)?,
    };
    let examined: Vec<(&Stream, Examined)> = streams.into_iter().zip(examined).collect();

    let mut out = std::io::stdout().lock();
    write!(out, "{}", table(&of(&examined, |_| true)))?;
    if arguments.halves {
        let odd = |stream: &Stream| stream.number().is_some_and(|number| number % 2 == 1);
        write!(out, "\neven numbers\n{}", table(&of(&examined, |stream| !odd(stream))))?;
        write!(out, "\nodd numbers\n{}", table(&of(&examined, odd)))?;
    }
    let mut written = Vec::new();
    if let Some(target) = &answers.json {
        let text = serde_json::to_string_pretty(&of(&examined, |_| true))? + "\n";
        written.push(target.written(text.as_bytes())?);
    }
    for (target, (_, page)) in answers.report.iter().zip(report::pages(&set, &examined)) {
        written.push(target.written(page.as_bytes())?);
    }
    Ok(answers.outputs.publish(written)?)
}

impl Answers {
    /// Makes sure that each may be written, before the time is spent.
    fn of(arguments: &Arguments, streams: &[&Stream]) -> anyhow::Result<Self> {
        let read = inputs(arguments, streams)?;
        let mut outputs = Outputs::beside(read.iter().map(PathBuf::as_path))?;
        let mut target = |folder: &Option<PathBuf>, name: &str| {
            folder.as_ref().map(|folder| outputs.target(&folder.join(name))).transpose()
        };
        let incidents = streams
            .iter()
            .map(|stream| target(&arguments.out, &format!("{}.ndjson", stream.scenario)));
        let incidents = incidents.collect::<Result<_, _>>()?;
        let pages =
            streams.iter().map(|stream| report::page_of(stream)).chain([report::INDEX.to_owned()]);
        let pages =
            pages.map(|page| target(&arguments.report, &page)).collect::<Result<Vec<_>, _>>()?;
        let json = arguments.json.as_ref().map(|file| outputs.target(file)).transpose()?;
        Ok(Self { outputs, incidents, report: pages.into_iter().flatten().collect(), json })
    }
}

/// All that is read.
fn inputs(arguments: &Arguments, streams: &[&Stream]) -> anyhow::Result<Vec<PathBuf>> {
    let mut read: Vec<PathBuf> = Set::files(&arguments.set).collect();
    let of_set =
        streams.iter().flat_map(|stream| stream.reports.iter().chain(&stream.history)).cloned();
    match &arguments.alarms {
        // A set need not have its streams where nothing is replayed.
        Some(folder) => {
            let alarms =
                streams.iter().map(|stream| folder.join(format!("{}.ndjson", stream.scenario)));
            let alarms: Vec<PathBuf> = alarms.filter(|file| file.exists()).collect();
            ensure!(
                !alarms.is_empty(),
                "nothing could be read: {} has no incidents of any of these streams",
                folder.display()
            );
            read.extend(of_set.filter(|file| file.exists()).chain(alarms));
        }
        None => read.extend(of_set),
    }
    Ok(read)
}

/// The score of some of the streams.
fn of(examined: &[(&Stream, Examined)], which: impl Fn(&Stream) -> bool) -> Score {
    score(examined.iter().filter(|(stream, _)| which(stream)).map(|(_, one)| &one.judged))
}

/// The incidents of a folder, judged.
fn examine(set: &Set, stream: &Stream, folder: &Path) -> anyhow::Result<Examined> {
    let recorder = Recorder::new(set, stream, Parameters::default().opens_untaught_at);
    let alarms = alarms::read(&folder.join(format!("{}.ndjson", stream.scenario)))?;
    Ok(Examined { judged: judge(set, stream, &alarms), alarms, traces: recorder.traces() })
}

/// Plays the streams: each history once, then every stream that goes on from it.
fn replay(
    set: &Set,
    streams: &[&Stream],
    answers: &Answers,
    jobs: NonZero<usize>,
) -> anyhow::Result<Vec<Examined>> {
    let bar = bar(streams.len())?;
    let mut examined: Vec<Option<Examined>> = streams.iter().map(|_| None).collect();
    let mut histories: Vec<&Option<PathBuf>> =
        streams.iter().map(|stream| &stream.history).collect();
    histories.sort_unstable();
    histories.dedup();
    for history in histories {
        let mut of_history: Vec<usize> = (0..streams.len()).collect();
        of_history.retain(|n| streams[*n].history == *history);
        let reports: Vec<Source> =
            of_history.iter().map(|n| reports_of(streams[*n])).collect::<anyhow::Result<_>>()?;
        let history: Vec<Source> =
            history.iter().map(|file| Source::settled(file)).collect::<Result<_, _>>()?;
        let named = providers::named_in(
            history.iter().chain(&reports),
            &groundswell::catalogue::builtin(),
        )?;
        let setting = passing_setting(named);
        let past = Past::play(&setting, &history, &mut |_| {})?;
        say_flaws(&bar, "history", past.account())?;
        history_is_sound(past.account())?;
        let of_history: Vec<(usize, Source)> = of_history.into_iter().zip(reports).collect();
        let played = jobs::each(jobs, &of_history, |(n, reports)| -> anyhow::Result<Examined> {
            let stream = streams[*n];
            let mut seen = Seen {
                recorder: Recorder::new(set, stream, Parameters::default().opens_untaught_at),
                lines: Vec::new(),
            };
            let account = past.resume()?.replay(std::slice::from_ref(reports), &mut seen)?;
            bar.inc(1);
            say_flaws(&bar, &stream.scenario, &account)?;
            stream_is_sound(&account)?;
            let Seen { recorder, lines } = seen;
            if let Some(target) = &answers.incidents[*n] {
                answers.outputs.write(target, &lines)?;
            }
            let alarms = alarms::parse(&stream.scenario, &String::from_utf8_lossy(&lines))?;
            Ok(Examined { judged: judge(set, stream, &alarms), alarms, traces: recorder.traces() })
        });
        for ((n, _), played) in of_history.into_iter().zip(played) {
            examined[n] = Some(played.with_context(|| streams[n].scenario.clone())?);
        }
    }
    bar.finish_and_clear();
    Ok(examined.into_iter().flatten().collect())
}

fn reports_of(stream: &Stream) -> anyhow::Result<Source> {
    let file =
        stream.reports.as_ref().with_context(|| format!("{} names no stream", stream.scenario))?;
    Ok(Source::settled(file)?)
}

/// Says what became of the lines where some were refused.
fn say_flaws(bar: &ProgressBar, name: &str, account: &Account) -> anyhow::Result<()> {
    if account.flaws.is_empty() {
        return Ok(());
    }
    Ok(bar.suspend(|| writeln!(std::io::stderr(), "{name}: {account}"))?)
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
        let facts = step
            .facts
            .first()
            .filter(|(minute, _)| *minute == last)
            .map(|(minute, counts)| (*minute, &**counts));
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

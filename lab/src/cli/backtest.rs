//! `groundswell-lab backtest`: folders of streams with known outages, the score of the
//! incidents in them, the curve of false alarms, and a report with plots.

pub(super) mod play;

use crate::backtest::alarms;
use crate::backtest::examined::Examined;
use crate::backtest::figures::Score;
use crate::backtest::operating::{self, Point, RATES, Run};
use crate::backtest::report;
use crate::backtest::score::score;
use crate::backtest::set::{Set, Stream};
use crate::backtest::table::table;
use crate::backtest::trace::Recorder;
use crate::backtest::verdict::judge;
use anyhow::{Context, ensure};
use clap::Args;
use groundswell::cli::output::{Outputs, Target};
use groundswell::domain::detect::parameters::Parameters;
use indicatif::{ProgressBar, ProgressStyle};
use play::{Way, play};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};

/// What is tested, and where the answers go.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Folder with index.json, truth.json and the streams. Give several to see the figures
    /// of each, and the curve of false alarms of all
    #[arg(long = "set", required = true, value_name = "DIR")]
    sets: Vec<PathBuf>,
    /// Print the curve of false alarms of one set, too: streams are played at several
    /// thresholds, which takes several times as long
    #[arg(long, conflicts_with = "alarms")]
    curve: bool,
    /// Folder with incidents to score, one SCENARIO.ndjson each, instead of replaying the
    /// streams
    #[arg(long, value_name = "DIR")]
    alarms: Option<PathBuf>,
    /// Folder that the incidents of the replayed streams are written to, one
    /// SCENARIO.ndjson each; of several sets into a folder each
    #[arg(long, value_name = "DIR", conflicts_with = "alarms")]
    out: Option<PathBuf>,
    /// Folder that a report with plots is written to; of several sets into a folder each
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

/// A set, and where what is found out about it goes.
struct Tested {
    /// The name of its folder.
    name: String,
    folder: PathBuf,
    set: Set,
    /// The numbers of the streams that are tested.
    streams: Vec<usize>,
    /// Where the incidents of each stream go, where they are asked for.
    incidents: Vec<Option<Target>>,
    /// The pages of the report in the order in which they are made, where they are asked
    /// for.
    report: Vec<Target>,
}

/// What is written of a set where several are, or its curve is asked for.
#[derive(Serialize)]
struct Figures {
    figures: Score,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    curve: Vec<Point>,
}

/// Examines the streams, prints the tables and the curve, and writes what was asked for.
///
/// # Errors
/// Where a set or incidents cannot be read, or the answers cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut tested = read(arguments)?;
    let (outputs, json) = prepare(arguments, &mut tested)?;
    let jobs = jobs(arguments.jobs);
    let has_curve = arguments.alarms.is_none() && (arguments.curve || tested.len() > 1);
    let mut out = std::io::stdout().lock();
    let (mut written, mut all) = (Vec::new(), Vec::new());
    for (n, one) in tested.iter().enumerate() {
        let streams = one.streams();
        let way = Way {
            parameters: &Parameters::default(),
            jobs,
            is_recorded: arguments.report.is_some(),
        };
        let examined = match &arguments.alarms {
            Some(folder) => {
                let folder = incidents_of(folder, one, tested.len());
                streams
                    .iter()
                    .map(|stream| examine(&one.set, stream, &folder))
                    .collect::<anyhow::Result<_>>()?
            }
            None => replay(one, &streams, &outputs, way)?,
        };
        let runs = if has_curve { curve(&one.set, &streams, &examined, jobs)? } else { Vec::new() };
        let examined: Vec<(&Stream, Examined)> = streams.into_iter().zip(examined).collect();
        if tested.len() > 1 {
            writeln!(out, "{}{}", if n == 0 { "" } else { "\n" }, one.name)?;
        }
        write!(out, "{}", table(&of(&examined, |_| true)))?;
        if arguments.halves {
            let odd = |stream: &Stream| stream.number().is_some_and(|number| number % 2 == 1);
            write!(out, "\neven numbers\n{}", table(&of(&examined, |stream| !odd(stream))))?;
            write!(out, "\nodd numbers\n{}", table(&of(&examined, odd)))?;
        }
        for (target, (_, page)) in one.report.iter().zip(report::pages(&one.set, &examined)) {
            written.push(target.written(page.as_bytes())?);
        }
        all.push((one.name.as_str(), of(&examined, |_| true), runs));
    }
    if has_curve {
        let curves: Vec<(&str, &[Run])> =
            all.iter().map(|(name, _, runs)| (*name, &runs[..])).collect();
        write!(out, "\n{}", operating::table(&curves))?;
    }
    if let Some(target) = &json {
        written.push(target.written((text(all, has_curve)? + "\n").as_bytes())?);
    }
    Ok(outputs.publish(written)?)
}

/// The figures as JSON: of one set its score, of several an object of each by its name.
fn text(all: Vec<(&str, Score, Vec<Run>)>, has_curve: bool) -> serde_json::Result<String> {
    if let ([(_, score, _)], false) = (&all[..], has_curve) {
        return serde_json::to_string_pretty(score);
    }
    let figures = |(name, figures, runs): (_, Score, Vec<Run>)| {
        let curve = RATES.iter().filter_map(|rate| operating::at(&runs, *rate)).collect();
        (name, Figures { figures, curve })
    };
    serde_json::to_string_pretty(&all.into_iter().map(figures).collect::<BTreeMap<_, _>>())
}

/// How many streams are played at a time: as many as cores where nobody says.
pub(super) fn jobs(wanted: Option<u16>) -> NonZero<usize> {
    let cores = || std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    wanted.and_then(|jobs| NonZero::new(usize::from(jobs))).unwrap_or_else(cores)
}

impl Tested {
    fn streams(&self) -> Vec<&Stream> {
        self.streams.iter().map(|n| &self.set.streams[*n]).collect()
    }
}

/// The sets, as far as they have streams of the wanted names.
fn read(arguments: &Arguments) -> anyhow::Result<Vec<Tested>> {
    let wanted = |stream: &Stream| {
        arguments.streams.is_empty()
            || arguments.streams.iter().any(|pattern| stream.matches(pattern))
    };
    let mut tested: Vec<Tested> = Vec::new();
    for folder in &arguments.sets {
        let set = Set::read(folder)?;
        let streams = (0..set.streams.len()).filter(|n| wanted(&set.streams[*n])).collect();
        let name = name_of(folder)?;
        ensure!(
            tested.iter().all(|other| other.name != name),
            "two sets are called {name}: answers are named after their folders"
        );
        let folder = folder.clone();
        tested.push(Tested { name, folder, set, streams, incidents: vec![], report: vec![] });
    }
    let indices: Vec<String> =
        tested.iter().map(|one| one.folder.join("index.json").display().to_string()).collect();
    tested.retain(|one| !one.streams.is_empty());
    ensure!(!tested.is_empty(), "{} has no stream of that name", indices.join(", "));
    Ok(tested)
}

/// What a set is called: its folder's name.
pub(super) fn name_of(folder: &Path) -> anyhow::Result<String> {
    let whole = folder.canonicalize().with_context(|| folder.display().to_string())?;
    Ok(whole.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// Makes sure that every answer may be written, before the time is spent.
fn prepare(
    arguments: &Arguments,
    tested: &mut [Tested],
) -> anyhow::Result<(Outputs, Option<Target>)> {
    let count = tested.len();
    let read = tested
        .iter()
        .map(|one| inputs(arguments, one, count))
        .collect::<anyhow::Result<Vec<_>>>()?
        .concat();
    let mut outputs = Outputs::beside(read.iter().map(PathBuf::as_path))?;
    for one in tested {
        let mut target = |folder: &Option<PathBuf>, name: &str| {
            let within = |folder: &PathBuf| {
                if count > 1 { folder.join(&one.name) } else { folder.clone() }.join(name)
            };
            folder.as_ref().map(|folder| outputs.target(&within(folder))).transpose()
        };
        let streams: Vec<&Stream> = one.streams.iter().map(|n| &one.set.streams[*n]).collect();
        let incidents = streams
            .iter()
            .map(|stream| target(&arguments.out, &format!("{}.ndjson", stream.scenario)))
            .collect::<Result<_, _>>()?;
        let pages =
            streams.iter().map(|stream| report::page_of(stream)).chain([report::INDEX.to_owned()]);
        let report =
            pages.map(|page| target(&arguments.report, &page)).collect::<Result<Vec<_>, _>>()?;
        (one.incidents, one.report) = (incidents, report.into_iter().flatten().collect());
    }
    let json = arguments.json.as_ref().map(|file| outputs.target(file)).transpose()?;
    Ok((outputs, json))
}

/// All that is read of a set.
fn inputs(arguments: &Arguments, one: &Tested, count: usize) -> anyhow::Result<Vec<PathBuf>> {
    let mut read: Vec<PathBuf> = Set::files(&one.folder).collect();
    let streams = one.streams();
    let of_set =
        streams.iter().flat_map(|stream| stream.reports.iter().chain(&stream.history)).cloned();
    match &arguments.alarms {
        // A set need not have its streams where nothing is replayed.
        Some(folder) => {
            let folder = incidents_of(folder, one, count);
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

/// Where the incidents of a set lie that are to be scored.
fn incidents_of(folder: &Path, one: &Tested, count: usize) -> PathBuf {
    if count > 1 { folder.join(&one.name) } else { folder.to_owned() }
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

/// Plays the streams of a set, and writes their incidents where they are asked for.
fn replay(
    one: &Tested,
    streams: &[&Stream],
    outputs: &Outputs,
    way: Way<'_>,
) -> anyhow::Result<Vec<Examined>> {
    let bar = bar(&one.name, streams.len())?;
    let examined = play(&one.set, streams, way, &bar, &|n, lines| {
        Ok(one.incidents[n].as_ref().map_or(Ok(()), |target| outputs.write(target, lines))?)
    })?;
    bar.finish_and_clear();
    Ok(examined)
}

/// The runs of a set's curve; what came of the detector's own thresholds is known.
pub(super) fn curve(
    set: &Set,
    streams: &[&Stream],
    own: &[Examined],
    jobs: NonZero<usize>,
) -> anyhow::Result<Vec<Run>> {
    operating::play(Run::new(0.0, own.iter().map(|one| &one.judged)), |moved_by| {
        let parameters = operating::moved(moved_by);
        let way = Way { parameters: &parameters, jobs, is_recorded: false };
        let bar = bar(&format!("threshold {moved_by:+.1}"), streams.len())?;
        let examined = play(set, streams, way, &bar, &|_, _| Ok(()))?;
        bar.finish_and_clear();
        Ok(Run::new(moved_by, examined.iter().map(|one| &one.judged)))
    })
}

/// Draws nothing where standard error is no terminal.
pub(super) fn bar(name: &str, streams: usize) -> anyhow::Result<ProgressBar> {
    let template = "{msg} {bar:40} {pos} of {len} streams, {eta} to go";
    let style = ProgressStyle::with_template(template)?;
    Ok(ProgressBar::new(streams as u64).with_style(style).with_message(name.to_owned()))
}

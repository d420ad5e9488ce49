//! Streams of a set played through the detector: each history once, then every stream that
//! goes on from it, as many at a time as wanted.

use crate::backtest::alarms;
use crate::backtest::examined::Examined;
use crate::backtest::set::{Set, Stream};
use crate::backtest::trace::Recorder;
use crate::backtest::verdict::judge;
use anyhow::Context;
use groundswell::cli::replay::{history_is_sound, passing_setting, stream_is_sound};
use groundswell::domain::detect::REREAD_MINUTES;
use groundswell::domain::detect::episode::{Episode, State};
use groundswell::domain::detect::parameters::Parameters;
use groundswell::engine::detector_pool::Step;
use groundswell::engine::replay::input::Input;
use groundswell::engine::replay::past::Past;
use groundswell::engine::replay::statistics::Statistics;
use groundswell::engine::replay::{Observer, Setting, jobs, providers};
use groundswell::render::incident_line::incident_line;
use indicatif::ProgressBar;
use std::cmp::Reverse;
use std::io::Write;
use std::num::NonZero;
use std::path::PathBuf;

/// How streams are played.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// Numbers of the detectors.
    pub parameters: &'a Parameters,
    /// How many streams are played at a time.
    pub jobs: NonZero<usize>,
    /// Whether the detector's view is recorded, so that it can be drawn.
    pub is_recorded: bool,
}

/// Plays the streams, and gives what came of each. `done` gets the number of each stream
/// and the lines of its incidents, in any order.
///
/// # Errors
/// Where a file cannot be read or is no sound stream, or `done` fails.
pub fn play(
    set: &Set,
    streams: &[&Stream],
    way: Way<'_>,
    bar: &ProgressBar,
    done: &(dyn Fn(usize, &[u8]) -> anyhow::Result<()> + Sync),
) -> anyhow::Result<Vec<Examined>> {
    let files =
        streams.iter().map(|stream| reports_of(stream)).collect::<anyhow::Result<Vec<_>>>()?;
    let histories = histories(streams, &files, way.parameters)?;
    let numbers: Vec<usize> = (0..histories.len()).collect();
    let pasts = jobs::each(way.jobs, &numbers, |n| {
        let history = &histories[*n];
        let past = Past::play(&history.setting, &history.files, &mut |_| {})?;
        say_flaws(bar, "history", past.statistics())?;
        history_is_sound(past.statistics())?;
        anyhow::Ok(past)
    });
    let pasts = pasts.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    // The longest first, so that none is left alone at the end.
    let mut order: Vec<usize> = (0..streams.len()).collect();
    order.sort_by_key(|n| Reverse(files[*n].bytes()));
    let played = jobs::each(way.jobs, &order, |n| -> anyhow::Result<Examined> {
        let (n, stream) = (*n, streams[*n]);
        let past = histories
            .iter()
            .position(|history| history.of == stream.history)
            .map(|at| &pasts[at])
            .expect("every stream's history was played");
        let opens_at = way.parameters.opens_untaught_at;
        let recorder = way.is_recorded.then(|| Recorder::new(set, stream, opens_at));
        let mut seen = Seen { recorder, lines: Vec::new() };
        let statistics = past.resume()?.replay(std::slice::from_ref(&files[n]), &mut seen)?;
        bar.inc(1);
        say_flaws(bar, &stream.scenario, &statistics)?;
        stream_is_sound(&statistics)?;
        done(n, &seen.lines)?;
        let alarms = alarms::parse(&stream.scenario, &String::from_utf8_lossy(&seen.lines))?;
        let traces = seen.recorder.map(Recorder::traces).unwrap_or_default();
        Ok(Examined { judged: judge(set, stream, &alarms), alarms, traces })
    });
    let mut examined: Vec<Option<Examined>> = streams.iter().map(|_| None).collect();
    for (n, played) in order.into_iter().zip(played) {
        examined[n] = Some(played.with_context(|| streams[n].scenario.clone())?);
    }
    Ok(examined.into_iter().flatten().collect())
}

/// A history, and how it is played.
struct History {
    of: Option<PathBuf>,
    files: Vec<Input>,
    setting: Setting,
}

/// The histories of these streams, each once.
fn histories(
    streams: &[&Stream],
    files: &[Input],
    parameters: &Parameters,
) -> anyhow::Result<Vec<History>> {
    let mut paths: Vec<&Option<PathBuf>> = streams.iter().map(|stream| &stream.history).collect();
    paths.sort_unstable();
    paths.dedup();
    let history = |of: &Option<PathBuf>| -> anyhow::Result<History> {
        let own = of.iter().map(|file| Input::settled(file)).collect::<Result<Vec<_>, _>>()?;
        let follow = streams.iter().zip(files).filter(|(stream, _)| stream.history == *of);
        let named = providers::named_in(
            own.iter().chain(follow.map(|(_, file)| file)),
            &groundswell::catalogue::builtin(),
        )?;
        let setting = Setting { parameters: parameters.clone(), ..passing_setting(named) };
        Ok(History { of: of.clone(), files: own, setting })
    };
    paths.into_iter().map(history).collect()
}

fn reports_of(stream: &Stream) -> anyhow::Result<Input> {
    let file =
        stream.reports.as_ref().with_context(|| format!("{} names no stream", stream.scenario))?;
    Ok(Input::settled(file)?)
}

/// Says what became of the lines where some were refused.
fn say_flaws(bar: &ProgressBar, name: &str, statistics: &Statistics) -> anyhow::Result<()> {
    if statistics.flaws.is_empty() {
        return Ok(());
    }
    Ok(bar.suspend(|| writeln!(std::io::stderr(), "{name}: {statistics}"))?)
}

/// What was seen of one stream.
struct Seen {
    recorder: Option<Recorder>,
    lines: Vec<u8>,
}

impl Observer for Seen {
    fn step(&mut self, provider: &str, step: &Step<'_>) {
        let Some(recorder) = &mut self.recorder else { return };
        // Of a minute that is read again for the last time no more is to come.
        let last = step.minute.plus(-REREAD_MINUTES);
        let facts = step
            .facts
            .first()
            .filter(|(minute, _)| *minute == last)
            .map(|(minute, counts)| (*minute, &**counts));
        recorder.see(provider, step.minute, step.detector, facts);
    }

    fn revision(&mut self, provider: &str, incident: &Episode) -> std::io::Result<()> {
        if incident.state != State::Possible {
            self.lines.extend(incident_line(provider, incident));
        }
        Ok(())
    }
}

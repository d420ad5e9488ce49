//! One stream judged: what became of each outage, and what each incident was worth.

use super::alarms::Alarm;
use super::cells::Cells;
use super::seconds::Seconds;
use super::set::{Set, Stream};
use super::truth::{Expect, Truth};
use groundswell::domain::grid::{Cell, Resolution};

/// How long after an outage's end or last report it may still be found, in seconds.
const LATEST_S: f64 = 1_200.0;
/// How long before its onset a natural outage may be found, in seconds: nobody wrote down
/// when it began.
const NATURAL_SLACK_S: f64 = 1_800.0;
/// So many of an outage's reports must have come before an incident can be about it, and
/// not luck.
const FEWEST_REPORTS: usize = 2;
/// What counts as a wide area: a cell of this resolution or coarser …
const WIDE_RESOLUTION: u8 = 5;
/// … or so many cells of resolution 7.
const WIDE_CELLS: u64 = 20;
const WEEK_S: f64 = 604_800.0;

/// What was found out about a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Which.
    pub scenario: String,
    /// Of which kind.
    pub family: String,
    /// How long it is.
    pub weeks: f64,
    /// What became of each thing that happened, in the order of the set.
    pub verdicts: Vec<Verdict>,
    /// What each incident was worth, in the order given.
    pub fates: Vec<Fate>,
}

/// What became of one thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// An outage was found.
    Found(Found),
    /// An outage was not found.
    Missed,
    /// Nothing happened: what is raised there is false, and counted as that only.
    Background,
    /// What must stay silent: how many incidents broke that, and how many were accepted
    /// since they were wide.
    Quiet {
        /// Incidents that should not have been raised.
        bad: usize,
        /// Wide ones.
        tolerated: usize,
    },
}

/// How an outage was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Minutes from the onset to the first incident about it.
    pub delay_min: f64,
    /// How many of its reports had come by then.
    pub reports: usize,
    /// Which share of the named cells is its own.
    pub precision: f64,
    /// Which share of its cells was named.
    pub recall: f64,
    /// Which share of its reports lies in named cells.
    pub report_recall: f64,
    /// Minutes from its end to the end of the last incident about it; none while one is
    /// open.
    pub resolve_min: Option<f64>,
    /// How far the onset was missed, in minutes, where it was told.
    pub onset_error_min: Option<f64>,
}

/// What an incident was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is about an outage.
    Hit,
    /// It is wide enough to be accepted.
    Tolerated,
    /// It is about a rise of the source log itself.
    OnRise,
    /// There is nothing behind it.
    False,
}

impl Judged {
    /// How many incidents had this fate.
    #[must_use]
    pub fn count(&self, fate: Fate) -> usize {
        self.fates.iter().filter(|other| **other == fate).count()
    }
}

/// Judges the incidents of one stream.
#[must_use]
pub fn judge(set: &Set, stream: &Stream, alarms: &[Alarm]) -> Judged {
    let mut fates = vec![None; alarms.len()];
    let mut verdict = |truth: &Truth| match truth.expect {
        Expect::Detect => hunt(truth, alarms, &mut fates),
        _ if truth.is_background() => Verdict::Background,
        _ => watch(truth, alarms, &mut fates),
    };
    let verdicts = set.truths_of(stream).map(&mut verdict).collect();
    let on_rise = |alarm: &Alarm| {
        set.rises_of(stream).any(|rise| {
            within(rise.from, alarm.detected, rise.to) && rise.cells.touch(&alarm.first)
        })
    };
    let unused = |alarm| if on_rise(alarm) { Fate::OnRise } else { Fate::False };
    Judged {
        scenario: stream.scenario.clone(),
        family: stream.family.clone(),
        weeks: (stream.stop.0 - stream.start.0) / WEEK_S,
        verdicts,
        fates: fates
            .into_iter()
            .zip(alarms)
            .map(|(fate, alarm)| fate.unwrap_or_else(|| unused(alarm)))
            .collect(),
    }
}

fn hunt(truth: &Truth, alarms: &[Alarm], fates: &mut [Option<Fate>]) -> Verdict {
    let about: Vec<usize> = (0..alarms.len()).filter(|n| is_about(truth, &alarms[*n])).collect();
    for n in &about {
        fates[*n] = Some(Fate::Hit);
    }
    // Of several at one moment the first counts.
    let earliest =
        about.iter().map(|n| &alarms[*n]).min_by(|a, b| a.detected.0.total_cmp(&b.detected.0));
    let Some(earliest) = earliest else { return Verdict::Missed };
    let about: Vec<&Alarm> = about.iter().map(|n| &alarms[*n]).collect();
    let named = Cells::union(about.iter().map(|alarm| &alarm.cells));
    let common = truth.grain.covering().iter().filter(|cell| named.contains(**cell)).count() as f64;
    Verdict::Found(Found {
        delay_min: earliest.detected.minutes_since(truth.onset),
        reports: received_by(truth, earliest.detected),
        precision: common / named.count() as f64,
        recall: common / distinct(truth) as f64,
        report_recall: report_recall(truth, &named),
        resolve_min: resolved(&about).map(|resolved| resolved.minutes_since(announced_end(truth))),
        onset_error_min: earliest.onset.map(|onset| onset.minutes_since(truth.onset).abs()),
    })
}

fn is_about(truth: &Truth, alarm: &Alarm) -> bool {
    let slack_s = if truth.is_natural() { NATURAL_SLACK_S } else { 0.0 };
    alarm.provider == truth.provider
        && within(truth.onset.plus(-slack_s), alarm.detected, truth.over().plus(LATEST_S))
        && (alarm.first.touch(&truth.grain) || alarm.cells.touch(&truth.grain))
        && (truth.is_natural() || received_by(truth, alarm.detected) >= FEWEST_REPORTS)
}

fn watch(truth: &Truth, alarms: &[Alarm], fates: &mut [Option<Fate>]) -> Verdict {
    let (mut bad, mut tolerated) = (0, 0);
    for (alarm, fate) in alarms.iter().zip(fates) {
        if !(truth.concerns(&alarm.provider)
            && within(truth.onset, alarm.detected, truth.over().plus(LATEST_S)))
        {
            continue;
        }
        let wide = alarm.coarsest.number() <= WIDE_RESOLUTION || alarm.cells.count() >= WIDE_CELLS;
        if truth.expect == Expect::CoarseOk && wide {
            *fate = Some(Fate::Tolerated);
            tolerated += 1;
        } else if truth.expect == Expect::CoarseOk
            || truth.family == "spam_hop"
            || truth.expect == Expect::Silent && alarm.cells.touch(&truth.grain)
        {
            bad += 1;
        }
    }
    Verdict::Quiet { bad, tolerated }
}

fn within(from: Seconds, instant: Seconds, to: Seconds) -> bool {
    from <= instant && instant <= to
}

fn received_by(truth: &Truth, instant: Seconds) -> usize {
    truth.received_s.iter().filter(|received_s| **received_s <= instant.0 - truth.onset.0).count()
}

/// How many different cells it names, of whatever resolution.
fn distinct(truth: &Truth) -> usize {
    truth.cells.iter().collect::<std::collections::HashSet<_>>().len()
}

fn report_recall(truth: &Truth, named: &Cells) -> f64 {
    let sum = |counts: &mut dyn Iterator<Item = f64>| counts.fold(0.0, |sum, count| sum + count);
    let is_named = |cell: &Cell| cell.resolution() == Resolution::HOURLY && named.contains(*cell);
    let inside = sum(&mut truth
        .reports_by_cell
        .iter()
        .filter(|(cell, _)| is_named(cell))
        .map(|(_, count)| *count));
    inside / sum(&mut truth.reports_by_cell.iter().map(|(_, count)| *count)).max(1.0)
}

/// When the last of these was over; none while one is open.
fn resolved(alarms: &[&Alarm]) -> Option<Seconds> {
    let ends: Option<Vec<Seconds>> = alarms.iter().map(|alarm| alarm.resolved).collect();
    ends?.into_iter().reduce(Seconds::max)
}

/// From when on an end may be announced: where reports come late, it is the last of them
/// that nobody can foresee.
fn announced_end(truth: &Truth) -> Seconds {
    if truth.family == "metro_late" { truth.over() } else { truth.end }
}

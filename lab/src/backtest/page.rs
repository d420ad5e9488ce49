//! The pages of a report: an index of all streams, and one page a stream. Plain HTML, no
//! script, nothing from elsewhere.

use super::alarms::Alarm;
use super::bars;
use super::examined::Examined;
use super::plot::{Figure, draw};
use super::seconds::Seconds;
use super::set::{Set, Stream};
use super::trace::Trace;
use super::truth::Truth;
use super::verdict::{Fate, Judged, Verdict};
use groundswell::render::svg::escape;
use std::fmt::Write;

/// How much is shown before an outage begins and after it ends in a close-up, in seconds.
const AROUND_S: f64 = 3.0 * 3_600.0;

const STYLE: &str = include_str!("page.css");

/// The page that leads to all others.
#[must_use]
pub fn index(table: &str, examined: &[&Examined]) -> String {
    let mut rows = String::new();
    for one in examined {
        let judged = &one.judged;
        let verdicts: Vec<String> = judged.verdicts.iter().map(verdict_html).collect();
        let name = escape(&judged.scenario);
        let _ = writeln!(
            rows,
            "<tr><td><a href=\"{name}.html\">{name}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            verdicts.join("<br>"),
            some(judged.count(Fate::False)),
            judged.count(Fate::OnRise)
        );
    }
    let head =
        "<tr><th>stream</th><th>verdict</th><th>false alarms</th><th>on real rises</th></tr>";
    page(
        "Backtest",
        &format!(
            "<h1>Backtest</h1>\n<pre>{}</pre>\n<table>\n{head}\n{rows}</table>\n",
            escape(table)
        ),
    )
}

/// The page of one stream.
#[must_use]
pub fn stream(set: &Set, stream: &Stream, examined: &Examined) -> String {
    let judged = &examined.judged;
    let mut body = format!(
        "<p><a href=\"index.html\">all streams</a></p>\n<h1>{}</h1>\n",
        escape(&judged.scenario)
    );
    let _ = writeln!(body, "<p>{}</p>", escape(&summary(judged)));
    for trace in worth_showing(&examined.traces, &examined.alarms, set, stream) {
        for figure in figures(set, stream, examined, trace) {
            body += &draw(&figure);
        }
    }
    body += &incidents(&examined.alarms, &judged.fates);
    page(&judged.scenario, &body)
}

fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta \
         charset=\"utf-8\"><title>{title}</title>\n<style>{STYLE}</style>\n{body}</html>\n"
    )
}

/// Traces of providers to whom something happens or about whom something was raised; else
/// the one that came nearest to it.
fn worth_showing<'a>(
    traces: &'a [Trace],
    alarms: &[Alarm],
    set: &Set,
    stream: &Stream,
) -> Vec<&'a Trace> {
    let happens = |trace: &Trace| {
        set.truths_of(stream).any(|truth| !truth.is_background() && truth.concerns(&trace.provider))
    };
    let raised = |trace: &Trace| alarms.iter().any(|alarm| alarm.provider == trace.provider);
    let shown: Vec<&Trace> =
        traces.iter().filter(|trace| happens(trace) || raised(trace)).collect();
    if shown.is_empty() {
        traces.iter().max_by(|a, b| highest(a).total_cmp(&highest(b))).into_iter().collect()
    } else {
        shown
    }
}

fn highest(trace: &Trace) -> f64 {
    trace.points.iter().map(|point| point.score).fold(0.0, f64::max)
}

/// The whole stream, then a close-up for each thing that happens in what the trace
/// watches.
fn figures<'a>(
    set: &'a Set,
    stream: &'a Stream,
    examined: &'a Examined,
    trace: &'a Trace,
) -> Vec<Figure<'a>> {
    let truths: Vec<(&Truth, &Verdict)> =
        set.truths_of(stream).zip(&examined.judged.verdicts).collect();
    let truths: Vec<_> = truths
        .into_iter()
        .filter(|(truth, _)| !truth.is_background() && truth.concerns(&trace.provider))
        .collect();
    let incidents: Vec<(&Alarm, Fate)> = examined
        .alarms
        .iter()
        .zip(examined.judged.fates.iter().copied())
        .filter(|(alarm, _)| alarm.provider == trace.provider)
        .collect();
    let figure = |title: String, details: &[String], from: Seconds, to: Seconds| Figure {
        title,
        subtitle: [details, &[place(trace), sum_up(&incidents)]].concat().join(" · "),
        from,
        to,
        trace,
        truths: truths.iter().map(|(truth, _)| *truth).collect(),
        incidents: incidents.clone(),
    };
    let name = format!("{} · {}", stream.scenario, trace.provider);
    let watched = truths
        .iter()
        .filter(|(truth, _)| trace.cells.as_ref().is_none_or(|cells| *cells == truth.grain));
    let watched: Vec<&(&Truth, &Verdict)> = watched.collect();
    let mut title = name.clone();
    for (_, verdict) in &watched {
        let _ = write!(title, " · {}", outcome(verdict));
    }
    let details: Vec<String> = watched.iter().filter_map(|(_, verdict)| details(verdict)).collect();
    let close_up = |(truth, verdict): &&(&Truth, &Verdict)| {
        let title = format!("{name}, close · {}", outcome(verdict));
        let details: Vec<String> = self::details(verdict).into_iter().collect();
        figure(title, &details, truth.onset.plus(-AROUND_S), truth.over().plus(AROUND_S))
    };
    [figure(title, &details, stream.start, stream.stop)]
        .into_iter()
        .chain(watched.iter().map(close_up))
        .collect()
}

fn place(trace: &Trace) -> String {
    match trace.cells.as_ref().map(super::Cells::count) {
        None => "reports from everywhere".to_owned(),
        Some(1) => "reports from the 1 cell of the truth".to_owned(),
        Some(count) => format!("reports from the {count} cells of the truth"),
    }
}

fn sum_up(incidents: &[(&Alarm, Fate)]) -> String {
    let count = |fate: Fate| incidents.iter().filter(|(_, other)| *other == fate).count();
    format!(
        "incidents: {}, false {}, on real rises {}",
        incidents.len(),
        count(Fate::False),
        count(Fate::OnRise)
    )
}

/// What became of it, in a few words.
fn outcome(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Found(found) => format!("found after {:.1} min", found.delay_min),
        Verdict::Missed => "missed".into(),
        Verdict::Background => "nothing happens".into(),
        Verdict::Quiet { bad: 0, tolerated: 0 } => "silent, as it should be".into(),
        Verdict::Quiet { bad: 0, tolerated } => {
            format!("{tolerated} wide alarms, which are accepted")
        }
        Verdict::Quiet { bad, .. } => format!("{bad} alarms where it should be silent"),
    }
}

/// How well it was found.
fn details(verdict: &Verdict) -> Option<String> {
    let Verdict::Found(found) = verdict else { return None };
    let (reports, precision, recall) = (found.reports, found.precision, found.report_recall);
    let resolved = found.resolve_min.map_or_else(
        || "not resolved".into(),
        |minutes| format!("resolved {minutes:+.0} min from the end"),
    );
    Some(format!(
        "{reports} reports by then, precision {precision:.2}, report recall {recall:.2}, {resolved}"
    ))
}

fn in_full(verdict: &Verdict) -> String {
    [Some(outcome(verdict)), details(verdict)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn verdict_html(verdict: &Verdict) -> String {
    let text = escape(&in_full(verdict));
    match verdict {
        Verdict::Missed | Verdict::Quiet { bad: 1.., .. } => {
            format!("<span class=\"bad\">{text}</span>")
        }
        _ => text,
    }
}

fn some(count: usize) -> String {
    if count == 0 { "0".into() } else { format!("<span class=\"bad\">{count}</span>") }
}

fn summary(judged: &Judged) -> String {
    let verdicts: Vec<String> = judged.verdicts.iter().map(in_full).collect();
    let (wrong, rises) = (judged.count(Fate::False), judged.count(Fate::OnRise));
    format!(
        "{}. False alarms: {wrong}; on real rises of the source log: {rises}.",
        verdicts.join("; ")
    )
}

fn incidents(alarms: &[Alarm], fates: &[Fate]) -> String {
    if alarms.is_empty() {
        return "<p>No incident was raised.</p>\n".into();
    }
    let time = |instant: Option<Seconds>| {
        instant.map_or_else(|| "–".into(), |instant| instant.written("%F %T"))
    };
    let mut rows = String::new();
    for (alarm, fate) in alarms.iter().zip(fates) {
        let (id, provider) = (escape(alarm.id.as_deref().unwrap_or("–")), escape(&alarm.provider));
        let times = [Some(alarm.detected), alarm.onset, alarm.resolved].map(time).join("</td><td>");
        let _ = writeln!(
            rows,
            "<tr><td>{id}</td><td>{provider}</td><td>{times}</td><td>{}</td><td>{}</td></tr>",
            alarm.cells.count(),
            bars::describe(*fate)
        );
    }
    let columns = [
        "incident",
        "provider",
        "detected (UTC)",
        "onset told",
        "resolved",
        "cells of resolution 7",
        "worth",
    ];
    format!(
        "<h2>Incidents</h2>\n<table>\n<tr><th>{}</th></tr>\n{rows}</table>\n",
        columns.join("</th><th>")
    )
}

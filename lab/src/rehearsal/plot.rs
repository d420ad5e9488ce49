//! One plot of a rehearsal: what was reported of each brand, what was told, and what
//! really happened.

use super::seen::Seen;
use crate::backtest::PLOT_STYLE;
use crate::backtest::axis::Axis;
use crate::simulate::plan::Plan;
use crate::simulate::scenario::{Cause, instant};
use groundswell::domain::incident::{Incident, State};
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use groundswell::render::svg::{Anchor, Svg};
use std::fmt::Write;

const WIDTH: f64 = 1_140.0;
const LEFT: f64 = 132.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 78.0;
const LANE: f64 = 58.0;
const BAR: f64 = 9.0;
const FOOT: f64 = 34.0;
/// Reports are shown in steps of so many minutes.
const STEP_MINUTES: i64 = 15;

/// The plot as a whole SVG file.
#[must_use]
pub fn draw(plan: &Plan, seen: &Seen) -> String {
    let mut svg = Svg::default();
    let scenario = plan.scenario;
    let time = Axis {
        from: seconds(scenario.from()),
        to: seconds(scenario.until()),
        start: LEFT,
        end: WIDTH - RIGHT,
    };
    let bottom = TOP + LANE * scenario.brands.len() as f64;
    svg.text("title", Anchor::Start, (LEFT, 18.0), scenario.title);
    let said = format!(
        "Synthetic: curves fitted through the counts on record, {} of their size. Reports in 15 \
         minutes (grey, root scale), expected (blue), incident below.",
        plan.crowd
    );
    svg.text("small", Anchor::Start, (LEFT, 36.0), said);
    legend(&mut svg);
    for (at, text) in time.time_ticks(12) {
        let x = time.place(at);
        svg.line("grid", (x, TOP), (x, bottom));
        svg.text("small", Anchor::Middle, (x, bottom + 16.0), text);
    }
    for (n, brand) in scenario.brands.iter().enumerate() {
        lane(&mut svg, plan, seen, brand.id, &time, LANE.mul_add(n as f64, TOP));
    }
    for word in scenario.words.iter().take(1) {
        let x = time.place(seconds(instant(word.at)));
        svg.line("word", (x, TOP - 4.0), (x, bottom));
        svg.text("small", Anchor::Start, (x + 3.0, TOP - 6.0), "first official word");
    }
    svg.finish((WIDTH, bottom + FOOT), PLOT_STYLE)
}

fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1_000.0
}

fn legend(svg: &mut Svg) {
    let mut x = LEFT;
    for (class, text) in [
        ("truth", "truth: it fails"),
        ("possible", "possible"),
        ("confirmed", "confirmed"),
        ("recovering", "recovering"),
        ("resolved", "over"),
    ] {
        svg.rect(class, (x, 43.0), (14.0, 10.0), "");
        svg.text("small", Anchor::Start, (x + 18.0, 52.0), text);
        x += 104.0;
    }
}

fn lane(svg: &mut Svg, plan: &Plan, seen: &Seen, id: &str, time: &Axis, top: f64) {
    let (base, height) = (top + LANE - BAR - 8.0, LANE - BAR - 16.0);
    let surge = plan.scenario.surges.iter().find(|surge| surge.provider == id);
    svg.text("", Anchor::End, (LEFT - 8.0, base - 10.0), id);
    let role = match surge.map(|surge| surge.cause) {
        Some(Cause::Outage) => "fails",
        Some(Cause::Dependence(_)) => "fails with it",
        Some(Cause::Collateral(_)) => "healthy, blamed",
        None => "healthy",
    };
    svg.text("small", Anchor::End, (LEFT - 8.0, base + 4.0), role);
    if let Some(surge) = surge.filter(|surge| surge.is_outage()) {
        let begins = surge.curve.first().map_or(time.from, |point| seconds(instant(point.at)));
        let ends = surge
            .areas
            .iter()
            .filter_map(|area| area.back.map(instant))
            .max()
            .map_or(time.to, seconds);
        svg.rect(
            "truth",
            (time.place(begins), top + 4.0),
            (time.place(ends) - time.place(begins), LANE - 6.0),
            "",
        );
    }
    let minutes = seen.minutes.get(id).map_or(&[][..], Vec::as_slice);
    let steps: Vec<(f64, f64, f64)> = minutes
        .chunk_by(|a, b| a.0.0.div_euclid(STEP_MINUTES) == b.0.0.div_euclid(STEP_MINUTES))
        .map(|chunk| {
            let (reports, expected) =
                chunk.iter().fold((0.0, 0.0), |(r, e), (_, n, of)| (r + *n as f64, e + of));
            (seconds(chunk[0].0.start()), reports, expected)
        })
        .filter(|(at, ..)| time.shows(*at, *at))
        .collect();
    let most = steps.iter().map(|(_, reports, _)| *reports).fold(1.0, f64::max);
    // The root shows the quiet days beside the peak.
    let y = |value: f64| base - height * (value / most).sqrt();
    let mut line = String::new();
    for (at, reports, expected) in &steps {
        let (left, right) = (time.place(*at), time.place(at + STEP_MINUTES as f64 * 60.0));
        if *reports > 0.0 {
            svg.rect(
                "counts",
                (left, y(*reports)),
                ((right - left).max(0.5), base - y(*reports)),
                "",
            );
        }
        let _ = write!(
            line,
            "{}{left:.1} {:.1}",
            if line.is_empty() { "M" } else { "L" },
            y(*expected)
        );
    }
    svg.path("mean", &line);
    svg.text("small", Anchor::End, (LEFT - 8.0, top + 14.0), format!("peak {most:.0}"));
    bars(svg, seen, id, time, base + 3.0);
}

/// The states of the brand's incidents, from revision to revision.
fn bars(svg: &mut Svg, seen: &Seen, id: &str, time: &Axis, top: f64) {
    for incident in seen.incidents() {
        let revisions: Vec<&Incident> =
            seen.of(incident).filter(|revision| revision.brand(id).is_some()).collect();
        let mut runs = revisions.chunk_by(|a, b| a.state == b.state).peekable();
        while let Some(run) = runs.next() {
            let (first, last) = (run[0], run[run.len() - 1]);
            if first.state == State::Resolved {
                continue;
            }
            let until = runs.peek().map_or(time.to, |next| seconds(next[0].known_at));
            let (left, right) = (time.place(seconds(first.known_at)), time.place(until));
            let lasted = first.known_at.ms_since(first.onset) / MINUTE_MS;
            let said = format!(
                "{} {}, {lasted} min after its onset, {} cells at last",
                first.id,
                first.state.name(),
                last.cells.len()
            );
            svg.rect(first.state.name(), (left, top), ((right - left).max(0.5), BAR), &said);
        }
    }
}

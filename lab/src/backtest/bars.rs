//! Incidents below a plot: a bar each from its detection to its end, with a whisker back
//! to the onset that it tells.

use super::alarms::Alarm;
use super::axis::Axis;
use super::verdict::Fate;
use groundswell::render::svg::{Anchor, Svg};

const LANE_HEIGHT: f64 = 16.0;
/// So many bars may lie below each other at one time; where there are more, the last lane
/// has several.
const MOST_LANES: usize = 8;

/// Incidents that do not overlap.
type Lane<'a> = Vec<(&'a Alarm, Fate)>;

/// The incidents that are on the axis, in lanes.
#[must_use]
pub fn lanes<'a>(incidents: &[(&'a Alarm, Fate)], time: &Axis) -> Vec<Lane<'a>> {
    let mut sorted: Lane = incidents
        .iter()
        .copied()
        .filter(|(alarm, _)| time.shows(begin(alarm), end(alarm, time)))
        .collect();
    sorted.sort_by(|(a, _), (b, _)| begin(a).total_cmp(&begin(b)));
    let mut lanes: Vec<Lane> = Vec::new();
    for incident in sorted {
        let is_free =
            |lane: &Lane| lane.iter().all(|(other, _)| end(other, time) < begin(incident.0));
        let full = lanes.len() == MOST_LANES;
        match lanes.iter().position(is_free).or(full.then_some(MOST_LANES - 1)) {
            Some(free) => lanes[free].push(incident),
            None => lanes.push(vec![incident]),
        }
    }
    lanes
}

/// How high they are, in pixels.
#[must_use]
pub fn height(lanes: &[Lane]) -> f64 {
    (lanes.len().max(1) as f64) * LANE_HEIGHT + 6.0
}

/// Draws them from `top` downwards.
pub fn draw(svg: &mut Svg, lanes: &[Lane], time: &Axis, top: f64) {
    svg.text("small", Anchor::End, (time.start - 6.0, top + 13.0), "raised");
    if lanes.is_empty() {
        svg.text("small", Anchor::Start, (time.start + 4.0, top + 13.0), "no incidents");
    }
    for (n, lane) in lanes.iter().enumerate() {
        for (alarm, fate) in lane {
            draw_one(svg, alarm, *fate, time, top + n as f64 * LANE_HEIGHT);
        }
    }
}

fn draw_one(svg: &mut Svg, alarm: &Alarm, fate: Fate, time: &Axis, top: f64) {
    let (left, right) = (time.place(alarm.detected.0), time.place(end(alarm, time)));
    let middle = top + LANE_HEIGHT / 2.0;
    if let Some(onset) = alarm.onset {
        svg.line("whisker", (time.place(onset.0), middle), (left, middle));
    }
    svg.rect(
        class(fate),
        (left, top + 3.0),
        ((right - left).max(2.0), LANE_HEIGHT - 6.0),
        &said(alarm, fate),
    );
    if let Some(onset) = alarm.onset.filter(|onset| time.shows(onset.0, onset.0)) {
        svg.dot("onset", (time.place(onset.0), middle));
    }
    if alarm.resolved.is_none() {
        svg.text("inside", Anchor::End, (time.end - 4.0, middle + 4.0), "not resolved");
    }
}

fn said(alarm: &Alarm, fate: Fate) -> String {
    let time = |instant: super::Seconds| instant.written("%F %T");
    let resolved = alarm
        .resolved
        .map_or_else(|| "not resolved".into(), |end| format!("resolved {}", time(end)));
    let onset = alarm.onset.map_or_else(String::new, |onset| format!(", onset {}", time(onset)));
    let id = alarm.id.as_deref().map_or_else(String::new, |id| format!(" {id}"));
    format!(
        "incident{id}: {}; detected {}, {resolved}{onset} UTC; {} cells",
        describe(fate),
        time(alarm.detected),
        alarm.cells.count()
    )
}

/// What an incident was worth, in words.
#[must_use]
pub const fn describe(fate: Fate) -> &'static str {
    match fate {
        Fate::Hit => "right",
        Fate::Tolerated => "wide, accepted",
        Fate::OnRise => "on a real rise",
        Fate::False => "false",
    }
}

/// The name of its colour.
#[must_use]
pub const fn class(fate: Fate) -> &'static str {
    match fate {
        Fate::Hit => "hit",
        Fate::Tolerated => "tolerated",
        Fate::OnRise => "rise",
        Fate::False => "false",
    }
}

fn begin(alarm: &Alarm) -> f64 {
    alarm.onset.map_or(alarm.detected.0, |onset| onset.0.min(alarm.detected.0))
}

/// An open one lasts beyond the paper.
fn end(alarm: &Alarm, time: &Axis) -> f64 {
    alarm
        .resolved
        .map_or(time.to.max(alarm.detected.0), |resolved| resolved.0.max(alarm.detected.0))
}

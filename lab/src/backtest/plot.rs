//! One plot: what was counted and expected, the score, what was raised, what was true. A
//! pure function to SVG.

use super::PLOT_STYLE;
use super::alarms::Alarm;
use super::axis::Axis;
use super::bars;
use super::curve;
use super::seconds::Seconds;
use super::trace::{POINT_MINUTES, Point, Trace};
use super::truth::{Expect, Truth};
use super::verdict::Fate;
use groundswell::render::svg::{Anchor, Svg};

/// What one plot shows.
#[derive(Debug, Clone)]
pub struct Figure<'a> {
    /// The first line.
    pub title: String,
    /// The second.
    pub subtitle: String,
    /// The first instant on the paper.
    pub from: Seconds,
    /// The last.
    pub to: Seconds,
    /// Counts and score; it may be empty.
    pub trace: &'a Trace,
    /// What happened to the provider.
    pub truths: Vec<&'a Truth>,
    /// What was raised about the provider, and what each was worth.
    pub incidents: Vec<(&'a Alarm, Fate)>,
}

const WIDTH: f64 = 1_140.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const COUNTS_TOP: f64 = 90.0;
const COUNTS_HEIGHT: f64 = 190.0;
const SCORE_HEIGHT: f64 = 84.0;
const GAP: f64 = 16.0;
const FOOT: f64 = 40.0;
/// The score's axis ends at so many thresholds at most: beyond, everything is equally
/// sure, and the threshold should stay visible.
const THRESHOLDS_SHOWN: f64 = 5.0;

const LEGEND: [(&str, &str); 10] = [
    ("counts", "reports"),
    ("band", "expected, 95 %"),
    ("mean", "its mean"),
    ("score", "highest score"),
    ("truth", "truth"),
    ("hit", "right incident"),
    ("false", "false incident"),
    ("rise", "on a real rise"),
    ("tolerated", "wide, accepted"),
    ("onset", "onset told"),
];

/// The plot as a whole SVG file.
#[must_use]
pub fn draw(figure: &Figure) -> String {
    let mut svg = Svg::default();
    let time = Axis { from: figure.from.0, to: figure.to.0, start: LEFT, end: WIDTH - RIGHT };
    let points = shown(&figure.trace.points, &time);
    let score_top = COUNTS_TOP + COUNTS_HEIGHT + GAP;
    let bars_top = score_top + SCORE_HEIGHT + GAP;
    let lanes = bars::lanes(&figure.incidents, &time);
    let bottom = bars_top + bars::height(&lanes);

    head(&mut svg, figure);
    for truth in &figure.truths {
        shade(&mut svg, truth, &time, bottom);
    }
    counts(&mut svg, &points, &time);
    score(&mut svg, figure.trace.threshold, &points, &time, score_top);
    bars::draw(&mut svg, &lanes, &time, bars_top);
    instants(&mut svg, &time, bottom);
    if figure.trace.points.is_empty() {
        let middle = (f64::midpoint(time.start, time.end), COUNTS_TOP + COUNTS_HEIGHT / 2.0);
        svg.text(
            "small",
            Anchor::Middle,
            middle,
            "no counts: incidents were read from files, nothing was replayed",
        );
    }
    svg.finish((WIDTH, bottom + FOOT), PLOT_STYLE)
}

fn shown(points: &[Point], time: &Axis) -> Vec<Point> {
    points
        .iter()
        .copied()
        .filter(|point| time.shows(seconds(point), seconds(point) + width_s()))
        .collect()
}

fn seconds(point: &Point) -> f64 {
    point.from.start().0 as f64 / 1_000.0
}

fn width_s() -> f64 {
    POINT_MINUTES as f64 * 60.0
}

fn head(svg: &mut Svg, figure: &Figure) {
    svg.text("title", Anchor::Start, (LEFT, 20.0), &figure.title);
    svg.text("", Anchor::Start, (LEFT, 39.0), &figure.subtitle);
    let mut x = LEFT;
    for (class, text) in LEGEND {
        match class {
            "mean" | "score" => svg.line(class, (x, 56.0), (x + 14.0, 56.0)),
            "onset" => svg.dot(class, (x + 7.0, 56.0)),
            _ => svg.rect(class, (x, 51.0), (14.0, 10.0), ""),
        }
        svg.text("small", Anchor::Start, (x + 18.0, 60.0), text);
        // The width of a letter is not known here; this is generous for the fonts of the
        // style.
        x += 34.0 + 6.2 * text.chars().count() as f64;
    }
}

fn shade(svg: &mut Svg, truth: &Truth, time: &Axis, bottom: f64) {
    let name = match truth.expect {
        Expect::Detect => "outage",
        Expect::Silent => "must stay silent",
        Expect::CoarseOk => "only a wide alarm is accepted",
        Expect::Other => "truth",
    };
    for (class, from, to) in [("truth", truth.onset, truth.end), ("late", truth.end, truth.over())]
    {
        if from < to && time.shows(from.0, to.0) {
            let (left, right) = (time.place(from.0), time.place(to.0));
            let said = format!("{name}: {} to {} UTC", from.written("%F %T"), to.written("%F %T"));
            svg.rect(
                class,
                (left, COUNTS_TOP),
                ((right - left).max(1.0), bottom - COUNTS_TOP),
                &said,
            );
        }
    }
    if time.shows(truth.onset.0, truth.end.0) {
        svg.text(
            "small",
            Anchor::Start,
            (time.place(truth.onset.0).min(time.end - 150.0), COUNTS_TOP - 4.0),
            name,
        );
    }
}

fn counts(svg: &mut Svg, points: &[Point], time: &Axis) {
    let highest = points
        .iter()
        .map(|point| f64::from(point.count).max(point.expected.map_or(0.0, |band| band.high)))
        .fold(3.0, f64::max);
    let axis =
        Axis { from: 0.0, to: highest * 1.05, start: COUNTS_TOP + COUNTS_HEIGHT, end: COUNTS_TOP };
    panel(svg, &axis, time, "reports in 10 min", 6);
    let steps = |high: &dyn Fn(&Point) -> Option<f64>, low: &dyn Fn(&Point) -> Option<f64>| {
        let step = |point: &Point| {
            Some(curve::Step {
                left: time.place(seconds(point)),
                right: time.place(seconds(point) + width_s()),
                high: axis.place(high(point)?),
                low: axis.place(low(point)?),
            })
        };
        points.iter().map(step).collect::<Vec<_>>()
    };
    svg.path(
        "band",
        &curve::area(&steps(&|point| Some(point.expected?.high), &|point| {
            Some(point.expected?.low)
        })),
    );
    svg.path("counts", &curve::area(&steps(&|point| Some(f64::from(point.count)), &|_| Some(0.0))));
    svg.path("mean", &curve::line(&steps(&|point| Some(point.expected?.mean), &|_| Some(0.0))));
}

fn score(svg: &mut Svg, threshold: f64, points: &[Point], time: &Axis, top: f64) {
    let highest = points.iter().map(|point| point.score).fold(0.0, f64::max);
    let end = (highest * 1.1).clamp(threshold * 1.5, threshold * THRESHOLDS_SHOWN);
    let axis = Axis { from: 0.0, to: end, start: top + SCORE_HEIGHT, end: top };
    panel(svg, &axis, time, "score, −log10 p", 3);
    let step = |point: &Point| {
        let (left, right) = (time.place(seconds(point)), time.place(seconds(point) + width_s()));
        Some(curve::Step { left, right, high: axis.place(point.score), low: axis.start })
    };
    svg.path("score", &curve::line(&points.iter().map(step).collect::<Vec<_>>()));
    svg.line("threshold", (time.start, axis.place(threshold)), (time.end, axis.place(threshold)));
    svg.text(
        "small",
        Anchor::End,
        (time.end - 4.0, axis.place(threshold) - 4.0),
        format_args!("threshold {threshold}"),
    );
    if highest > end {
        svg.text(
            "small",
            Anchor::Start,
            (time.start + 4.0, top + 11.0),
            format_args!("cut off, highest {highest:.1}"),
        );
    }
}

/// A frame with an axis at its left.
fn panel(svg: &mut Svg, axis: &Axis, time: &Axis, label: &str, ticks: usize) {
    for tick in axis.ticks(ticks) {
        let y = axis.place(tick);
        svg.line("grid", (time.start, y), (time.end, y));
        svg.text("small", Anchor::End, (time.start - 6.0, y + 4.0), tick);
    }
    svg.line("frame", (time.start, axis.end), (time.start, axis.start));
    svg.line("frame", (time.start, axis.start), (time.end, axis.start));
    svg.upwards("small", (16.0, f64::midpoint(axis.start, axis.end)), label);
}

fn instants(svg: &mut Svg, time: &Axis, bottom: f64) {
    svg.line("frame", (time.start, bottom), (time.end, bottom));
    for (instant, text) in time.time_ticks(12) {
        let x = time.place(instant);
        svg.line("frame", (x, bottom), (x, bottom + 5.0));
        // A day's name is up to 64 pixels wide.
        let anchor = if x > time.end - 16.0 { Anchor::End } else { Anchor::Middle };
        svg.text("small", anchor, (x, bottom + 18.0), text);
    }
    let span = format!(
        "time (UTC), {} to {}",
        Seconds(time.from).written("%F %H:%M"),
        Seconds(time.to).written("%F %H:%M")
    );
    svg.text("small", Anchor::End, (time.end, bottom + 34.0), span);
}

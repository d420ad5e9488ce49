//! A map as a picture, for print, mail and link previews: what it shows, of when, what the
//! colours mean and whom to name are burnt in.

use super::cell::CellFigures;
use super::outline::Outline;
use super::style::{EDGE, EMERGENCY, LAND, LEVELS, NO_LEVEL, NOBODY_LISTENS, OPACITIES, WORDS};
use super::svg::{Anchor, Svg};
use crate::domain::grid::{Cell, Position};
use crate::domain::incident::State;
use crate::domain::viewport::Viewport;
use geo::LineString;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// Pixels around all texts.
const MARGIN: f64 = 12.0;
/// Pixels of the title.
const TITLE: f64 = 28.0;
/// Pixels from line to line of the legend.
const LINE: f64 = 18.0;
/// Pixels of a letter, about.
const LETTER: f64 = 6.3;
const TITLE_LETTER: f64 = 9.6;
/// Names of cities stand so many pixels apart.
const NAMES_APART: (f64, f64) = (24.0, 26.0);

/// The same of one that is too wide.
const NARROW_LETTER: f64 = 7.6;

const CSS: &str = "text{font:12px system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#222}\
    .title{font-size:18px;font-weight:600}\
    .narrow{font-size:14px;font-weight:600}.small{fill:#555}\
    .place{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}";

/// All that a picture shows.
#[derive(Debug)]
pub struct Picture {
    /// Which part of the world, on the pixels of the map alone.
    pub viewport: Viewport,
    /// Whose reports.
    pub title: String,
    /// Of when, and of what.
    pub said: Vec<String>,
    /// Cells with what their counts mean.
    pub cells: BTreeMap<Cell, CellFigures>,
    /// The same of what is shown only more roughly.
    pub coarser: BTreeMap<Cell, CellFigures>,
    /// Where emergency calls fail.
    pub emergency: BTreeSet<Cell>,
    /// Covered cells; none where no ordinary day is known.
    pub covered: Option<BTreeSet<Cell>>,
    /// Incidents with their outlines.
    pub incidents: Vec<(State, Arc<Outline>)>,
    /// Cities, the largest first.
    pub cities: Vec<(&'static str, Position)>,
    /// Whom to name, and the licence.
    pub credit: Vec<String>,
}

/// An entry of the legend: how its swatch is drawn, and what it means.
struct Entry {
    swatch: String,
    means: &'static str,
}

/// Pixels that the title and what is said take above a map of this width.
#[must_use]
pub fn head(said: &[String], width: f64) -> f64 {
    TITLE + wrapped(said, width).len() as f64 * LINE + MARGIN / 2.0
}

/// Pixels that the legend and the credit take below a map of this width.
#[must_use]
pub fn foot(credit: &[String], width: f64) -> f64 {
    let (_, height) = placed(&legend(), width);
    height + wrapped(credit, width).len() as f64 * LINE + MARGIN
}

/// The picture as SVG.
#[must_use]
pub fn svg(picture: &Picture) -> String {
    let (mut svg, (width, height)) = (Svg::default(), picture.viewport.size());
    let top = head(&picture.said, width);
    let whole = top + height + foot(&picture.credit, width);
    svg.push(format_args!("<title>{}</title>", super::svg::escape(&picture.title)));
    svg.push(format_args!(
        "<defs><pattern id=\"nobody\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"8\" height=\"8\" fill=\"{LAND}\"/>\
         <rect width=\"2\" height=\"8\" fill=\"{NOBODY_LISTENS}\"/></pattern></defs>"
    ));
    svg.push(format_args!("<rect width=\"{width}\" height=\"{whole:.0}\" fill=\"#ffffff\"/>"));
    let (title, room) = (&picture.title, width - 2.0 * MARGIN);
    let is_narrow = title.chars().count() as f64 * TITLE_LETTER > room;
    let (class, letter) =
        if is_narrow { ("narrow", NARROW_LETTER) } else { ("title", TITLE_LETTER) };
    svg.text(class, Anchor::Start, (MARGIN, 24.0), shortened(title, room, letter));
    draw_lines(&mut svg, &wrapped(&picture.said, width), TITLE);
    svg.within((0.0, top), (width, height), |svg| draw_map(svg, picture));
    draw_legend(&mut svg, width, top + height);
    let credit = wrapped(&picture.credit, width);
    draw_lines(&mut svg, &credit, whole - MARGIN - credit.len() as f64 * LINE);
    svg.finish((width, whole), CSS)
}

/// Lines of small text, the first below a height.
fn draw_lines(svg: &mut Svg, lines: &[String], top: f64) {
    for (n, line) in lines.iter().enumerate() {
        svg.text("small", Anchor::Start, (MARGIN, top + (n as f64 + 0.8) * LINE), line);
    }
}

fn draw_map(svg: &mut Svg, picture: &Picture) {
    let (viewport, (width, height)) = (&picture.viewport, picture.viewport.size());
    let ground = if picture.covered.is_some() { "url(#nobody)" } else { LAND };
    svg.push(format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"{ground}\"/>"));
    let covered = picture.covered.iter().flatten().copied();
    shape(svg, &hexagons(viewport, covered), &format!("fill=\"{LAND}\" stroke=\"{LAND}\""));
    draw_cells(svg, viewport, &picture.coarser, 0.5);
    draw_cells(svg, viewport, &picture.cells, 1.0);
    for (state, outline) in &picture.incidents {
        let dash = match state {
            State::Possible => " stroke-dasharray=\"2 4\"",
            State::Recovering => " stroke-dasharray=\"8 4\"",
            _ => "",
        };
        let line = format!("fill=\"none\" stroke=\"#111\" stroke-width=\"2\"{dash}");
        shape(svg, &outlines(viewport, outline), &line);
    }
    draw_names(svg, picture);
    let calls = hexagons(viewport, picture.emergency.iter().copied());
    shape(svg, &calls, "fill=\"none\" stroke=\"#fff\" stroke-width=\"5\"");
    shape(
        svg,
        &calls,
        &format!(
            "fill=\"{EMERGENCY}\" fill-opacity=\"0.35\" stroke=\"{EMERGENCY}\" stroke-width=\"3\""
        ),
    );
}

/// Cells by colour and opacity: one shape for all that look alike.
fn draw_cells(svg: &mut Svg, viewport: &Viewport, cells: &BTreeMap<Cell, CellFigures>, most: f64) {
    let mut alike = BTreeMap::<(Option<u8>, usize), Vec<Cell>>::new();
    for (cell, figures) in cells {
        let step = OPACITIES.iter().rposition(|(least, _)| *least <= figures.count);
        alike.entry((figures.level, step.unwrap_or_default())).or_default().push(*cell);
    }
    for ((level, step), cells) in alike {
        let colour = level.and_then(|level| LEVELS.get(usize::from(level))).unwrap_or(&NO_LEVEL);
        let opacity = most * OPACITIES[step].1;
        let paint = format!(
            "fill=\"{colour}\" fill-opacity=\"{opacity:.2}\" stroke=\"{EDGE}\" \
             stroke-opacity=\"0.6\" stroke-width=\"0.5\""
        );
        shape(svg, &hexagons(viewport, cells.into_iter()), &paint);
    }
}

fn draw_names(svg: &mut Svg, picture: &Picture) {
    let (viewport, (width, height)) = (&picture.viewport, picture.viewport.size());
    // A name for each so many pixels: a telephone has room for few.
    let most = ((width * height / 40_000.0) as usize).clamp(3, 16);
    let mut taken = Vec::<(f64, f64, f64)>::new();
    for (name, at) in &picture.cities {
        let (x, y) = viewport.place(*at);
        let right = x + 8.0 + name.chars().count() as f64 * LETTER;
        let is_inside = 8.0 <= x && right <= width && (14.0..height - 8.0).contains(&y);
        let is_near = |(left, end, line): &(f64, f64, f64)| {
            x < end + NAMES_APART.0
                && *left < right + NAMES_APART.0
                && (line - y).abs() < NAMES_APART.1
        };
        if is_inside && !taken.iter().any(is_near) {
            svg.push(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"#222\" stroke=\"#fff\"/>"
            ));
            svg.text("place", Anchor::Start, (x + 6.0, y + 4.0), name);
            taken.push((x, right, y));
        }
        if taken.len() == most {
            break;
        }
    }
}

fn legend() -> Vec<Entry> {
    let fill = |colour: &str| format!("fill=\"{colour}\" stroke=\"{EDGE}\" stroke-width=\"0.5\"");
    let levels = LEVELS.iter().zip(WORDS);
    let levels = levels.map(|(colour, means)| Entry { swatch: fill(colour), means });
    let others = [
        (format!("{} fill-opacity=\"0.35\"", fill(LEVELS[3])), "pale: few reports"),
        (fill(NO_LEVEL), "usual not known"),
        ("fill=\"none\" stroke=\"#111\" stroke-width=\"2\"".to_owned(), "incident"),
        (
            format!(
                "fill=\"{EMERGENCY}\" fill-opacity=\"0.35\" stroke=\"{EMERGENCY}\" \
                 stroke-width=\"2\""
            ),
            "emergency calls fail",
        ),
        (
            format!("fill=\"url(#nobody)\" stroke=\"{EDGE}\" stroke-width=\"0.5\""),
            "nobody listens here",
        ),
    ];
    let others = others.map(|(swatch, means)| Entry { swatch, means });
    levels.chain(others).collect()
}

/// Where each entry stands, from the top left of the legend, and how high all of it is.
fn placed(entries: &[Entry], width: f64) -> (Vec<(f64, f64)>, f64) {
    let (mut places, mut x, mut y) = (Vec::new(), MARGIN, LINE);
    for entry in entries {
        let needed = 34.0 + entry.means.len() as f64 * LETTER;
        if x > MARGIN && x + needed > width - MARGIN {
            (x, y) = (MARGIN, y + LINE);
        }
        places.push((x, y));
        x += needed;
    }
    (places, y + LINE / 2.0)
}

fn draw_legend(svg: &mut Svg, width: f64, top: f64) {
    let entries = legend();
    let (places, _) = placed(&entries, width);
    for (entry, (x, y)) in entries.iter().zip(places) {
        svg.push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"14\" height=\"11\" {}/>",
            top + y - 10.0,
            entry.swatch
        ));
        svg.text("", Anchor::Start, (x + 19.0, top + y), entry.means);
    }
}

fn shape(svg: &mut Svg, commands: &str, paint: &str) {
    if !commands.is_empty() {
        svg.push(format_args!("<path {paint} d=\"{commands}\"/>"));
    }
}

fn hexagons(viewport: &Viewport, cells: impl Iterator<Item = Cell>) -> String {
    let mut commands = String::new();
    for corners in cells.filter_map(|cell| viewport.corners(cell)) {
        write_ring(&mut commands, corners.into_iter());
    }
    commands
}

fn outlines(viewport: &Viewport, outline: &Outline) -> String {
    let mut commands = String::new();
    for part in &outline.shape {
        for ring in std::iter::once(part.exterior()).chain(part.interiors()) {
            let place = |ring: &LineString| {
                let corners = ring.coords().filter_map(|at| Position::new(at.y, at.x).ok());
                corners.map(|at| viewport.place(at)).collect::<Vec<_>>()
            };
            write_ring(&mut commands, place(ring).into_iter());
        }
    }
    commands
}

fn write_ring(commands: &mut String, corners: impl Iterator<Item = (f64, f64)>) {
    for (n, (x, y)) in corners.enumerate() {
        let _ = write!(commands, "{}{x:.1} {y:.1}", if n == 0 { 'M' } else { 'L' });
    }
    commands.push('Z');
}

/// Parts of a text on lines of a width, as many on each as fit.
fn wrapped(parts: &[String], width: f64) -> Vec<String> {
    let most = ((width - 2.0 * MARGIN) / LETTER) as usize;
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 3 <= most => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.push(shortened(part, width - 2.0 * MARGIN, LETTER)),
        }
    }
    lines
}

/// A text that fits into so many pixels.
fn shortened(text: &str, pixels: f64, letter: f64) -> String {
    let most = (pixels / letter) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_wraps_and_stays_inside() {
        for width in [320.0, 640.0, 1_200.0] {
            let entries = legend();
            let (places, height) = placed(&entries, width);
            for (entry, (x, y)) in entries.iter().zip(&places) {
                assert!(x + 19.0 + entry.means.len() as f64 * LETTER <= width, "{}", entry.means);
                assert!(*y <= height);
            }
        }
        assert!(foot(&[], 320.0) > foot(&[], 1_200.0));
    }

    #[test]
    fn parts_share_a_line_where_they_fit() {
        let parts = ["15 min", "reports"].map(str::to_owned);
        assert_eq!(wrapped(&parts, 320.0), ["15 min · reports"]);
        assert_eq!(wrapped(&parts, 100.0), parts);
    }

    #[test]
    fn long_texts_are_cut_and_short_ones_are_not() {
        assert_eq!(shortened("Rogers", 100.0, 10.0), "Rogers");
        assert_eq!(shortened("Rogers Communications", 100.0, 10.0), "Rogers Co…");
    }
}

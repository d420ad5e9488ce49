//! A style for maps that read the style specification of `MapLibre`: the legend's colours,
//! and nothing that another server would have to give.

use super::tilejson::TileJson;
use serde_json::{Value, json};

/// Colours of levels 0 to 4. Told apart by people who see fewer colours, too: each is
/// darker than the one before.
pub(super) const LEVELS: [&str; 5] = ["#8fb3c9", "#fdc652", "#f17c2b", "#c9281c", "#5e0b1a"];
/// Of a count whose level is not known.
pub(super) const NO_LEVEL: &str = "#7c8a93";
/// Of failed emergency calls: no level's hue.
pub(super) const EMERGENCY: &str = "#6a1b9a";
/// Of the edges of cells.
pub(super) const EDGE: &str = "#6b4a2a";
/// The ground.
pub(super) const LAND: &str = "#f3f1ec";
/// The ground where too few people ever reported.
pub(super) const NOBODY_LISTENS: &str = "#d3cfc6";
/// What levels 0 to 4 say.
pub(super) const WORDS: [&str; 5] = [
    "as expected",
    "more than usual",
    "surprising",
    "in an incident",
    "in an incident, ten times as many as expected",
];
/// How little is seen through a cell from so many reports on: in three steps, so that one
/// report and ten thousand of one level differ.
pub(super) const OPACITIES: [(u32, f64); 3] = [(0, 0.35), (5, 0.6), (50, 0.85)];

/// A whole style of the tiles, and those of coverage, that a `TileJSON` each describes: on a
/// plain ground, or the overlay alone, which has coverage hidden. `glyphs` is the address of
/// a server of fonts, for clients that ask for one.
#[must_use]
pub fn style(
    (tiles, coverage): (&TileJson, &TileJson),
    with_base: bool,
    glyphs: Option<&str>,
) -> Value {
    let mut layers = Vec::new();
    if with_base {
        let paint = json!({"background-color": NOBODY_LISTENS});
        layers.push(json!({"id": "ground", "type": "background", "paint": paint}));
    }
    // A pattern would need an image of another server: the ground is darker instead where
    // nobody listens, and flat where somebody does. A ground of others is left as it is.
    layers.push(json!({
        "id": "groundswell-coverage",
        "type": "fill",
        "source": "groundswell-coverage",
        "source-layer": "coverage",
        "layout": {"visibility": if with_base { "visible" } else { "none" }},
        "paint": {"fill-color": LAND, "fill-antialias": false},
    }));
    for (layer, opacity, edge) in [
        ("coarser", json!(0.2), json!({"line-width": 1, "line-dasharray": [4, 3]})),
        ("cells", opacity(), json!({"line-width": 0.5})),
    ] {
        // Without antialiasing, whose line would show twice where two hexagons meet.
        layers.push(json!({
            "id": format!("groundswell-{layer}"),
            "type": "fill",
            "source": "groundswell",
            "source-layer": layer,
            "paint": {
                "fill-color": colour(),
                "fill-opacity": opacity,
                "fill-antialias": false,
            },
        }));
        let mut paint = edge;
        paint["line-color"] = json!(EDGE);
        paint["line-opacity"] = json!(0.6);
        layers.push(json!({
            "id": format!("groundswell-{layer}-edge"),
            "type": "line",
            "source": "groundswell",
            "source-layer": layer,
            "paint": paint,
        }));
    }
    let casing = json!({"line-color": "#ffffff", "line-width": 5, "line-opacity": 0.7});
    layers.push(outlines("casing", &json!(["!=", ["get", "state"], "resolved"]), &casing));
    for (state, dash) in
        [("confirmed", None), ("possible", Some([1, 2])), ("recovering", Some([4, 2]))]
    {
        let mut paint = json!({"line-color": "#111111", "line-width": 2});
        if let Some(dash) = dash {
            paint["line-dasharray"] = json!(dash);
        }
        layers.push(outlines(state, &json!(["==", ["get", "state"], state]), &paint));
    }
    // Above all else: lives hang on it. An edge of its own kind, since colours alone can be
    // mistaken for those of levels.
    for (name, paint) in [
        ("", json!({"fill-color": EMERGENCY, "fill-opacity": 0.35})),
        ("-casing", json!({"line-color": "#ffffff", "line-width": 5})),
        ("-edge", json!({"line-color": EMERGENCY, "line-width": 3})),
    ] {
        layers.push(json!({
            "id": format!("groundswell-emergency{name}"),
            "type": if name.is_empty() { "fill" } else { "line" },
            "source": "groundswell",
            "source-layer": "emergency",
            "paint": paint,
        }));
    }
    let mut style = json!({
        "version": 8,
        "name": tiles.name,
        "metadata": {"groundswell:legend": legend(), "groundswell:licence": tiles.licence},
        "sources": {
            "groundswell-coverage": source(coverage, &json!({"coverage": "hex"})),
            "groundswell": source(tiles, &json!({
                "cells": "hex", "coarser": "hex", "incidents": "id", "emergency": "hex",
            })),
        },
        "layers": layers,
    });
    if let Some(glyphs) = glyphs {
        style["glyphs"] = json!(glyphs);
    }
    style
}

/// The source of the tiles that a `TileJSON` describes.
fn source(tiles: &TileJson, ids: &Value) -> Value {
    json!({
        "type": "vector",
        "tiles": tiles.tiles,
        "minzoom": tiles.minzoom,
        "maxzoom": tiles.maxzoom,
        "bounds": tiles.bounds,
        "attribution": tiles.attribution,
        "promoteId": ids,
    })
}

/// A layer of the outlines of some incidents.
fn outlines(name: &str, filter: &Value, paint: &Value) -> Value {
    json!({
        "id": format!("groundswell-incidents-{name}"),
        "type": "line",
        "source": "groundswell",
        "source-layer": "incidents",
        "filter": filter,
        "layout": {"line-join": "round"},
        "paint": paint,
    })
}

/// What each colour says.
fn legend() -> Value {
    let levels = LEVELS.iter().zip(WORDS).enumerate();
    let rows = levels
        .map(|(level, (colour, means))| json!({"level": level, "colour": colour, "means": means}));
    let unknown = json!({"level": null, "colour": NO_LEVEL, "means": "not known what is usual"});
    let emergency =
        json!({"layer": "emergency", "colour": EMERGENCY, "means": "emergency calls fail"});
    let covered =
        json!({"layer": "coverage", "colour": LAND, "means": "an outage would be noticed"});
    let uncovered = json!({
        "layer": "ground",
        "colour": NOBODY_LISTENS,
        "means": "nobody listens here: too few people ever reported",
    });
    rows.chain([unknown, emergency, covered, uncovered]).collect()
}

fn colour() -> Value {
    let mut colour = vec![json!("match"), json!(["get", "level"])];
    for (level, of) in LEVELS.iter().enumerate() {
        colour.extend([json!(level), json!(of)]);
    }
    colour.push(json!(NO_LEVEL));
    Value::Array(colour)
}

/// The more reports, the less is seen through.
fn opacity() -> Value {
    let [(_, few), (some, of_some), (many, of_many)] = OPACITIES;
    json!(["step", ["get", "count"], few, some, of_some, many, of_many])
}

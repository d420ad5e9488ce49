//! A style for maps that read the style specification of `MapLibre`: the legend's colours,
//! and nothing that another server would have to give.

use super::tilejson::TileJson;
use serde_json::{Value, json};

/// Colours of levels 0 to 4. Told apart by people who see fewer colours, too: each is
/// darker than the one before.
const LEVELS: [&str; 5] = ["#8fb3c9", "#fdc652", "#f17c2b", "#c9281c", "#5e0b1a"];
/// Of a count whose level is not known.
const NO_LEVEL: &str = "#7c8a93";
const EDGE: &str = "#6b4a2a";
const LAND: &str = "#f3f1ec";

/// A whole style of the tiles that a `TileJSON` describes: on a plain ground, or the overlay
/// alone. `glyphs` is the address of a server of fonts, for clients that ask for one.
#[must_use]
pub fn style(tiles: &TileJson, with_base: bool, glyphs: Option<&str>) -> Value {
    let mut layers = Vec::new();
    if with_base {
        let paint = json!({"background-color": LAND});
        layers.push(json!({"id": "ground", "type": "background", "paint": paint}));
    }
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
    let mut style = json!({
        "version": 8,
        "name": tiles.name,
        "metadata": {"groundswell:legend": legend(), "groundswell:licence": tiles.licence},
        "sources": {
            "groundswell": {
                "type": "vector",
                "tiles": tiles.tiles,
                "minzoom": tiles.minzoom,
                "maxzoom": tiles.maxzoom,
                "bounds": tiles.bounds,
                "attribution": tiles.attribution,
                "promoteId": {"cells": "hex", "coarser": "hex", "incidents": "id"},
            },
        },
        "layers": layers,
    });
    if let Some(glyphs) = glyphs {
        style["glyphs"] = json!(glyphs);
    }
    style
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
    let words = [
        "as expected",
        "more than usual",
        "surprising",
        "in an incident",
        "in an incident, ten times as many as expected",
    ];
    let levels = LEVELS.iter().zip(words).enumerate();
    let rows = levels
        .map(|(level, (colour, means))| json!({"level": level, "colour": colour, "means": means}));
    let unknown = json!({"level": null, "colour": NO_LEVEL, "means": "not known what is usual"});
    rows.chain([unknown]).collect()
}

fn colour() -> Value {
    let mut colour = vec![json!("match"), json!(["get", "level"])];
    for (level, of) in LEVELS.iter().enumerate() {
        colour.extend([json!(level), json!(of)]);
    }
    colour.push(json!(NO_LEVEL));
    Value::Array(colour)
}

/// The more reports, the less is seen through: in three steps, so that one report and ten
/// thousand of one level differ.
fn opacity() -> Value {
    json!(["step", ["get", "count"], 0.35, 5, 0.6, 50, 0.85])
}

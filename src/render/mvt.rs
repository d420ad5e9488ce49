//! A tile of a map as Mapbox Vector Tile 2.1: hexagons, coarser ones below, outlines of
//! incidents, and above all of them where emergency calls fail.

use super::cell::{CellFigures, Hex, Rows, rounded};
use super::outline::Outline;
use super::severity::SeverityJson;
use super::time::rfc3339;
use crate::domain::grid::{Cell, Position};
use crate::domain::incident::Incident;
use crate::domain::level::Level;
use crate::domain::tile::{Ring, Tile};
use fast_mvt::{MvtCoord, MvtGeomType, MvtLayerBuilder, MvtTileBuilder, MvtValueRef};
use geo::LineString;
use std::sync::Arc;

/// A layer of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// What is known only more coarsely: drawn below the others.
    Coarser,
    /// Cells of the resolution of the zoom.
    Cells,
    /// Outlines of incidents.
    Incidents,
    /// Where emergency calls fail, of mixed resolutions: drawn above the others.
    Emergency,
}

/// All that a tile shows.
#[derive(Debug, Clone, Copy)]
pub struct TileMap<'a> {
    /// Which tile.
    pub tile: Tile,
    /// Cells that meet it, with what their counts mean.
    pub rows: Rows<'a>,
    /// Reports of failed emergency calls that meet it; none where they were not asked for.
    pub emergency: Option<&'a Level>,
    /// Incidents, whether they meet it or not.
    pub incidents: &'a [TileIncident],
    /// The layers that are asked for.
    pub layers: &'a [Layer],
}

/// What a tile says of an incident.
#[derive(Debug, Clone)]
pub struct TileIncident {
    id: String,
    state: &'static str,
    network: String,
    providers: String,
    onset: String,
    reports: u64,
    /// Reports of failed emergency calls.
    emergency: Option<u64>,
    outline: Arc<Outline>,
}

impl TileIncident {
    /// An incident as it is told, in its outline.
    #[must_use]
    pub fn of(incident: &Incident, outline: Arc<Outline>) -> Self {
        let brands: Vec<&str> = incident.brands.iter().map(|brand| &*brand.provider).collect();
        Self {
            id: incident.id.to_string(),
            state: incident.state.name(),
            network: incident.network.clone(),
            providers: brands.join(","),
            onset: rfc3339(incident.onset),
            reports: SeverityJson::from(incident).reports,
            emergency: incident.figures.emergency().map(|emergency| emergency.reports),
            outline,
        }
    }
}

impl Layer {
    /// All of them, the lowest first.
    pub const ALL: [Self; 4] = [Self::Coarser, Self::Cells, Self::Incidents, Self::Emergency];

    /// Its name in tiles.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coarser => "coarser",
            Self::Cells => "cells",
            Self::Incidents => "incidents",
            Self::Emergency => "emergency",
        }
    }

    /// The layer of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// Its properties, each with what it says.
    #[must_use]
    pub const fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Coarser => &[HEX, COUNT, EXPECTED, SCORE, LEVEL, RESOLUTION],
            Self::Cells => &[HEX, COUNT, EXPECTED, SCORE, LEVEL],
            Self::Incidents => &[
                ("id", "String. Id of the incident."),
                ("state", "String. possible, confirmed, recovering or resolved."),
                ("network", "String. The network whose brands fail."),
                ("providers", "String. Ids of the providers that fail, joined by commas."),
                ("onset", "String. Estimate of when it began, RFC 3339."),
                ("reports", "Number. Reports of problems."),
                (
                    "emergency",
                    "Number. Reports of failed emergency calls; absent where there are none.",
                ),
            ],
            Self::Emergency => &[
                HEX,
                (
                    "count",
                    "Number. Reports that emergency calls fail, whatever symptom the tile is of.",
                ),
                RESOLUTION,
            ],
        }
    }
}

const HEX: (&str, &str) = ("hex", "String. H3 index of the cell: the id to promote.");
const RESOLUTION: (&str, &str) = ("resolution", "Number. H3 resolution of the cell.");
const COUNT: (&str, &str) = ("count", "Number. Reports in the cell.");
const EXPECTED: (&str, &str) = ("expected", "Number. Expected reports; absent if unknown.");
const SCORE: (&str, &str) =
    ("score", "Number. How surprising the count is, -log10 of its probability; absent if unknown.");
const LEVEL: (&str, &str) = ("level", "Number. 0 to 4, for the colour; absent if unknown.");

/// The bytes of a tile; none where nothing is on it.
#[must_use]
pub fn tile(map: &TileMap<'_>) -> Vec<u8> {
    let has = |layer: Layer| map.layers.contains(&layer);
    let mut tile = MvtTileBuilder::new();
    if has(Layer::Coarser) && map.rows.coarser().len() > 0 {
        let cells = map.rows.coarser();
        let layer = begin(tile, Layer::Coarser);
        tile = hexagons(layer, map.tile, cells, |cell, figures, tag| {
            tag_figures(*figures, tag);
            tag_resolution(cell, tag);
        })
        .end();
    }
    if has(Layer::Cells) && map.rows.figures().len() > 0 {
        let (layer, cells) = (begin(tile, Layer::Cells), map.rows.figures());
        tile = hexagons(layer, map.tile, cells, |_, figures, tag| tag_figures(*figures, tag)).end();
    }
    if has(Layer::Incidents) {
        let drawn: Vec<_> = map
            .incidents
            .iter()
            .filter_map(|incident| Some((incident, rings(map.tile, &incident.outline)?)))
            .collect();
        if !drawn.is_empty() {
            tile = outlines(begin(tile, Layer::Incidents), drawn).end();
        }
    }
    if let Some(level) = map.emergency.filter(|level| level.all_rows().next().is_some()) {
        let layer = begin(tile, Layer::Emergency);
        tile = hexagons(layer, map.tile, level.all_rows(), |cell, count, tag| {
            tag("count", MvtValueRef::UInt((*count).into()));
            tag_resolution(cell, tag);
        })
        .end();
    }
    tile.encode()
}

fn begin(tile: MvtTileBuilder, layer: Layer) -> MvtLayerBuilder {
    tile.layer(layer.name()).expect("it has a name")
}

/// Adds a property to a feature.
pub(super) type Tag<'a> = &'a mut dyn FnMut(&'static str, MvtValueRef<'_>);

/// Adds whole hexagons to a layer, each with its `hex` and the properties of what is known of
/// it.
pub(super) fn hexagons<T>(
    mut layer: MvtLayerBuilder,
    tile: Tile,
    cells: impl Iterator<Item = (Cell, T)>,
    properties: impl Fn(Cell, &T, Tag<'_>),
) -> MvtLayerBuilder {
    for (cell, known) in cells {
        let Some(ring) = Ring::of(cell) else { continue };
        let mut feature = layer.feature_of(MvtGeomType::Polygon);
        for placed in tile.place(&ring) {
            feature.ring(coords(&placed), true).expect("an outline has corners");
        }
        let digits = Hex(cell).digits();
        let mut tag = |key: &'static str, value: MvtValueRef<'_>| {
            feature.tag_ref(key, value).expect("a layer has fewer than 2^32 values");
        };
        tag("hex", MvtValueRef::String(str::from_utf8(&digits).expect("digits are ASCII")));
        properties(cell, &known, &mut tag);
        layer = feature.end();
    }
    layer
}

fn tag_figures(figures: CellFigures, tag: Tag<'_>) {
    tag("count", MvtValueRef::UInt(figures.count.into()));
    for (key, number) in [("expected", figures.expected), ("score", figures.score)] {
        if let Some(number) = number {
            tag(key, MvtValueRef::Float(rounded(number) as f32));
        }
    }
    if let Some(level) = figures.level {
        tag("level", MvtValueRef::UInt(level.into()));
    }
}

fn tag_resolution(cell: Cell, tag: Tag<'_>) {
    tag("resolution", MvtValueRef::UInt(cell.resolution().number().into()));
}

/// Rings of an incident on a tile, each with whether it is an outer one.
type Rings = Vec<(Vec<[i32; 2]>, bool)>;

/// The rings of an outline that meet a tile; none where none does.
fn rings(tile: Tile, outline: &Outline) -> Option<Rings> {
    let mut rings = Vec::new();
    for polygon in &outline.shape {
        let clip = |ring: &LineString| {
            // The last corner of a closed ring is the first.
            let corners = ring.0.iter().skip(1);
            tile.clip(corners.filter_map(|corner| Position::new(corner.y, corner.x).ok()))
        };
        let Some(exterior) = clip(polygon.exterior()) else { continue };
        rings.push((exterior, true));
        rings.extend(polygon.interiors().iter().filter_map(clip).map(|hole| (hole, false)));
    }
    (!rings.is_empty()).then_some(rings)
}

fn outlines(mut layer: MvtLayerBuilder, drawn: Vec<(&TileIncident, Rings)>) -> MvtLayerBuilder {
    for (incident, rings) in drawn {
        let mut feature = layer.feature_of(MvtGeomType::Polygon);
        for (ring, is_exterior) in rings {
            feature.ring(coords(&ring), is_exterior).expect("an outline has corners");
        }
        for (key, text) in [
            ("id", &*incident.id),
            ("state", incident.state),
            ("network", &*incident.network),
            ("providers", &*incident.providers),
            ("onset", &*incident.onset),
        ] {
            feature
                .tag_ref(key, MvtValueRef::String(text))
                .expect("a layer has fewer than 2^32 values");
        }
        let counts = [("reports", Some(incident.reports)), ("emergency", incident.emergency)];
        for (key, count) in counts {
            if let Some(count) = count {
                feature
                    .tag_ref(key, MvtValueRef::UInt(count))
                    .expect("a layer has fewer than 2^32 values");
            }
        }
        layer = feature.end();
    }
    layer
}

fn coords(ring: &[[i32; 2]]) -> impl Iterator<Item = MvtCoord> + '_ {
    ring.iter().map(|[x, y]| MvtCoord { x: *x, y: *y })
}

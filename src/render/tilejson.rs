//! `TileJSON` 3.0.0: where the tiles of a map are, and what is in them.

use crate::domain::tile::Tile;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Where the tiles of a map are, and what is in them (`TileJSON` 3.0.0).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TileJson)]
pub struct TileJson {
    /// Always `3.0.0`.
    #[schema(examples("3.0.0"))]
    pub tilejson: &'static str,
    /// What is shown.
    #[schema(examples("Groundswell: rogers, last 15m"))]
    pub name: String,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// The address of a tile, with `{z}`, `{x}` and `{y}` in it.
    #[schema(example = json!(["https://example.org/v1/tiles/{z}/{x}/{y}.mvt?network=rogers"]))]
    pub tiles: Vec<String>,
    /// Always `xyz`: y is 0 in the north.
    pub scheme: &'static str,
    /// The coarsest zoom.
    #[schema(examples(0))]
    pub minzoom: u8,
    /// The finest zoom; beyond it maps draw those tiles larger.
    #[schema(examples(10))]
    pub maxzoom: u8,
    /// West, south, east, north in degrees.
    #[schema(example = json!([-180.0, -85.051_128_78, 180.0, 85.051_128_78]))]
    pub bounds: [f64; 4],
    /// Whom to name beside the map. May hold HTML.
    pub attribution: String,
    /// Under which licence the counts are; absent where the operator names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub licence: Option<String>,
    /// The layers.
    pub vector_layers: Vec<VectorLayer>,
}

/// A layer of vector tiles.
#[derive(Debug, Serialize, ToSchema)]
pub struct VectorLayer {
    /// Its name in tiles.
    #[schema(examples("cells"))]
    pub id: &'static str,
    /// Its properties, each with its type and what it says.
    pub fields: BTreeMap<&'static str, &'static str>,
    /// The coarsest zoom that has it.
    #[schema(examples(0))]
    pub minzoom: u8,
    /// The finest zoom that has it.
    #[schema(examples(10))]
    pub maxzoom: u8,
}

impl VectorLayer {
    /// A layer of every zoom, with its properties.
    #[must_use]
    pub fn of(id: &'static str, fields: &[(&'static str, &'static str)]) -> Self {
        let fields = fields.iter().copied().collect();
        Self { id, fields, minzoom: 0, maxzoom: Tile::FINEST_ZOOM }
    }
}

impl TileJson {
    /// The document of tiles called so at an address, with these layers, of which somebody is
    /// to be named, under a licence.
    #[must_use]
    pub fn of(
        (name, tiles): (String, String),
        vector_layers: Vec<VectorLayer>,
        (attribution, licence): (String, Option<String>),
    ) -> Self {
        let earth = Tile::new(0, 0, 0).expect("it is the whole earth").bounds();
        Self {
            tilejson: "3.0.0",
            name,
            description: "Reports of lost service by H3 cell, and incidents",
            tiles: vec![tiles],
            scheme: "xyz",
            minzoom: 0,
            maxzoom: Tile::FINEST_ZOOM,
            bounds: earth.sides(),
            attribution,
            licence,
            vector_layers,
        }
    }
}

//! Spikes as `GeoJSON` (RFC 7946): an outline each, with flat properties.

use super::cell::Hex;
use super::geojson::{FeatureCollectionType, FeatureType};
use super::outline::{Outline, OutlineGeometry};
use super::spike::SpikeJson;
use crate::domain::extent::extent;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Spikes as outlines. `next_cursor`, `stale` and `as_of` are foreign members as RFC 7946
/// allows them (section 6.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct SpikesGeoJson {
    /// Always `FeatureCollection`.
    #[serde(rename = "type")]
    pub kind: FeatureCollectionType,
    /// West, south, east and north of all of them; west is greater than east over the
    /// antimeridian. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!([-80.1, 43.2, -78.9, 44.0]))]
    pub bbox: Option<[f64; 4]>,
    /// Spikes, the highest score first.
    pub features: Vec<SpikeFeature>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Whether the answer is of `as_of` and not of now: detection is late.
    #[schema(examples(false))]
    pub stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, examples("2022-07-08T09:12:31Z"))]
    pub as_of: String,
}

/// A spike.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpikeFeature {
    /// Always `Feature`.
    #[serde(rename = "type")]
    pub kind: FeatureType,
    /// West, south, east and north of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!([-80.1, 43.2, -78.9, 44.0]))]
    pub bbox: Option<[f64; 4]>,
    /// The outline of its cells; null where its zone is global.
    #[schema(required = true)]
    pub geometry: Option<OutlineGeometry>,
    /// Its properties.
    pub properties: SpikeProperties,
}

/// The properties of a spike: those of `/v1/spikes`, flat.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpikeProperties {
    /// Id of the provider.
    #[schema(examples("rogers"))]
    pub provider: String,
    /// The network that it uses.
    #[schema(examples("rogers"))]
    pub network: String,
    /// Name of the place.
    #[schema(examples("near Barrie (12 km), CA-ON"))]
    pub place: String,
    /// The cell in the middle of its zone; null where that is global, or not told.
    #[schema(required = true)]
    pub centre: Option<Hex>,
    /// Greatest grid distance of a cell of the zone from the centre, in cells; null where the
    /// zone is not told.
    #[schema(required = true, examples(1))]
    pub radius_cells: Option<u8>,
    /// The first minute that was counted.
    #[schema(format = DateTime)]
    pub from: String,
    /// The first minute after.
    #[schema(format = DateTime)]
    pub to: String,
    /// Whether only late reports were counted.
    pub late_only: bool,
    /// Reports that counted.
    #[schema(examples(41.0))]
    pub observed: f64,
    /// Expected reports; null where that is not known of what everybody may see.
    #[schema(required = true, examples(3.2))]
    pub expected: Option<f64>,
    /// How far the counts of ordinary days vary beyond chance.
    #[schema(examples(0.1))]
    pub dispersion: f64,
    /// -log10 of the probability of so many or more; null where `expected` is.
    #[schema(required = true, examples(12.5))]
    pub score: Option<f64>,
    /// The score from which it opens an incident.
    #[schema(examples(6.3))]
    pub score_threshold: f64,
    /// Id of the open incident of that provider that it belongs to.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$")]
    pub incident: Option<String>,
    /// Id of the open incident of another network that explains it.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$")]
    pub collateral_of: Option<String>,
}

impl SpikesGeoJson {
    /// The answer of these spikes and their outlines. Its `as_of` is still empty.
    #[must_use]
    pub fn of(
        spikes: Vec<(SpikeJson, Arc<Outline>)>,
        next_cursor: Option<String>,
        stale: bool,
    ) -> Self {
        let bbox = extent(spikes.iter().map(|(_, outline)| &outline.shape));
        let features =
            spikes.into_iter().map(|(spike, outline)| SpikeFeature::of(spike, outline)).collect();
        Self {
            kind: FeatureCollectionType::FeatureCollection,
            bbox,
            features,
            next_cursor,
            stale,
            as_of: String::new(),
        }
    }
}

impl SpikeFeature {
    fn of(spike: SpikeJson, outline: Arc<Outline>) -> Self {
        let SpikeJson {
            provider,
            network,
            place,
            cells: _,
            evidence,
            score_threshold,
            incident,
            collateral_of,
        } = spike;
        let properties = SpikeProperties {
            provider,
            network,
            place: place.text,
            centre: evidence.zone.as_ref().and_then(|zone| zone.centre),
            radius_cells: evidence.zone.map(|zone| zone.radius_cells),
            from: evidence.window.from,
            to: evidence.window.to,
            late_only: evidence.late_only,
            observed: evidence.observed,
            expected: evidence.expected,
            dispersion: evidence.dispersion,
            score: evidence.score,
            score_threshold,
            incident,
            collateral_of,
        };
        Self {
            kind: FeatureType::Feature,
            bbox: extent([&outline.shape]),
            geometry: (!outline.shape.0.is_empty()).then(|| OutlineGeometry::of(outline)),
            properties,
        }
    }
}

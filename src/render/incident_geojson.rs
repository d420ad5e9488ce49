//! Incidents as `GeoJSON` (RFC 7946): an outline each, with flat properties, since
//! readers of maps seldom take others.

use super::geojson::{FeatureCollectionType, FeatureType};
use super::incident::{EndingWord, IncidentJson, StateWord, VerdictWord};
use super::outline::{Outline, OutlineGeometry};
use super::place::PlaceJson;
use crate::domain::extent::extent;
use crate::domain::grid::Resolution;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Incidents as outlines. `next_cursor`, `stale` and `as_of` are foreign members as RFC
/// 7946 allows them (section 6.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentsGeoJson {
    /// Always `FeatureCollection`.
    #[serde(rename = "type")]
    pub kind: FeatureCollectionType,
    /// West, south, east and north of all of them; west is greater than east over the
    /// antimeridian. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!([-80.1, 43.2, -78.9, 44.0]))]
    pub bbox: Option<[f64; 4]>,
    /// Incidents, newest first.
    pub features: Vec<IncidentFeature>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Whether the answer is of `as_of` and not of now: detection is late or catching up.
    #[schema(examples(false))]
    pub stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, examples("2022-07-08T09:12:31Z"))]
    pub as_of: String,
}

/// An incident.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentFeature {
    /// Always `Feature`.
    #[serde(rename = "type")]
    pub kind: FeatureType,
    /// Its identifier.
    #[schema(pattern = "^[0-9a-f]{16}$", examples("3f9a2c41d07be658"))]
    pub id: String,
    /// West, south, east and north of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!([-80.1, 43.2, -78.9, 44.0]))]
    pub bbox: Option<[f64; 4]>,
    /// The outline of its cells; where it is global, of those with reports. Null where it has
    /// none: too few people reported it yet from any place.
    #[schema(required = true)]
    pub geometry: Option<OutlineGeometry>,
    /// Its properties, flat: lists are joined by commas.
    pub properties: IncidentProperties,
}

/// The properties of an incident: those of `/v1/incidents`, flat.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentProperties {
    /// Its identifier, for maps that do not pass on ids.
    #[schema(pattern = "^[0-9a-f]{16}$", examples("3f9a2c41d07be658"))]
    pub id: String,
    /// Which revision this is.
    #[schema(examples(4))]
    pub revision: u32,
    /// When this revision was published.
    #[schema(format = DateTime)]
    pub known_at: String,
    /// The network whose brands fail.
    #[schema(examples("rogers"))]
    pub network: String,
    /// Ids of the providers that fail.
    #[schema(examples("rogers,fido"))]
    pub providers: String,
    /// Its state.
    pub state: StateWord,
    /// When it was first published.
    #[schema(format = DateTime)]
    pub detected_at: String,
    /// Estimate of when it began.
    #[schema(format = DateTime)]
    pub onset: String,
    /// When its reports ended; null while it is open.
    #[schema(required = true, format = DateTime)]
    pub resolved_at: Option<String>,
    /// How it ended; null while it is open.
    #[schema(required = true)]
    pub ending: Option<EndingWord>,
    /// Whether no region stands out.
    pub global: bool,
    /// Name of the place; null where it is told without one.
    #[schema(required = true, examples("Toronto, Ottawa, Hamilton and 14 more (CA-ON)"))]
    pub place: Option<String>,
    /// Subdivisions that it reaches into.
    #[schema(examples("CA-ON"))]
    pub subdivisions: String,
    /// Countries that it reaches into.
    #[schema(examples("CA"))]
    pub countries: String,
    /// Score of its strongest evidence.
    #[schema(required = true, examples(22.7))]
    pub score: Option<f64>,
    /// From onset to end, or until this was published.
    #[schema(examples(54_000))]
    pub duration_seconds: i64,
    /// Square kilometres of its cells, an upper bound.
    #[schema(examples(712.4))]
    pub area_km2: f64,
    /// Reports of problems.
    #[schema(examples(1_842))]
    pub reports: u64,
    /// Reports of emergency calls that fail.
    #[schema(required = true, examples(20))]
    pub emergency_reports: Option<u64>,
    /// When the first of them was observed.
    #[schema(required = true, format = DateTime)]
    pub emergency_since: Option<String>,
    /// Expected reports without it.
    #[schema(required = true, examples(20.5))]
    pub expected: Option<f64>,
    /// Upper bound of the users that are affected.
    #[schema(required = true)]
    pub users: Option<u64>,
    /// Upper bound of users times minutes.
    #[schema(required = true)]
    pub user_minutes: Option<u64>,
    /// The minute with the most reports.
    #[schema(required = true, format = DateTime)]
    pub peak_at: Option<String>,
    /// Reports in that minute.
    #[schema(required = true)]
    pub peak_count: Option<u64>,
    /// Ids of healthy providers whose reports it explains.
    #[schema(examples("bell,telus"))]
    pub collateral: String,
    /// Id of the incident that caused it.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$")]
    pub cause: Option<String>,
    /// Seconds from `detected_at` to the first official note.
    #[schema(required = true, examples(14_820))]
    pub lead_seconds: Option<i64>,
    /// The resolution to which finer cells were rolled up so that the outline has not too
    /// many corners; null where it is exact.
    #[schema(required = true, minimum = 0, maximum = 7)]
    pub outline_resolution: Option<u8>,
}

impl IncidentsGeoJson {
    /// The answer of these incidents and their outlines. Its `as_of` is still empty.
    #[must_use]
    pub fn of(
        incidents: Vec<(IncidentJson, Arc<Outline>)>,
        next_cursor: Option<String>,
        stale: bool,
    ) -> Self {
        let bbox = extent(incidents.iter().map(|(_, outline)| &outline.shape));
        let features = incidents
            .into_iter()
            .map(|(incident, outline)| IncidentFeature::of(incident, outline))
            .collect();
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

impl IncidentFeature {
    fn of(incident: IncidentJson, outline: Arc<Outline>) -> Self {
        let outline_resolution = outline.rolled_up_to.map(Resolution::number);
        Self {
            kind: FeatureType::Feature,
            id: incident.id.clone(),
            bbox: extent([&outline.shape]),
            geometry: (!outline.shape.0.is_empty()).then(|| OutlineGeometry::of(outline)),
            properties: IncidentProperties::of(incident, outline_resolution),
        }
    }
}

impl IncidentProperties {
    pub(super) fn of(incident: IncidentJson, outline_resolution: Option<u8>) -> Self {
        let collateral = incident
            .attribution
            .iter()
            .filter(|other| matches!(other.verdict, VerdictWord::Collateral));
        let collateral: Vec<&str> = collateral.map(|other| &*other.provider).collect();
        let place = incident.place.clone().unwrap_or_default();
        let of_place = |areas: fn(&PlaceJson) -> &Vec<String>| areas(&place).join(",");
        let (peak_at, peak_count) = incident.severity.peak.map(|peak| (peak.t, peak.count)).unzip();
        Self {
            collateral: collateral.join(","),
            id: incident.id,
            revision: incident.revision,
            known_at: incident.known_at,
            network: incident.network,
            providers: incident.providers.join(","),
            state: incident.state,
            detected_at: incident.detected_at,
            onset: incident.onset,
            resolved_at: incident.resolved_at,
            ending: incident.ending.map(|ending| ending.kind),
            global: incident.global,
            subdivisions: of_place(|place| &place.subdivisions),
            countries: of_place(|place| &place.countries),
            place: incident.place.map(|place| place.text),
            score: incident.evidence.and_then(|evidence| evidence.evidence.score),
            duration_seconds: incident.severity.duration_seconds,
            area_km2: incident.severity.area_km2,
            reports: incident.severity.reports,
            emergency_reports: incident.emergency.as_ref().map(|emergency| emergency.reports),
            emergency_since: incident.emergency.and_then(|emergency| emergency.since),
            expected: incident.severity.expected,
            users: incident.severity.users,
            user_minutes: incident.severity.user_minutes,
            peak_at,
            peak_count,
            cause: incident.cause.map(|cause| cause.incident),
            lead_seconds: incident.lead_seconds,
            outline_resolution,
        }
    }
}

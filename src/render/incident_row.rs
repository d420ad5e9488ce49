//! An incident as a line of a table: its flat properties, and its cells.

use super::cell::Hex;
use super::incident::IncidentJson;
use super::incident_geojson::IncidentProperties;
use serde::Serialize;

/// An incident, flat.
#[derive(Debug, Serialize)]
pub struct IncidentRow {
    #[serde(flatten)]
    properties: IncidentProperties,
    cells: Vec<Hex>,
}

impl IncidentRow {
    /// Its columns: those of `/v1/incidents.geojson` but of the outline, and its cells.
    pub const COLUMNS: [&'static str; 29] = [
        "id",
        "revision",
        "known_at",
        "network",
        "providers",
        "state",
        "detected_at",
        "onset",
        "resolved_at",
        "ending",
        "global",
        "place",
        "subdivisions",
        "countries",
        "score",
        "duration_seconds",
        "area_km2",
        "reports",
        "emergency_reports",
        "emergency_since",
        "expected",
        "users",
        "user_minutes",
        "peak_at",
        "peak_count",
        "collateral",
        "cause",
        "lead_seconds",
        "cells",
    ];
}

impl From<IncidentJson> for IncidentRow {
    fn from(incident: IncidentJson) -> Self {
        let cells = incident.cells.clone();
        Self { properties: IncidentProperties::of(incident, None), cells }
    }
}

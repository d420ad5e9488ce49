//! A spike as a line of a table, with flat properties.

use super::cell::Hex;
use super::spike::SpikeJson;
use serde::Serialize;

/// A spike, flat.
#[derive(Debug, Serialize)]
pub struct SpikeLine {
    hex_id: Option<Hex>,
    resolution: Option<u8>,
    radius_cells: Option<u8>,
    provider: String,
    network: String,
    place: String,
    from: String,
    to: String,
    late_only: bool,
    observed: f64,
    expected: Option<f64>,
    dispersion: f64,
    score: Option<f64>,
    score_threshold: f64,
    incident: Option<String>,
    collateral_of: Option<String>,
    cells: Vec<Hex>,
}

impl SpikeLine {
    /// Its columns. `hex_id` is the middle of its zone: empty where that is not told, or where
    /// the zone is global, which has a radius and no middle.
    pub const COLUMNS: [&'static str; 17] = [
        "hex_id",
        "resolution",
        "radius_cells",
        "provider",
        "network",
        "place",
        "from",
        "to",
        "late_only",
        "observed",
        "expected",
        "dispersion",
        "score",
        "score_threshold",
        "incident",
        "collateral_of",
        "cells",
    ];
}

impl From<SpikeJson> for SpikeLine {
    fn from(spike: SpikeJson) -> Self {
        let SpikeJson {
            provider,
            network,
            place,
            cells,
            evidence,
            score_threshold,
            incident,
            collateral_of,
        } = spike;
        let zone = evidence.zone.as_ref();
        Self {
            hex_id: zone.and_then(|zone| zone.centre),
            resolution: zone.and_then(|zone| zone.resolution),
            radius_cells: zone.map(|zone| zone.radius_cells),
            provider,
            network,
            place: place.text,
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
            cells,
        }
    }
}

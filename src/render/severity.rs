//! How grave an incident is, as clients see it.

use super::time::rfc3339;
use crate::domain::incident::Incident;
use serde::Serialize;
use utoipa::ToSchema;

/// How grave an incident is, by the yardsticks that regulators use. Reports are those of
/// all its brands observed in its cells from its onset to its end, or until this was
/// known; late ones are counted again after the end.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SeverityJson {
    /// From onset to end, or until this was known.
    #[schema(examples(54_000))]
    pub duration_seconds: i64,
    /// Square kilometres of its cells. An upper bound: the cells of coarse reports are
    /// large.
    #[schema(examples(712.4))]
    pub area_km2: f64,
    /// Reports of problems. Some of them would have come without it: see `expected`.
    #[schema(examples(1_842))]
    pub reports: u64,
    /// Reports that were to be expected without it; null where that is not known.
    #[schema(required = true, examples(20.5))]
    pub expected: Option<f64>,
    /// Users that are touched, at most: subscribers of its brands times the share of
    /// reports that its cells bring on any day. Null where the catalogue knows no brand's
    /// subscribers.
    #[schema(required = true, examples(2_250_000))]
    pub users: Option<u64>,
    /// Users times minutes, at most, as 47 CFR 4.7 counts an outage; null where the users
    /// are not known.
    #[schema(required = true, examples(2_025_000_000_u64))]
    pub user_minutes: Option<u64>,
    /// The minute with the most reports; null where none came.
    #[schema(required = true)]
    pub peak: Option<PeakJson>,
    /// What was reported, most first.
    pub symptoms: Vec<SymptomCount>,
}

/// The minute with the most reports.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PeakJson {
    /// Its beginning.
    #[schema(format = DateTime, examples("2022-07-08T12:03:00Z"))]
    pub t: String,
    /// Reports in it.
    #[schema(examples(93))]
    pub count: u64,
}

/// A symptom and its reports.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SymptomCount {
    /// What, in a word of those that reports use.
    #[schema(examples("no_service"))]
    pub symptom: &'static str,
    /// How many.
    #[schema(examples(1_204))]
    pub count: u64,
}

impl From<&Incident> for SeverityJson {
    fn from(incident: &Incident) -> Self {
        let (figures, duration_ms) = (&incident.figures, incident.duration_ms());
        Self {
            duration_seconds: duration_ms / 1_000,
            area_km2: tenths(figures.area_km2),
            reports: figures.reports,
            expected: figures.expected.map(|expected| (expected * 1_000.0).round() / 1_000.0),
            users: figures.users.map(|users| users.round() as u64),
            user_minutes: figures.user_minutes(duration_ms).map(|minutes| minutes.round() as u64),
            peak: figures.peak.map(|peak| PeakJson { t: rfc3339(peak.at), count: peak.reports }),
            symptoms: figures
                .symptoms
                .iter()
                .map(|(symptom, count)| SymptomCount { symptom: symptom.name(), count: *count })
                .collect(),
        }
    }
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

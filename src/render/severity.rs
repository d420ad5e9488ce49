//! How severe an incident is, as clients see it.

use super::time::rfc3339;
use crate::domain::incident::Incident;
use serde::Serialize;
use utoipa::ToSchema;

/// How severe an incident is, by the measures of regulators. Reports are those of all its
/// brands, observed in its cells from onset to end, or until this was published. Late
/// ones are added after the end. For everybody counts are rounded down: below 100 to 1, 2 or
/// 5 times a power of ten, above to two digits.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Severity)]
pub struct SeverityJson {
    /// From onset to end, or until this was published.
    #[schema(examples(54_000))]
    pub duration_seconds: i64,
    /// Area of its cells in square kilometres: an upper bound, since the cells of coarse
    /// reports are large.
    #[schema(examples(712.4))]
    pub area_km2: f64,
    /// Reports of problems. Some would have come without it: see `expected`.
    #[schema(examples(1_842))]
    pub reports: u64,
    /// Expected reports without it; null where unknown. For everybody, of what the map showed
    /// in its cells.
    #[schema(required = true, examples(20.5))]
    pub expected: Option<f64>,
    /// Upper bound of the users that are affected: subscribers of its brands times the
    /// share of reports that its cells have on any day. Null where the catalogue has no
    /// subscribers of its brands, and for everybody where `expected` is.
    #[schema(required = true, examples(2_250_000))]
    pub users: Option<u64>,
    /// Upper bound of users times minutes, as 47 CFR 4.7 counts an outage; null where
    /// `users` is.
    #[schema(required = true, examples(2_025_000_000_u64))]
    pub user_minutes: Option<u64>,
    /// The minute with the most reports; null where there are none.
    #[schema(required = true)]
    pub peak: Option<PeakJson>,
    /// Reports by symptom, most first.
    pub symptoms: Vec<SymptomCount>,
}

/// The minute with the most reports.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Peak)]
pub struct PeakJson {
    /// When it begins.
    #[schema(format = DateTime, examples("2022-07-08T12:03:00Z"))]
    pub t: String,
    /// Reports in it.
    #[schema(examples(93))]
    pub count: u64,
}

/// A symptom and its reports.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SymptomCount {
    /// A word that reports use.
    #[schema(examples("no_service"))]
    pub symptom: &'static str,
    /// Number of reports.
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

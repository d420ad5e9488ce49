//! An incident with its history: revisions, brands, notes, timeline, and the method that
//! found it.

use super::evidence::EvidenceJson;
use super::incident::{IncidentJson, StateWord};
use super::note::NoteJson;
use super::place::PlaceJson;
use super::time::rfc3339;
use super::timeline::EventJson;
use crate::domain::incident::known::Known;
use crate::domain::incident::timeline::timeline;
use crate::domain::incident::{Brand, Incident, Method};
use serde::Serialize;
use utoipa::ToSchema;

/// Revisions that an answer lists at most, the newest ones.
pub const MOST_REVISIONS: usize = 1_000;
/// Events of a timeline at most, the newest ones.
pub const MOST_EVENTS: usize = 2_000;

/// An incident with its history.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentDetail {
    /// The incident.
    #[serde(flatten)]
    pub incident: IncidentJson,
    /// Its brands, in the order they joined.
    pub brands: Vec<BrandJson>,
    /// Number of its revisions, listed or not.
    #[schema(examples(5))]
    pub revision_count: usize,
    /// Its revisions in short, oldest first, at most the newest 1,000. `known_at` gives
    /// each in full.
    pub revisions: Vec<RevisionJson>,
    /// Notes on it, in the order in which they were added.
    pub notes: Vec<NoteJson>,
    /// Its events, in order, at most the newest 2,000.
    pub timeline: Vec<EventJson>,
    /// The method that found it.
    pub method: MethodJson,
    /// Whether the answer is of `as_of` and not of now: detection is late or catching up.
    #[schema(examples(false))]
    pub stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, examples("2022-07-08T09:12:31Z"))]
    pub as_of: String,
}

/// One brand in an incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentBrand)]
pub struct BrandJson {
    /// Id of the provider.
    #[schema(examples("fido"))]
    pub provider: String,
    /// Its state.
    pub state: StateWord,
    /// When the incident was first published with this brand.
    #[schema(format = DateTime, examples("2022-07-08T08:58:00Z"))]
    pub detected_at: String,
    /// Estimate of when it began for this brand.
    #[schema(format = DateTime, examples("2022-07-08T08:45:00Z"))]
    pub onset: String,
    /// When it was over for this brand; null while it is open.
    #[schema(required = true, format = DateTime, examples(json!(null)))]
    pub resolved_at: Option<String>,
    /// Ids of its clusters as the detector tracks them, for everybody other ones that say
    /// nothing of where they began; empty where it was added because its network fails.
    #[schema(example = json!(["00000000019f2b60"]))]
    pub clusters: Vec<String>,
    /// The evidence that decided.
    pub evidence: EvidenceJson,
}

/// A revision in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionJson {
    /// Which, from 0.
    #[schema(examples(3))]
    pub revision: u32,
    /// When it was published.
    #[schema(format = DateTime, examples("2022-07-08T09:02:00Z"))]
    pub known_at: String,
    /// The state of the incident.
    pub state: StateWord,
    /// Estimate of when it began, at that time.
    #[schema(format = DateTime, examples("2022-07-08T08:45:00Z"))]
    pub onset: String,
    /// When it was over, as known at that time.
    #[schema(required = true, format = DateTime, examples(json!(null)))]
    pub resolved_at: Option<String>,
    /// Ids of the providers that failed.
    #[schema(example = json!(["rogers", "fido"]))]
    pub providers: Vec<String>,
    /// Number of its cells.
    #[schema(examples(214))]
    pub cells: usize,
    /// Their area in square kilometres.
    #[schema(examples(1_080.2))]
    pub area_km2: f64,
    /// Reports so far.
    #[schema(examples(1_842))]
    pub reports: u64,
    /// Score of its strongest evidence.
    #[schema(required = true, examples(22.7))]
    pub score: Option<f64>,
}

/// The method that found an incident. The same version, parameters and catalogue find it
/// again from the same facts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DetectionMethod)]
pub struct MethodJson {
    /// Its version.
    #[schema(examples("1"))]
    pub version: String,
    /// Fingerprint of its parameters.
    #[schema(examples("5e1c0a7742b39d10"))]
    pub parameters: String,
    /// Fingerprint of the catalogue.
    #[schema(examples("9b02f6ce11d84a73"))]
    pub catalogue: String,
}

impl IncidentDetail {
    /// The answer of an incident as it is known, at a place that was named. Its `as_of`
    /// is still empty.
    #[must_use]
    pub fn of(known: &Known<'_>, place: Option<PlaceJson>, stale: bool) -> Self {
        let (revisions, events) = (known.revisions(), timeline(known));
        Self {
            incident: IncidentJson::of(known, place),
            brands: known.incident().brands.iter().map(Into::into).collect(),
            revision_count: revisions.len(),
            revisions: newest(revisions, MOST_REVISIONS)
                .iter()
                .map(|revision| (&**revision).into())
                .collect(),
            notes: known.notes().iter().map(|note| (*note).into()).collect(),
            timeline: newest(&events, MOST_EVENTS).iter().map(Into::into).collect(),
            method: (&known.incident().method).into(),
            stale,
            as_of: String::new(),
        }
    }
}

/// The last so many.
fn newest<T>(all: &[T], most: usize) -> &[T] {
    &all[all.len().saturating_sub(most)..]
}

impl From<&Brand> for BrandJson {
    fn from(brand: &Brand) -> Self {
        Self {
            provider: brand.provider.clone(),
            state: brand.state.into(),
            detected_at: rfc3339(brand.detected_at),
            onset: rfc3339(brand.onset),
            resolved_at: brand.resolved_at.map(rfc3339),
            clusters: brand.episodes.iter().map(|episode| format!("{episode:016x}")).collect(),
            evidence: (&brand.evidence).into(),
        }
    }
}

impl From<&Incident> for RevisionJson {
    fn from(incident: &Incident) -> Self {
        Self {
            revision: incident.revision,
            known_at: rfc3339(incident.known_at),
            state: incident.state.into(),
            onset: rfc3339(incident.onset),
            resolved_at: incident.resolved_at.map(rfc3339),
            providers: incident.brands.iter().map(|brand| brand.provider.clone()).collect(),
            cells: incident.cells.len(),
            area_km2: (incident.figures.area_km2 * 10.0).round() / 10.0,
            reports: incident.figures.reports,
            score: incident.evidence().and_then(|(_, evidence)| evidence.score),
        }
    }
}

impl From<&Method> for MethodJson {
    fn from(method: &Method) -> Self {
        let Method { version, parameters, catalogue } = method;
        Self {
            version: version.clone(),
            parameters: format!("{parameters:016x}"),
            catalogue: format!("{catalogue:016x}"),
        }
    }
}

//! An incident as clients see it.

use super::cell::Hex;
use super::evidence::EvidenceJson;
use super::place::PlaceJson;
use super::severity::SeverityJson;
use super::time::rfc3339;
use crate::domain::incident::attribution::{Attribution, Verdict};
use crate::domain::incident::figures::Emergency;
use crate::domain::incident::known::Known;
use crate::domain::incident::{Cause, Ending, State};
use serde::Serialize;
use utoipa::ToSchema;

/// An incident: brands of one network fail together, somewhere, for some time.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Incident)]
pub struct IncidentJson {
    /// Its identifier: 16 hexadecimal digits. It never changes.
    #[schema(pattern = "^[0-9a-f]{16}$", examples("3f9a2c41d07be658"))]
    pub id: String,
    /// Which revision this is, from 0.
    #[schema(examples(4))]
    pub revision: u32,
    /// When this revision was published.
    #[schema(format = DateTime, examples("2022-07-08T09:10:00Z"))]
    pub known_at: String,
    /// The network whose brands fail.
    #[schema(examples("rogers"))]
    pub network: String,
    /// Its state.
    pub state: StateWord,
    /// When it was first published.
    #[schema(format = DateTime, examples("2022-07-08T08:52:00Z"))]
    pub detected_at: String,
    /// Estimate of when it began.
    #[schema(format = DateTime, examples("2022-07-08T08:45:00Z"))]
    pub onset: String,
    /// When its reports ended; null while it is open.
    #[schema(required = true, format = DateTime, examples(json!(null)))]
    pub resolved_at: Option<String>,
    /// How it ended; null while it is open.
    #[schema(required = true)]
    pub ending: Option<EndingJson>,
    /// Whether no region stands out. `cells` are then those with reports.
    #[schema(examples(false))]
    pub global: bool,
    /// Ids of the providers that fail, in the order they joined.
    #[schema(example = json!(["rogers", "fido"]))]
    pub providers: Vec<String>,
    /// Where it is; null where too few people reported it yet from any place.
    #[schema(required = true)]
    pub place: Option<PlaceJson>,
    /// Disjoint cells of mixed resolutions, sorted by index: those from which enough people
    /// reported it. A larger one takes the place of those in it where more people reported
    /// from the rest of it. Cells that have recovered stay.
    pub cells: Vec<Hex>,
    /// Its strongest evidence.
    #[schema(required = true)]
    pub evidence: Option<IncidentEvidence>,
    /// Emergency calls that fail in it; null where nobody reported any.
    #[schema(required = true)]
    pub emergency: Option<EmergencyJson>,
    /// How severe it is.
    pub severity: SeverityJson,
    /// Other providers with reports at the same place and time, and what they mean.
    pub attribution: Vec<AttributionJson>,
    /// The incident that caused it; null where none is known.
    #[schema(required = true)]
    pub cause: Option<CauseJson>,
    /// Seconds from `detected_at` to the first official note: negative where the note was
    /// earlier, null where there is none.
    #[schema(required = true, examples(14_820))]
    pub lead_seconds: Option<i64>,
}

/// Emergency calls that fail in an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = IncidentEmergency)]
pub struct EmergencyJson {
    /// Reports of it, counted as those of `severity` are.
    #[schema(minimum = 1, examples(20))]
    pub reports: u64,
    /// When the first was observed. For everybody: when the map first shows one in its cells;
    /// null where it shows none there yet.
    #[schema(required = true, format = DateTime, examples("2022-07-08T08:49:00Z"))]
    pub since: Option<String>,
}

/// State of an incident, or of one brand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IncidentState)]
#[serde(rename_all = "snake_case")]
pub enum StateWord {
    /// Published with reserve: the provider has too little history to be sure.
    Possible,
    /// Confirmed.
    Confirmed,
    /// Its reports have subsided, and may come back.
    Recovering,
    /// It is over. It may reopen.
    Resolved,
    /// It never was: the reports behind it were withdrawn.
    Withdrawn,
}

/// How an incident ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = IncidentEnding)]
pub struct EndingJson {
    /// How.
    #[serde(rename = "type")]
    pub kind: EndingWord,
    /// The incident that it was merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[0-9a-f]{16}$")]
    pub incident: Option<String>,
    /// The public reason for which its reports were withdrawn. Plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = EndingType)]
#[serde(rename_all = "snake_case")]
pub enum EndingWord {
    /// Its reports subsided.
    Subsided,
    /// It was merged into another incident.
    Merged,
    /// Its brands left the catalogue, or were retired.
    Retired,
    /// It never was: the reports behind it were withdrawn.
    Withdrawn,
}

/// The evidence that decided, and its provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentEvidence {
    /// Id of the provider.
    #[schema(examples("rogers"))]
    pub provider: String,
    /// The evidence.
    #[serde(flatten)]
    pub evidence: EvidenceJson,
}

/// Another provider with reports at the place and time of an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Attribution)]
pub struct AttributionJson {
    /// Id of the provider.
    #[schema(examples("bell"))]
    pub provider: String,
    /// What its reports mean.
    pub verdict: VerdictWord,
    /// Length of the window that ends when this was published, in minutes.
    #[schema(examples(30))]
    pub window_minutes: i64,
    /// Its reports in the window; where everybody is told of it, rounded down.
    #[schema(examples(38.0))]
    pub observed: f64,
    /// Expected reports of a quiet day. Null for everybody, as the three that follow.
    #[schema(required = true, examples(6.1))]
    pub expected: Option<f64>,
    /// Expected reports of a healthy provider during this incident: some are
    /// misattributed to it.
    #[schema(required = true, examples(71.4))]
    pub expected_given_outage: Option<f64>,
    /// Its excess over `expected`, as a share of the excess of the failing network.
    #[schema(required = true, examples(0.06))]
    pub share: Option<f64>,
    /// -log10 of the probability of so many reports or more given the outage.
    #[schema(required = true, examples(0.1))]
    pub score: Option<f64>,
}

/// What the reports of another provider mean.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = AttributionVerdict)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// It is healthy: people report whom they tried to reach, not the network that
    /// failed.
    Collateral,
    /// It fails, too, and not because of this incident.
    Independent,
    /// It depends on the failing network, and fails with it.
    Dependent,
}

/// The incident that caused another one.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = IncidentCause)]
pub struct CauseJson {
    /// Its id.
    #[schema(pattern = "^[0-9a-f]{16}$", examples("3f9a2c41d07be658"))]
    pub incident: String,
    /// The provider that the failing one depends on.
    #[schema(examples("rogers"))]
    pub provider: String,
}

impl IncidentJson {
    /// An incident as it is known, at a place that was named.
    #[must_use]
    pub fn of(known: &Known<'_>, place: Option<PlaceJson>) -> Self {
        let incident = known.incident();
        Self {
            id: incident.id.to_string(),
            revision: incident.revision,
            known_at: rfc3339(incident.known_at),
            network: incident.network.clone(),
            state: incident.state.into(),
            detected_at: rfc3339(incident.detected_at),
            onset: rfc3339(incident.onset),
            resolved_at: incident.resolved_at.map(rfc3339),
            ending: incident.ending.as_ref().map(Into::into),
            global: incident.everywhere,
            providers: incident.brands.iter().map(|brand| brand.provider.clone()).collect(),
            place,
            cells: incident.cells.iter().copied().map(Hex).collect(),
            evidence: incident.evidence().map(|(provider, evidence)| IncidentEvidence {
                provider: provider.to_owned(),
                evidence: evidence.into(),
            }),
            emergency: incident.figures.emergency().map(Into::into),
            severity: (&**incident).into(),
            attribution: incident.attributions.iter().map(Into::into).collect(),
            cause: incident.cause.as_ref().map(Into::into),
            lead_seconds: known.lead_ms().map(|ms| ms.div_euclid(1_000)),
        }
    }
}

impl From<Emergency> for EmergencyJson {
    fn from(emergency: Emergency) -> Self {
        Self { reports: emergency.reports, since: emergency.since.map(rfc3339) }
    }
}

impl From<State> for StateWord {
    fn from(state: State) -> Self {
        match state {
            State::Possible => Self::Possible,
            State::Confirmed => Self::Confirmed,
            State::Recovering => Self::Recovering,
            State::Resolved => Self::Resolved,
            State::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<&Ending> for EndingJson {
    fn from(ending: &Ending) -> Self {
        let (kind, incident, reason) = match ending {
            Ending::Ebbed => (EndingWord::Subsided, None, None),
            Ending::Merged(into) => (EndingWord::Merged, Some(into.to_string()), None),
            Ending::Retired => (EndingWord::Retired, None, None),
            Ending::Withdrawn(reason) => (EndingWord::Withdrawn, None, Some(reason.clone())),
        };
        Self { kind, incident, reason }
    }
}

impl From<&Attribution> for AttributionJson {
    fn from(attribution: &Attribution) -> Self {
        let Attribution {
            provider,
            verdict,
            minutes,
            observed,
            expected,
            expected_beside,
            share,
            score,
        } = attribution;
        Self {
            provider: provider.clone(),
            verdict: match verdict {
                Verdict::Collateral => VerdictWord::Collateral,
                Verdict::Own => VerdictWord::Independent,
                Verdict::Dependent => VerdictWord::Dependent,
            },
            window_minutes: *minutes,
            observed: *observed,
            expected: *expected,
            expected_given_outage: *expected_beside,
            share: *share,
            score: *score,
        }
    }
}

impl From<&Cause> for CauseJson {
    fn from(cause: &Cause) -> Self {
        Self { incident: cause.incident.to_string(), provider: cause.provider.clone() }
    }
}

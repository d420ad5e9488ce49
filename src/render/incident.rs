//! An incident as clients see it: what is known of it, in one object.

use super::cell::Hex;
use super::evidence::EvidenceJson;
use super::place::PlaceJson;
use super::severity::SeverityJson;
use super::time::rfc3339;
use crate::domain::incident::attribution::{Attribution, Verdict};
use crate::domain::incident::known::Known;
use crate::domain::incident::{Cause, Ending, State};
use serde::Serialize;
use utoipa::ToSchema;

/// An incident: brands of one network that fail together, somewhere, for some time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentJson {
    /// Its name: 16 hexadecimal digits, the same for ever.
    #[schema(pattern = "^[0-9a-f]{16}$", examples("3f9a2c41d07be658"))]
    pub id: String,
    /// Which revision this is, from 0.
    #[schema(examples(4))]
    pub revision: u32,
    /// When this revision was made known.
    #[schema(format = DateTime, examples("2022-07-08T09:10:00Z"))]
    pub known_at: String,
    /// The network whose brands fail.
    #[schema(examples("rogers"))]
    pub network: String,
    /// How far it has come.
    pub state: StateWord,
    /// When it was first told.
    #[schema(format = DateTime, examples("2022-07-08T08:52:00Z"))]
    pub detected_at: String,
    /// When it began, as far as the reports say.
    #[schema(format = DateTime, examples("2022-07-08T08:45:00Z"))]
    pub onset: String,
    /// When its reports ended, once that is believed; null while it goes on.
    #[schema(required = true, format = DateTime, examples(json!(null)))]
    pub resolved_at: Option<String>,
    /// Why it ended; null while it goes on.
    #[schema(required = true)]
    pub ending: Option<EndingJson>,
    /// Whether no region stands out. `cells` are those with reports then.
    #[schema(examples(false))]
    pub everywhere: bool,
    /// Ids of the providers that fail, in the order they joined.
    #[schema(example = json!(["rogers", "fido"]))]
    pub providers: Vec<String>,
    /// Where, in words.
    pub place: PlaceJson,
    /// Where: disjoint cells of mixed resolutions, sorted by index. Cells that have
    /// recovered stay.
    pub cells: Vec<Hex>,
    /// The strongest evidence for it.
    #[schema(required = true)]
    pub evidence: Option<IncidentEvidence>,
    /// How grave it is.
    pub severity: SeverityJson,
    /// Other providers that are reported of at the same place and time, and what that
    /// means.
    pub attribution: Vec<AttributionJson>,
    /// The incident that took it along; null where none is known.
    #[schema(required = true)]
    pub cause: Option<CauseJson>,
    /// How much earlier it was told here than the first official word came, in seconds;
    /// negative where the word came first, null where no official word is noted.
    #[schema(required = true, examples(14_820))]
    pub lead_seconds: Option<i64>,
}

/// How far an incident, or a brand's part of it, has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateWord {
    /// Told with reserve: too little is known of the provider's quiet days to be sure.
    Possible,
    /// It is there.
    Confirmed,
    /// Its reports have ebbed away, for how long is not yet known.
    Recovering,
    /// It is over. It may begin again.
    Resolved,
    /// It never was: reports that spoke for it were taken back.
    Withdrawn,
}

/// Why an incident ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EndingJson {
    /// Why.
    pub because: EndingWord,
    /// The incident that it goes on in, where it was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[0-9a-f]{16}$")]
    pub incident: Option<String>,
    /// The public reason for which reports were withdrawn, where they were. Plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// Why an incident ended, in a word.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndingWord {
    /// Its reports ebbed away.
    Ebbed,
    /// It goes on as a part of another incident.
    Merged,
    /// Its brands left the catalogue, or take reports no more.
    Retired,
    /// Reports that spoke for it were taken back.
    Withdrawn,
}

/// What decided, and of which provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentEvidence {
    /// Whose reports.
    #[schema(examples("rogers"))]
    pub provider: String,
    /// What decided.
    #[serde(flatten)]
    pub evidence: EvidenceJson,
}

/// Another provider that is reported of at the place and time of an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttributionJson {
    /// Which.
    #[schema(examples("bell"))]
    pub provider: String,
    /// What its reports mean.
    pub verdict: VerdictWord,
    /// Over how many minutes before this was known.
    #[schema(examples(30))]
    pub window_minutes: i64,
    /// Its reports.
    #[schema(examples(38.0))]
    pub observed: f64,
    /// Reports that were to be expected on a quiet day.
    #[schema(examples(6.1))]
    pub expected: f64,
    /// Reports that were to be expected of a healthy provider beside this incident.
    #[schema(examples(71.4))]
    pub expected_beside: f64,
    /// What it has more than expected, as a share of what the failing network has more
    /// than expected.
    #[schema(examples(0.06))]
    pub share: f64,
    /// How surprising its reports are, even beside this incident: -log10 of a
    /// probability, like every score.
    #[schema(examples(0.1))]
    pub score: f64,
}

/// What the reports of another provider mean.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// It is blamed for the failing network: those who cannot reach anybody report whom
    /// they tried to reach.
    Collateral,
    /// It fails too, by itself: this incident does not explain its reports.
    Own,
    /// It depends on the failing network, and fails with it.
    Dependent,
}

/// An incident that took another along.
#[derive(Debug, Clone, Serialize, ToSchema)]
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
    pub fn of(known: &Known<'_>, place: PlaceJson) -> Self {
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
            everywhere: incident.everywhere,
            providers: incident.brands.iter().map(|brand| brand.provider.clone()).collect(),
            place,
            cells: incident.cells.iter().copied().map(Hex).collect(),
            evidence: incident.evidence().map(|(provider, evidence)| IncidentEvidence {
                provider: provider.to_owned(),
                evidence: evidence.into(),
            }),
            severity: (&**incident).into(),
            attribution: incident.attributions.iter().map(Into::into).collect(),
            cause: incident.cause.as_ref().map(Into::into),
            lead_seconds: known.lead_ms().map(|ms| ms.div_euclid(1_000)),
        }
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
        let (because, incident, reason) = match ending {
            Ending::Ebbed => (EndingWord::Ebbed, None, None),
            Ending::Merged(into) => (EndingWord::Merged, Some(into.to_string()), None),
            Ending::Retired => (EndingWord::Retired, None, None),
            Ending::Withdrawn(reason) => (EndingWord::Withdrawn, None, Some(reason.clone())),
        };
        Self { because, incident, reason }
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
                Verdict::Own => VerdictWord::Own,
                Verdict::Dependent => VerdictWord::Dependent,
            },
            window_minutes: *minutes,
            observed: *observed,
            expected: *expected,
            expected_beside: *expected_beside,
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

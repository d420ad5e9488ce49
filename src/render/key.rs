//! Keys as those see them who run the server: never their secrets.

use super::audit::{ActorWord, actor};
use super::time::rfc3339;
use crate::domain::access::key::KeyLimits;
use crate::domain::access::scope::Scope;
use crate::domain::access::table::KnownKey;
use crate::domain::time::{HOUR_MS, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

const DAY_MS: i64 = 24 * HOUR_MS;
/// Characters of the date in an instant.
const DATE_LENGTH: usize = "2022-07-08".len();

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Key)]
pub struct KeyJson {
    /// Its public part: the 8 characters after `gsk_`.
    #[schema(examples("Ab3dEf9h"), pattern = "^[0-9A-Za-z]{8}$")]
    pub id: String,
    /// What operators call it.
    #[schema(examples("android 2.1"))]
    pub name: String,
    /// Number of the source that it belongs to; 0 for nobody's.
    #[schema(examples(1))]
    pub source: u16,
    /// What it may do.
    pub scopes: Vec<ScopeWord>,
    /// The only providers that it may report about; null for all.
    #[schema(required = true)]
    pub providers: Option<Vec<String>>,
    /// Origins of the pages that may use it; none where it is for no page.
    pub origins: Vec<String>,
    /// From when on it is refused; null for never.
    #[schema(required = true, format = DateTime, examples("2022-10-06T00:00:00Z"))]
    pub expires_at: Option<String>,
    /// How much it may ask for.
    pub limits: LimitsJson,
    /// Whether its reports are judged as any other and count nowhere.
    #[schema(examples(false))]
    pub test: bool,
    /// When it was created.
    #[schema(format = DateTime, examples("2022-07-08T08:44:10Z"))]
    pub created_at: String,
    /// Who created it.
    pub created_by: ActorWord,
    /// Id of the key that they held; null where none was needed.
    #[schema(required = true, examples("Ab3dEf9h"))]
    pub created_by_key: Option<String>,
    /// When it was revoked; null where it was not.
    #[schema(required = true, format = DateTime, examples(json!(null)))]
    pub revoked_at: Option<String>,
    /// Id of the key that took its place; null where none did.
    #[schema(required = true, examples(json!(null)))]
    pub replaced_by: Option<String>,
    /// The last day of UTC on which it was used; null where it never was.
    #[schema(required = true, format = Date, examples("2022-07-08"))]
    pub last_used: Option<String>,
    /// Reports that were sent with it on this day of UTC, over all nodes.
    #[schema(examples(1_204))]
    pub reports_today: u64,
}

/// A key that was created just now: the only answer that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CreatedKey)]
pub struct CreatedKeyJson {
    /// The key itself. It is shown this once, and kept nowhere.
    #[schema(pattern = "^gsk_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}$")]
    pub key: String,
    /// All else about it.
    #[serde(flatten)]
    pub known: KeyJson,
}

/// How much a key may ask for; where a limit is null, that of addresses holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = KeyLimits)]
pub struct LimitsJson {
    /// Reads in a minute. One that was there already costs a twentieth.
    #[schema(required = true, examples(json!(null)))]
    pub reads_per_minute: Option<u32>,
    /// Reports in a second.
    #[schema(required = true, examples(100))]
    pub reports_per_second: Option<u32>,
    /// Reports in a day of UTC, over all nodes.
    #[schema(required = true, examples(1_000_000))]
    pub reports_per_day: Option<u64>,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = KeyScope)]
#[serde(rename_all = "snake_case")]
pub enum ScopeWord {
    /// Send reports.
    Report,
    /// Read.
    Read,
    /// Read exact figures. Includes `read`.
    Exact,
    /// Run the server. Includes all others.
    Admin,
}

impl KeyJson {
    /// A key, and what it was used for: reports of today, and the last day since 1970 on
    /// which it was used.
    #[must_use]
    pub fn of(known: &KnownKey, reports_today: u64, last_used_day: Option<i64>) -> Self {
        let record = &known.record;
        let (created_by, created_by_key) = actor(known.created_by);
        Self {
            id: record.id.to_string(),
            name: record.name.clone(),
            source: record.source.0,
            scopes: record.scopes.given().map(ScopeWord::from).collect(),
            providers: record.providers.as_ref().map(|ids| ids.to_vec()),
            origins: record.origins.to_vec(),
            expires_at: record.expires_at.map(rfc3339),
            limits: record.limits.into(),
            test: record.is_test,
            created_at: rfc3339(record.created_at),
            created_by,
            created_by_key,
            revoked_at: known.revoked_at.map(rfc3339),
            replaced_by: known.replaced_by.map(|id| id.to_string()),
            last_used: last_used_day.map(date),
            reports_today,
        }
    }
}

/// The date of a day since 1970.
fn date(day: i64) -> String {
    let mut text = rfc3339(Timestamp(day.saturating_mul(DAY_MS)));
    text.truncate(DATE_LENGTH);
    text
}

impl From<KeyLimits> for LimitsJson {
    fn from(limits: KeyLimits) -> Self {
        let KeyLimits { reads_per_minute, reports_per_second, reports_per_day } = limits;
        Self { reads_per_minute, reports_per_second, reports_per_day }
    }
}

impl From<Scope> for ScopeWord {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Report => Self::Report,
            Scope::Read => Self::Read,
            Scope::Exact => Self::Exact,
            Scope::Admin => Self::Admin,
        }
    }
}

//! `/v1/keys`: keys created, listed, rotated and revoked.

use super::admin::{collected, collected_if_any, private};
use super::app::App;
use super::caller::Administering;
use super::error::{Code, Problem};
use super::listing;
use super::query::Query;
use crate::domain::access::entry::Actor;
use crate::domain::access::key::{KeyId, KeyRecord};
use crate::domain::access::source::LAST_SOURCE;
use crate::domain::access::table::{Conflict, KnownKey};
use crate::domain::fact::Source;
use crate::engine::access::AccessError;
use crate::render::key::{CreatedKeyJson, KeyJson};
use crate::store::usage::UsageByKey;
use crate::wire::access;
use crate::wire::key_text::KeyText;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an id must look like.
const ID: &str = "8 letters and digits, as in /v1/keys";
const LISTED: &str = "an id listed at /v1/keys";

/// A key to create. A field that is not listed here is refused: a misspelt limit would be
/// none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents what wire/access.rs reads")]
#[schema(example = json!({
    "name": "android 2.1", "source": 1, "scopes": ["report"],
    "limits": {"reports_per_second": 100, "reports_per_day": 1_000_000},
}))]
pub struct KeyBody {
    /// What operators call it.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    name: String,
    /// Number of the source that it belongs to. Needed where it may report; 0 where it is
    /// left out.
    #[schema(minimum = 0, maximum = 16_383)]
    source: Option<u16>,
    /// What it may do.
    #[schema(min_items = 1, max_items = 4)]
    scopes: Vec<ScopeName>,
    /// The only providers that it may report about, by id or alias; all where it is left
    /// out.
    #[schema(min_items = 1, max_items = 100)]
    providers: Option<Vec<String>>,
    /// Origins of the pages that may use it, as browsers send them: `https://app.example`,
    /// `capacitor://localhost`, `null`. It may then only report and read.
    #[schema(max_items = 20)]
    origins: Option<Vec<String>>,
    /// From when on it is refused, in the future; never where it is left out.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// How much it may ask for.
    limits: Option<LimitsBody>,
    /// Whether its reports are judged as any other and count nowhere.
    test: Option<bool>,
}

/// How much a key may ask for; where a limit is left out, that of addresses holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyLimitsBody)]
#[expect(dead_code, reason = "documents what wire/access.rs reads")]
pub struct LimitsBody {
    /// Reads in a minute. One that was there already costs a twentieth.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    reads_per_minute: Option<u32>,
    /// Reports in a second.
    #[schema(minimum = 1, maximum = 1_000_000)]
    reports_per_second: Option<u32>,
    /// Reports in a day of UTC, over all nodes.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    reports_per_day: Option<u64>,
}

/// What a key may do.
#[derive(Deserialize, ToSchema)]
#[schema(as = KeyScopeName)]
#[serde(rename_all = "snake_case")]
pub enum ScopeName {
    /// Send reports.
    Report,
    /// Read.
    Read,
    /// Read exact figures. Includes `read`.
    Exact,
    /// Run the server. Includes all others.
    Admin,
}

/// For how long a key that is rotated still works.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotationBody)]
#[expect(dead_code, reason = "documents what wire/access.rs reads")]
pub struct RotationBody {
    /// Seconds, up to a year; a day where it is left out. It ends no later than it would
    /// have.
    #[schema(minimum = 0, maximum = 31_536_000, example = 86_400)]
    grace_seconds: Option<u32>,
}

/// A page of keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyList)]
pub struct KeysAnswer {
    /// Keys, the newest first, those that are good no more as well.
    items: Vec<KeyJson>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Create a key
///
/// The answer is the only one that shows it: only its hash is kept.
#[utoipa::path(
    post, path = "/v1/keys", tag = "access", operation_id = "create_key",
    request_body(content = KeyBody, description = "What it may do, at most 64 KiB"),
    responses(
        (status = 201, description = "Created; on the disk", body = CreatedKeyJson),
        (status = 400, description = "A field is at fault"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "Not JSON"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn create(
    caller: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let body = collected(&request, payload).await?;
    let now = app.engine.dated_now()?;
    let new = access::new_key(&body, now, Some(app.engine.catalogue()))?;
    let created = app.engine.create_key(caller.actor(), new).await.map_err(of_body)?;
    Ok(shown_once(created, caller.actor()))
}

/// List keys
#[utoipa::path(
    get, path = "/v1/keys", tag = "access", operation_id = "list_keys",
    params(super::params::KeysParams),
    responses(
        (status = 200, description = "A page of keys, without their secrets", body = KeysAnswer),
        (status = 400, description = "A parameter is at fault"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn list(
    _: Administering,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["source", "limit", "cursor"])?;
    let limit = listing::limit(&query)?;
    let source = query.value("source", "a number 0..=16383", |text| {
        text.parse().ok().filter(|number| *number <= LAST_SOURCE.0).map(Source)
    })?;
    let before = query.value("cursor", "a next_cursor as it was given", |text| {
        KeyId::parse(text.strip_prefix("before:")?)
    })?;
    let (table, usage) = (app.engine.access(), app.engine.usage_by_key().await?);
    let mut keys = table.keys().rev();
    if let Some(before) = before {
        keys.find(|known| known.record.id == before);
    }
    let keys = keys.filter(|known| source.is_none_or(|source| known.record.source == source));
    let (found, next_cursor) =
        listing::page(keys, limit, |known| format!("before:{}", known.record.id));
    let items = found.into_iter().map(|known| json_of(known, &usage)).collect();
    Ok(private(HttpResponse::Ok()).json(KeysAnswer { items, next_cursor }))
}

/// Replace a key by another with the same settings
///
/// The old one still works for a while, so that nobody is without one in between.
#[utoipa::path(
    post, path = "/v1/keys/{id}/rotate", tag = "access", operation_id = "rotate_key",
    params((
        "id" = String, Path, description = "Id of a key: the 8 characters after `gsk_`",
        example = "Ab3dEf9h", pattern = "^[0-9A-Za-z]{8}$",
    )),
    request_body(
        content = RotationBody,
        description = "For how long the old one still works; nothing is a day",
    ),
    responses(
        (status = 201, description = "Created; on the disk", body = CreatedKeyJson),
        (status = 400, description = "A field is at fault, or the key was revoked or rotated"),
        (status = 404, description = "No key has that id"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "Not JSON"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn rotate(
    caller: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let id = read_id(&id)?;
    let grace_ms = access::grace_ms(&collected_if_any(&request, payload).await?)?;
    let created = app.engine.rotate_key(caller.actor(), id, grace_ms).await?;
    Ok(shown_once(created, caller.actor()))
}

/// Revoke a key
///
/// It is refused from now on, and within two seconds on all nodes. It stays in the list.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "access", operation_id = "revoke_key",
    params((
        "id" = String, Path, description = "Id of a key: the 8 characters after `gsk_`",
        example = "Ab3dEf9h", pattern = "^[0-9A-Za-z]{8}$",
    )),
    responses(
        (status = 200, description = "Revoked, now or before", body = KeyJson),
        (status = 400, description = "The id is none"),
        (status = 404, description = "No key has that id"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn revoke(
    caller: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let id = read_id(&id)?;
    let known = app.engine.revoke_key(caller.actor(), id).await?;
    let usage = app.engine.usage_by_key().await.unwrap_or_default();
    Ok(private(HttpResponse::Ok()).json(json_of(&known, &usage)))
}

fn json_of(known: &KnownKey, usage: &UsageByKey) -> KeyJson {
    let (today, last_used_day) = usage.of(known.record.id);
    KeyJson::of(known, today, last_used_day)
}

/// A source in a body that is not there is the body's fault, not the path's.
fn of_body(error: AccessError) -> Problem {
    match error {
        AccessError::UnknownSource(source) => {
            let got = source.0.to_string();
            Problem::field(Code::InvalidValue, "source", "a number listed at /v1/sources", got)
        }
        error => error.into(),
    }
}

fn read_id(text: &str) -> Result<KeyId, Problem> {
    KeyId::parse(text).ok_or_else(|| Problem::field(Code::InvalidValue, "id", ID, text))
}

/// The answer with a key that was created just now.
fn shown_once((record, text): (KeyRecord, KeyText), created_by: Actor) -> HttpResponse {
    let known = KnownKey { record, created_by, revoked_at: None, replaced_by: None };
    let json =
        CreatedKeyJson { key: text.reveal().to_owned(), known: KeyJson::of(&known, 0, None) };
    private(HttpResponse::Created()).json(json)
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match &error {
            AccessError::UnknownSource(source) => Self::field(
                Code::NotFound,
                "number",
                "a number listed at /v1/sources",
                source.0.to_string(),
            ),
            AccessError::UnknownKey(id) => {
                Self::field(Code::NotFound, "id", LISTED, id.to_string())
            }
            AccessError::Conflict(Conflict::NameTaken(source)) => {
                let expected = "a name that no other source has";
                let got = format!("that of source {}", source.0);
                Self::field(Code::InvalidValue, "name", expected, got)
            }
            AccessError::Conflict(Conflict::NoNumberLeft) => {
                Self::new(Code::TooManyItems, error.to_string())
            }
            AccessError::Revoked(id) => {
                let expected = "of a key that was not revoked";
                Self::field(Code::InvalidValue, "id", expected, id.to_string())
            }
            AccessError::Replaced { key, by } => {
                let expected = format!("of a key that was not rotated before; {by} took its place");
                Self::field(Code::InvalidValue, "id", expected, key.to_string())
            }
            // No call is a start.
            AccessError::PrivacyDiffers { .. } | AccessError::Store(_) | AccessError::Append(_) => {
                Self::new(Code::Unavailable, error.to_string())
            }
        }
    }
}

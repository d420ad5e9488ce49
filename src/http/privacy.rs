//! `/v1/privacy`: what readers may see, told to them and set by who runs the server.

use super::admin::{collected, private};
use super::app::App;
use super::caching::Lifetime;
use super::caller::{Administering, Reading};
use super::error::{Code, Problem};
use super::query::Query;
use super::read_errors::ReadErrors;
use super::respond::{Read, respond};
use super::response::{Dated, Json};
use super::response_cache::Key;
use crate::render::privacy::{PrivacyChangedJson, PrivacyJson};
use crate::wire::access;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

/// What readers are to see: at least one field. What is left out or null stays. A field that is
/// not listed here is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PrivacyChange, min_properties = 1)]
#[expect(dead_code, reason = "documents what wire/access.rs reads")]
pub struct PrivacyBody {
    /// Each number is about at least so many people; 1 hides nothing.
    #[schema(minimum = 1, maximum = 50, example = 5)]
    k: Option<u8>,
    /// No cell is finer than this H3 resolution.
    #[schema(minimum = 0, maximum = 8, example = 7)]
    finest: Option<u8>,
}

/// What readers may see
///
/// Every number of an answer for everybody is about at least `k` people. One setting for
/// all nodes of a store.
#[utoipa::path(
    get, path = "/v1/privacy", tag = "access", operation_id = "privacy",
    responses((status = 200, description = "The setting", body = PrivacyJson), ReadErrors),
)]
pub async fn show(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let unknown = || Problem::new(Code::Unavailable, "no server has agreed on privacy yet");
    let answer = app.engine.access().privacy().map(PrivacyJson::from).ok_or_else(unknown)?;
    let read = Read {
        key: Key::new(request.path(), &(), &answer),
        media_type: "application/json",
        lifetime: Lifetime::Live,
        is_expensive: false,
    };
    let now = app.engine.now();
    respond(&app, &request, Some(&reader), read, async { Ok(Json::new(answer, now)) }).await
}

/// Set what readers may see
///
/// Every node knows it within two seconds. What hides more holds at once, for all that was
/// recorded before as well, and cannot be undone for that. What hides less holds for what
/// is reported from then on: `effects` says what it means.
#[utoipa::path(
    put, path = "/v1/privacy", tag = "access", operation_id = "set_privacy",
    request_body(content = PrivacyBody, description = "What is to change, at most 64 KiB"),
    responses(
        (status = 200, description = "Set; on the disk", body = PrivacyChangedJson),
        (status = 400, description = "A field is at fault"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "Not JSON"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn set(
    caller: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let asked = access::privacy_change(&collected(&request, payload).await?)?;
    let changed = app.engine.set_privacy(caller.actor(), asked).await?;
    let answer = PrivacyChangedJson::of(changed.before, &changed.now);
    Ok(private(HttpResponse::Ok()).json(answer))
}

impl Dated for PrivacyJson {
    /// It is dated by `since`.
    fn date(&mut self, _: String) {}
}

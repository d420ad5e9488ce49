//! `/v1/sources`: apps created, listed and changed.

use super::admin::{collected, private};
use super::app::App;
use super::caller::Administering;
use super::error::{Code, Problem};
use super::listing;
use super::query::Query;
use crate::domain::access::source::LAST_SOURCE;
use crate::domain::fact::Source;
use crate::render::source::SourceJson;
use crate::wire::access;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A source to create. A field that is not listed here is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents what wire/access.rs reads")]
pub struct SourceBody {
    /// What operators call it; no other source has that name, whatever its case.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S", example = "Outage app")]
    name: String,
    /// Whom to write to when it misbehaves.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S", example = "ops@app.example")]
    contact: Option<String>,
    /// Whether its reporters may open cells and incidents; true where it is left out.
    #[schema(example = true)]
    may_open: Option<bool>,
}

/// What is to change of a source: at least one field. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceChange, min_properties = 1)]
#[expect(dead_code, reason = "documents what wire/access.rs reads")]
pub struct SourceChangeBody {
    /// Its new name.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S", nullable = false)]
    name: Option<String>,
    /// Its new contact; null takes it out.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S", example = "ops@app.example")]
    contact: Option<String>,
    /// Whether its reporters may open cells and incidents from now on.
    #[schema(example = false)]
    may_open: Option<bool>,
}

/// A page of sources.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceList)]
pub struct SourcesAnswer {
    /// Sources, by number.
    items: Vec<SourceJson>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Create a source
///
/// An app. Its number stands in every report that its keys send, and is never given again.
#[utoipa::path(
    post, path = "/v1/sources", tag = "access", operation_id = "create_source",
    request_body(content = SourceBody, description = "What it is called, at most 64 KiB"),
    responses(
        (status = 201, description = "Created; on the disk", body = SourceJson),
        (status = 400, description = "A field is at fault"),
        (status = 413, description = "The body is too large, or all numbers are given"),
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
    let new = access::new_source(&collected(&request, payload).await?)?;
    let source = app.engine.create_source(caller.actor(), new).await?;
    Ok(private(HttpResponse::Created()).json(SourceJson::from(&source)))
}

/// List sources
#[utoipa::path(
    get, path = "/v1/sources", tag = "access", operation_id = "list_sources",
    params(super::params::SourcesParams),
    responses(
        (status = 200, description = "A page of sources", body = SourcesAnswer),
        (status = 400, description = "A parameter is at fault"),
    ),
)]
pub async fn list(
    _: Administering,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let limit = listing::limit(&query)?;
    let after = query.value("cursor", "a next_cursor as it was given", |text| {
        text.strip_prefix("after:")?.parse().ok()
    })?;
    let table = app.engine.access();
    let found = table.sources().filter(|source| after.is_none_or(|after| source.number.0 > after));
    let (found, next_cursor) =
        listing::page(found, limit, |source| format!("after:{}", source.number.0));
    let items = found.into_iter().map(SourceJson::from).collect();
    Ok(private(HttpResponse::Ok()).json(SourcesAnswer { items, next_cursor }))
}

/// Change a source
#[utoipa::path(
    patch, path = "/v1/sources/{number}", tag = "access", operation_id = "change_source",
    params((
        "number" = u16, Path, description = "Number of a source", example = 1, minimum = 1,
        maximum = 16_383,
    )),
    request_body(content = SourceChangeBody, description = "What is to change, at most 64 KiB"),
    responses(
        (status = 200, description = "Changed; on the disk", body = SourceJson),
        (status = 400, description = "A field is at fault"),
        (status = 404, description = "No source has that number"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "Not JSON"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn change(
    caller: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    number: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let number = read_number(&number)?;
    let change = access::source_change(&collected(&request, payload).await?)?;
    let source = app.engine.change_source(caller.actor(), number, change).await?;
    Ok(private(HttpResponse::Ok()).json(SourceJson::from(&source)))
}

/// The number in a path.
///
/// # Errors
/// Where it is none.
pub fn read_number(text: &str) -> Result<Source, Problem> {
    let expected = "a number 1..=16383";
    let number = text.parse().ok().filter(|number| (1..=LAST_SOURCE.0).contains(number));
    number.map(Source).ok_or_else(|| Problem::field(Code::InvalidValue, "number", expected, text))
}

//! `GET /v1/audit`: who changed what.

use super::admin::private;
use super::app::App;
use super::caller::Administering;
use super::error::Problem;
use super::listing;
use super::query::Query;
use crate::domain::time::Timestamp;
use crate::render::audit::AuditJson;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// What operators did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditList)]
pub struct AuditAnswer {
    /// Changes, the newest first.
    items: Vec<AuditJson>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// List what operators did
///
/// The record of who did what: nothing is ever taken out of it. Voids and notes stand in it
/// before they are recorded: one that failed then stands there as well.
#[utoipa::path(
    get, path = "/v1/audit", tag = "access", operation_id = "list_audit",
    params(super::params::AuditParams),
    responses(
        (status = 200, description = "The changes", body = AuditAnswer),
        (status = 400, description = "A parameter is at fault"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn list(
    _: Administering,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["since", "limit", "cursor"])?;
    let since = query.instant("since")?.unwrap_or(Timestamp(i64::MIN));
    let limit = listing::limit(&query)?;
    // So many, the oldest ones, are still to come: newer ones do not move them.
    let to_come = query.value("cursor", "a next_cursor as it was given", |text| {
        text.strip_prefix("before:")?.parse().ok()
    })?;
    let entries = app.engine.audit(since).await?;
    let to_come = to_come.map_or(entries.len(), |to_come: usize| to_come.min(entries.len()));
    let page = entries[entries.len() - to_come..].iter().take(limit);
    let items = page.map(AuditJson::from).collect();
    let next_cursor = to_come.checked_sub(limit).filter(|left| *left > 0);
    let next_cursor = next_cursor.map(|left| format!("before:{left}"));
    Ok(private(HttpResponse::Ok()).json(AuditAnswer { items, next_cursor }))
}

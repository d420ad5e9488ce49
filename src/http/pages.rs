//! The face: front page, probes, metrics, the OpenAPI document and its page.

use super::App;
use super::detection::ProgressJson;
use super::error::{Code, Problem, ProblemDetails};
use super::query::Query;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// A probe's good answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// A server that requests should be sent to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// How far detection has come: while it catches up, calls that rest on it answer 503 or `stale`.
    progress: ProgressJson,
}

/// What requests are for.
enum Purpose {
    /// To record reports.
    Ingest,
    /// To ask what is wrong now.
    Detection,
}

impl Purpose {
    fn read(text: &str) -> Option<Self> {
        match text {
            "ingest" => Some(Self::Ingest),
            "detection" => Some(Self::Detection),
            _ => None,
        }
    }
}

/// The front page.
pub async fn front(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(include_str!("front.html")))
}

/// Whether the process lives
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses(
        (status = 200, description = "It does", body = Health),
        (status = 400, description = "A parameter is at fault", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn healthz(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    Ok(ok())
}

/// Whether requests should be sent here
///
/// Without `for` it stays good while answers can be read. With `for=ingest` it fails while reports cannot be recorded, or
/// would be lost: the store's last answer was a failure, its Redis writes no append-only file or evicts, or its clock is over 2 s apart.
/// With `for=detection` it fails until detection sees the present. The answer says how far that has come.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    params(super::params::ReadyParams),
    responses(
        (status = 200, description = "They should", body = Readiness),
        (status = 400, description = "A parameter is at fault", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "They should not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn readyz(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["for"])?;
    let purpose = query.value("for", "ingest or detection", Purpose::read)?;
    let detection = app.engine.detection();
    let unfit = if matches!(purpose, Some(Purpose::Ingest)) { app.engine.unfit_to_record() } else { Vec::new() };
    if !unfit.is_empty() {
        return Err(Problem::new(Code::Unavailable, unfit.join("; ")));
    }
    if matches!(purpose, Some(Purpose::Detection)) && !detection.is_current() {
        return Err(Problem::behind(&detection));
    }
    let ready = Readiness { status: "ok", progress: (&detection).into() };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(ready))
}

/// Metrics for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses(
        (status = 200, description = "In the OpenMetrics text format", body = String, content_type = "application/openmetrics-text"),
        (status = 400, description = "A parameter is at fault", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn metrics(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    app.engine.refresh_view_age();
    app.engine.refresh_detection_lag();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &app.registry).expect("writing to a string cannot fail");
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations", operation_id = "openapi",
    responses(
        (status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"),
        (status = 400, description = "A parameter is at fault", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn openapi(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(app.openapi.clone()))
}

/// What a cross-origin reader asks first.
pub fn preflight(allow: &'static str) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ALLOW, allow))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "If-None-Match"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

fn ok() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Health { status: "ok" })
}

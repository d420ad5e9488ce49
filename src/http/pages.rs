//! The face: front page, probes, metrics, the OpenAPI document and its page.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Scraping;
use super::detection::ProgressJson;
use super::error::{Code, Problem};
use super::exposition::Exposition;
use super::query::Query;
use super::respond::{Read, respond};
use super::response::Content;
use super::response_cache::Key;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::render::digest_of;
use crate::render::time::rfc3339;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_swagger_ui::Config;

/// A probe's good answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the clock is trusted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockHealth {
    /// Its time.
    #[schema(example = "2022-07-08T08:44:12Z", format = DateTime)]
    time: String,
    /// Whether reports are dated by it. Where not, they are answered 503.
    trusted_for_reports: bool,
    /// Whether old data expires by it: once it has run evenly for an hour.
    trusted_for_expiry: bool,
    /// Why it is not trusted, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "the clock was set forward by 1296000 s: reports are taken once it is back, or \
             has run evenly for a minute"
    )]
    problem: Option<String>,
}

/// A server that is ready for requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Whether the clock is trusted.
    clock: ClockHealth,
    /// Progress of detection. While it catches up, calls that need it answer 503 or
    /// `stale`.
    progress: ProgressJson,
    /// What an operator should look at though requests are answered; empty where there is
    /// nothing.
    warnings: Vec<String>,
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
pub async fn front() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(include_str!("front.html"))
}

/// Whether the process lives
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses(
        (status = 200, description = "It lives", body = Health),
        (status = 405, description = "Only GET, HEAD and OPTIONS are answered"),
        (status = 503, description = "A part of it has died: start it again"),
    ),
)]
pub async fn healthz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    match app.engine.threads().dead() {
        Some(name) => Err(Problem::new(
            Code::Unavailable,
            format!("the {name} has died: this process ends, and must be started again"),
        )),
        None => Ok(good(Health { status: "ok" })),
    }
}

/// Whether requests should be sent here
///
/// Without `for` it is 200 while answers can be read. With `for=ingest` it fails
/// while reports cannot be recorded, or would be lost: the store's last answer was a
/// failure, its Redis writes no append-only file or evicts, or the clock is in doubt.
/// With `for=detection` it fails until detection sees the present. The answer says how
/// far that has come.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    params(super::params::ReadyParams),
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 400, description = "A parameter is at fault"),
        (status = 503, description = "Not ready: the detail says why"),
    ),
)]
pub async fn readyz(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::parse_known(request.query_string(), &["for"])?;
    let purpose = query.value("for", "ingest or detection", Purpose::read)?;
    let detection = app.engine.detection();
    let unfit = if matches!(purpose, Some(Purpose::Ingest)) {
        app.engine.unfit_to_record()
    } else {
        Vec::new()
    };
    if !unfit.is_empty() {
        return Err(Problem::new(Code::Unavailable, unfit.join("; ")));
    }
    if matches!(purpose, Some(Purpose::Detection)) && !detection.is_current() {
        return Err(Problem::behind(&detection));
    }
    Ok(good(Readiness {
        status: "ok",
        clock: clock_health(&app.engine),
        progress: (&detection).into(),
        warnings: app.warnings(),
    }))
}

fn clock_health(engine: &Engine) -> ClockHealth {
    let trust = engine.trust();
    ClockHealth {
        time: rfc3339(engine.clock_shown()),
        trusted_for_reports: trust.dates(),
        trusted_for_expiry: trust.forgets(),
        problem: engine.doubt().map(|doubt| doubt.to_string()),
    }
}

/// Metrics for Prometheus
///
/// In the OpenMetrics text format, or in the older one of Prometheus where `Accept`
/// prefers `text/plain`. With `--auth keys` it takes a key with the scope `admin`; or set
/// `--metrics-listen`.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses(
        (
            status = 200, description = "What this process counts",
            content((String = "application/openmetrics-text"), (String = "text/plain")),
        ),
        (status = 405, description = "Only GET, HEAD and OPTIONS are answered"),
    ),
)]
pub async fn metrics(_: Scraping, app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    all_metrics(&app, &request)
}

/// The same on an address of its own, for whoever reaches that.
pub async fn metrics_apart(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    all_metrics(&app, &request)
}

fn all_metrics(app: &App, request: &HttpRequest) -> HttpResponse {
    app.engine.refresh_clock();
    app.engine.refresh_view_age();
    app.engine.refresh_detection_lag();
    let format = Exposition::accepted(request.headers());
    HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(format.text(&app.registry))
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations", operation_id = "openapi",
    responses(
        (
            status = 200, description = "OpenAPI 3.1", body = Object,
            content_type = "application/json",
        ),
        (status = 304, description = "Unchanged since the ETag in `If-None-Match`"),
        (status = 405, description = "Only GET, HEAD and OPTIONS are answered"),
    ),
)]
pub async fn openapi(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let read = Read {
        key: Key::new(request.path(), &(), &()),
        media_type: "application/json",
        lifetime: Lifetime::Document,
        is_expensive: false,
    };
    let content = async { Ok(Document(app.openapi.clone())) };
    respond(&app, &request, None, read, content).await
}

/// A document that this program was built with.
struct Document(String);

impl Content for Document {
    fn digest(&self) -> u64 {
        digest_of(self.0.as_bytes())
    }

    fn as_of(&self) -> Timestamp {
        Timestamp(0)
    }

    fn render(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// Where the page of the document is.
pub async fn docs_moved() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// The page of the document, and the files it needs.
pub async fn docs(
    request: HttpRequest,
    path: web::Path<String>,
    config: web::Data<Config<'static>>,
) -> Result<HttpResponse, Problem> {
    let broken = |error: Box<dyn std::error::Error>| {
        Problem::new(Code::Unavailable, format!("the page cannot be made: {error}"))
    };
    let file = utoipa_swagger_ui::serve(&path, config.into_inner()).map_err(broken)?;
    let file = file.ok_or_else(|| Problem::not_found(request.uri()))?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response.content_type(file.content_type).body(file.bytes.into_owned()))
}

/// The good answer of a probe.
fn good(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

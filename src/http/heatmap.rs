//! `GET /v1/heatmap` in its formats: counts by cell in a window.

use super::app::App;
use super::caching::{matches_etag, with_caching};
use super::content_encoding::ContentEncoding;
use super::error::{Code, Problem};
use super::query::Query;
use super::read_errors::ReadErrors;
use super::rendered::{Answer, AnswerKey};
use crate::domain::bbox::BoundingBox;
use crate::domain::grid::Resolution;
use crate::domain::level::Level;
use crate::domain::provider::Subject;
use crate::domain::symptom::Symptoms;
use crate::domain::time::Window;
use crate::engine::views::{Snapshot, Span, ViewKey};
use crate::render::{self, Heatmap, HeatmapFormat};
use crate::store::MINUTES_KEPT_DAYS;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;

/// Cells of one answer at most.
pub const MOST_CELLS: usize = 50_000;
const DEFAULT_WINDOW_MINUTES: i64 = 15;
const PARAMETERS: [&str; 8] =
    ["provider", "network", "window", "to", "bbox", "symptom", "resolution", "zoom"];

/// What is asked.
#[derive(Debug, Clone, Copy)]
struct Question {
    key: ViewKey,
    bbox: Option<BoundingBox>,
    resolution: Resolution,
}

/// Counts by cell in a window
///
/// `cells` are disjoint cells of the asked resolution; `coarser` holds what is known only
/// more coarsely; `total` is both. A report stands in the minute it was observed, so a
/// window's answer may still grow for 48 hours.
#[utoipa::path(
    get, path = "/v1/heatmap", tag = "heatmap", operation_id = "heatmap",
    params(super::params::HeatmapParams),
    responses(
        (status = 200, description = "The cells", body = render::json::HeatmapJson),
        ReadErrors,
    ),
)]
pub async fn json(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer(&app, &request, HeatmapFormat::Json).await
}

/// The same in columns: smaller and quicker to parse
#[utoipa::path(
    get, path = "/v1/heatmap.columns.json", tag = "heatmap", operation_id = "heatmap_columns",
    params(super::params::HeatmapParams),
    responses(
        (status = 200, description = "The cells, an array a property", body = render::columns::HeatmapColumns),
        ReadErrors,
    ),
)]
pub async fn columns(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer(&app, &request, HeatmapFormat::Columns).await
}

/// The same as GeoJSON (RFC 7946), cut at the antimeridian
#[utoipa::path(
    get, path = "/v1/heatmap.geojson", tag = "heatmap", operation_id = "heatmap_geojson",
    params(super::params::HeatmapParams),
    responses(
        (status = 200, description = "A feature a cell", body = render::geojson::HeatmapGeoJson, content_type = "application/geo+json"),
        ReadErrors,
    ),
)]
pub async fn geojson(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer(&app, &request, HeatmapFormat::GeoJson).await
}

/// The same as H3J: cells without their geometry
#[utoipa::path(
    get, path = "/v1/heatmap.h3j", tag = "heatmap", operation_id = "heatmap_h3j",
    params(super::params::HeatmapParams),
    responses(
        (status = 200, description = "The cells", body = render::h3j::HeatmapH3j),
        ReadErrors,
    ),
)]
pub async fn h3j(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer(&app, &request, HeatmapFormat::H3j).await
}

/// Every suffix that is no format.
pub async fn unknown_format(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let formats =
        HeatmapFormat::ALL.map(|format| format!("/v1/heatmap{}", format.suffix())).join(", ");
    Err(Problem::field(Code::NotFound, "path", format!("one of {formats}"), request.path()))
}

async fn answer(
    app: &Arc<App>,
    request: &HttpRequest,
    format: HeatmapFormat,
) -> Result<HttpResponse, Problem> {
    let question = Question::parse(app, request)?;
    let served = app.engine.view(question.key).await?;
    let place = app.answers.place(&AnswerKey {
        snapshot: served.value.id,
        stale: served.stale,
        format,
        resolution: question.resolution.number(),
        bbox: question.bbox.map(|bbox| bbox.sides().map(f64::to_bits)),
    });
    let window = served.value.window();
    let render = async {
        let (snapshot, stale) = (Arc::clone(&served.value), served.stale);
        let answer = app
            .run_blocking(true, move |app| question.render(app, &snapshot, stale, format))
            .await??;
        app.answers.added(answer.bytes());
        Ok::<_, Problem>(Arc::new(answer))
    };
    let answer = place.get_or_try_init(|| render).await?;
    let is_settled = answer.is_complete && app.engine.is_closed(window);
    if matches_etag(request, &answer.etag) {
        return Ok(with_caching(HttpResponse::NotModified(), &answer.etag, is_settled).finish());
    }
    let (packing, bytes, made) = answer.packed(ContentEncoding::accepted(request.headers())).await;
    if made > 0 {
        app.answers.added(made);
    }
    let mut response = with_caching(HttpResponse::Ok(), &answer.etag, is_settled);
    if let Some(name) = packing.name() {
        response.insert_header((header::CONTENT_ENCODING, name));
    }
    Ok(response.content_type(format.content_type()).body(bytes))
}

impl Question {
    fn parse(app: &App, request: &HttpRequest) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let now = app.engine.now();
        let subject = query.subject(app.engine.catalogue())?;
        let minutes = query
            .minutes("window", "1m to 24h, like 15m or 6h", 1..=24 * 60)?
            .unwrap_or(DEFAULT_WINDOW_MINUTES);
        let span = match query.past("to", now)? {
            None => Span::Last(minutes),
            Some(to) => Span::Fixed(Window::ending_at(to, minutes)),
        };
        if span.window(now).from.start() < app.engine.minutes_kept_since() {
            let expected =
                format!("such that the window began at most {MINUTES_KEPT_DAYS} days ago");
            return Err(Problem::field(
                Code::OutOfRetention,
                "to",
                expected,
                query.text("to").unwrap_or("now"),
            ));
        }
        let key = ViewKey { subject, span, symptoms: query.symptoms()? };
        Ok(Self { key, bbox: query.bbox()?, resolution: query.resolution()? })
    }

    fn render(
        &self,
        app: &App,
        snapshot: &Snapshot,
        stale: bool,
        format: HeatmapFormat,
    ) -> Result<Answer, Problem> {
        let whole = snapshot.level(self.resolution);
        let level = match &self.bbox {
            None => whole,
            Some(bbox) => Arc::new(whole.within(bbox)),
        };
        self.check_size(snapshot, &level)?;
        let name = app.engine.catalogue().subject_name(self.key.subject);
        let subject = match self.key.subject {
            Subject::Provider(_) => render::Subject::Provider(name),
            Subject::Network(_) => render::Subject::Network(name),
        };
        // Of single symptoms nothing was learnt.
        let is_of_all = self.key.symptoms == Symptoms::AllProblems;
        let judged = if is_of_all {
            app.engine.judge(self.key.subject, snapshot.window(), &level)
        } else {
            None
        };
        let heatmap = Heatmap {
            subject,
            window: snapshot.window(),
            as_of: snapshot.as_of,
            stale,
            level: &level,
            judged: judged.as_ref(),
        };
        // Weak, since equal content of another tick differs in `as_of`.
        let etag = format!("W/\"{:016x}\"", render::digest(&heatmap, format));
        let is_complete =
            !is_of_all || judged.as_ref().is_some_and(|judged| judged.scores.is_some());
        let mut answer = Answer::new(etag, render::heatmap(&heatmap, format));
        answer.is_complete = is_complete;
        Ok(answer)
    }

    /// Refuses an answer of too many cells, naming the finest resolution that has few
    /// enough.
    fn check_size(&self, snapshot: &Snapshot, level: &Level) -> Result<(), Problem> {
        let size = |level: &Level| level.len() + level.coarser().len();
        if size(level) <= MOST_CELLS {
            return Ok(());
        }
        let at = |resolution: &&Resolution| {
            let coarser = snapshot.level(**resolution);
            size(&self.bbox.map_or_else(|| (*coarser).clone(), |bbox| coarser.within(&bbox)))
                <= MOST_CELLS
        };
        let fits = Resolution::ALL[..usize::from(self.resolution.number())].iter().rev().find(at);
        let expected = match fits {
            Some(resolution) => format!(
                "at most {}, or a smaller bbox: one answer holds {MOST_CELLS} cells",
                resolution.number()
            ),
            None => format!("with a smaller bbox: one answer holds {MOST_CELLS} cells"),
        };
        Err(Problem::field(
            Code::TooManyCells,
            "resolution",
            expected,
            format!("{} cells", size(level)),
        ))
    }
}

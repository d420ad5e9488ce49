//! `GET /v1/heatmap` in its formats: counts by cell in a window.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::lines::{credit, fields, licensed};
use super::query::Query;
use super::read_errors::ReadErrors;
use super::region::region;
use super::respond::{Read, respond};
use super::response::Content;
use super::response_cache::Key;
use crate::domain::assessment::Assessment;
use crate::domain::counted::Counted;
use crate::domain::grid::Resolution;
use crate::domain::level::Level;
use crate::domain::privacy::rule::Rule;
use crate::domain::provider::Subject;
use crate::domain::region::Region;
use crate::domain::time::{Timestamp, Window};
use crate::engine::views::{Snapshot, Span, ViewKey};
use crate::render::table::Credit;
use crate::render::{self, Heatmap, HeatmapFormat};
use crate::store::MINUTES_KEPT_DAYS;
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;

/// Cells of one answer at most.
pub const MOST_CELLS: usize = 50_000;
/// Minutes that a map counts where nothing else is asked for.
pub const DEFAULT_WINDOW_MINUTES: i64 = 15;
/// The last is of formats of which columns can be chosen.
const PARAMETERS: [&str; 12] = [
    "provider",
    "network",
    "window",
    "to",
    "bbox",
    "area",
    "symptom",
    "resolution",
    "zoom",
    "exact",
    "late",
    "fields",
];

/// What is asked.
#[derive(Debug, Clone)]
struct Question {
    key: ViewKey,
    region: Region,
    resolution: Resolution,
    format: HeatmapFormat,
    /// Which columns; all where none are named.
    fields: Option<Vec<&'static str>>,
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
pub async fn json(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&app, &request, &reader, HeatmapFormat::Json).await
}

/// The same in columns: smaller and quicker to parse
#[utoipa::path(
    get, path = "/v1/heatmap.columns.json", tag = "heatmap", operation_id = "heatmap_columns",
    params(super::params::HeatmapParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "The cells, an array a property",
            body = render::columns::HeatmapColumns,
        ),
        ReadErrors,
    ),
)]
pub async fn columns(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&app, &request, &reader, HeatmapFormat::Columns).await
}

/// The same as GeoJSON (RFC 7946), cut at the antimeridian
#[utoipa::path(
    get, path = "/v1/heatmap.geojson", tag = "heatmap", operation_id = "heatmap_geojson",
    params(super::params::HeatmapParams),
    responses(
        (
            status = 200, description = "A feature a cell",
            body = render::geojson::HeatmapGeoJson, content_type = "application/geo+json",
        ),
        ReadErrors,
    ),
)]
pub async fn geojson(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&app, &request, &reader, HeatmapFormat::GeoJson).await
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
pub async fn h3j(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&app, &request, &reader, HeatmapFormat::H3j).await
}

/// The same as CSV (RFC 4180), a line a cell
///
/// Columns `hex_id`, `resolution`, `count`, `expected`, `score`, `level`; what is not known
/// is empty. Lines of a lower resolution than asked for say what is known only more
/// coarsely. Where the operator names whom to credit, or a licence, columns `attribution` and
/// `licence` follow, filled in the first line.
#[utoipa::path(
    get, path = "/v1/heatmap.csv", tag = "heatmap", operation_id = "heatmap_csv",
    params(super::params::HeatmapParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "A header, and a line a cell", body = String,
            content_type = "text/csv",
        ),
        ReadErrors,
    ),
)]
pub async fn csv(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&app, &request, &reader, HeatmapFormat::Csv).await
}

/// The same as NDJSON, an object a line
#[utoipa::path(
    get, path = "/v1/heatmap.ndjson", tag = "heatmap", operation_id = "heatmap_ndjson",
    params(super::params::HeatmapParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "A line a cell", body = render::csv::LineJson,
            content_type = "application/x-ndjson",
        ),
        ReadErrors,
    ),
)]
pub async fn ndjson(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&app, &request, &reader, HeatmapFormat::Ndjson).await
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
    reader: &Reading,
    format: HeatmapFormat,
) -> Result<HttpResponse, Problem> {
    let question = Question::parse(app, request, reader, format)?;
    let served = app.engine.view(question.key).await?;
    let (snapshot, stale) = (Arc::clone(&served.value), served.stale);
    let privacy = app.engine.rule_of(question.key.sight, snapshot.window().to.start());
    let key = Key::new(request.path(), &question, &(snapshot.id, stale, privacy));
    let is_closed = app.engine.is_closed(snapshot.window(), question.key.counted.late);
    let read = Read {
        key,
        media_type: format.content_type(),
        lifetime: if is_closed { Lifetime::Settled } else { Lifetime::Live },
        is_expensive: true,
    };
    let content = async {
        app.run_blocking(true, move |app| question.content(app, &snapshot, (stale, privacy)))
            .await?
    };
    let answer = respond(app, request, Some(reader), read, content).await?;
    let is_lines = matches!(format, HeatmapFormat::Csv | HeatmapFormat::Ndjson);
    Ok(if is_lines { licensed(app, answer) } else { answer })
}

/// A heatmap that is not yet written.
#[derive(Debug)]
struct HeatmapContent {
    format: HeatmapFormat,
    subject: Subject,
    /// Id of the subject.
    name: String,
    window: Window,
    as_of: Timestamp,
    stale: bool,
    privacy: Option<Rule>,
    level: Arc<Level>,
    assessment: Option<Assessment>,
    /// Whether it counts all problems: nothing was learnt of single symptoms, nor of what
    /// came on time alone.
    is_of_all: bool,
    fields: Option<Vec<&'static str>>,
    credit: Credit,
}

impl HeatmapContent {
    fn heatmap(&self) -> Heatmap<'_> {
        let subject = match self.subject {
            Subject::Provider(_) => render::Subject::Provider(&self.name),
            Subject::Network(_) => render::Subject::Network(&self.name),
            Subject::All => render::Subject::All,
        };
        Heatmap {
            subject,
            window: self.window,
            as_of: self.as_of,
            stale: self.stale,
            privacy: self.privacy,
            level: &self.level,
            assessment: self.assessment.as_ref(),
            fields: self.fields.as_deref(),
            credit: &self.credit,
        }
    }
}

impl Content for HeatmapContent {
    fn digest(&self) -> u64 {
        render::digest(&self.heatmap(), self.format)
    }

    fn as_of(&self) -> Timestamp {
        self.as_of
    }

    fn is_complete(&self) -> bool {
        !self.is_of_all || self.assessment.as_ref().is_some_and(|assessment| assessment.is_known)
    }

    fn render(self) -> Vec<u8> {
        render::heatmap(&self.heatmap(), self.format)
    }
}

/// The view that `window`, `to`, `symptom`, `late` and `exact` ask for.
///
/// # Errors
/// Where one of them says nothing that is kept, or not to who asks.
pub fn view_key(
    app: &App,
    query: &Query<'_>,
    reader: &Reading,
    subject: Subject,
) -> Result<ViewKey, Problem> {
    let now = app.engine.now();
    let minutes = query
        .minutes("window", "1m to 24h, like 15m or 6h", 1..=24 * 60)?
        .unwrap_or(DEFAULT_WINDOW_MINUTES);
    let span = match query.past("to", now)? {
        None => Span::Last(minutes),
        Some(to) => Span::Fixed(Window::ending_at(to, minutes)),
    };
    if span.window(now).from.start() < app.engine.minutes_kept_since() {
        let expected = format!("such that the window began at most {MINUTES_KEPT_DAYS} days ago");
        return Err(Problem::field(
            Code::OutOfRetention,
            "to",
            expected,
            query.text("to").unwrap_or("now"),
        ));
    }
    Ok(ViewKey { sight: reader.sight(query)?, subject, span, counted: query.counted()? })
}

impl Question {
    fn parse(
        app: &App,
        request: &HttpRequest,
        reader: &Reading,
        format: HeatmapFormat,
    ) -> Result<Self, Problem> {
        let without_fields = usize::from(format.fields().is_empty());
        let known = &PARAMETERS[..PARAMETERS.len() - without_fields];
        let query = Query::parse(request.query_string(), known)?;
        let subject = query.subject(app.engine.catalogue())?;
        let key = view_key(app, &query, reader, subject)?;
        let of_credit =
            if format == HeatmapFormat::Csv { credit(app).columns() } else { Vec::new() };
        Ok(Self {
            key,
            region: region(&query)?,
            resolution: query.resolution()?,
            format,
            fields: fields(&query, &[format.fields(), &of_credit].concat())?,
        })
    }

    fn content(
        &self,
        app: &App,
        snapshot: &Snapshot,
        (stale, privacy): (bool, Option<Rule>),
    ) -> Result<HeatmapContent, Problem> {
        let level = snapshot.level(&self.region, self.resolution);
        self.check_size(snapshot, &level)?;
        let (subject, window) = (self.key.subject, snapshot.window());
        let is_of_all = self.key.counted == Counted::ALL;
        Ok(HeatmapContent {
            format: self.format,
            fields: self.fields.clone(),
            credit: credit(app),
            subject,
            name: app.engine.catalogue().subject_name(subject).to_owned(),
            window,
            as_of: app.engine.dated(window, self.key.counted.late, snapshot.as_of),
            stale,
            privacy,
            assessment: is_of_all
                .then(|| app.engine.judge(self.key.sight, subject, window, &level))
                .flatten(),
            level,
            is_of_all,
        })
    }

    /// Refuses an answer of too many cells, naming the finest resolution that has few
    /// enough.
    fn check_size(&self, snapshot: &Snapshot, level: &Level) -> Result<(), Problem> {
        let size = |level: &Level| level.len() + level.coarser().len();
        if size(level) <= MOST_CELLS {
            return Ok(());
        }
        let at = |resolution: &&Resolution| {
            size(&snapshot.level(&self.region, **resolution)) <= MOST_CELLS
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

//! `GET /v1/series`: counts over time.

use super::app::App;
use super::area_table;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::lines::{Lines, licensed};
use super::query::Query;
use super::read_errors::ReadErrors;
use super::region::region;
use super::respond::{Read, respond};
use super::response::{Dated, Json, Written};
use super::response_cache::Key;
use crate::domain::counted::Counted;
use crate::domain::detect::Band;
use crate::domain::grid::Resolution;
use crate::domain::provider::Subject;
use crate::domain::region::Region;
use crate::domain::series::{Point, Step};
use crate::domain::time::{HOUR_MS, Timestamp, Window};
use crate::engine::cache::Served;
use crate::engine::series::{Series, SeriesKey};
use crate::engine::shown::Sight;
use crate::render::cell::rounded;
use crate::render::privacy::RuleJson;
use crate::render::table::LineFormat;
use crate::render::time::rfc3339;
use crate::store::HOURS_KEPT_DAYS;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::fmt::Debug;
use std::sync::Arc;
use utoipa::ToSchema;

/// Points of one answer at most.
const MOST_POINTS: i64 = 5_000;
const DEFAULT_STEP_MINUTES: i64 = 5;
const DEFAULT_INTERVAL_MS: i64 = 24 * HOUR_MS;
/// The last is of lines alone.
const PARAMETERS: [&str; 12] = [
    "provider", "network", "cell", "bbox", "area", "symptom", "from", "to", "step", "exact",
    "late", "fields",
];
/// The columns of lines, and the properties of NDJSON: those of [`SeriesLine`].
const COLUMNS: [&str; 7] =
    ["t", "count", "expected", "expected_low", "expected_high", "gap", "partial"];

/// Counts over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Series)]
pub struct SeriesAnswer {
    /// The provider asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "rogers")]
    provider: Option<String>,
    /// The network asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    network: Option<String>,
    /// How wide a point is, as it was asked for.
    #[schema(example = "5m")]
    step: String,
    /// The points, oldest first, zero-filled.
    points: Vec<SeriesPoint>,
    /// Whether no report can change their counts any more.
    #[serde(rename = "final")]
    is_final: bool,
    /// By which rule reports are shown; null where every report is in its own cell.
    #[schema(required = true)]
    privacy: Option<RuleJson>,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:00:00Z")]
    as_of: String,
    /// Whether the store is away, and the answer is the last one known.
    stale: bool,
}

/// The reports observed from `t` on, until the next point or the end.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesPoint {
    /// When it begins.
    #[schema(format = DateTime, example = "2022-07-08T08:45:00Z")]
    t: String,
    /// Number of reports.
    #[schema(example = 120)]
    count: u64,
    /// Expected reports. Null where one symptom is asked for, while detection catches up,
    /// where the provider has too little history, and where `partial` is true.
    #[schema(required = true)]
    expected: Option<f64>,
    /// 95 % of ordinary counts lie between this and `expected_high`. Null where
    /// `expected` is.
    #[schema(required = true)]
    expected_low: Option<f64>,
    /// See `expected_low`.
    #[schema(required = true)]
    expected_high: Option<f64>,
    /// True where this service did not run in all of it, so that reports may be missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    gap: bool,
    /// True where the cell that was asked about was hidden in part of it, since too few
    /// people were heard of in it: its reports stand in a coarser cell. Of whole hours, where
    /// reports are shown around it and none in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    partial: bool,
}

/// A point as a line says it: as that of a series, with nothing left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesLine {
    /// When it begins.
    #[schema(format = DateTime, example = "2022-07-08T08:45:00Z")]
    t: String,
    /// Number of reports.
    #[schema(example = 120)]
    count: u64,
    /// See `SeriesPoint`.
    #[schema(required = true)]
    expected: Option<f64>,
    /// See `SeriesPoint`.
    #[schema(required = true)]
    expected_low: Option<f64>,
    /// See `SeriesPoint`.
    #[schema(required = true)]
    expected_high: Option<f64>,
    /// Whether this service did not run in all of it.
    gap: bool,
    /// Whether the cell that was asked about was hidden in part of it.
    partial: bool,
}

impl From<SeriesPoint> for SeriesLine {
    fn from(point: SeriesPoint) -> Self {
        let SeriesPoint { t, count, expected, expected_low, expected_high, gap, partial } = point;
        Self { t, count, expected, expected_low, expected_high, gap, partial }
    }
}

/// Counts over time
///
/// A point counts the reports observed in it, whenever they arrived. Minutes are kept for
/// 14 days; beyond, steps of whole hours reach back 8 weeks, for all cells together or
/// for cells of resolution 7 and coarser.
#[utoipa::path(
    get, path = "/v1/series", tag = "series", operation_id = "series",
    params(super::params::SeriesParams),
    responses(
        (status = 200, description = "The points", body = SeriesAnswer),
        ReadErrors,
    ),
)]
pub async fn series(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS[..PARAMETERS.len() - 1])?;
    let asked = Asked::of(&app, &query, &reader).await?;
    let step = query.text("step").map_or_else(|| format!("{DEFAULT_STEP_MINUTES}m"), str::to_owned);
    let read = asked.read(&request, "application/json", &step);
    let content = async { Ok(content(&app, &asked, step)) };
    respond(&app, &request, Some(&reader), read, content).await
}

/// The same as CSV (RFC 4180), a line a point
///
/// Columns `t`, `count`, `expected`, `expected_low`, `expected_high`, `gap`, `partial`; what is
/// not known is empty. Where the operator names whom to credit, or a licence, columns
/// `attribution` and `licence` follow, filled in the first line.
///
/// With `by`: hours or days of all areas and providers, as one long table, without a bound on
/// points. Columns `from`, `to`, `area`, `provider`, `reports`, `gap`, without those that `by`
/// leaves out. A line is what was reported in an hour or a day, of one area and provider;
/// where nothing was, there is none, but each hour or day has one at least. `area` is empty
/// for what lies in none. `gap` is true where this service did not run in all of it, so that
/// reports may be missing. It is sent as it is summed, and ends in the middle where the store
/// fails. `step` is `1h` or `1d` then; `cell`, `bbox`, `area`, `late` and `fields` are not
/// taken.
#[utoipa::path(
    get, path = "/v1/series.csv", tag = "series", operation_id = "series_csv",
    params(
        super::params::SeriesParams, super::params::FieldsParams,
        super::area_params::AreaTableParams,
    ),
    responses(
        (
            status = 200, description = "A header, and a line a point", body = String,
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
    let mut asked = form_urlencoded::parse(request.query_string().as_bytes());
    if asked.any(|(name, _)| name == "by") {
        return area_table::table(&reader, &app, &request).await;
    }
    lines(&app, &request, &reader, LineFormat::Csv).await
}

/// The same as NDJSON, a point a line
#[utoipa::path(
    get, path = "/v1/series.ndjson", tag = "series", operation_id = "series_ndjson",
    params(super::params::SeriesParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "A line a point", body = SeriesLine,
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
    lines(&app, &request, &reader, LineFormat::Ndjson).await
}

async fn lines(
    app: &Arc<App>,
    request: &HttpRequest,
    reader: &Reading,
    format: LineFormat,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS)?;
    let lines = Lines::parse(app, &query, format, (&COLUMNS, &COLUMNS))?;
    let asked = Asked::of(app, &query, reader).await?;
    let read = asked.read(request, format.content_type(), &lines);
    let content = async {
        let points = asked.points().map(SeriesLine::from);
        let bytes = match format {
            LineFormat::Csv => lines.csv(app, &COLUMNS, points),
            LineFormat::Ndjson => lines.ndjson(points),
        };
        let as_of = asked.as_of;
        Ok(Written { bytes, as_of, is_complete: asked.is_complete(), next_cursor: None })
    };
    Ok(licensed(app, respond(app, request, Some(reader), read, content).await?))
}

/// A series as it was asked for, and what it is.
#[derive(Debug)]
struct Asked {
    key: SeriesKey,
    served: Served<Series>,
    is_final: bool,
    privacy: Option<RuleJson>,
    as_of: Timestamp,
}

impl Asked {
    async fn of(app: &App, query: &Query<'_>, reader: &Reading) -> Result<Self, Problem> {
        let key = key(app, query, reader.sight(query)?)?;
        let served = app.engine.series(key.clone()).await?;
        let is_final = app.engine.is_closed(key.interval, key.counted.late);
        let privacy = app.engine.rule_of(key.sight, key.interval.to.start()).map(RuleJson::from);
        let as_of = app.engine.dated(key.interval, key.counted.late, served.value.as_of);
        Ok(Self { key, served, is_final, privacy, as_of })
    }

    fn read(&self, request: &HttpRequest, media_type: &'static str, form: &impl Debug) -> Read {
        let version = (self.served.value.as_of, self.served.stale, self.is_final, self.privacy);
        Read {
            key: Key::new(request.path(), &(&self.key, form), &version),
            media_type,
            lifetime: if self.is_final { Lifetime::Settled } else { Lifetime::Live },
            is_expensive: false,
        }
    }

    fn points(&self) -> impl Iterator<Item = SeriesPoint> {
        let point = |((point, band), hidden): ((&Point, &Option<Band>), &bool)| SeriesPoint {
            t: rfc3339(point.start.start()),
            count: point.count,
            expected: band.map(|band| rounded(band.mean)),
            expected_low: band.map(|band| rounded(band.low)),
            expected_high: band.map(|band| rounded(band.high)),
            gap: point.gap,
            partial: *hidden,
        };
        let series = &self.served.value;
        series.points.iter().zip(&series.bands).zip(&series.hidden).map(point)
    }

    fn is_complete(&self) -> bool {
        let series = &self.served.value;
        let is_known = |(band, hidden): (&Option<Band>, &bool)| *hidden || band.is_some();
        self.key.counted != Counted::ALL || series.bands.iter().zip(&series.hidden).all(is_known)
    }
}

fn content(app: &App, asked: &Asked, step: String) -> Json<SeriesAnswer> {
    let key = &asked.key;
    let name = app.engine.catalogue().subject_name(key.subject).to_owned();
    let (provider, network) = match key.subject {
        Subject::Provider(_) => (Some(name), None),
        Subject::Network(_) => (None, Some(name)),
        Subject::All => (None, None),
    };
    let answer = SeriesAnswer {
        provider,
        network,
        step,
        points: asked.points().collect(),
        is_final: asked.is_final,
        privacy: asked.privacy,
        as_of: String::new(),
        stale: asked.served.stale,
    };
    Json { answer, as_of: asked.as_of, is_complete: asked.is_complete() }
}

impl Dated for SeriesAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

fn key(app: &App, query: &Query<'_>, sight: Sight) -> Result<SeriesKey, Problem> {
    let now = app.engine.now();
    let subject = query.subject(app.engine.catalogue())?;
    let region = region(query)?;
    let to = query.past("to", now)?.unwrap_or(now);
    let from = query.instant("from")?.unwrap_or(to.plus_ms(-DEFAULT_INTERVAL_MS));
    // From the minute that `from` lies in, up to and with the one that is running at
    // `to`.
    let interval = Window { from: from.minute(), to: Window::ending_at(to, 1).to };
    if interval.to <= interval.from {
        return Err(Problem::field(
            Code::InvalidValue,
            "from",
            "before to",
            query.text("from").unwrap_or_default(),
        ));
    }
    let step = query
        .minutes("step", "1m to 1d, like 5m or 1h", 1..=24 * 60)?
        .unwrap_or(DEFAULT_STEP_MINUTES);
    let step = Step::minutes(step).map_err(|error| {
        Problem::field(Code::InvalidValue, "step", "1m to 1d", error.0.to_string())
    })?;
    let from_hours = retention(app, query, from, interval, step, &region)?;
    if step.points_in(interval) > MOST_POINTS {
        let expected = format!("wide enough for at most {MOST_POINTS} points");
        return Err(Problem::field(
            Code::InvalidValue,
            "step",
            expected,
            format!("{} points", step.points_in(interval)),
        ));
    }
    Ok(SeriesKey { sight, subject, region, counted: query.counted()?, interval, step, from_hours })
}

/// Whether hours must be read, since minutes are no longer kept.
fn retention(
    app: &App,
    query: &Query<'_>,
    from: Timestamp,
    interval: Window,
    step: Step,
    region: &Region,
) -> Result<bool, Problem> {
    if app.engine.minutes_kept_since() <= from {
        return Ok(false);
    }
    let got = query.text("from").unwrap_or_default();
    let refused =
        |expected: String| Err(Problem::field(Code::OutOfRetention, "from", expected, got));
    if from < app.engine.now().plus_ms(-HOURS_KEPT_DAYS * 24 * HOUR_MS) {
        return refused(format!("at most {HOURS_KEPT_DAYS} days ago"));
    }
    let on_the_hour = interval.from == interval.from.hour().first_minute();
    if !(step.is_whole_hours() && on_the_hour) {
        return refused("at most 14 days ago, or on the hour with a step of whole hours".into());
    }
    if region.cell().is_some_and(|cell| cell.resolution() > Resolution::HOURLY) {
        return refused("at most 14 days ago, or with a cell of resolution 7 or coarser".into());
    }
    Ok(true)
}

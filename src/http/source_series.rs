//! `GET /v1/sources/{number}/series`: what one source sent over time, for operators.

use super::admin::private;
use super::app::App;
use super::caller::Administering;
use super::error::{Code, Problem};
use super::query::Query;
use crate::domain::access::source::LAST_SOURCE;
use crate::domain::fact::Source;
use crate::domain::series::Step;
use crate::domain::symptom::Symptom;
use crate::domain::time::{HOUR_MS, Timestamp, Window};
use crate::engine::source_series::{SourcePoint, SourceSeriesKey};
use crate::render::cell::rounded;
use crate::render::time::rfc3339;
use crate::store::{HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// Points of one answer at most: eight weeks of hours fit.
const MOST_POINTS: i64 = 1_440;
const DEFAULT_STEP_MINUTES: i64 = 60;
const DEFAULT_INTERVAL_MS: i64 = 24 * HOUR_MS;
const PARAMETERS: [&str; 5] = ["provider", "symptom", "from", "to", "step"];

/// What one source sent over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceSeries)]
pub struct SourceSeriesAnswer {
    /// Number of the source.
    #[schema(example = 7, minimum = 0, maximum = 16_383)]
    source: u16,
    /// The provider asked for; null for all.
    #[schema(required = true, example = "rogers")]
    provider: Option<String>,
    /// How wide a point is, as it was asked for.
    #[schema(example = "1h")]
    step: String,
    /// The points, oldest first, zero-filled.
    points: Vec<SourceSeriesPoint>,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:00:00Z")]
    as_of: String,
}

/// What the source sent from `t` on, until the next point or the end. Reports that were
/// withdrawn are left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceSeriesPoint {
    /// When it begins.
    #[schema(format = DateTime, example = "2022-07-08T08:00:00Z")]
    t: String,
    /// Reports observed in it, whenever they arrived.
    #[schema(example = 1_204)]
    count: u64,
    /// Those of them that arrived more than 5 minutes later, or are no evidence: without a
    /// place, or of an id that many phones send.
    #[schema(example = 310)]
    late: u64,
    /// Late reports that arrived in it, whenever they were observed.
    #[schema(example = 12)]
    late_arrived: u64,
    /// Cells of resolution 7 that the reports are from; coarser ones where nothing finer
    /// was sent.
    #[schema(example = 41)]
    cells: u64,
    /// The cell with the most reports; null where no report has a place.
    #[schema(required = true, example = "872b9bc5effffff")]
    top_cell: Option<String>,
    /// The share of `count` that is from there, 0 to 1: an app that sends its test reports
    /// has a high one. Null where `top_cell` is.
    #[schema(required = true, example = 0.93, minimum = 0, maximum = 1)]
    top_cell_share: Option<f64>,
    /// True where this service did not run in all of it, so that reports may be missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    gap: bool,
}

/// What one source sent over time
///
/// To find a broken app, and the minutes to void. All providers together, or one of them;
/// all symptoms, `working` among them, or one. Minutes are kept for 14 days; beyond, steps
/// of whole hours reach back 8 weeks. A source that never sent anything has zeros.
#[utoipa::path(
    get, path = "/v1/sources/{number}/series", tag = "access",
    operation_id = "source_series",
    params(
        (
            "number" = u16, Path, description = "Number of a source; 0 for reports without a key",
            example = 7, minimum = 0, maximum = 16_383,
        ),
        super::params::SourceSeriesParams,
    ),
    responses(
        (status = 200, description = "The points", body = SourceSeriesAnswer),
        (status = 400, description = "A parameter is at fault"),
        (status = 403, description = "Neither with the scope `admin` nor from this machine"),
        (status = 404, description = "Sources are numbers up to 16383"),
        (status = 503, description = "The store is away: retry after `Retry-After`"),
    ),
)]
pub async fn series(
    _: Administering,
    app: web::Data<App>,
    request: HttpRequest,
    number: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS)?;
    let (key, now) = (key(&app, &query, &number)?, app.engine.now());
    let points = app.engine.source_series(&key).await?;
    let answer = SourceSeriesAnswer {
        source: key.source.0,
        provider: key.provider.map(|provider| app.engine.catalogue().get(provider).id.clone()),
        step: query.text("step").unwrap_or("1h").to_owned(),
        points: points.iter().map(SourceSeriesPoint::from).collect(),
        as_of: rfc3339(now),
    };
    Ok(private(HttpResponse::Ok()).json(answer))
}

impl From<&SourcePoint> for SourceSeriesPoint {
    fn from(point: &SourcePoint) -> Self {
        let SourcePoint { start, count, late, late_arrived, cells, top_cell, gap } = *point;
        let share = |(_, of_cell)| rounded(of_cell as f64 / count as f64);
        Self {
            t: rfc3339(start.start()),
            count,
            late,
            late_arrived,
            cells,
            top_cell: top_cell.map(|(cell, _)| cell.to_string()),
            top_cell_share: top_cell.map(share),
            gap,
        }
    }
}

fn key(app: &App, query: &Query<'_>, number: &str) -> Result<SourceSeriesKey, Problem> {
    let (engine, now, last) = (&app.engine, app.engine.now(), LAST_SOURCE.0);
    let unknown =
        || Problem::field(Code::NotFound, "number", format!("a source, 0..={last}"), number);
    let source = number.parse().ok().filter(|number| *number <= last).ok_or_else(unknown)?;
    let provider = match query.text("provider") {
        Some(id) => {
            let provider = engine.catalogue().find(id);
            Some(provider.ok_or_else(|| Problem::unknown_provider(id))?)
        }
        None => None,
    };
    let expected = format!("one of {}", Symptom::ALL.map(Symptom::name).join(", "));
    let symptom = query.value("symptom", &expected, Symptom::from_name)?;
    let to = query.past("to", now)?.unwrap_or(now);
    let a_day_before = to.plus_ms(-DEFAULT_INTERVAL_MS).minute().hour().first_minute().start();
    let from = query.instant("from")?.unwrap_or(a_day_before);
    let interval = Window { from: from.minute(), to: Window::ending_at(to, 1).to };
    let got = |name: &str| query.text(name).unwrap_or_default().to_owned();
    if interval.to <= interval.from {
        return Err(Problem::field(Code::InvalidValue, "from", "before to", got("from")));
    }
    let step = query
        .minutes("step", "1m to 1d, like 5m or 1h", 1..=24 * 60)?
        .unwrap_or(DEFAULT_STEP_MINUTES);
    let step = Step::minutes(step).map_err(|error| {
        Problem::field(Code::InvalidValue, "step", "1m to 1d", error.0.to_string())
    })?;
    let from_hours = are_hours_read(app, from, interval, step, &got("from"))?;
    if MOST_POINTS < step.points_in(interval) {
        let expected = format!("wide enough for at most {MOST_POINTS} points");
        let points = format!("{} points", step.points_in(interval));
        return Err(Problem::field(Code::InvalidValue, "step", expected, points));
    }
    Ok(SourceSeriesKey { source: Source(source), provider, symptom, interval, step, from_hours })
}

/// Whether hours must be read, since minutes are no longer kept.
fn are_hours_read(
    app: &App,
    from: Timestamp,
    interval: Window,
    step: Step,
    got: &str,
) -> Result<bool, Problem> {
    if app.engine.minutes_kept_since() <= from {
        return Ok(false);
    }
    let refused =
        |expected: String| Err(Problem::field(Code::OutOfRetention, "from", expected, got));
    if from < app.engine.now().plus_ms(-HOURS_KEPT_DAYS * 24 * HOUR_MS) {
        return refused(format!("at most {HOURS_KEPT_DAYS} days ago"));
    }
    if step.is_whole_hours() && interval.from == interval.from.hour().first_minute() {
        return Ok(true);
    }
    refused(format!(
        "at most {MINUTES_KEPT_DAYS} days ago, or on the hour with a step of whole hours"
    ))
}

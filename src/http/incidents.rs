//! `GET /v1/incidents`, `.geojson` and `/v1/incidents/{id}`: what is known of incidents,
//! now or at a moment before.

use super::app::App;
use super::basis::Basis;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::lines::Lines;
use super::listing::{self, MOST_CORNERS, MOST_CORNERS_OF_ONE};
use super::live::{self, Moment};
use super::query::Query;
use super::read_errors::IncidentErrors;
use super::region::region;
use super::response::Dated;
use crate::domain::incident::known::Known;
use crate::domain::incident::register::{Case, Filter, Register};
use crate::domain::incident::{Form, IncidentId, State};
use crate::domain::region::Region;
use crate::domain::time::Timestamp;
use crate::engine::shown::Sight;
use crate::render::incident::IncidentJson;
use crate::render::incident_detail::IncidentDetail;
use crate::render::incident_geojson::IncidentsGeoJson;
use crate::render::incident_row::IncidentRow;
use crate::render::table::LineFormat;
use crate::render::time::rfc3339;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Those of lists; the last is of lines alone.
const PARAMETERS: [&str; 14] = [
    "provider",
    "network",
    "state",
    "from",
    "to",
    "bbox",
    "area",
    "min_score",
    "known_at",
    "updated_since",
    "limit",
    "cursor",
    "exact",
    "fields",
];
/// Properties of an item of the list.
const PROPERTIES: [&str; 18] = [
    "id",
    "revision",
    "known_at",
    "network",
    "state",
    "detected_at",
    "onset",
    "resolved_at",
    "ending",
    "global",
    "providers",
    "place",
    "cells",
    "evidence",
    "severity",
    "attribution",
    "cause",
    "lead_seconds",
];
/// What an id must look like.
const ID: &str = "16 hexadecimal digits, as in /v1/incidents";
const LISTED: &str = "an id listed at /v1/incidents";

/// A page of incidents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentList)]
pub struct IncidentsAnswer {
    /// Incidents, the latest published first.
    items: Vec<IncidentJson>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// Whether the answer is of `as_of` and not of now: detection is late or catching up.
    #[schema(example = false)]
    stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:12:31Z")]
    as_of: String,
}

/// What is asked for.
#[derive(Debug, Clone)]
struct Question {
    filter: Filter,
    region: Region,
    known_at: Option<Timestamp>,
    updated_since: Option<Timestamp>,
    limit: usize,
    before: Option<(Timestamp, IncidentId)>,
    /// With whose eyes.
    sight: Sight,
}

/// List incidents
///
/// An incident is published within seconds of the report that decides. A node that starts
/// answers from the journal, as `stale`, until its detectors have caught up. `known_at`
/// gives the answer of that instant. Figures of severity are upper
/// bounds where their descriptions say so.
#[utoipa::path(
    get, path = "/v1/incidents", tag = "incidents", operation_id = "list_incidents",
    params(super::params::IncidentsParams),
    responses(
        (status = 200, description = "A page of incidents", body = IncidentsAnswer),
        IncidentErrors,
    ),
)]
pub async fn list(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request, &reader)?;
    let (asked, sight) = (question.clone(), question.sight);
    let make = move |app: &App, moment: &Moment| {
        let (found, next_cursor) = question.answer(&moment.register, moment.form());
        let items = found
            .iter()
            .map(|known| IncidentJson::of(known, app.place_names.place(known.incident())))
            .collect();
        Ok(IncidentsAnswer { items, next_cursor, stale: moment.is_stale, as_of: String::new() })
    };
    live::answer(&app, &request, &reader, &asked, (Basis::Journal, "application/json", sight), make)
        .await
}

/// The same as GeoJSON (RFC 7946): joined outlines, cut at the antimeridian
#[utoipa::path(
    get, path = "/v1/incidents.geojson", tag = "incidents", operation_id = "incidents_geojson",
    params(super::params::IncidentsParams),
    responses(
        (
            status = 200, description = "A feature an incident", body = IncidentsGeoJson,
            content_type = "application/geo+json",
        ),
        IncidentErrors,
    ),
)]
pub async fn geojson(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request, &reader)?;
    let (asked, sight) = (question.clone(), question.sight);
    let make = move |app: &App, moment: &Moment| {
        let (found, next_cursor) = question.answer(&moment.register, moment.form());
        let most = most_corners_of_one(question.limit);
        let drawn = found.iter().map(|known| {
            let incident = known.incident();
            (
                IncidentJson::of(known, app.place_names.place(incident)),
                app.place_names.outline(incident, most),
            )
        });
        Ok(IncidentsGeoJson::of(drawn.collect(), next_cursor, moment.is_stale))
    };
    live::answer(
        &app,
        &request,
        &reader,
        &asked,
        (Basis::Journal, "application/geo+json", sight),
        make,
    )
    .await
}

/// The same as CSV (RFC 4180), a line an incident
///
/// Columns are the properties of `/v1/incidents.geojson`, and `cells`. The next page is in the
/// header `Link`.
#[utoipa::path(
    get, path = "/v1/incidents.csv", tag = "incidents", operation_id = "incidents_csv",
    params(super::params::IncidentsParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "A header, and a line an incident", body = String,
            content_type = "text/csv",
        ),
        IncidentErrors,
    ),
)]
pub async fn csv(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    lines(&app, &request, &reader, LineFormat::Csv).await
}

/// The same as NDJSON, an item of the list a line
///
/// The next page is in the header `Link`.
#[utoipa::path(
    get, path = "/v1/incidents.ndjson", tag = "incidents", operation_id = "incidents_ndjson",
    params(super::params::IncidentsParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "A line an incident", body = IncidentJson,
            content_type = "application/x-ndjson",
        ),
        IncidentErrors,
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
    let question = Question::of(app, &query, reader)?;
    let lines = Lines::parse(app, &query, format, (&IncidentRow::COLUMNS, &PROPERTIES))?;
    let (asked, sight) = ((question.clone(), lines.clone()), question.sight);
    let make = move |app: &App, moment: &Moment| {
        let (found, next_cursor) = question.answer(&moment.register, moment.form());
        let items = found
            .iter()
            .map(|known| IncidentJson::of(known, app.place_names.place(known.incident())));
        let bytes = match format {
            LineFormat::Csv => lines.csv(app, &IncidentRow::COLUMNS, items.map(IncidentRow::from)),
            LineFormat::Ndjson => lines.ndjson(items),
        };
        Ok((bytes, next_cursor))
    };
    live::lines(app, request, reader, &asked, (Basis::Journal, format, sight), make).await
}

/// One incident, with its revisions, brands, notes and timeline
#[utoipa::path(
    get, path = "/v1/incidents/{id}", tag = "incidents", operation_id = "incident",
    params(
        (
            "id" = String, Path, description = "Id of an incident",
            example = "3f9a2c41d07be658", pattern = "^[0-9a-f]{16}$",
        ),
        super::params::KnownAtParams,
    ),
    responses(
        (status = 200, description = "The incident", body = IncidentDetail),
        (status = 404, description = "No incident has that id, or none had at that instant"),
        IncidentErrors,
    ),
)]
pub async fn one(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["known_at", "exact"])?;
    let known_at = query.past("known_at", app.engine.now())?;
    let id = read_id(&id)?;
    let sight = reader.sight(&query)?;
    let asked = (id, known_at, sight);
    let make = move |app: &App, moment: &Moment| {
        let case = moment
            .register
            .get(id)
            .ok_or_else(|| Problem::field(Code::NotFound, "id", LISTED, id.to_string()))?;
        let unknown_then = |at: Timestamp| {
            format!(
                "known at that instant: it was first told of at {}, not yet at {}",
                first(case),
                rfc3339(at)
            )
        };
        let too_early = || {
            Problem::field(
                Code::NotFound,
                "id",
                known_at.map(unknown_then).unwrap_or_default(),
                id.to_string(),
            )
        };
        let known = Known::of(case, known_at, moment.form()).ok_or_else(too_early)?;
        Ok(IncidentDetail::of(&known, app.place_names.place(known.incident()), moment.is_stale))
    };
    live::answer(&app, &request, &reader, &asked, (Basis::Journal, "application/json", sight), make)
        .await
}

/// When an incident was first told of.
fn first(case: &Case) -> String {
    rfc3339(case.revisions()[0].known_at)
}

/// The id in a path.
///
/// # Errors
/// Where it is none.
pub fn read_id(text: &str) -> Result<IncidentId, Problem> {
    IncidentId::parse(text).ok_or_else(|| Problem::field(Code::InvalidValue, "id", ID, text))
}

/// How many corners an outline has at most, so that a full page of them is bounded. The
/// same for every page of a question, so that an outline does not change with what else
/// is on its page.
pub const fn most_corners_of_one(limit: usize) -> usize {
    let share = MOST_CORNERS / limit;
    if share < MOST_CORNERS_OF_ONE { share } else { MOST_CORNERS_OF_ONE }
}

impl Dated for IncidentsAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

impl Dated for IncidentsGeoJson {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

impl Dated for IncidentDetail {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

impl Question {
    fn parse(app: &App, request: &HttpRequest, reader: &Reading) -> Result<Self, Problem> {
        let known = &PARAMETERS[..PARAMETERS.len() - 1];
        Self::of(app, &Query::parse(request.query_string(), known)?, reader)
    }

    fn of(app: &App, query: &Query<'_>, reader: &Reading) -> Result<Self, Problem> {
        let (provider, network) = listing::subjects(query, app)?;
        let states = query.value(
            "state",
            &format!("some of {}, joined by commas", State::ALL.map(State::name).join(", ")),
            states,
        )?;
        let filter = Filter {
            provider,
            network,
            states: states.unwrap_or_default(),
            from: query.instant("from")?,
            to: query.instant("to")?,
            min_score: listing::min_score(query)?,
        };
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && to <= from
        {
            return Err(Problem::field(
                Code::InvalidValue,
                "to",
                "after from",
                query.text("to").unwrap_or_default(),
            ));
        }
        let known_at = query.past("known_at", app.engine.now())?;
        let updated_since = query.past("updated_since", app.engine.now())?;
        if known_at.is_some_and(|known_at| updated_since > Some(known_at)) {
            let got = query.text("updated_since").unwrap_or_default();
            let expected = "known_at or before it";
            return Err(Problem::field(Code::InvalidValue, "updated_since", expected, got));
        }
        Ok(Self {
            filter,
            region: region(query)?,
            known_at,
            updated_since,
            limit: listing::limit(query)?,
            before: query.value("cursor", "a next_cursor as it was given", read_cursor)?,
            sight: reader.sight(query)?,
        })
    }

    /// The incidents of the page, and where the next one begins.
    fn answer<'a>(&self, register: &'a Register, form: Form) -> (Vec<Known<'a>>, Option<String>) {
        let cases = register.newest_first(self.before);
        let known = cases.filter_map(|case| Known::of(case, self.known_at, form));
        let asked = known.filter(|known| {
            self.filter.takes(known.incident())
                && self.updated_since.is_none_or(|since| since <= known.updated_at())
                && self.region.contains_any(&known.incident().cells)
        });
        listing::page(asked, self.limit, |known| {
            cursor(known.incident().detected_at, known.incident().id)
        })
    }
}

fn states(text: &str) -> Option<Vec<State>> {
    text.split(',').map(State::from_name).collect()
}

fn cursor(detected_at: Timestamp, id: IncidentId) -> String {
    format!("before:{}:{id}", detected_at.0)
}

fn read_cursor(text: &str) -> Option<(Timestamp, IncidentId)> {
    let (at, id) = text.strip_prefix("before:")?.split_once(':')?;
    Some((Timestamp(at.parse().ok()?), IncidentId::parse(id)?))
}

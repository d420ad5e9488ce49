//! `GET /v1/here` and `GET /v1/cells`: what a place is, and how a provider does there, for
//! clients that know no H3.

use super::app::App;
use super::basis::Basis;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::heatmap::DEFAULT_WINDOW_MINUTES;
use super::live::Moment;
use super::query::{Query, number};
use super::read_errors::{IncidentErrors, ReadErrors};
use super::respond::{Read, respond};
use super::response::{Dated, Json, Written};
use super::response_cache::Key;
use crate::domain::assessment::Assessment;
use crate::domain::counted::Counted;
use crate::domain::grid::{Cell, Position, Resolution};
use crate::domain::incident::Incident;
use crate::domain::provider::{ProviderIndex, Subject};
use crate::domain::region::Region;
use crate::engine::shown::Sight;
use crate::engine::views::{Span, ViewKey};
use crate::render::cell::Hex;
use crate::render::incident::{EmergencyJson, StateWord};
use crate::render::time::{self, rfc3339};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// How a provider does at a place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Here)]
pub struct HereAnswer {
    /// Id of the provider.
    #[schema(example = "rogers")]
    provider: String,
    /// The finest cell around the place in which the map shows reports of the provider now;
    /// null where it shows them without a place.
    #[schema(required = true)]
    cell: Option<Hex>,
    /// The minutes that are counted.
    window: time::Window,
    /// Reports of problems in that cell.
    #[schema(example = 12)]
    count: u64,
    /// Its colour on the map, 0 to 4; null where it is not known what is usual.
    #[schema(required = true, minimum = 0, maximum = 4, example = 4)]
    level: Option<u8>,
    /// The open incident of the provider around the place; null where there is none.
    #[schema(required = true)]
    incident: Option<HereIncident>,
    /// Whether the answer is of `as_of` and not of now: detection is late or catching up.
    #[schema(example = false)]
    stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:12:31Z")]
    as_of: String,
}

/// An incident, as far as it fits into a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct HereIncident {
    /// Its id, of `/v1/incidents/{id}`.
    #[schema(pattern = "^[0-9a-f]{16}$", example = "3f9a2c41d07be658")]
    id: String,
    /// Its state.
    state: StateWord,
    /// Since when, as an estimate.
    #[schema(format = DateTime, example = "2022-07-08T08:45:00Z")]
    since: String,
    /// Emergency calls that fail in it; null where nobody reported any.
    #[schema(required = true)]
    emergency: Option<EmergencyJson>,
    /// What its place is called; null where it is told without one.
    #[schema(required = true, example = "Toronto (CA-ON)")]
    place: Option<String>,
}

/// The cells around a place, by resolution.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CellsAtPlace)]
pub struct CellsAnswer {
    /// The cell of each resolution from 0 to 8, the coarsest first.
    cells: [Hex; 9],
}

/// How a provider does here
///
/// For widgets and small devices: no H3, less than 1 kB. What the map shows around a place
/// in the last 15 minutes, and the incident that it lies in.
#[utoipa::path(
    get, path = "/v1/here", tag = "incidents", operation_id = "here",
    params(super::params::PlaceParams, super::params::CellParams),
    responses(
        (status = 200, description = "What the map shows there", body = HereAnswer),
        IncidentErrors,
    ),
)]
pub async fn here(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["lat", "lon", "provider", "exact"])?;
    let missing = || {
        Problem::field(Code::MissingField, "provider", "an id listed at /v1/providers", "nothing")
    };
    let id = query.text("provider").ok_or_else(missing)?;
    let unknown = || Problem::unknown_provider(id);
    let provider = app.engine.catalogue().find(id).ok_or_else(unknown)?;
    let sight = reader.sight(&query)?;
    let cell = Cell::at(place(&query)?, Resolution::FINEST);
    let moment = Moment::of(&app, Basis::Journal, sight)?;
    let (span, counted) = (Span::Last(DEFAULT_WINDOW_MINUTES), Counted::ALL);
    let subject = Subject::Provider(provider);
    let served = app.engine.view(ViewKey { sight, subject, span, counted }).await?;
    let version = (moment.version(), served.value.id, served.stale);
    let read = Read {
        key: Key::new(request.path(), &(provider, cell, sight), &version),
        media_type: "application/json",
        lifetime: Lifetime::Live,
        is_expensive: false,
    };
    let content = async {
        let around = shown_around(&app, sight, provider, cell).await?;
        let (count, level) = around.map_or((0, None), |around| {
            let level = served.value.level(&Region::Cell(around), around.resolution());
            let judged = app.engine.judge(sight, subject, served.value.window(), &level);
            let judged = judged.filter(|judged| judged.is_known);
            // Of a cell without a report there is nothing to be judged.
            let of_cell = |judged: Assessment| {
                judged.cells.first().map_or(Some(0), |judgement| judgement.level)
            };
            (level.rows().map(|(_, count)| u64::from(count)).sum(), judged.and_then(of_cell))
        });
        let answer = HereAnswer {
            provider: app.engine.catalogue().get(provider).id.clone(),
            cell: around.map(Hex),
            window: served.value.window().into(),
            count,
            level,
            incident: incident(&app, &moment, provider, cell),
            stale: moment.is_stale || served.stale,
            as_of: String::new(),
        };
        Ok(Json::new(answer, moment.as_of))
    };
    respond(&app, &request, Some(&reader), read, Box::pin(content)).await
}

/// The cells of a place
///
/// For clients that know no H3: the cell of each resolution around a position.
#[utoipa::path(
    get, path = "/v1/cells", tag = "heatmap", operation_id = "cells_at_place",
    params(super::params::PlaceParams),
    responses((status = 200, description = "The cells", body = CellsAnswer), ReadErrors),
)]
pub async fn cells(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["lat", "lon"])?;
    let position = place(&query)?;
    let cells = Resolution::ALL.map(|resolution| Hex(Cell::at(position, resolution)));
    let read = Read {
        key: Key::new(request.path(), &cells[8].0, &()),
        media_type: "application/json",
        lifetime: Lifetime::Document,
        is_expensive: false,
    };
    let content = async { Ok(Written::json(&CellsAnswer { cells })) };
    respond(&app, &request, Some(&reader), read, content).await
}

/// `lat` and `lon`.
///
/// # Errors
/// Where one is missing, or no such degree.
fn place(query: &Query<'_>) -> Result<Position, Problem> {
    let degrees = |name: &'static str, expected: &'static str| {
        let missing = || Problem::field(Code::MissingField, name, expected, "nothing");
        query.value(name, expected, number)?.ok_or_else(missing)
    };
    let (lat, lon) = (degrees("lat", LATITUDE)?, degrees("lon", LONGITUDE)?);
    if !(-90.0..=90.0).contains(&lat) {
        return Err(Problem::field(Code::InvalidValue, "lat", LATITUDE, lat.to_string()));
    }
    Position::new(lat, lon)
        .map_err(|_| Problem::field(Code::InvalidValue, "lon", LONGITUDE, lon.to_string()))
}

const LATITUDE: &str = "degrees north, -90 to 90";
const LONGITUDE: &str = "degrees east, -180 to 180";

/// The cell around another one in which the map shows reports.
async fn shown_around(
    app: &App,
    sight: Sight,
    provider: ProviderIndex,
    cell: Cell,
) -> Result<Option<Cell>, Problem> {
    match sight {
        Sight::Exact => Ok(Some(cell.rolled_up_to(Resolution::DEFAULT))),
        Sight::Public => Ok(app.engine.shown_now(provider, cell).await?),
    }
}

/// The open incident of a provider that a cell lies in.
fn incident(
    app: &App,
    moment: &Moment,
    provider: ProviderIndex,
    cell: Cell,
) -> Option<HereIncident> {
    let id = &app.engine.catalogue().get(provider).id;
    let is_here = |incident: &&Arc<Incident>| {
        incident.brand(id).is_some() && incident.region().contains(cell)
    };
    let incident = moment.register.open_in(moment.form()).find(is_here)?;
    Some(HereIncident {
        id: incident.id.to_string(),
        state: incident.state.into(),
        since: rfc3339(incident.onset),
        emergency: incident.figures.emergency().map(Into::into),
        place: app.place_names.place(incident).map(|place| place.text),
    })
}

impl Dated for HereAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

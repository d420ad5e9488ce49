//! `GET /v1/spikes` and `.geojson`: what is too surprising now, whether an incident has come of it or not.

use super::App;
use super::caching::{etag_of, matches_etag, with_caching};
use super::error::{Problem, ProblemDetails};
use super::listing::{self, MOST_CORNERS, MOST_CORNERS_OF_ONE, Where};
use super::query::Query;
use crate::domain::detect::spike::Spike;
use crate::domain::incident::attribution::Verdict;
use crate::domain::incident::region::Region;
use crate::domain::incident::register::Register;
use crate::domain::provider::{Catalogue, Provider};
use crate::engine::lookout::outlook::Outlook;
use crate::render::cell::Hex;
use crate::render::outline::Outline;
use crate::render::spike::SpikeJson;
use crate::render::spike_geojson::SpikesGeoJson;
use crate::render::time::rfc3339;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

const PARAMETERS: [&str; 7] = ["provider", "network", "bbox", "area", "min_score", "limit", "cursor"];

/// A page of spikes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpikesAnswer {
    /// Spikes, the most surprising first.
    items: Vec<SpikeJson>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// Whether detection is late, and this is not of the present.
    #[schema(example = false)]
    stale: bool,
    /// The instant up to which reports are in it.
    #[schema(format = DateTime, example = "2022-07-08T09:12:31Z")]
    as_of: String,
}

/// What is asked for.
#[derive(Debug, Clone)]
struct Question {
    provider: Option<String>,
    network: Option<String>,
    place: Where,
    min_score: Option<f64>,
    limit: usize,
    after: usize,
}

/// List spikes
///
/// Cells in which one provider has more reports now than chance explains, whether an incident has come of it or not. They are of now: what was
/// surprising before is in the revisions of incidents.
#[utoipa::path(
    get, path = "/v1/spikes", tag = "incidents", operation_id = "list_spikes",
    params(super::params::SpikesParams),
    responses(
        (status = 200, description = "A page of spikes", body = SpikesAnswer),
        (status = 304, description = "Unchanged since the ETag in `If-None-Match`"),
        (status = 400, description = "A parameter is at fault", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request)?;
    let (register, outlook, now) = (app.engine.register(), app.engine.outlook(), app.engine.now());
    let (stale, as_of) = (!outlook.is_fresh(now), rfc3339(outlook.looked_at.unwrap_or(now)));
    let build = move |app: &App| {
        let (found, next_cursor) = question.answer(app.engine.catalogue(), &register, &outlook);
        SpikesAnswer { items: found.into_iter().map(|(spike, _)| spike).collect(), next_cursor, stale, as_of: String::new() }
    };
    let mut answer = app.beside(true, build).await?;
    let etag = etag_of(&answer);
    if matches_etag(&request, &etag) {
        return Ok(with_caching(HttpResponse::NotModified(), &etag, false).finish());
    }
    answer.as_of = as_of;
    app.packed(&request, with_caching(HttpResponse::Ok(), &etag, false), &answer).await
}

/// The same as GeoJSON (RFC 7946)
#[utoipa::path(
    get, path = "/v1/spikes.geojson", tag = "incidents", operation_id = "spikes_geojson",
    params(super::params::SpikesParams),
    responses(
        (status = 200, description = "A feature a spike", body = SpikesGeoJson, content_type = "application/geo+json"),
        (status = 304, description = "Unchanged since the ETag in `If-None-Match`"),
        (status = 400, description = "A parameter is at fault", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn geojson(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request)?;
    let (register, outlook, now) = (app.engine.register(), app.engine.outlook(), app.engine.now());
    let (stale, as_of) = (!outlook.is_fresh(now), rfc3339(outlook.looked_at.unwrap_or(now)));
    let build = move |app: &App| {
        let (found, next_cursor) = question.answer(app.engine.catalogue(), &register, &outlook);
        let most = (MOST_CORNERS / found.len().max(1)).min(MOST_CORNERS_OF_ONE);
        let drawn = found.into_iter().map(|(json, spike)| (json, Arc::new(Outline::of(&spike.cells, most))));
        SpikesGeoJson::of(drawn.collect(), next_cursor, stale)
    };
    let mut answer = app.beside(true, build).await?;
    let etag = etag_of(&answer);
    if matches_etag(&request, &etag) {
        return Ok(with_caching(HttpResponse::NotModified(), &etag, false).finish());
    }
    answer.as_of = as_of;
    app.packed_as("application/geo+json", &request, with_caching(HttpResponse::Ok(), &etag, false), &answer).await
}

impl Question {
    fn parse(app: &App, request: &HttpRequest) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let (provider, network) = listing::subjects(&query, app.engine.catalogue())?;
        let after = query.value("cursor", "a next_cursor as it was given", |text| text.strip_prefix("after:")?.parse().ok())?;
        Ok(Self {
            provider,
            network,
            place: Where::parse(&query)?,
            min_score: listing::min_score(&query)?,
            limit: listing::limit(&query)?,
            after: after.unwrap_or_default(),
        })
    }

    /// The spikes of the page, and where the next one begins.
    fn answer<'a>(
        &self,
        catalogue: &Catalogue,
        register: &Register,
        outlook: &'a Outlook,
    ) -> (Vec<(SpikeJson, &'a Spike)>, Option<String>) {
        let of_asked = catalogue.iter().zip(&outlook.providers).filter(|((_, provider), _)| {
            self.provider.as_ref().is_none_or(|asked| provider.id == *asked)
                && self.network.as_ref().is_none_or(|asked| provider.network == *asked)
        });
        let all = of_asked.flat_map(|((_, provider), sight)| sight.spikes.iter().map(move |spike| (provider, spike)));
        let mut found: Vec<(&Provider, &Spike)> = all
            .filter(|(_, spike)| self.min_score.is_none_or(|least| least <= spike.evidence.score) && self.place.holds_one_of(&spike.cells))
            .collect();
        found.sort_by(|a, b| b.1.evidence.score.total_cmp(&a.1.evidence.score).then_with(|| a.0.id.cmp(&b.0.id)));
        let next = self.after.saturating_add(self.limit);
        let next_cursor = (next < found.len()).then(|| format!("after:{next}"));
        let page = found.into_iter().skip(self.after).take(self.limit).map(|(provider, spike)| (json(register, provider, spike), spike));
        (page.collect(), next_cursor)
    }
}

fn json(register: &Register, provider: &Provider, spike: &Spike) -> SpikeJson {
    let region = Region::new(&spike.cells, spike.evidence.centre.is_none());
    let own = register.open().find(|incident| incident.brand(&provider.id).is_some() && incident.region().meets(&region));
    let is_blamed =
        |other: &crate::domain::incident::attribution::Attribution| other.provider == provider.id && other.verdict == Verdict::Collateral;
    let blamed = register.open().find(|incident| incident.attributions.iter().any(is_blamed));
    SpikeJson {
        provider: provider.id.clone(),
        network: provider.network.clone(),
        place: listing::place(&spike.cells),
        cells: spike.cells.iter().copied().map(Hex).collect(),
        evidence: (&spike.evidence).into(),
        opens_at: spike.opens_at,
        incident: own.map(|incident| incident.id.to_string()),
        collateral_of: blamed.filter(|_| own.is_none()).map(|incident| incident.id.to_string()),
    }
}

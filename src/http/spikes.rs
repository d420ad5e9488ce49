//! `GET /v1/spikes` and `.geojson`: what is too surprising now, whether an incident has come of it or not.

use super::App;
use super::error::{Problem, ProblemDetails};
use super::incidents::most_corners_of_one;
use super::listing::{self, Where};
use super::live::{self, Dated, Moment};
use super::query::Query;
use crate::domain::detect::spike::Spike;
use crate::domain::incident::attribution::{Attribution, Verdict};
use crate::domain::incident::region::Region;
use crate::domain::incident::register::Register;
use crate::domain::provider::{Catalogue, Provider};
use crate::render::cell::Hex;
use crate::render::outline::Outline;
use crate::render::spike::SpikeJson;
use crate::render::spike_geojson::SpikesGeoJson;
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
        (status = 503, description = "Detection has not looked at anything yet: retry after `Retry-After`", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request)?;
    let make = move |app: &App, moment: &Moment| {
        let (found, next_cursor) = question.answer(app.engine.catalogue(), moment);
        let items = found.into_iter().map(|(spike, _)| spike).collect();
        Ok(SpikesAnswer { items, next_cursor, stale: moment.is_late, as_of: String::new() })
    };
    live::answer(&app, &request, "application/json", make).await
}

/// The same as GeoJSON (RFC 7946)
#[utoipa::path(
    get, path = "/v1/spikes.geojson", tag = "incidents", operation_id = "spikes_geojson",
    params(super::params::SpikesParams),
    responses(
        (status = 200, description = "A feature a spike", body = SpikesGeoJson, content_type = "application/geo+json"),
        (status = 304, description = "Unchanged since the ETag in `If-None-Match`"),
        (status = 400, description = "A parameter is at fault", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "Detection has not looked at anything yet: retry after `Retry-After`", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn geojson(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request)?;
    let make = move |app: &App, moment: &Moment| {
        let (found, next_cursor) = question.answer(app.engine.catalogue(), moment);
        let most = most_corners_of_one(question.limit);
        let drawn = found.into_iter().map(|(json, spike)| (json, Arc::new(Outline::of(&spike.cells, most))));
        Ok(SpikesGeoJson::of(drawn.collect(), next_cursor, moment.is_late))
    };
    live::answer(&app, &request, "application/geo+json", make).await
}

impl Dated for SpikesAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

impl Dated for SpikesGeoJson {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

impl Question {
    fn parse(app: &App, request: &HttpRequest) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let (provider, network) = listing::subjects(&query, app)?;
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
    fn answer<'a>(&self, catalogue: &Catalogue, moment: &'a Moment) -> (Vec<(SpikeJson, &'a Spike)>, Option<String>) {
        let of_asked = catalogue.iter().zip(&moment.outlook.providers).filter(|((_, provider), _)| {
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
        let page =
            found.into_iter().skip(self.after).take(self.limit).map(|(provider, spike)| (json(&moment.register, provider, spike), spike));
        (page.collect(), next_cursor)
    }
}

fn json(register: &Register, provider: &Provider, spike: &Spike) -> SpikeJson {
    let region = Region::new(&spike.cells, spike.evidence.centre.is_none());
    let own = register.open().find(|incident| incident.brand(&provider.id).is_some() && incident.region().meets(&region));
    let is_blamed = |other: &Attribution| other.provider == provider.id && other.verdict == Verdict::Collateral;
    let blamed = register.open().find(|incident| incident.attributions.iter().any(is_blamed) && incident.region().meets(&region));
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

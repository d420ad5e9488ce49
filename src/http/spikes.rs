//! `GET /v1/spikes` and `.geojson`: what is too surprising now, whether an incident has
//! come of it or not.

use super::app::App;
use super::basis::Basis;
use super::caller::Reading;
use super::error::Problem;
use super::incidents::most_corners_of_one;
use super::listing;
use super::live::{self, Moment};
use super::place_names::place;
use super::query::Query;
use super::read_errors::DetectionErrors;
use super::region::region;
use super::response::Dated;
use crate::domain::grid::Cell;
use crate::domain::incident::attribution::{Attribution, Verdict};
use crate::domain::incident::spike::PublishedSpike;
use crate::domain::provider::{Catalogue, Provider};
use crate::domain::region::Region;
use crate::engine::detection::snapshot::DetectorState;
use crate::engine::shown::Sight;
use crate::render::cell::Hex;
use crate::render::outline::Outline;
use crate::render::spike::SpikeJson;
use crate::render::spike_geojson::SpikesGeoJson;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use utoipa::ToSchema;

const PARAMETERS: [&str; 8] =
    ["provider", "network", "bbox", "area", "min_score", "limit", "cursor", "exact"];
/// In a cursor, the place of a spike that has no centre.
const GLOBAL: &str = "global";

/// A page of spikes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpikeList)]
pub struct SpikesAnswer {
    /// Spikes, the highest score first.
    items: Vec<SpikeJson>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// Whether the answer is of `as_of` and not of now: detection is late.
    #[schema(example = false)]
    stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:12:31Z")]
    as_of: String,
}

/// What is asked for.
#[derive(Debug, Clone)]
struct Question {
    provider: Option<String>,
    network: Option<String>,
    region: Region,
    min_score: Option<f64>,
    limit: usize,
    after: Option<Rank>,
    /// With whose eyes.
    sight: Sight,
}

/// Spikes as somebody may see them, by the provider's place in the catalogue.
#[derive(Debug)]
struct Spikes(Vec<Vec<PublishedSpike>>);

/// Where a spike stands in the list: by its score, the highest first, then by provider
/// and place. So a page follows the one before even where spikes have come and gone in
/// between.
#[derive(Debug, Clone, PartialEq)]
struct Rank {
    score: f64,
    provider: String,
    centre: Option<Cell>,
}

/// List spikes
///
/// Cells in which one provider has more reports now than chance explains, whether an
/// incident has come of it or not. They are of now; the revisions of incidents have the
/// evidence of before.
#[utoipa::path(
    get, path = "/v1/spikes", tag = "incidents", operation_id = "list_spikes",
    params(super::params::SpikesParams),
    responses(
        (status = 200, description = "A page of spikes", body = SpikesAnswer),
        DetectionErrors,
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
        let spikes = Spikes::of(moment);
        let (found, next_cursor) = question.answer(app.engine.catalogue(), moment, &spikes);
        let items = found.into_iter().map(|(spike, _)| spike).collect();
        Ok(SpikesAnswer { items, next_cursor, stale: moment.is_stale, as_of: String::new() })
    };
    live::answer(
        &app,
        &request,
        &reader,
        &asked,
        (Basis::Detectors, "application/json", sight),
        make,
    )
    .await
}

/// The same as GeoJSON (RFC 7946)
#[utoipa::path(
    get, path = "/v1/spikes.geojson", tag = "incidents", operation_id = "spikes_geojson",
    params(super::params::SpikesParams),
    responses(
        (
            status = 200, description = "A feature a spike", body = SpikesGeoJson,
            content_type = "application/geo+json",
        ),
        DetectionErrors,
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
        let spikes = Spikes::of(moment);
        let (found, next_cursor) = question.answer(app.engine.catalogue(), moment, &spikes);
        let most = most_corners_of_one(question.limit);
        let drawn = found
            .into_iter()
            .map(|(json, spike)| (json, Arc::new(Outline::of(&spike.cells, most))));
        Ok(SpikesGeoJson::of(drawn.collect(), next_cursor, moment.is_stale))
    };
    live::answer(
        &app,
        &request,
        &reader,
        &asked,
        (Basis::Detectors, "application/geo+json", sight),
        make,
    )
    .await
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
    fn parse(app: &App, request: &HttpRequest, reader: &Reading) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let (provider, network) = listing::subjects(&query, app)?;
        Ok(Self {
            provider,
            network,
            region: region(&query)?,
            min_score: listing::min_score(&query)?,
            limit: listing::limit(&query)?,
            after: query.value("cursor", "a next_cursor as it was given", Rank::parse)?,
            sight: reader.sight(&query)?,
        })
    }

    /// The spikes of the page, and where the next one begins.
    fn answer<'a>(
        &self,
        catalogue: &Catalogue,
        moment: &Moment,
        spikes: &'a Spikes,
    ) -> (Vec<(SpikeJson, &'a PublishedSpike)>, Option<String>) {
        let of_asked = catalogue.iter().zip(&spikes.0).filter(|((_, provider), _)| {
            self.provider.as_ref().is_none_or(|asked| provider.id == *asked)
                && self.network.as_ref().is_none_or(|asked| provider.network == *asked)
        });
        let all = of_asked
            .flat_map(|((_, provider), spikes)| spikes.iter().map(move |spike| (provider, spike)));
        let mut found: Vec<(Rank, &Provider, &PublishedSpike)> = all
            .filter(|(_, spike)| {
                self.min_score
                    .is_none_or(|least| spike.evidence.score.is_some_and(|score| least <= score))
                    && self.region.contains_any(&spike.cells)
            })
            .map(|(provider, spike)| (Rank::of(provider, spike), provider, spike))
            .filter(|(rank, ..)| self.after.as_ref().is_none_or(|after| rank.order(after).is_gt()))
            .collect();
        found.sort_by(|(a, ..), (b, ..)| a.order(b));
        let (page, next_cursor) =
            listing::page(found.into_iter(), self.limit, |(rank, ..)| rank.to_string());
        let page =
            page.into_iter().map(|(_, provider, spike)| (json(moment, provider, spike), spike));
        (page.collect(), next_cursor)
    }
}

impl Spikes {
    /// Those of a moment, as whoever asks may see them.
    fn of(moment: &Moment) -> Self {
        let of = |state: &DetectorState| match moment.sight {
            Sight::Exact => state.spikes.iter().map(PublishedSpike::from).collect(),
            Sight::Public => state.public_spikes.to_vec(),
        };
        Self(moment.snapshot.providers.iter().map(of).collect())
    }
}

impl Rank {
    fn of(provider: &Provider, spike: &PublishedSpike) -> Self {
        Self {
            score: spike.evidence.strength(),
            provider: provider.id.clone(),
            centre: spike.place(),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        let by_score = other.score.total_cmp(&self.score);
        by_score
            .then_with(|| self.provider.cmp(&other.provider))
            .then_with(|| self.centre.cmp(&other.centre))
    }

    fn parse(text: &str) -> Option<Self> {
        let [score, provider, centre] = text.split(':').collect::<Vec<_>>().try_into().ok()?;
        let score = score.parse().ok().filter(|score: &f64| score.is_finite())?;
        let centre = if centre == GLOBAL { None } else { Some(Cell::parse(centre).ok()?) };
        Some(Self { score, provider: provider.to_owned(), centre })
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let centre = self.centre.map_or_else(|| GLOBAL.to_owned(), |centre| centre.to_string());
        write!(f, "{}:{}:{centre}", self.score, self.provider)
    }
}

fn json(moment: &Moment, provider: &Provider, spike: &PublishedSpike) -> SpikeJson {
    let footprint = Region::new(&spike.cells, spike.is_everywhere());
    let open = || moment.register.open_in(moment.form());
    let own = open().find(|incident| {
        incident.brand(&provider.id).is_some() && incident.region().meets(&footprint)
    });
    let is_blamed =
        |other: &Attribution| other.provider == provider.id && other.verdict == Verdict::Collateral;
    let blamed = open().find(|incident| {
        incident.attributions.iter().any(is_blamed) && incident.region().meets(&footprint)
    });
    SpikeJson {
        provider: provider.id.clone(),
        network: provider.network.clone(),
        place: place(&spike.cells),
        cells: spike.cells.iter().copied().map(Hex).collect(),
        evidence: (&spike.evidence).into(),
        score_threshold: spike.opens_at,
        incident: own.map(|incident| incident.id.to_string()),
        collateral_of: blamed.filter(|_| own.is_none()).map(|incident| incident.id.to_string()),
    }
}

//! `GET /v1/spikes` and `.geojson`: what is too surprising, now or at a moment before,
//! whether an incident has come of it or not.

use super::app::App;
use super::basis::Basis;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::incidents::most_corners_of_one;
use super::lines::Lines;
use super::listing;
use super::live::{self, Moment};
use super::place_names::place;
use super::query::Query;
use super::read_errors::DetectionErrors;
use super::region::region;
use super::response::Dated;
use crate::domain::grid::Cell;
use crate::domain::incident::attribution::{Attribution, Verdict};
use crate::domain::incident::register::Case;
use crate::domain::incident::spike::PublishedSpike;
use crate::domain::incident::{Form, Incident};
use crate::domain::provider::{Catalogue, Provider, ProviderIndex};
use crate::domain::region::Region;
use crate::domain::time::Timestamp;
use crate::engine::detection::snapshot::DetectorState;
use crate::engine::shown::Sight;
use crate::render::cell::Hex;
use crate::render::outline::Outline;
use crate::render::spike::SpikeJson;
use crate::render::spike_geojson::SpikesGeoJson;
use crate::render::spike_line::SpikeLine;
use crate::render::table::LineFormat;
use crate::render::time::rfc3339;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;
use utoipa::ToSchema;

/// Those of lists; the last is of lines alone.
const PARAMETERS: [&str; 12] = [
    "provider",
    "network",
    "bbox",
    "area",
    "min_score",
    "from",
    "to",
    "known_at",
    "limit",
    "cursor",
    "exact",
    "fields",
];
/// Properties of an item of the list.
const PROPERTIES: [&str; 8] = [
    "provider",
    "network",
    "place",
    "cells",
    "evidence",
    "score_threshold",
    "incident",
    "collateral_of",
];
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
    when: When,
    limit: usize,
    after: Option<Rank>,
    /// With whose eyes.
    sight: Sight,
}

/// Of when.
#[derive(Debug, Clone, Copy)]
enum When {
    /// Those of now.
    Now,
    /// Those that were listed at some time from `from` until `until`, both included: since
    /// they are kept where there is no `from`, and until now where there is no `until`.
    /// `field` asks for the earliest of it.
    During { from: Option<Timestamp>, until: Option<Timestamp>, field: &'static str },
}

/// Spikes as somebody may see them, each of a provider, and since when it was listed: none
/// of those of now.
#[derive(Debug)]
struct Spikes(Vec<(ProviderIndex, PublishedSpike, Option<Timestamp>)>);

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
/// Cells in which one provider has more reports than chance explains, whether an incident has
/// come of it or not: now, or as this server listed them within the last day. The revisions
/// of incidents have the evidence of before.
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
        let spikes = Spikes::of(app, moment, question.when)?;
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
        let spikes = Spikes::of(app, moment, question.when)?;
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

/// The same as CSV (RFC 4180), a line a spike
///
/// Columns `hex_id` (the middle of its zone), `resolution`, `radius_cells`, `provider`,
/// `network`, `place`, `from`, `to`, `late_only`, `observed`, `expected`, `dispersion`, `score`,
/// `score_threshold`, `incident`, `collateral_of`, `cells`. The next page is in the header
/// `Link`.
#[utoipa::path(
    get, path = "/v1/spikes.csv", tag = "incidents", operation_id = "spikes_csv",
    params(super::params::SpikesParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "A header, and a line a spike", body = String,
            content_type = "text/csv",
        ),
        DetectionErrors,
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
    get, path = "/v1/spikes.ndjson", tag = "incidents", operation_id = "spikes_ndjson",
    params(super::params::SpikesParams, super::params::FieldsParams),
    responses(
        (
            status = 200, description = "A line a spike", body = SpikeJson,
            content_type = "application/x-ndjson",
        ),
        DetectionErrors,
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
    let lines = Lines::parse(app, &query, format, (&SpikeLine::COLUMNS, &PROPERTIES))?;
    let (asked, sight) = ((question.clone(), lines.clone()), question.sight);
    let make = move |app: &App, moment: &Moment| {
        let spikes = Spikes::of(app, moment, question.when)?;
        let (found, next_cursor) = question.answer(app.engine.catalogue(), moment, &spikes);
        let items = found.into_iter().map(|(spike, _)| spike);
        let bytes = match format {
            LineFormat::Csv => lines.csv(app, &SpikeLine::COLUMNS, items.map(SpikeLine::from)),
            LineFormat::Ndjson => lines.ndjson(items),
        };
        Ok((bytes, next_cursor))
    };
    live::lines(app, request, reader, &asked, (Basis::Detectors, format, sight), make).await
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
        let known = &PARAMETERS[..PARAMETERS.len() - 1];
        Self::of(app, &Query::parse(request.query_string(), known)?, reader)
    }

    fn of(app: &App, query: &Query<'_>, reader: &Reading) -> Result<Self, Problem> {
        let (provider, network) = listing::subjects(query, app)?;
        Ok(Self {
            provider,
            network,
            region: region(query)?,
            min_score: listing::min_score(query)?,
            when: When::parse(query, app.engine.now())?,
            limit: listing::limit(query)?,
            after: query.value("cursor", "a next_cursor as it was given", Rank::parse)?,
            sight: reader.sight(query)?,
        })
    }

    /// The spikes of the page, and where the next one begins.
    fn answer<'a>(
        &self,
        catalogue: &Catalogue,
        moment: &Moment,
        spikes: &'a Spikes,
    ) -> (Vec<(SpikeJson, &'a PublishedSpike)>, Option<String>) {
        let all = spikes.0.iter().map(|(index, spike, at)| (catalogue.get(*index), spike, *at));
        let mut found: Vec<(Rank, &Provider, &PublishedSpike, Option<Timestamp>)> = all
            .filter(|(provider, spike, _)| {
                self.provider.as_ref().is_none_or(|asked| provider.id == *asked)
                    && self.network.as_ref().is_none_or(|asked| provider.network == *asked)
                    && self.min_score.is_none_or(|least| {
                        spike.evidence.score.is_some_and(|score| least <= score)
                    })
                    && self.region.contains_any(&spike.cells)
            })
            .map(|(provider, spike, at)| (Rank::of(provider, spike), provider, spike, at))
            .filter(|(rank, ..)| self.after.as_ref().is_none_or(|after| rank.order(after).is_gt()))
            .collect();
        found.sort_by(|(a, ..), (b, ..)| a.order(b));
        let (page, next_cursor) =
            listing::page(found.into_iter(), self.limit, |(rank, ..)| rank.to_string());
        let earliest = page.iter().filter_map(|(.., at)| *at).min();
        let cases = cases_since(moment, earliest);
        let page = page.into_iter().map(|(_, provider, spike, at)| {
            let open = open_at(&cases, at, moment.form());
            (json(provider, spike, &open), spike)
        });
        (page.collect(), next_cursor)
    }
}

impl When {
    /// What `from`, `to` and `known_at` ask for.
    fn parse(query: &Query<'_>, now: Timestamp) -> Result<Self, Problem> {
        let refused = |field: &'static str, expected: &str| {
            let got = query.text(field).unwrap_or_default();
            Problem::field(Code::InvalidValue, field, expected, got)
        };
        let (from, to) = (query.past("from", now)?, query.instant("to")?);
        let known_at = query.past("known_at", now)?;
        if let (None, None) = (from, to) {
            let at = |at| Self::During { from: Some(at), until: Some(at), field: "known_at" };
            return Ok(known_at.map_or(Self::Now, at));
        }
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            return Err(refused("to", "after from"));
        }
        let last = known_at.unwrap_or(now);
        if from.is_some_and(|from| last < from) {
            return Err(refused("from", "known_at or before it"));
        }
        // Intervals are half-open.
        let until = to.map(|to| to.plus_ms(-1)).filter(|until| *until < last).or(known_at);
        Ok(Self::During { from, until, field: if from.is_some() { "from" } else { "to" } })
    }
}

impl Spikes {
    /// Those of a moment or of before, as whoever asks may see them. Of an interval each
    /// provider and place once: as it scored most, and then first.
    ///
    /// # Errors
    /// Where they are not kept.
    fn of(app: &App, moment: &Moment, when: When) -> Result<Self, Problem> {
        let of_now = |state: &DetectorState| match moment.sight {
            Sight::Exact => state.spikes.iter().map(PublishedSpike::from).collect(),
            Sight::Public => state.public_spikes.to_vec(),
        };
        let When::During { from, until, field } = when else {
            let all = (0..).map(ProviderIndex).zip(moment.snapshot.providers.iter().map(of_now));
            let all = all.flat_map(|(provider, spikes)| {
                spikes.into_iter().map(move |spike| (provider, spike, None))
            });
            return Ok(Self(all.collect()));
        };
        let until = until.unwrap_or(app.engine.now());
        let told = app
            .engine
            .spikes_told(from, until)
            .map_err(|since| not_kept(field, from.unwrap_or(until), since))?;
        let mut strongest: HashMap<(ProviderIndex, Option<Cell>), (PublishedSpike, Timestamp)> =
            HashMap::new();
        for (provider, list) in told {
            let seen = match app.engine.rule_of(moment.sight, list.at) {
                Some(rule) => list.public(rule).to_vec(),
                None => list.exact(),
            };
            for spike in seen {
                match strongest.entry((provider, spike.place())) {
                    Entry::Occupied(mut there) => {
                        if there.get().0.evidence.strength() < spike.evidence.strength() {
                            there.insert((spike, list.at));
                        }
                    }
                    Entry::Vacant(free) => drop(free.insert((spike, list.at))),
                }
            }
        }
        let all = strongest.into_iter().map(|((provider, _), (spike, at))| {
            // A list that stood before the interval was listed when it began, too.
            (provider, spike, Some(from.map_or(at, |from| at.max(from))))
        });
        Ok(Self(all.collect()))
    }
}

fn not_kept(field: &'static str, asked: Timestamp, since: Option<Timestamp>) -> Problem {
    let expected = match since {
        Some(since) => format!("at or after {}: no list of before is kept", rfc3339(since)),
        None => "left out: no list is kept yet".to_owned(),
    };
    Problem::field(Code::OutOfRetention, field, expected, rfc3339(asked))
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

/// The incidents that may have been open at an instant or later; without one, now.
fn cases_since(moment: &Moment, earliest: Option<Timestamp>) -> Vec<&Case> {
    let may_be = |case: &&Case| {
        let latest = case.latest_in(moment.form());
        latest.state.is_open() || earliest.is_some_and(|earliest| earliest <= latest.known_at)
    };
    moment.register.newest_first(None).filter(may_be).collect()
}

/// Those of them that were open at an instant, as they were known then; without one, now.
fn open_at<'a>(cases: &[&'a Case], at: Option<Timestamp>, form: Form) -> Vec<&'a Incident> {
    let known = |case: &&'a Case| match at {
        Some(at) => case.known_in(form, at),
        None => Some(case.latest_in(form)),
    };
    let known = cases.iter().filter_map(known).map(|incident| &**incident);
    known.filter(|incident| incident.state.is_open()).collect()
}

/// A spike, with the incidents that were open when it was listed.
fn json(provider: &Provider, spike: &PublishedSpike, open: &[&Incident]) -> SpikeJson {
    let footprint = Region::new(&spike.cells, spike.is_everywhere());
    let own = open.iter().find(|incident| {
        incident.brand(&provider.id).is_some() && incident.region().meets(&footprint)
    });
    let is_blamed =
        |other: &Attribution| other.provider == provider.id && other.verdict == Verdict::Collateral;
    let blamed = open.iter().find(|incident| {
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

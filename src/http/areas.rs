//! `GET /v1/areas`: countries and their subdivisions, ranked by what the map shows in them.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::heatmap::view_key;
use super::query::Query;
use super::read_errors::ReadErrors;
use super::region::area;
use super::respond::{Read, respond};
use super::response::{Dated, Json};
use super::response_cache::Key;
use super::words::{AreaKindWord, AreaSortWord};
use crate::domain::counted::Counted;
use crate::domain::grid::Resolution;
use crate::domain::provider::Subject;
use crate::domain::region::Region;
use crate::engine::areas::{AreaKind, AreaSum};
use crate::engine::views::{Snapshot, ViewKey};
use crate::gazetteer::AreaCode;
use crate::render::cell::rounded;
use crate::render::privacy::RuleJson;
use crate::render::time;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::cmp::Ordering;
use utoipa::ToSchema;

/// Areas of one answer at most: more than there are of a kind.
const MOST_AREAS: usize = 1_000;
const DEFAULT_LIMIT: usize = 100;
const PARAMETERS: [&str; 10] =
    ["provider", "network", "window", "to", "symptom", "kind", "within", "sort", "limit", "exact"];

/// Areas, ranked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AreaList)]
pub struct AreasAnswer {
    /// The provider asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "rogers")]
    provider: Option<String>,
    /// The network asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    network: Option<String>,
    /// When the reports were observed.
    window: time::Window,
    /// The areas in which something was reported, or is expected, in the order of `sort`.
    items: Vec<AreaJson>,
    /// How many areas there are beyond `limit`.
    #[schema(example = 0)]
    more: usize,
    /// Reports in cells whose centre lies in none of these areas, as at sea; with `within`,
    /// those in the rest of the country.
    #[schema(example = 12)]
    outside: u64,
    /// Reports in no cell at all. With `within` none: they lie in no country.
    #[schema(example = 3)]
    unplaced: u64,
    /// By which rule reports are shown; null where every report is in its own cell.
    #[schema(required = true)]
    privacy: Option<RuleJson>,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:00:00Z")]
    as_of: String,
    /// Whether the store is away, and the answer is the last one known.
    #[schema(example = false)]
    stale: bool,
}

/// An area, and what the map shows in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Area)]
pub struct AreaJson {
    /// Its code (ISO 3166-1 alpha-2, or ISO 3166-2).
    #[schema(example = "CA-ON")]
    area: &'static str,
    /// What it is called: a country in English, a subdivision as ISO 3166-2 writes it.
    #[schema(example = "Ontario")]
    name: &'static str,
    /// What it is.
    kind: AreaKindWord,
    /// Reports in cells whose centre lies in it, coarser cells among them. Where one country
    /// holds another, as the US holds PR, both count them.
    #[schema(example = 1842)]
    reports: u64,
    /// Expected reports of an ordinary window of this length at this time. Null where one
    /// symptom is asked for, while detection catches up, and where nothing was learnt of
    /// what is shown there.
    #[schema(required = true, minimum = 0)]
    expected: Option<f64>,
    /// -log10 of the probability of so many reports or more on an ordinary day. Null where
    /// `expected` is, while detection is more than two minutes late, and where the provider
    /// has too little history.
    #[schema(required = true, minimum = 0)]
    score: Option<f64>,
    /// Class for the colour of a map, as that of a cell: 3 and 4 in an area that an incident
    /// reaches into.
    #[schema(required = true, minimum = 0, maximum = 4)]
    level: Option<u8>,
    /// Inhabitants, as the operator's file says; null where it does not.
    #[schema(required = true, example = 15_000_000)]
    population: Option<u64>,
    /// Reports per 100,000 inhabitants; null where `population` is, and where it is 0.
    #[schema(required = true, minimum = 0)]
    reports_per_100k: Option<f64>,
}

/// What is asked.
#[derive(Debug, Clone)]
struct Question {
    key: ViewKey,
    kind: AreaKind,
    sort: AreaSortWord,
    limit: usize,
}

/// Rank areas
///
/// Countries, or subdivisions whose borders are known here, by what the map shows in them.
/// Each cell of the map, the coarser ones too, belongs to an area by its centre: the sums
/// tell no more than the map does. Borders: © `OpenStreetMap`
/// contributors, `ODbL`.
#[utoipa::path(
    get, path = "/v1/areas", tag = "heatmap", operation_id = "list_areas",
    params(super::area_params::AreasParams),
    responses((status = 200, description = "The areas", body = AreasAnswer), ReadErrors),
)]
pub async fn list(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request, &reader)?;
    let served = app.engine.view(question.key).await?;
    let (snapshot, stale) = (served.value, served.stale);
    let privacy = app.engine.rule_of(question.key.sight, snapshot.window().to.start());
    let detected = (app.engine.register().length(), app.engine.detection_snapshot().looked_at);
    let version = (snapshot.id, stale, privacy, detected);
    let is_closed = app.engine.is_closed(snapshot.window(), question.key.counted.late);
    let read = Read {
        key: Key::new(request.path(), &question, &version),
        media_type: "application/json",
        lifetime: if is_closed { Lifetime::Settled } else { Lifetime::Live },
        is_expensive: true,
    };
    let content = async {
        let privacy = privacy.map(RuleJson::from);
        app.run_blocking(true, move |app| question.answer(app, &snapshot, stale, privacy)).await
    };
    respond(&app, &request, Some(&reader), read, content).await
}

impl Question {
    fn parse(app: &App, request: &HttpRequest, reader: &Reading) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let subject = query.subject_or_all(app.engine.catalogue())?;
        let key = view_key(app, &query, reader, subject)?;
        let read = |text: &str| text.parse().ok().filter(|n| (1..=MOST_AREAS).contains(n));
        let limit = query.value("limit", "a whole number 1..=1000", read)?;
        let sort =
            query.value("sort", "score, reports or reports_per_100k", AreaSortWord::from_name)?;
        Ok(Self {
            key,
            kind: kind(&query)?,
            sort: sort.unwrap_or(AreaSortWord::Score),
            limit: limit.unwrap_or(DEFAULT_LIMIT),
        })
    }

    fn answer(
        &self,
        app: &App,
        snapshot: &Snapshot,
        stale: bool,
        privacy: Option<RuleJson>,
    ) -> Json<AreasAnswer> {
        let ViewKey { sight, subject, counted, .. } = self.key;
        let (window, is_of_all) = (snapshot.window(), counted == Counted::ALL);
        // As finely as it is shown: each row belongs by its own centre.
        let map = snapshot.level(&Region::Everywhere, Resolution::FINEST);
        let sums = app.engine.area_sums(self.kind, (sight, subject, window), &map, is_of_all);
        let mut items: Vec<AreaJson> = sums.areas.iter().map(|sum| json(app, sum)).collect();
        items.sort_by(|a, b| self.sort.order(a, b).then_with(|| a.area.cmp(b.area)));
        let more = items.len().saturating_sub(self.limit);
        items.truncate(self.limit);
        let name = app.engine.catalogue().subject_name(subject).to_owned();
        let (provider, network) = match subject {
            Subject::Provider(_) => (Some(name), None),
            Subject::Network(_) => (None, Some(name)),
            Subject::All => (None, None),
        };
        let is_whole = !matches!(self.kind, AreaKind::Subdivisions(Some(_)));
        let answer = AreasAnswer {
            provider,
            network,
            window: window.into(),
            items,
            more,
            outside: sums.outside,
            unplaced: if is_whole { map.unplaced() } else { 0 },
            privacy,
            as_of: String::new(),
            stale,
        };
        Json { answer, as_of: snapshot.as_of, is_complete: sums.is_known }
    }
}

/// `kind` and `within`: which areas are told apart.
///
/// # Errors
/// Where one of them is none, or no subdivisions of the country are known.
pub fn kind(query: &Query<'_>) -> Result<AreaKind, Problem> {
    let kind = query.value("kind", "country or subdivision", AreaKindWord::from_name)?;
    let Some(within) = query.text("within") else {
        return Ok(match kind {
            Some(AreaKindWord::Subdivision) => AreaKind::Subdivisions(None),
            Some(AreaKindWord::Country) | None => AreaKind::Countries,
        });
    };
    if kind == Some(AreaKindWord::Country) {
        let expected = "subdivision, or left out, where within is given";
        return Err(Problem::field(Code::InvalidValue, "kind", expected, "country"));
    }
    let country = area("within", within, Code::InvalidValue)?;
    let refused = |expected: String| {
        Err(Problem::field(Code::InvalidValue, "within", expected, country.as_str()))
    };
    if country.is_subdivision() {
        return refused("a country".to_owned());
    }
    if !AreaCode::all().any(|area| area.country() == Some(country)) {
        return refused(format!(
            "a country of which the borders of subdivisions are known here, as of {}",
            with_subdivisions().join(", ")
        ));
    }
    Ok(AreaKind::Subdivisions(Some(country)))
}

/// Countries of which some subdivisions have known borders.
fn with_subdivisions() -> Vec<&'static str> {
    let mut countries: Vec<&str> =
        AreaCode::all().filter_map(AreaCode::country).map(AreaCode::as_str).collect();
    countries.dedup();
    countries
}

fn json(app: &App, sum: &AreaSum) -> AreaJson {
    let population = app.policy.population.of(sum.area.as_str());
    let per_head = population.filter(|population| 0 < *population);
    let per_head = per_head.map(|population| sum.reports as f64 * 100_000.0 / population as f64);
    AreaJson {
        area: sum.area.as_str(),
        name: sum.area.name(),
        kind: sum.area.into(),
        reports: sum.reports,
        expected: sum.judgement.expected.map(rounded),
        score: sum.judgement.score.map(rounded),
        level: sum.judgement.level,
        population,
        reports_per_100k: per_head.map(rounded),
    }
}

impl AreaSortWord {
    /// The most first; what is not known comes last, by its reports.
    fn order(self, a: &AreaJson, b: &AreaJson) -> Ordering {
        let figure = |area: &AreaJson| match self {
            Self::Score => area.score,
            Self::Reports => None,
            Self::ReportsPer100k => area.reports_per_100k,
        };
        let known = |area: &AreaJson| figure(area).unwrap_or(-1.0);
        known(b).total_cmp(&known(a)).then_with(|| b.reports.cmp(&a.reports))
    }
}

impl Dated for AreasAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

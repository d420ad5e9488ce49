//! `GET /v1/providers` and `/v1/providers/{id}`: the catalogue, and how each provider is
//! doing now.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::query::Query;
use super::read_errors::ReadErrors;
use super::respond::{Read, respond};
use super::response::{Dated, Json};
use super::response_cache::Key;
use super::words::{CategoryWord, SymptomWord};
use crate::domain::provider::{Category, ProviderIndex, is_id};
use crate::engine::detection::snapshot;
use crate::engine::providers::ProvidersNow;
use crate::engine::shown::Sight;
use crate::render;
use crate::render::cell::rounded;
use crate::render::privacy::RuleJson;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::fmt::Debug;
use utoipa::ToSchema;

const DEFAULT_LIMIT: usize = 100;
const MOST_ITEMS: usize = 1_000;
const PARAMETERS: [&str; 6] = ["country", "category", "network", "limit", "cursor", "exact"];

/// A page of providers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderList)]
pub struct ProvidersAnswer {
    /// Providers in the order of their ids.
    items: Vec<ProviderAnswer>,
    /// Where the next page begins: give it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// By which rule reports are shown; null where every report is.
    #[schema(required = true)]
    privacy: Option<RuleJson>,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:00:00Z")]
    as_of: String,
}

/// A provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub struct ProviderAnswer {
    /// Its id, never renamed.
    #[schema(example = "fido")]
    id: String,
    /// As people know it.
    #[schema(example = "Fido")]
    name: String,
    /// What it provides.
    category: CategoryWord,
    /// Where (ISO 3166-1 alpha-2).
    #[schema(example = json!(["CA"]))]
    countries: Vec<String>,
    /// The network that it uses: brands of one network fail together.
    #[schema(example = "rogers")]
    network: String,
    /// Ids of providers that it depends on: it fails when they fail.
    depends_on: Vec<String>,
    /// Other ids of it.
    aliases: Vec<String>,
    /// Mobile network codes of it.
    #[schema(example = json!(["302370"]))]
    plmn: Vec<String>,
    /// Whether it is retired: reports on it are refused.
    retired: bool,
    /// Its state now.
    now: NowAnswer,
}

/// One provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderDetail)]
pub struct OneProviderAnswer {
    /// The provider.
    #[serde(flatten)]
    provider: ProviderAnswer,
    /// By which rule reports are shown; null where every report is.
    #[schema(required = true)]
    privacy: Option<RuleJson>,
}

/// State of a provider now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderNow)]
pub struct NowAnswer {
    /// The minutes that are counted.
    window: render::time::Window,
    /// Reports of problems in the window.
    #[schema(example = 4)]
    count: u64,
    /// Expected reports in the window; null while detection catches up.
    #[schema(required = true)]
    expected: Option<f64>,
    /// What that means.
    status: Status,
    /// Whether `status`, `expected` and `open_incidents` are of an earlier time:
    /// detection is late or catching up. The header `Detection` has its progress.
    #[schema(example = false)]
    stale: bool,
    /// Ids of its open incidents.
    open_incidents: Vec<String>,
    /// The most frequent symptoms, most first.
    top_symptoms: Vec<TopSymptom>,
}

/// A symptom and its reports.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopSymptom {
    /// The symptom.
    symptom: SymptomWord,
    /// Number of reports.
    #[schema(example = 3)]
    count: u64,
}

/// State of a provider, in a word.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ProviderStatus)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As many reports as on any day, or no more than the failure of another network
    /// explains.
    NoProblems,
    /// More reports than usual, or an incident that is `possible`.
    PossibleProblems,
    /// An incident is open.
    Problems,
    /// Unknown: detection is catching up or more than two minutes late, or the provider
    /// has too little history.
    Unknown,
}

/// List providers
#[utoipa::path(
    get, path = "/v1/providers", tag = "providers", operation_id = "list_providers",
    params(super::params::ProvidersParams),
    responses(
        (status = 200, description = "A page of providers", body = ProvidersAnswer),
        ReadErrors,
    ),
)]
pub async fn list(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS)?;
    let country = query.value("country", "two capital letters", |text| {
        is_country(text).then(|| text.to_owned())
    })?;
    let category = query.value("category", "mobile, internet or service", Category::from_name)?;
    let network =
        query.value("network", "an id like rogers", |text| is_id(text).then(|| text.to_owned()))?;
    let limit = query.value("limit", "a whole number 1..=1000", |text| {
        text.parse().ok().filter(|n| (1..=MOST_ITEMS).contains(n))
    })?;
    let after = query.value("cursor", "a next_cursor as it was given", |text| {
        text.strip_prefix("after:").map(str::to_owned)
    })?;
    let sight = reader.sight(&query)?;
    let now = app.engine.providers(sight).await?.value;
    let privacy = privacy(&app, sight, &now);
    let asked = (&country, category, &network, limit, &after, sight);
    let read = Read {
        key: Key::new(request.path(), &asked, &version(&app, &now, privacy)),
        media_type: "application/json",
        lifetime: Lifetime::Live,
        is_expensive: false,
    };
    let content = async {
        let mut found: Vec<_> = app.engine.catalogue().iter().collect();
        found.sort_unstable_by_key(|(_, provider)| &provider.id);
        found.retain(|(_, provider)| {
            country.as_ref().is_none_or(|country| provider.countries.contains(country))
                && category.is_none_or(|category| provider.category == category)
                && network.as_ref().is_none_or(|network| provider.network == *network)
                && after.as_ref().is_none_or(|after| provider.id > *after)
        });
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        let next_cursor = (found.len() > limit).then(|| format!("after:{}", found[limit - 1].1.id));
        let page = found.into_iter().take(limit);
        let items = page.map(|(index, _)| ProviderAnswer::new(&app, index, &now)).collect();
        let answer = ProvidersAnswer { items, next_cursor, privacy, as_of: String::new() };
        Ok(Json::new(answer, now.as_of))
    };
    respond(&app, &request, Some(&reader), read, content).await
}

/// One provider
#[utoipa::path(
    get, path = "/v1/providers/{id}", tag = "providers", operation_id = "provider",
    params(
        (
            "id" = String, Path, description = "Id or alias of a provider", example = "fido",
            min_length = 1, pattern = "^[a-z0-9][a-z0-9-]{0,63}$",
        ),
        super::params::ExactParams,
    ),
    responses(
        (status = 200, description = "The provider", body = OneProviderAnswer),
        (status = 404, description = "No provider has that id or alias"),
        ReadErrors,
    ),
)]
pub async fn one(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["exact"])?;
    let sight = reader.sight(&query)?;
    let unknown = || {
        Problem::field(Code::NotFound, "id", "an id or alias listed at /v1/providers", id.as_str())
    };
    let index = app.engine.catalogue().find(&id).ok_or_else(unknown)?;
    let now = app.engine.providers(sight).await?.value;
    let privacy = privacy(&app, sight, &now);
    let read = Read {
        key: Key::new(request.path(), &(index, sight), &version(&app, &now, privacy)),
        media_type: "application/json",
        lifetime: Lifetime::Live,
        is_expensive: false,
    };
    let content = async {
        let provider = ProviderAnswer::new(&app, index, &now);
        Ok(Json::new(OneProviderAnswer { provider, privacy }, now.as_of))
    };
    respond(&app, &request, Some(&reader), read, content).await
}

/// By which rule reports of now are shown.
fn privacy(app: &App, sight: Sight, now: &ProvidersNow) -> Option<RuleJson> {
    app.engine.rule_of(sight, now.window.to.start()).map(RuleJson::from)
}

/// Differs wherever what is said of providers may differ.
fn version(app: &App, now: &ProvidersNow, privacy: Option<RuleJson>) -> impl Debug + use<> {
    let (entries, looked_at) =
        (app.engine.register().length(), app.engine.detection_snapshot().looked_at);
    (now.as_of, entries, looked_at, app.engine.detection().is_current(), privacy)
}

impl Dated for ProvidersAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

impl Dated for OneProviderAnswer {
    /// It is dated by its window.
    fn date(&mut self, _: String) {}
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl ProviderAnswer {
    fn new(app: &App, index: ProviderIndex, all: &ProvidersNow) -> Self {
        let (window, now) = (all.window, &all.providers[usize::from(index.0)]);
        let (engine, provider) = (&app.engine, app.engine.catalogue().get(index));
        let (snapshot, register) = (engine.detection_snapshot(), engine.register());
        let expectation = snapshot
            .providers
            .get(usize::from(index.0))
            .filter(|_| !snapshot.is_behind)
            .map(|sight| &sight.expectation);
        let open = register.open().filter(|incident| incident.brand(&provider.id).is_some());
        Self {
            id: provider.id.clone(),
            name: provider.name.clone(),
            category: provider.category.into(),
            countries: provider.countries.clone(),
            network: provider.network.clone(),
            depends_on: provider.depends_on.clone(),
            aliases: provider.aliases.clone(),
            plmn: provider.plmn.clone(),
            retired: provider.retired,
            now: NowAnswer {
                window: window.into(),
                count: now.count,
                expected: expectation
                    .map(|expectation| rounded(expectation.window(window).everywhere())),
                stale: !engine.detection().is_current(),
                status: snapshot.status(&register, engine.catalogue(), index, engine.now()).into(),
                open_incidents: open.map(|incident| incident.id.to_string()).collect(),
                top_symptoms: now
                    .top_symptoms
                    .iter()
                    .map(|(symptom, count)| TopSymptom {
                        symptom: (*symptom).into(),
                        count: *count,
                    })
                    .collect(),
            },
        }
    }
}

impl From<snapshot::Status> for Status {
    fn from(status: snapshot::Status) -> Self {
        match status {
            snapshot::Status::NoProblems => Self::NoProblems,
            snapshot::Status::PossibleProblems => Self::PossibleProblems,
            snapshot::Status::Problems => Self::Problems,
            snapshot::Status::Unknown => Self::Unknown,
        }
    }
}

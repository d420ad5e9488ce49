//! `GET /v1/providers` and `/v1/providers/{id}`: the catalogue, and how each provider is
//! doing now.

use super::app::App;
use super::caching::{etag_of, matches_etag, with_caching};
use super::error::{Code, Problem};
use super::query::Query;
use super::read_errors::ReadErrors;
use crate::domain::provider::{Category, ProviderIndex, is_id};
use crate::domain::symptom::Symptom;
use crate::domain::time::Window;
use crate::engine::lookout::outlook;
use crate::engine::providers::ProviderNow;
use crate::render;
use crate::render::cell::rounded;
use crate::render::time::rfc3339;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

const DEFAULT_LIMIT: usize = 100;
const MOST_ITEMS: usize = 1_000;
const PARAMETERS: [&str; 5] = ["country", "category", "network", "limit", "cursor"];

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

/// Kind of service.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ProviderCategory)]
#[serde(rename_all = "snake_case")]
pub enum CategoryWord {
    /// Mobile telephony and data.
    Mobile,
    /// Fixed internet.
    Internet,
    /// Something that depends on both.
    Service,
}

/// What people notice.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Symptom)]
#[serde(rename_all = "snake_case")]
pub enum SymptomWord {
    NoService,
    NoData,
    SlowData,
    NoCalls,
    NoMessages,
    NoEmergencyCalls,
    NoInternet,
    NoTv,
    PaymentFailed,
    LoginFailed,
    Other,
    Working,
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
pub async fn list(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
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
    let now = app.engine.providers().await?.value;
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
    let mut answer = ProvidersAnswer {
        items: found
            .into_iter()
            .take(limit)
            .map(|(index, _)| {
                ProviderAnswer::new(&app, index, now.window, &now.providers[usize::from(index.0)])
            })
            .collect(),
        next_cursor,
        as_of: String::new(),
    };
    let etag = etag_of(&answer);
    if matches_etag(&request, &etag) {
        return Ok(with_caching(HttpResponse::NotModified(), &etag, false).finish());
    }
    answer.as_of = rfc3339(now.as_of);
    app.packed(&request, with_caching(HttpResponse::Ok(), &etag, false), &answer).await
}

/// One provider
#[utoipa::path(
    get, path = "/v1/providers/{id}", tag = "providers", operation_id = "provider",
    params(("id" = String, Path, description = "Id or alias of a provider", example = "fido", min_length = 1, pattern = "^[a-z0-9][a-z0-9-]{0,63}$")),
    responses(
        (status = 200, description = "The provider", body = ProviderAnswer),
        (status = 404, description = "No provider has that id or alias"),
        ReadErrors,
    ),
)]
pub async fn one(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[])?;
    let unknown = || {
        Problem::field(Code::NotFound, "id", "an id or alias listed at /v1/providers", id.as_str())
    };
    let index = app.engine.catalogue().find(&id).ok_or_else(unknown)?;
    let now = app.engine.providers().await?.value;
    let answer = ProviderAnswer::new(&app, index, now.window, &now.providers[usize::from(index.0)]);
    let etag = etag_of(&answer);
    if matches_etag(&request, &etag) {
        return Ok(with_caching(HttpResponse::NotModified(), &etag, false).finish());
    }
    app.packed(&request, with_caching(HttpResponse::Ok(), &etag, false), &answer).await
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl ProviderAnswer {
    fn new(app: &App, index: ProviderIndex, window: Window, now: &ProviderNow) -> Self {
        let (engine, provider) = (&app.engine, app.engine.catalogue().get(index));
        let (outlook, register) = (engine.outlook(), engine.register());
        let expectation = outlook
            .providers
            .get(usize::from(index.0))
            .filter(|_| !outlook.is_behind)
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
                status: outlook.status(&register, engine.catalogue(), index, engine.now()).into(),
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

impl From<outlook::Status> for Status {
    fn from(status: outlook::Status) -> Self {
        match status {
            outlook::Status::NoProblems => Self::NoProblems,
            outlook::Status::PossibleProblems => Self::PossibleProblems,
            outlook::Status::Problems => Self::Problems,
            outlook::Status::Unknown => Self::Unknown,
        }
    }
}

impl From<Category> for CategoryWord {
    fn from(category: Category) -> Self {
        match category {
            Category::Mobile => Self::Mobile,
            Category::Internet => Self::Internet,
            Category::Service => Self::Service,
        }
    }
}

impl From<Symptom> for SymptomWord {
    fn from(symptom: Symptom) -> Self {
        match symptom {
            Symptom::NoService => Self::NoService,
            Symptom::NoData => Self::NoData,
            Symptom::SlowData => Self::SlowData,
            Symptom::NoCalls => Self::NoCalls,
            Symptom::NoMessages => Self::NoMessages,
            Symptom::NoEmergencyCalls => Self::NoEmergencyCalls,
            Symptom::NoInternet => Self::NoInternet,
            Symptom::NoTv => Self::NoTv,
            Symptom::PaymentFailed => Self::PaymentFailed,
            Symptom::LoginFailed => Self::LoginFailed,
            Symptom::Other => Self::Other,
            Symptom::Working => Self::Working,
        }
    }
}

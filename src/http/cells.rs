//! `GET /v1/cells/{cell}`: why a cell is flagged, or is not, with every number.

use super::app::App;
use super::basis::Basis;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::heatmap::DEFAULT_WINDOW_MINUTES;
use super::live::Moment;
use super::query::Query;
use super::read_errors::DetectionErrors;
use super::respond::{Read, respond};
use super::response::{Dated, Json};
use super::response_cache::Key;
use crate::domain::counted::Counted;
use crate::domain::detect::METHOD;
use crate::domain::grid::Cell;
use crate::domain::incident::attribution::{Attribution, Verdict};
use crate::domain::provider::{ProviderIndex, Subject};
use crate::domain::region::Region;
use crate::domain::time::Window;
use crate::engine::Engine;
use crate::engine::shown::Sight;
use crate::engine::views::{Span, ViewKey};
use crate::render::cell::Hex;
use crate::render::coverage::CoverageJson;
use crate::render::explanation::ExplanationJson;
use crate::render::incident::AttributionJson;
use crate::render::time;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a cell is flagged or not: with every number, or what everybody may see of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedCell)]
#[serde(untagged)]
pub enum CellAnswer {
    /// With every number: for who may see everything.
    Exact(Box<ExactAnswer>),
    /// What the map shows there.
    Public(Box<PublicAnswer>),
}

/// What the map shows around a cell.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShownCell)]
pub struct PublicAnswer {
    /// The cell; one finer than resolution 8 is answered as its parent of resolution 8.
    cell: Hex,
    /// Id of the provider.
    #[schema(example = "rogers")]
    provider: String,
    /// The finest cell around it in which the map shows reports of the provider now; null
    /// where it shows them without a place.
    #[schema(required = true)]
    shown_in: Option<Hex>,
    /// The minutes that are counted.
    window: time::Window,
    /// Reports of problems that the map shows in that cell; null where there is none.
    #[schema(required = true, example = 12)]
    count: Option<u64>,
    /// Expected reports, learnt from what the map showed; null where that is not known.
    #[schema(required = true, example = 3.2)]
    expected: Option<f64>,
    /// -log10 of the probability of so many reports or more on an ordinary day; null where
    /// `expected` is.
    #[schema(required = true, example = 4.5)]
    score: Option<f64>,
    /// Whether it would be noticed if the provider failed there; null while no ordinary day is
    /// known.
    #[schema(required = true)]
    coverage: Option<CoverageJson>,
    /// Id of the open incident of the provider that the cell lies in; else null.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$", example = json!(null))]
    incident: Option<String>,
    /// The open incident of another network that explains the provider's reports, where
    /// there is one; else null.
    #[schema(required = true)]
    misattribution: Option<Misattribution>,
    /// Version of the method.
    #[schema(example = "1")]
    method: &'static str,
    /// Fingerprint of the parameters.
    #[schema(example = "e4ff42239b789d69")]
    parameters: String,
    /// Whether the answer is of `as_of` and not of now: detection is late.
    #[schema(example = false)]
    stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:12:31Z")]
    as_of: String,
}

/// Why a cell is flagged or not, with every number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CellExplanation)]
pub struct ExactAnswer {
    /// The cell; one finer than resolution 7 is answered as its parent of resolution 7.
    cell: Hex,
    /// Id of the provider.
    #[schema(example = "rogers")]
    provider: String,
    /// Whether it would be noticed if the provider failed there; null while no ordinary day is
    /// known.
    #[schema(required = true)]
    coverage: Option<CoverageJson>,
    /// Id of the open incident of the provider that the cell lies in; else null.
    #[schema(required = true, pattern = "^[0-9a-f]{16}$", example = json!(null))]
    incident: Option<String>,
    /// The open incident of another network that explains the provider's reports, where
    /// there is one; else null.
    #[schema(required = true)]
    misattribution: Option<Misattribution>,
    /// The zone that decides about the cell, with every number of its score.
    #[serde(flatten)]
    explanation: ExplanationJson,
    /// Version of the method.
    #[schema(example = "1")]
    method: &'static str,
    /// Fingerprint of the parameters.
    #[schema(example = "e4ff42239b789d69")]
    parameters: String,
    /// Whether the answer is of `as_of` and not of now: detection is late.
    #[schema(example = false)]
    stale: bool,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, example = "2022-07-08T09:12:31Z")]
    as_of: String,
}

/// An open incident of another network, and what the provider's reports mean during it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Misattribution {
    /// Its id.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    incident: String,
    /// What the reports mean.
    #[serde(flatten)]
    attribution: AttributionJson,
}

/// Explain a cell
///
/// What the map shows around a cell now, what was to be expected there, and the incident
/// that the cell lies in. Who may see everything is told the zone that decides about the
/// cell instead, and every number of its score: observed and expected reports, the
/// dispersion, and the score that opens an incident. That score can be computed again from
/// the answer alone; docs/detection.md has the formulas.
#[utoipa::path(
    get, path = "/v1/cells/{cell}", tag = "incidents", operation_id = "explain_cell",
    params(
        (
            "cell" = String, Path, description = "H3 index in hexadecimal",
            example = "872b9bc29ffffff", pattern = "^0?8[0-9a-fA-F]{14}$",
        ),
        super::params::CellParams,
    ),
    responses(
        (status = 200, description = "The explanation", body = CellAnswer),
        DetectionErrors,
    ),
)]
pub async fn explain(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
    cell: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["provider", "exact"])?;
    let missing = || {
        Problem::field(Code::MissingField, "provider", "an id listed at /v1/providers", "nothing")
    };
    let id = query.text("provider").ok_or_else(missing)?;
    let unknown = || Problem::unknown_provider(id);
    let provider = app.engine.catalogue().find(id).ok_or_else(unknown)?;
    let malformed = |_| {
        Problem::field(Code::InvalidValue, "cell", "an H3 cell index in hexadecimal", cell.as_str())
    };
    let cell = Cell::parse(&cell).map_err(malformed)?;
    let sight = reader.sight(&query)?;
    let moment = Moment::of(&app, Basis::Detectors, sight)?;
    let read = Read {
        key: Key::new(request.path(), &(provider, cell, sight), &moment.version()),
        media_type: "application/json",
        lifetime: Lifetime::Live,
        is_expensive: false,
    };
    let content = Box::pin(content(&app, &moment, provider, cell));
    respond(&app, &request, Some(&reader), read, content).await
}

async fn content(
    app: &App,
    moment: &Moment,
    provider: ProviderIndex,
    cell: Cell,
) -> Result<Json<CellAnswer>, Problem> {
    if moment.snapshot.is_behind {
        return Err(Problem::behind(&app.engine.detection()));
    }
    let answer = match moment.sight {
        Sight::Exact => CellAnswer::Exact(Box::new(exact(app, moment, provider, cell).await?)),
        Sight::Public => CellAnswer::Public(Box::new(public(app, moment, provider, cell).await?)),
    };
    Ok(Json::new(answer, moment.as_of))
}

async fn exact(
    app: &App,
    moment: &Moment,
    provider: ProviderIndex,
    cell: Cell,
) -> Result<ExactAnswer, Problem> {
    let behind = || Problem::behind(&app.engine.detection());
    let explanation = app.engine.explain(provider, cell).await.ok_or_else(behind)?;
    let id = &app.engine.catalogue().get(provider).id;
    let (incident, misattribution) = incidents_around(moment, id, cell);
    let window = Window::ending_at(app.engine.now(), DEFAULT_WINDOW_MINUTES);
    let coverage = coverage(&app.engine, moment.sight, (provider, cell), window).await?;
    Ok(ExactAnswer {
        cell: Hex(cell),
        provider: id.clone(),
        coverage,
        incident,
        misattribution,
        explanation: (&explanation).into(),
        method: METHOD,
        parameters: format!("{:016x}", app.engine.parameters().fingerprint()),
        stale: moment.is_stale,
        as_of: String::new(),
    })
}

/// What the map of the last minutes shows there: nothing that two questions of
/// neighbouring cells could subtract.
async fn public(
    app: &App,
    moment: &Moment,
    provider: ProviderIndex,
    cell: Cell,
) -> Result<PublicAnswer, Problem> {
    let (engine, subject) = (&app.engine, Subject::Provider(provider));
    let (span, counted) = (Span::Last(DEFAULT_WINDOW_MINUTES), Counted::ALL);
    let view = engine.view(ViewKey { sight: moment.sight, subject, span, counted }).await?.value;
    let shown_in = engine.shown_now(provider, cell).await?;
    let count = shown_in.map(|around| {
        let level = view.level(&Region::Cell(around), around.resolution());
        let found = level.rows().find(|(cell, _)| *cell == around);
        found.map_or(0, |(_, count)| u64::from(count))
    });
    let scored = shown_in.zip(count).and_then(|(around, count)| {
        engine.scored_publicly(provider, (around, view.window()), count)
    });
    let (expected, score) = scored.unzip();
    let id = &engine.catalogue().get(provider).id;
    let (incident, misattribution) = incidents_around(moment, id, cell);
    Ok(PublicAnswer {
        cell: Hex(cell),
        provider: id.clone(),
        shown_in: shown_in.map(Hex),
        window: view.window().into(),
        count,
        expected,
        score,
        coverage: coverage(engine, moment.sight, (provider, cell), view.window()).await?,
        incident,
        misattribution,
        method: METHOD,
        parameters: format!("{:016x}", engine.parameters().fingerprint()),
        stale: moment.is_stale,
        as_of: String::new(),
    })
}

/// How a cell of a provider is covered, by what somebody sees, in a window; none where no
/// ordinary day is known.
async fn coverage(
    engine: &Engine,
    sight: Sight,
    (provider, cell): (ProviderIndex, Cell),
    window: Window,
) -> Result<Option<CoverageJson>, Problem> {
    let key = engine.coverage_key(sight, Subject::Provider(provider));
    let Some(key) = key else { return Ok(None) };
    if engine.is_young().await? {
        return Ok(None);
    }
    // As fine as they may see: what was learnt may be of a rule that hid less.
    let rule = engine.rule_of(sight, engine.now());
    let cell = rule.map_or(cell, |rule| cell.rolled_up_to(rule.finest));
    let covered = engine.coverage(key).around(cell);
    Ok(Some(CoverageJson::of(covered, engine.ran_in(window).await?)))
}

/// The open incident of a provider that a cell lies in, and that of another network that
/// explains its reports there, as whoever asks is told of them.
fn incidents_around(
    moment: &Moment,
    id: &str,
    cell: Cell,
) -> (Option<String>, Option<Misattribution>) {
    let open = || {
        let open = moment.register.open_in(moment.form());
        open.filter(move |incident| incident.region().contains(cell))
    };
    let own = open().find(|incident| incident.brand(id).is_some());
    let blamed = open().find_map(|incident| {
        let is_blame =
            |other: &&Attribution| other.provider == id && other.verdict == Verdict::Collateral;
        let blame = incident.attributions.iter().find(is_blame)?;
        Some(Misattribution { incident: incident.id.to_string(), attribution: blame.into() })
    });
    (own.map(|incident| incident.id.to_string()), blamed)
}

impl Dated for CellAnswer {
    fn date(&mut self, as_of: String) {
        match self {
            Self::Exact(answer) => answer.as_of = as_of,
            Self::Public(answer) => answer.as_of = as_of,
        }
    }
}

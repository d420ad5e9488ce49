//! `GET /v1/cells/{cell}`: why a cell is flagged, or is not, with every number.

use super::app::App;
use super::basis::Basis;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::live::Moment;
use super::query::Query;
use super::read_errors::DetectionErrors;
use super::respond::{Read, respond};
use super::response::{Dated, Json};
use super::response_cache::Key;
use crate::domain::detect::METHOD;
use crate::domain::grid::Cell;
use crate::domain::incident::attribution::Verdict;
use crate::domain::provider::ProviderIndex;
use crate::render::cell::Hex;
use crate::render::explanation::ExplanationJson;
use crate::render::incident::AttributionJson;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a cell is flagged or not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CellExplanation)]
pub struct CellAnswer {
    /// The cell; one finer than resolution 7 is answered as its parent of resolution 7.
    cell: Hex,
    /// Id of the provider.
    #[schema(example = "rogers")]
    provider: String,
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
/// The zone that decides about a cell now, and every number of its score: observed and
/// expected reports, the dispersion, and the score that opens an incident. The
/// score can be computed again from this answer alone; docs/detection.md has the
/// formulas.
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
    let moment = Moment::of(&app, Basis::Detectors)?;
    let read = Read {
        key: Key::new(request.path(), &(provider, cell, sight), &moment.version()),
        media_type: "application/json",
        lifetime: Lifetime::Live,
        is_expensive: false,
    };
    respond(&app, &request, Some(&reader), read, content(&app, &moment, provider, cell)).await
}

async fn content(
    app: &App,
    moment: &Moment,
    provider: ProviderIndex,
    cell: Cell,
) -> Result<Json<CellAnswer>, Problem> {
    let behind = || Problem::behind(&app.engine.detection());
    if moment.snapshot.is_behind {
        return Err(behind());
    }
    let explanation = app.engine.explain(provider, cell).await.ok_or_else(behind)?;
    let (register, id) = (&moment.register, &app.engine.catalogue().get(provider).id);
    let open = register
        .open()
        .find(|incident| incident.brand(id).is_some() && incident.region().contains(cell));
    let blamed =
        register.open().filter(|incident| incident.region().contains(cell)).find_map(|incident| {
            let blame = incident
                .attributions
                .iter()
                .find(|other| other.provider == *id && other.verdict == Verdict::Collateral)?;
            Some(Misattribution { incident: incident.id.to_string(), attribution: blame.into() })
        });
    let answer = CellAnswer {
        cell: Hex(cell),
        provider: id.clone(),
        incident: open.map(|incident| incident.id.to_string()),
        misattribution: blamed,
        explanation: (&explanation).into(),
        method: METHOD,
        parameters: format!("{:016x}", app.engine.parameters().fingerprint()),
        stale: moment.is_stale,
        as_of: String::new(),
    };
    Ok(Json::new(answer, moment.as_of))
}

impl Dated for CellAnswer {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

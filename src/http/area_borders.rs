//! `GET /v1/areas/{id}.geojson`: the borders of an area as the map draws them, the outline
//! of the cells that belong to it.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::query::Query;
use super::read_errors::ReadErrors;
use super::region::area;
use super::respond::{Read, respond};
use super::response::Written;
use super::response_cache::Key;
use super::words::AreaKindWord;
use crate::domain::cover::cells_in;
use crate::domain::grid::Resolution;
use crate::domain::region::Region;
use crate::gazetteer::AreaCode;
use crate::render::outline::{Outline, OutlineGeometry};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Cells of an outline at most: as many as a large map shows, whose outline takes half a
/// second.
const MOST_CELLS: usize = 20_000;

/// The borders of an area as the map draws them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AreaBorders)]
pub struct AreaBorders {
    #[serde(rename = "type")]
    kind: FeatureType,
    /// Code of the area.
    #[schema(example = "CA-ON")]
    id: &'static str,
    /// What it is.
    properties: AreaProperties,
    /// The outline of its cells. Without parts where the centre of no cell lies in it.
    geometry: OutlineGeometry,
}

/// The kind of an area's object.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = AreaBordersType)]
enum FeatureType {
    /// A feature.
    Feature,
}

/// What an area is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AreaProperties)]
pub struct AreaProperties {
    /// Its code.
    #[schema(example = "CA-ON")]
    area: &'static str,
    /// What it is called.
    #[schema(example = "Ontario")]
    name: &'static str,
    /// What it is.
    kind: AreaKindWord,
    /// H3 resolution of the cells whose outline it is.
    #[schema(minimum = 0, maximum = 8, example = 5)]
    resolution: u8,
    /// How many cells those are.
    #[schema(example = 4_212)]
    cells: usize,
    /// What the outline is, and what it is not.
    note: &'static str,
    /// Whose work the borders are.
    attribution: &'static str,
}

const NOTE: &str = "the outline of the H3 cells whose centre lies in the area, as maps and sums \
     here count it: no border of a survey";
const ATTRIBUTION: &str = "© OpenStreetMap contributors, ODbL";

/// The borders of an area, as GeoJSON (RFC 7946)
///
/// The outline of the cells that belong to the area by their centre, of the finest
/// resolution of which it has at most 20,000, or of the one that is asked for; cut at the
/// antimeridian. It shows what sums here count: it is no border of a survey.
#[utoipa::path(
    get, path = "/v1/areas/{id}.geojson", tag = "heatmap", operation_id = "area_borders",
    params(
        (
            "id" = String, Path, description = "Code of a country or subdivision (ISO 3166)",
            example = "CA-PE", pattern = "^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        ),
        super::area_params::BordersParams,
    ),
    responses(
        (
            status = 200, description = "The borders", body = AreaBorders,
            content_type = "application/geo+json",
        ),
        (status = 404, description = "No area has that code, or its borders are not known"),
        ReadErrors,
    ),
)]
pub async fn geojson(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["resolution"])?;
    let code = area("id", &id, Code::NotFound)?;
    let resolution = query.value("resolution", "a whole number 0..=8", |text| {
        Resolution::new(text.parse().ok()?).ok()
    })?;
    let read = Read {
        key: Key::new(request.path(), &resolution, &()),
        media_type: "application/geo+json",
        lifetime: Lifetime::Settled,
        is_expensive: false,
    };
    let content = async { app.run_blocking(true, move |_| borders(code, resolution)).await? };
    respond(&app, &request, Some(&reader), read, content).await
}

fn borders(area: AreaCode, resolution: Option<Resolution>) -> Result<Written, Problem> {
    let region = Region::from(area);
    let finest = resolution.unwrap_or(Resolution::FINEST);
    let (fits, cells) = cells_in(&region, finest, MOST_CELLS);
    if let Some(asked) = resolution.filter(|asked| *asked != fits) {
        let expected = format!("at most {}: one outline has {MOST_CELLS} cells", fits.number());
        return Err(Problem::field(
            Code::TooManyCells,
            "resolution",
            expected,
            asked.number().to_string(),
        ));
    }
    let outline = Outline::of(&cells, usize::MAX);
    Ok(Written::json(&AreaBorders {
        kind: FeatureType::Feature,
        id: area.as_str(),
        properties: AreaProperties {
            area: area.as_str(),
            name: area.name(),
            kind: area.into(),
            resolution: fits.number(),
            cells: cells.len(),
            note: NOTE,
            attribution: ATTRIBUTION,
        },
        geometry: OutlineGeometry::of(Arc::new(outline)),
    }))
}

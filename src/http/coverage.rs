//! `GET /v1/coverage/{z}/{x}/{y}.mvt` and `/v1/coverage.json`: where it would be noticed if a
//! provider failed.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::Problem;
use super::query::Query;
use super::read_errors::ReadErrors;
use super::respond::{Read, respond};
use super::response::Written;
use super::response_cache::Key;
use super::tiles::{MOST_FEATURES, MVT, address_of_tiles, tile_of, written};
use crate::domain::coverage::{COARSEST, Coverage};
use crate::domain::grid::{Cell, Resolution};
use crate::domain::region::Region;
use crate::domain::tile::Tile;
use crate::render::coverage;
use crate::render::tilejson::{TileJson, VectorLayer};
use actix_web::{HttpRequest, HttpResponse, web};

/// The parameters of coverage.
pub const PARAMETERS: [&str; 3] = ["provider", "network", "exact"];

/// A tile of coverage
///
/// Layer `coverage`: the cells from which enough reports come on ordinary days for an outage
/// to be noticed. Elsewhere nobody listens: a map without reports says nothing there. 204
/// where nothing is on it.
#[utoipa::path(
    get, path = "/v1/coverage/{z}/{x}/{y}.mvt", tag = "tiles", operation_id = "coverage_tile",
    params(
        ("z" = u8, Path, description = "Zoom, 0 to 10", minimum = 0, maximum = 10, example = 6),
        ("x" = u32, Path, description = "From the west, 0 to 2^z - 1", example = 17),
        ("y" = u32, Path, description = "From the north, 0 to 2^z - 1", example = 23),
        super::tile_params::CoverageParams,
    ),
    responses(
        (
            status = 200, description = "A Mapbox Vector Tile 2.1",
            body = Vec<u8>, content_type = "application/vnd.mapbox-vector-tile",
        ),
        (status = 204, description = "Nothing is on it"),
        ReadErrors,
    ),
)]
pub async fn tile(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
    address: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS)?;
    let (zoom, x, y) = &*address;
    let tile = tile_of(zoom, x, y)?;
    let subject = query.subject_or_all(app.engine.catalogue())?;
    let sight = reader.sight(&query)?;
    let behind = || Problem::behind(&app.engine.detection());
    let which = app.engine.coverage_key(sight, subject).ok_or_else(behind)?;
    let is_young = app.engine.is_young().await?;
    let rule = app.engine.rule_of(sight, app.engine.now());
    let finest = rule.map_or(Resolution::HOURLY, |rule| rule.finest);
    let asked = Tile::resolution(tile.zoom());
    let read = Read {
        key: Key::new(request.path(), &(tile, which), &(rule, is_young)),
        media_type: MVT,
        lifetime: Lifetime::SettledTile,
        is_expensive: true,
    };
    let content = async {
        let draw = move |app: &App| Written {
            bytes: coverage::tile(tile, &rows(&app.engine.coverage(which), tile, (asked, finest))),
            as_of: app.engine.now(),
            next_cursor: None,
            // Of the first days nothing is known: that is soon otherwise.
            is_complete: !is_young,
        };
        app.run_blocking(true, draw).await
    };
    respond(&app, &request, Some(&reader), read, content).await
}

/// Where the tiles of coverage are, as `TileJSON`
#[utoipa::path(
    get, path = "/v1/coverage.json", tag = "tiles", operation_id = "coverage_tilejson",
    params(super::tile_params::CoverageParams),
    responses((status = 200, description = "TileJSON 3.0.0", body = TileJson), ReadErrors),
)]
pub async fn tilejson(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS)?;
    let document = document(&app, &request, &reader, &query)?;
    written(&app, &request, &reader, &document).await
}

/// The description of the tiles of coverage that a query asks for.
pub fn document(
    app: &App,
    request: &HttpRequest,
    reader: &Reading,
    query: &Query<'_>,
) -> Result<TileJson, Problem> {
    let subject = query.subject_or_all(app.engine.catalogue())?;
    // What tiles would refuse is refused here.
    reader.sight(query)?;
    let whose = app.engine.catalogue().subject_name(subject);
    let tiles = address_of_tiles(app, request, query, ("coverage", &PARAMETERS));
    let publisher = &app.policy.publisher;
    let name = format!("Groundswell: where {whose} is covered");
    let layers = vec![VectorLayer::of(coverage::LAYER, &coverage::FIELDS)];
    let credit = (publisher.attribution(), publisher.licence.clone());
    let description = "Where reports come on ordinary days; nobody listens elsewhere";
    Ok(TileJson { description, ..TileJson::of((name, tiles), layers, credit) })
}

/// The covered cells of a tile, coarser than is asked for where they would be too many,
/// and none that is finer than readers may see.
pub fn rows(
    coverage: &Coverage,
    tile: Tile,
    (asked, finest): (Resolution, Resolution),
) -> Vec<(Cell, f64)> {
    let region = Region::Tile(tile);
    // Where a whole country would be one cell, nothing would be said.
    if finest < COARSEST {
        return Vec::new();
    }
    let asked = asked.max(COARSEST).min(finest).min(Resolution::HOURLY);
    let coarser = Resolution::ALL[..=usize::from(asked.number())].iter().rev();
    let mut found = Vec::new();
    for resolution in coarser {
        found = coverage.rows(&region, *resolution);
        if found.len() <= MOST_FEATURES {
            break;
        }
    }
    found
}

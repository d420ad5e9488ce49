//! `GET /v1/style.json`: how the tiles are drawn.

use super::app::App;
use super::caller::Reading;
use super::error::Problem;
use super::query::Query;
use super::read_errors::ReadErrors;
use super::tiles::written;
use super::words::StyleBase;
use super::{coverage, tiles};
use crate::render;
use actix_web::{HttpRequest, HttpResponse, web};

const PARAMETERS: [&str; 9] =
    ["provider", "network", "window", "to", "symptom", "late", "exact", "base", "glyphs"];

/// A style for `MapLibre` and whoever else reads its styles
#[utoipa::path(
    get, path = "/v1/style.json", tag = "tiles", operation_id = "style",
    params(super::tile_params::TileSetParams, super::tile_params::StyleParams),
    responses(
        (
            status = 200,
            description = "A style of version 8; `metadata` holds the legend",
            body = serde_json::Value,
        ),
        ReadErrors,
    ),
)]
pub async fn style(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS)?;
    let base = query.value("base", "plain or none", StyleBase::from_name)?;
    let glyphs = query.value("glyphs", GLYPHS, |text| is_glyphs(text).then(|| text.to_owned()))?;
    let document = tiles::document(&app, &request, &reader, &query)?;
    let with_base = base != Some(StyleBase::None);
    let coverage = coverage::document(&app, &request, &reader, &query)?;
    let style = render::style::style((&document, &coverage), with_base, glyphs.as_deref());
    written(&app, &request, &reader, &style).await
}

const GLYPHS: &str = "an address on the web with {fontstack} and {range} in it";

fn is_glyphs(text: &str) -> bool {
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    is_address && text.contains("{fontstack}") && text.contains("{range}")
}

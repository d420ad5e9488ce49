//! `GET /v1/tiles/{z}/{x}/{y}.mvt` and `/v1/tiles.json`: the map for front ends that draw vector
//! tiles.

use super::app::App;
use super::caching::Lifetime;
use super::caller::{Reading, key_in_address};
use super::error::{Code, Problem};
use super::heatmap::view_key;
use super::query::Query;
use super::read_errors::ReadErrors;
use super::respond::{Read, respond};
use super::response::Written;
use super::response_cache::Key;
use crate::domain::counted::{Counted, LateReports};
use crate::domain::grid::Resolution;
use crate::domain::level::Level;
use crate::domain::region::Region;
use crate::domain::symptom::{Symptom, Symptoms};
use crate::domain::tile::{Tile, TileError};
use crate::engine::views::{Snapshot, ViewKey};
use crate::render::cell::Rows;
use crate::render::mvt::{self, Layer, TileIncident, TileMap};
use crate::render::tilejson::{TileJson, VectorLayer};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::sync::Arc;

/// The media type of tiles.
pub const MVT: &str = "application/vnd.mapbox-vector-tile";
/// Hexagons of one tile at most: more are shown a resolution coarser.
pub const MOST_FEATURES: usize = 8_000;
/// Corners of the outline of an incident at most: what a tile can show of it.
pub const MOST_CORNERS: usize = 2_000;
/// The parameters of tiles, and of the description of them.
const PARAMETERS: [&str; 8] =
    ["provider", "network", "window", "to", "symptom", "late", "exact", "layers"];

/// What is asked.
#[derive(Debug, Clone)]
struct Question {
    key: ViewKey,
    tile: Tile,
    layers: Vec<Layer>,
}

/// A tile of the map
///
/// Layers `cells` and `coarser` hold whole hexagons, never cut, in every tile that they meet;
/// `incidents` holds outlines, and `emergency` hexagons in which emergency calls fail,
/// whatever `symptom` is asked for. 204 where nothing is on it.
#[utoipa::path(
    get, path = "/v1/tiles/{z}/{x}/{y}.mvt", tag = "tiles", operation_id = "tile",
    params(
        ("z" = u8, Path, description = "Zoom, 0 to 10", minimum = 0, maximum = 10, example = 6),
        ("x" = u32, Path, description = "From the west, 0 to 2^z - 1", example = 17),
        ("y" = u32, Path, description = "From the north, 0 to 2^z - 1", example = 23),
        super::tile_params::TileSetParams,
        super::tile_params::TileParams,
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
    let question = Question::parse(&app, &request, &reader, &address)?;
    let served = app.engine.view(question.key).await?;
    let (snapshot, stale) = (Arc::clone(&served.value), served.stale);
    let emergency = match question.emergency() {
        Some(key) => Some(app.engine.view(key).await?.value),
        None => None,
    };
    let rule = app.engine.rule_of(question.key.sight, snapshot.window().to.start());
    let finest = rule.map_or(Resolution::FINEST, |rule| rule.finest);
    let ids = (snapshot.id, emergency.as_ref().map(|emergency| emergency.id));
    let key = Key::new(request.path(), &question, &(ids, stale, rule));
    // Incidents are told of it later, too.
    let is_closed = app.engine.is_closed(snapshot.window(), LateReports::Counted);
    let read = Read {
        key,
        media_type: MVT,
        lifetime: if is_closed { Lifetime::SettledTile } else { Lifetime::LiveTile },
        is_expensive: true,
    };
    let content = async {
        let draw = move |app: &App| {
            let emergency = emergency.map(|emergency| question.level(&emergency, finest));
            question.content(app, &snapshot, emergency.as_deref(), finest)
        };
        app.run_blocking(true, draw).await
    };
    respond(&app, &request, Some(&reader), read, content).await
}

/// Where the tiles are, as `TileJSON`
#[utoipa::path(
    get, path = "/v1/tiles.json", tag = "tiles", operation_id = "tilejson",
    params(super::tile_params::TileSetParams, super::tile_params::TileParams),
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

/// The description of the tiles that a query asks for.
pub fn document(
    app: &App,
    request: &HttpRequest,
    reader: &Reading,
    query: &Query<'_>,
) -> Result<TileJson, Problem> {
    let subject = query.subject_or_all(app.engine.catalogue())?;
    // What tiles would refuse is refused here: else every tile would be.
    view_key(app, query, reader, subject)?;
    let whose = app.engine.catalogue().subject_name(subject);
    let window = query.text("window").unwrap_or("15m");
    let name = match query.text("to") {
        Some(to) => format!("Groundswell: {whose}, {window} until {to}"),
        None => format!("Groundswell: {whose}, last {window}"),
    };
    let tiles = address_of_tiles(app, request, query, ("tiles", &PARAMETERS));
    let publisher = &app.policy.publisher;
    let layers = layers(query)?;
    let layers = layers.iter().map(|layer| VectorLayer::of(layer.name(), layer.fields()));
    let credit = (publisher.attribution(), publisher.licence.clone());
    Ok(TileJson::of((name, tiles), layers.collect(), credit))
}

/// The layers that a query asks for: all, where it names none.
fn layers(query: &Query<'_>) -> Result<Vec<Layer>, Problem> {
    let expected = format!("some of {}, joined by commas", Layer::ALL.map(Layer::name).join(", "));
    let layers = query.value("layers", &expected, |text| {
        let mut layers: Vec<Layer> =
            text.split(',').map(Layer::from_name).collect::<Option<_>>()?;
        layers.sort_unstable();
        layers.dedup();
        Some(layers)
    })?;
    Ok(layers.unwrap_or_else(|| Layer::ALL.to_vec()))
}

/// The address of the tiles of a kind, with these parameters of a query and the key of the
/// request.
pub fn address_of_tiles(
    app: &App,
    request: &HttpRequest,
    query: &Query<'_>,
    (kind, parameters): (&str, &[&'static str]),
) -> String {
    let mut asked = form_urlencoded::Serializer::new(String::new());
    for parameter in parameters {
        if let Some(value) = query.text(parameter) {
            asked.append_pair(parameter, value);
        }
    }
    if let Some(key) = key_in_address(request) {
        asked.append_pair("key", &key);
    }
    let asked = asked.finish();
    let mark = if asked.is_empty() { "" } else { "?" };
    let base = app.policy.publisher.address(&app.policy.proxies, request);
    format!("{base}/v1/{kind}/{{z}}/{{x}}/{{y}}.mvt{mark}{asked}")
}

/// Answers with a document that only settings and the request decide.
pub async fn written(
    app: &Arc<App>,
    request: &HttpRequest,
    reader: &Reading,
    document: &impl Serialize,
) -> Result<HttpResponse, Problem> {
    let content = Written::json(document);
    // By all that decides about it: a digest could be met by chance, or on purpose.
    let publisher = &app.policy.publisher;
    let of_whom = (publisher.address(&app.policy.proxies, request), key_in_address(request));
    let key = Key::new(request.path(), &(request.query_string(), of_whom), &());
    let read = Read {
        key,
        media_type: "application/json",
        lifetime: Lifetime::Document,
        is_expensive: false,
    };
    let mut answer = respond(app, request, Some(reader), read, async { Ok(content) }).await?;
    // What a request says of itself stands in it: no cache may give that to others.
    if publisher.public_url.is_none() || key_in_address(request).is_some() {
        let private = HeaderValue::from_static("private, no-store");
        answer.headers_mut().insert(header::CACHE_CONTROL, private);
    }
    Ok(answer)
}

impl Question {
    fn parse(
        app: &App,
        request: &HttpRequest,
        reader: &Reading,
        (zoom, x, y): &(String, String, String),
    ) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let tile = tile_of(zoom, x, y)?;
        let subject = query.subject_or_all(app.engine.catalogue())?;
        let layers = layers(&query)?;
        Ok(Self { key: view_key(app, &query, reader, subject)?, tile, layers })
    }

    /// The reports of failed emergency calls that belong beside those that are asked for:
    /// no other symptom hides them. None where their layer is not asked for.
    fn emergency(&self) -> Option<ViewKey> {
        let symptoms = Symptoms::Only(Symptom::NoEmergencyCalls);
        let counted = Counted { symptoms, ..self.key.counted };
        self.layers.contains(&Layer::Emergency).then_some(ViewKey { counted, ..self.key })
    }

    fn content(
        &self,
        app: &App,
        snapshot: &Snapshot,
        emergency: Option<&Level>,
        finest: Resolution,
    ) -> Written {
        let level = self.level(snapshot, finest);
        let (sight, subject, window) = (self.key.sight, self.key.subject, snapshot.window());
        let is_of_all = self.key.counted == Counted::ALL;
        let assessment =
            is_of_all.then(|| app.engine.judge(sight, subject, window, &level)).flatten();
        let told = if self.layers.contains(&Layer::Incidents) {
            app.engine.incidents_of(sight, subject, window)
        } else {
            Vec::new()
        };
        let drawn = told.iter().map(|incident| {
            TileIncident::of(incident, app.place_names.outline(incident, MOST_CORNERS))
        });
        let incidents: Vec<TileIncident> = drawn.collect();
        let map = TileMap {
            tile: self.tile,
            rows: Rows { level: &level, assessment: assessment.as_ref() },
            emergency,
            incidents: &incidents,
            layers: &self.layers,
        };
        let is_known = assessment.as_ref().is_some_and(|assessment| assessment.is_known);
        Written {
            bytes: mvt::tile(&map),
            as_of: snapshot.as_of,
            next_cursor: None,
            // An incident that goes on is told otherwise once it is over.
            is_complete: (!is_of_all || is_known)
                && told.iter().all(|incident| incident.resolved_at.is_some()),
        }
    }

    /// The cells of the tile, coarser than its zoom asks for where they would be too many.
    fn level(&self, snapshot: &Snapshot, finest: Resolution) -> Arc<Level> {
        let region = Region::Tile(self.tile);
        let asked = Tile::resolution(self.tile.zoom()).min(finest);
        let coarser = Resolution::ALL[..=usize::from(asked.number())].iter().rev();
        let mut levels = coarser.map(|resolution| snapshot.level(&region, *resolution));
        let fits = |level: &Arc<Level>| level.len() + level.coarser().len() <= MOST_FEATURES;
        let first = levels.next().expect("there is a coarsest resolution");
        if fits(&first) { first } else { levels.find(fits).unwrap_or(first) }
    }
}

/// The tile of three numbers in a path.
///
/// # Errors
/// Where one is no number, or out of range.
pub fn tile_of(zoom: &str, x: &str, y: &str) -> Result<Tile, Problem> {
    let refused = |field: &'static str, expected: String, got: &str| {
        Problem::field(Code::InvalidValue, field, expected, got)
    };
    let number = |field, text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // One way to write each: else each is another entry of every cache.
        let is_number = is_number && (text == "0" || !text.starts_with('0'));
        is_number
            .then(|| text.parse::<u32>().unwrap_or(u32::MAX))
            .ok_or_else(|| refused(field, "a whole number".into(), text))
    };
    let of_zoom = u8::try_from(number("z", zoom)?).unwrap_or(u8::MAX);
    Tile::new(of_zoom, number("x", x)?, number("y", y)?).map_err(|error| {
        let (field, got) = match error {
            TileError::Zoom => ("z", zoom),
            TileError::X { .. } => ("x", x),
            TileError::Y { .. } => ("y", y),
        };
        let expected = error.to_string();
        let expected = expected.split_once(" must be ").map_or(&*expected, |(_, rest)| rest);
        refused(field, expected.to_owned(), got)
    })
}

/// The tile that `region` names by its address; none without it.
///
/// # Errors
/// Where it is no address of a tile.
pub fn region_of(query: &Query<'_>) -> Result<Option<Tile>, Problem> {
    let Some(text) = query.text("region") else { return Ok(None) };
    let expected = "the address of a tile, z/x/y, like 6/17/23";
    let refused = |got: &str| Problem::field(Code::InvalidValue, "region", expected, got);
    let [zoom, x, y] =
        <[&str; 3]>::try_from(text.split('/').collect::<Vec<_>>()).map_err(|_| refused(text))?;
    tile_of(zoom, x, y).map(Some).map_err(|_| refused(text))
}

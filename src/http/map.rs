//! `GET /v1/map.svg`: the map as a picture.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Reading;
use super::coverage;
use super::error::{Code, Problem};
use super::heatmap::view_key;
use super::query::Query;
use super::read_errors::ReadErrors;
use super::respond::{Read, respond};
use super::response::Written;
use super::response_cache::Key;
use super::tiles::{MOST_CORNERS, region_of};
use crate::domain::counted::{Counted, LateReports};
use crate::domain::extent::extent;
use crate::domain::grid::Resolution;
use crate::domain::incident::{Form, Incident, IncidentId};
use crate::domain::level::Level;
use crate::domain::provider::Subject;
use crate::domain::region::Region;
use crate::domain::symptom::{Symptom, Symptoms};
use crate::domain::tile::Tile;
use crate::domain::time::Window;
use crate::domain::viewport::Viewport;
use crate::engine::coverage::CoverageKey;
use crate::engine::shown::Sight;
use crate::engine::views::{Snapshot, ViewKey};
use crate::gazetteer::cities;
use crate::render::cell::Rows;
use crate::render::map::{self, Picture, foot, head};
use crate::render::time::rfc3339;
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;

const PARAMETERS: [&str; 11] = [
    "provider", "network", "window", "to", "symptom", "late", "exact", "region", "incident",
    "width", "height",
];
/// Pixels of a picture where nothing else is asked for: what previews of links show.
const SIZE: (u16, u16) = (1_200, 630);
const SIZES: std::ops::RangeInclusive<u16> = 320..=1_600;
const SIZES_IN_WORDS: &str = "320 to 1,600 pixels";
/// Hexagons of one picture at most: more are shown a resolution coarser.
const MOST_FEATURES: usize = 4_000;

/// What is asked.
#[derive(Debug, Clone)]
struct Question {
    key: ViewKey,
    viewport: Viewport,
    title: String,
}

/// What the picture is made of.
struct Sources {
    snapshot: Arc<Snapshot>,
    emergency: Arc<Snapshot>,
    coverage: Option<CoverageKey>,
    finest: Resolution,
}

/// The map as a picture
///
/// For print, mail and previews of links: cells, incidents, where emergency calls fail and
/// where nobody listens, with the window, a legend, whom to name and the licence burnt in.
#[utoipa::path(
    get, path = "/v1/map.svg", tag = "tiles", operation_id = "map_svg",
    params(super::tile_params::TileSetParams, super::tile_params::MapParams),
    responses(
        (status = 200, description = "SVG 1.1", body = String, content_type = "image/svg+xml"),
        (status = 404, description = "No incident has that id"),
        ReadErrors,
    ),
)]
pub async fn svg(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question = Question::parse(&app, &request, &reader)?;
    let served = app.engine.view(question.key).await?;
    let symptoms = Symptoms::Only(Symptom::NoEmergencyCalls);
    let counted = Counted { symptoms, ..question.key.counted };
    let emergency = app.engine.view(ViewKey { counted, ..question.key }).await?.value;
    let snapshot = Arc::clone(&served.value);
    let (sight, subject) = (question.key.sight, question.key.subject);
    let rule = app.engine.rule_of(sight, snapshot.window().to.start());
    let coverage =
        if app.engine.is_young().await? { None } else { app.engine.coverage_key(sight, subject) };
    let version = (snapshot.id, emergency.id, served.stale, rule, coverage);
    // Incidents are told of it later, too.
    let is_closed = app.engine.is_closed(snapshot.window(), LateReports::Counted);
    let read = Read {
        key: Key::new(request.path(), &question, &version),
        media_type: "image/svg+xml",
        lifetime: if is_closed { Lifetime::Settled } else { Lifetime::Live },
        is_expensive: true,
    };
    let finest = rule.map_or(Resolution::FINEST, |rule| rule.finest);
    let sources = Sources { snapshot, emergency, coverage, finest };
    let content =
        async { app.run_blocking(true, move |app| question.content(app, &sources)).await };
    respond(&app, &request, Some(&reader), read, content).await
}

impl Question {
    fn parse(app: &App, request: &HttpRequest, reader: &Reading) -> Result<Self, Problem> {
        let query = Query::parse(request.query_string(), &PARAMETERS)?;
        let catalogue = app.engine.catalogue();
        let asked = query.subject_or_all(catalogue)?;
        let size = |name, least: u16| {
            let number = |text: &str| text.parse().ok().filter(|number| SIZES.contains(number));
            Ok::<_, Problem>(f64::from(query.value(name, SIZES_IN_WORDS, number)?.unwrap_or(least)))
        };
        let (width, height) = (size("width", SIZE.0)?, size("height", SIZE.1)?);
        // As long as it will be: of when exactly, the view says.
        let key = view_key(app, &query, reader, asked)?;
        let said = said(key.span.window(app.engine.now()), key.counted.symptoms);
        let of_map = (width, height - head(&said, width) - foot(&credit(app), width));
        let (incident, region) = (incident(app, &query, key.sight)?, region_of(&query)?);
        let (viewport, subject) = match (&incident, region) {
            (Some((_, id)), Some(_)) => {
                let expected = "left out where region is given";
                return Err(Problem::field(Code::InvalidValue, "incident", expected, id.clone()));
            }
            (Some((incident, id)), None) => {
                let outline = app.place_names.outline(incident, MOST_CORNERS);
                let nowhere = || {
                    let expected = "an incident that is told with a place";
                    Problem::field(Code::InvalidValue, "incident", expected, id.clone())
                };
                let around = extent([&outline.shape]).ok_or_else(nowhere)?;
                let network = catalogue.find_network(&incident.network).map(Subject::Network);
                let subject = match (asked, network) {
                    (Subject::All, Some(network)) => network,
                    _ => asked,
                };
                (Viewport::around(around, of_map), subject)
            }
            (None, region) => {
                let world = || Tile::new(0, 0, 0).expect("it is the whole earth");
                (Viewport::of_tile(region.unwrap_or_else(world), of_map), asked)
            }
        };
        let name = match subject {
            Subject::Provider(provider) => catalogue.get(provider).name.clone(),
            Subject::Network(_) => format!("network {}", catalogue.subject_name(subject)),
            Subject::All => "all providers".to_owned(),
        };
        let title = format!("Lost service: {name}");
        Ok(Self { key: ViewKey { subject, ..key }, viewport, title })
    }

    fn content(&self, app: &App, sources: &Sources) -> Written {
        let (snapshot, window) = (&sources.snapshot, sources.snapshot.window());
        let (sight, subject) = (self.key.sight, self.key.subject);
        let tiles = self.viewport.tiles();
        let levels = self.levels(&tiles, snapshot, sources.finest);
        let is_of_all = self.key.counted == Counted::ALL;
        let (mut is_known, mut cells, mut coarser) = (true, Vec::new(), Vec::new());
        for level in &levels {
            let judge = || app.engine.judge(sight, subject, window, level);
            let assessment = is_of_all.then(judge).flatten();
            is_known &= !is_of_all || assessment.as_ref().is_some_and(|judged| judged.is_known);
            let rows = Rows { level, assessment: assessment.as_ref() };
            cells.extend(rows.figures());
            coarser.extend(rows.coarser());
        }
        let emergency = self.levels(&tiles, &sources.emergency, sources.finest);
        let emergency = emergency.iter().flat_map(|level| level.all_rows());
        let asked = (self.viewport.resolution(), sources.finest);
        let covered = sources.coverage.map(|key| {
            let coverage = app.engine.coverage(key);
            let rows = tiles.iter().flat_map(|tile| coverage::rows(&coverage, *tile, asked));
            rows.map(|(cell, _)| cell).collect()
        });
        let told = app.engine.incidents_of(sight, subject, window);
        let drawn = told
            .iter()
            .map(|incident| (incident.state, app.place_names.outline(incident, MOST_CORNERS)));
        let picture = Picture {
            viewport: self.viewport,
            title: self.title.clone(),
            said: said(window, self.key.counted.symptoms),
            cells: cells.into_iter().collect(),
            coarser: coarser.into_iter().collect(),
            emergency: emergency.map(|(cell, _)| cell).collect(),
            covered,
            incidents: drawn.collect(),
            cities: cities().iter().map(|city| (city.name, city.position)).collect(),
            credit: credit(app),
        };
        Written {
            bytes: map::svg(&picture).into_bytes(),
            as_of: snapshot.as_of,
            next_cursor: None,
            // An incident that goes on is told otherwise once it is over.
            is_complete: is_known && told.iter().all(|incident| incident.resolved_at.is_some()),
        }
    }

    /// The cells of tiles, coarser than the picture asks for where they would be too many.
    fn levels(&self, tiles: &[Tile], snapshot: &Snapshot, finest: Resolution) -> Vec<Arc<Level>> {
        let asked = self.viewport.resolution().min(finest);
        let coarser = Resolution::ALL[..=usize::from(asked.number())].iter().rev();
        let mut levels = Vec::new();
        for resolution in coarser {
            let of = |tile: &Tile| snapshot.level(&Region::Tile(*tile), *resolution);
            levels = tiles.iter().map(of).collect::<Vec<_>>();
            let features = |level: &Arc<Level>| level.len() + level.coarser().len();
            if levels.iter().map(features).sum::<usize>() <= MOST_FEATURES {
                break;
            }
        }
        levels
    }
}

/// Of when a view is, and of what.
fn said(window: Window, symptoms: Symptoms) -> Vec<String> {
    let minutes = window.to.0 - window.from.0;
    let long =
        if minutes % 60 == 0 { format!("{} h", minutes / 60) } else { format!("{minutes} min") };
    let of = match symptoms {
        Symptoms::AllProblems => "reports, not customers".to_owned(),
        Symptoms::Only(symptom) => format!("reports of {}, not customers", symptom.name()),
    };
    let to = rfc3339(window.to.start()).replace('T', " ").replace(":00Z", " UTC");
    vec![format!("{long} up to {to}"), of]
}

/// The incident that is asked for, as who asks is told of it, and its id as it was given.
fn incident(
    app: &App,
    query: &Query<'_>,
    sight: Sight,
) -> Result<Option<(Arc<Incident>, String)>, Problem> {
    let expected = "16 hexadecimal digits";
    let Some(id) = query.value("incident", expected, IncidentId::parse)? else { return Ok(None) };
    let form = if sight == Sight::Exact { Form::Exact } else { Form::Public };
    let register = app.engine.register();
    let listed = "an id listed at /v1/incidents";
    let missing = || Problem::field(Code::NotFound, "incident", listed, id.to_string());
    let case = register.get(id).ok_or_else(missing)?;
    Ok(Some((Arc::clone(case.latest_in(form)), id.to_string())))
}

/// Whom to name, and the licence.
fn credit(app: &App) -> Vec<String> {
    let publisher = &app.policy.publisher;
    let cities = "Cities: GeoNames, CC BY 4.0".to_owned();
    [publisher.attribution()].into_iter().chain(publisher.licence.clone()).chain([cities]).collect()
}

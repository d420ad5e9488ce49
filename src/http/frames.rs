//! `GET /v1/heatmap.frames.json`: an animation of the map in one answer.

use super::app::App;
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::{Code, Problem};
use super::query::Query;
use super::read_errors::ReadErrors;
use super::respond::{Read, respond};
use super::response::{Dated, Json};
use super::response_cache::Key;
use super::tiles::region_of;
use crate::domain::counted::Counted;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::provider::Subject;
use crate::domain::region::Region;
use crate::domain::time::{MINUTE_MS, Minute};
use crate::engine::frames::{Frames, FramesKey};
use crate::render::cell::Hex;
use crate::render::frames::{FrameJson, FramesJson, cells_of};
use crate::render::privacy::RuleJson;
use crate::render::time::rfc3339;
use crate::store::MINUTES_KEPT_DAYS;
use actix_web::{HttpRequest, HttpResponse, web};

/// Frames of one answer at most: a day of quarters of an hour, both ends included.
const MOST_FRAMES: i64 = 97;
/// Cells of one answer at most, of all frames together.
const MOST_CELLS: usize = 5_000;
const WINDOW_MINUTES: i64 = 60;
const STEP_MINUTES: i64 = 15;
const PARAMETERS: [&str; 12] = [
    "provider",
    "network",
    "window",
    "from",
    "to",
    "step",
    "symptom",
    "region",
    "resolution",
    "zoom",
    "exact",
    "late",
];

/// An animation of the map
///
/// Each frame is the heatmap of a window; the cells of all are listed once. Frames end on
/// the grid of `step`, so that everybody asks for the same ones: the last at `to` or before
/// it.
#[utoipa::path(
    get, path = "/v1/heatmap.frames.json", tag = "heatmap", operation_id = "heatmap_frames",
    params(super::params::FramesParams),
    responses((status = 200, description = "The frames", body = FramesJson), ReadErrors),
)]
pub async fn frames(
    reader: Reading,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let key = question(&app, &request, &reader)?;
    let whole = key.whole();
    let rule = app.engine.rule_of(key.sight, whole.to.start()).map(RuleJson::from);
    let detected = (app.engine.register().length(), app.engine.detection_snapshot().looked_at);
    let version = (app.engine.frames_version(&key).await?, detected, rule);
    let read = Read {
        key: Key::new(request.path(), &key, &version),
        media_type: "application/json",
        lifetime: if app.engine.is_closed(whole, key.counted.late) {
            Lifetime::Settled
        } else {
            Lifetime::Live
        },
        is_expensive: true,
    };
    let asked = app.clone();
    let content = async move {
        let frames = asked.engine.frames(key.clone()).await?;
        let write = move |app: &App| answer(app, &key, &frames, rule);
        asked.run_blocking(true, write).await?
    };
    respond(&app, &request, Some(&reader), read, Box::pin(content)).await
}

fn question(app: &App, request: &HttpRequest, reader: &Reading) -> Result<FramesKey, Problem> {
    let query = Query::parse(request.query_string(), &PARAMETERS)?;
    let now = app.engine.now();
    let subject = query.subject_or_all(app.engine.catalogue())?;
    let length = query.minutes("window", "1m to 24h, like 15m or 6h", 1..=24 * 60)?;
    let length = length.unwrap_or(WINDOW_MINUTES);
    let step = query.minutes("step", "1m to 1d, like 15m", 1..=24 * 60)?.unwrap_or(STEP_MINUTES);
    // On the grid of the step: a frame that began with whoever asked would be nobody else's.
    let to = query.past("to", now)?.unwrap_or(now).minute();
    let last = Minute(to.0.div_euclid(step) * step);
    let first = match query.past("from", now)? {
        Some(from) => {
            // The first minute that begins then or later.
            let begin = from.plus_ms(MINUTE_MS - 1).minute().0;
            Minute(-(-begin).div_euclid(step) * step)
        }
        None => last.plus(-(24 * 60 / step).min(MOST_FRAMES - 1) * step),
    };
    if last < first {
        let got = query.text("from").unwrap_or_default();
        let expected = "a step before to, at least";
        return Err(Problem::field(Code::InvalidValue, "from", expected, got));
    }
    let count = (last.0 - first.0) / step + 1;
    if count > MOST_FRAMES {
        let expected = format!("such that there are at most {MOST_FRAMES} frames");
        return Err(Problem::field(
            Code::InvalidValue,
            "step",
            expected,
            format!("{count} frames"),
        ));
    }
    let (resolution, counted) = (query.resolution()?, query.counted()?);
    let sight = reader.sight(&query)?;
    let key = FramesKey {
        sight,
        subject,
        counted,
        region: region_of(&query)?.map_or(Region::Everywhere, Region::Tile),
        resolution,
        first,
        count,
        step,
        length,
    };
    if key.whole().from.start() < app.engine.minutes_kept_since() {
        let expected =
            format!("such that the first window began at most {MINUTES_KEPT_DAYS} days ago");
        let got = query.text("from").or(query.text("to")).unwrap_or("a day ago");
        return Err(Problem::field(Code::OutOfRetention, "from", expected, got));
    }
    Ok(key)
}

fn answer(
    app: &App,
    key: &FramesKey,
    frames: &Frames,
    rule: Option<RuleJson>,
) -> Result<Json<FramesJson>, Problem> {
    let cells = cells_of(frames.frames.iter().map(|frame| &frame.level));
    check_size(key, &cells)?;
    let name = || Some(app.engine.catalogue().subject_name(key.subject).to_owned());
    let is_of_all = key.counted == Counted::ALL;
    let mut is_complete = true;
    let written = frames.frames.iter().map(|frame| {
        let judged = is_of_all
            .then(|| app.engine.judge(key.sight, key.subject, frame.window, &frame.level))
            .flatten();
        is_complete &= !is_of_all || judged.as_ref().is_some_and(|judged| judged.is_known);
        let to = rfc3339(frame.window.to.start());
        FrameJson::of(to, &frame.level, judged.as_ref(), &cells)
    });
    let written = written.collect();
    let answer = FramesJson {
        provider: name().filter(|_| matches!(key.subject, Subject::Provider(_))),
        network: name().filter(|_| matches!(key.subject, Subject::Network(_))),
        window: key.whole().into(),
        window_minutes: key.length,
        step_minutes: key.step,
        resolution: key.resolution.number(),
        privacy: rule,
        hex: cells.into_iter().map(Hex).collect(),
        frames: written,
        as_of: String::new(),
    };
    let as_of = app.engine.dated(key.whole(), key.counted.late, frames.as_of);
    Ok(Json { answer, as_of, is_complete })
}

/// Refuses an answer of too many cells, naming a resolution that surely has fewer.
fn check_size(key: &FramesKey, cells: &[Cell]) -> Result<(), Problem> {
    if cells.len() <= MOST_CELLS {
        return Ok(());
    }
    let count_at = |resolution: Resolution| {
        let mut rolled: Vec<_> = cells.iter().map(|cell| cell.rolled_up_to(resolution)).collect();
        rolled.sort_unstable();
        rolled.dedup();
        rolled.len()
    };
    let coarser = Resolution::ALL[..usize::from(key.resolution.number())].iter().rev();
    let fits = coarser.copied().find(|resolution| count_at(*resolution) <= MOST_CELLS);
    let expected = match fits {
        Some(fits) => format!(
            "at most {}, or a smaller region: all frames have {MOST_CELLS} cells together",
            fits.number()
        ),
        None => format!("with a smaller region: all frames have {MOST_CELLS} cells together"),
    };
    Err(Problem::field(
        Code::TooManyCells,
        "resolution",
        expected,
        format!("{} cells", cells.len()),
    ))
}

impl Dated for FramesJson {
    fn date(&mut self, as_of: String) {
        self.as_of = as_of;
    }
}

//! Answers of what the lookout knows: made once a look for each question, then given to
//! everybody who asks.

use super::app::App;
use super::basis::{Basis, known};
use super::caching::{etag_of, matches_etag, with_caching};
use super::content_encoding::ContentEncoding;
use super::error::Problem;
use super::rendered::Answer;
use crate::domain::incident::register::Register;
use crate::domain::time::Timestamp;
use crate::engine::lookout::outlook::Outlook;
use crate::engine::lookout::progress::Detection;
use crate::render::time::rfc3339;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use std::sync::Arc;

/// What the lookout knows at one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    /// All incidents.
    pub register: Arc<Register>,
    /// What the detectors see.
    pub outlook: Arc<Outlook>,
    /// Whether it is not of the present: detection is late or catching up.
    pub is_stale: bool,
    /// Up to when reports are in it.
    pub as_of: Timestamp,
}

/// Which answer: to one question, of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LiveKey {
    /// Path and parameters as they were sent.
    question: String,
    /// Entries of the journal.
    entries: u64,
    as_of: Timestamp,
    is_stale: bool,
}

/// An answer that says up to when reports are in it.
pub trait Dated: Serialize {
    /// Says it. Until then that is empty, so that equal content gives an equal tag.
    fn date(&mut self, as_of: String);
}

impl Moment {
    /// This one.
    ///
    /// # Errors
    /// Where not enough is known for an answer that rests on this.
    pub fn of(app: &App, basis: Basis) -> Result<Self, Problem> {
        let detection = known(app, basis)?;
        let (register, outlook) = (app.engine.register(), app.engine.outlook());
        let told_last =
            if matches!(detection, Detection::CatchingUp(_)) { register.told_last() } else { None };
        // Told by a clock that was ahead.
        let told_last = told_last.map(|told| told.min(app.engine.now()));
        let as_of = told_last.or(detection.up_to()).ok_or_else(|| Problem::behind(&detection))?;
        Ok(Self { register, outlook, is_stale: !detection.is_current(), as_of })
    }
}

/// Answers a question of this moment: as it was made before, or by `make`.
///
/// # Errors
/// Where there is nothing to be said yet, or `make` refuses.
pub async fn answer<T: Dated>(
    app: &Arc<App>,
    request: &HttpRequest,
    (basis, media_type): (Basis, &'static str),
    make: impl FnOnce(&App, &Moment) -> Result<T, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let moment = Moment::of(app, basis)?;
    let place = app.live.place(&LiveKey {
        question: request.uri().to_string(),
        entries: moment.register.length(),
        as_of: moment.as_of,
        is_stale: moment.is_stale,
    });
    let render = async {
        let answer = app
            .run_blocking(true, move |app| {
                make(app, &moment).map(|answer| rendered(answer, moment.as_of))
            })
            .await??;
        app.live.added(answer.bytes());
        Ok::<_, Problem>(Arc::new(answer))
    };
    let answer = place.get_or_try_init(|| render).await?;
    if matches_etag(request, &answer.etag) {
        return Ok(with_caching(HttpResponse::NotModified(), &answer.etag, false).finish());
    }
    let (packing, bytes, packed) =
        answer.packed(ContentEncoding::accepted(request.headers())).await;
    if packed > 0 {
        app.live.added(packed);
    }
    let mut response = with_caching(HttpResponse::Ok(), &answer.etag, false);
    if let Some(name) = packing.name() {
        response.insert_header((header::CONTENT_ENCODING, name));
    }
    Ok(response.content_type(media_type).body(bytes))
}

fn rendered(mut answer: impl Dated, as_of: Timestamp) -> Answer {
    let etag = etag_of(&answer);
    answer.date(rfc3339(as_of));
    Answer::new(etag, serde_json::to_vec(&answer).expect("an answer is plain data"))
}

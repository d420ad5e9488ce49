//! Answers of what the detectors know: made once for each step of them.

use super::app::App;
use super::basis::{Basis, known};
use super::caching::Lifetime;
use super::caller::Reading;
use super::error::Problem;
use super::lines::licensed;
use super::respond::{Read, respond};
use super::response::{Content, Dated, Json, Written};
use super::response_cache::Key;
use crate::domain::incident::Form;
use crate::domain::incident::register::Register;
use crate::domain::time::Timestamp;
use crate::engine::detection::progress::Detection;
use crate::engine::detection::snapshot::DetectionSnapshot;
use crate::engine::shown::Sight;
use crate::render::table::LineFormat;
use actix_web::{HttpRequest, HttpResponse};
use std::fmt::Debug;
use std::sync::Arc;

/// What the detectors know at one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    /// All incidents.
    pub register: Arc<Register>,
    /// What the detectors see.
    pub snapshot: Arc<DetectionSnapshot>,
    /// How much whoever asks may see.
    pub sight: Sight,
    /// Whether it is not of the present: detection is late or catching up.
    pub is_stale: bool,
    /// Up to when reports are in it.
    pub as_of: Timestamp,
}

impl Moment {
    /// This one.
    ///
    /// # Errors
    /// Where not enough is known for an answer that rests on this.
    pub fn of(app: &App, basis: Basis, sight: Sight) -> Result<Self, Problem> {
        let detection = known(app, basis)?;
        let (register, snapshot) = (app.engine.register(), app.engine.detection_snapshot());
        let told_last =
            if matches!(detection, Detection::CatchingUp(_)) { register.told_last() } else { None };
        // Told by a clock that was ahead.
        let told_last = told_last.map(|told| told.min(app.engine.now()));
        let as_of = told_last.or(detection.up_to()).ok_or_else(|| Problem::behind(&detection))?;
        Ok(Self { register, snapshot, sight, is_stale: !detection.is_current(), as_of })
    }

    /// The form in which incidents are told.
    #[must_use]
    pub const fn form(&self) -> Form {
        match self.sight {
            Sight::Exact => Form::Exact,
            Sight::Public => Form::Public,
        }
    }

    /// Differs wherever what is known may differ.
    #[must_use]
    pub fn version(&self) -> impl Debug + use<> {
        (self.register.length(), self.snapshot.looked_at, self.sight, self.as_of, self.is_stale)
    }
}

/// Answers what is asked of this moment: as it was made before, or by `make`.
///
/// # Errors
/// Where there is nothing to be said yet, or `make` refuses.
pub async fn answer<T: Dated>(
    app: &Arc<App>,
    request: &HttpRequest,
    reader: &Reading,
    asked: &impl Debug,
    (basis, media_type, sight): (Basis, &'static str, Sight),
    make: impl FnOnce(&App, &Moment) -> Result<T, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let make = move |app: &App, moment: &Moment| {
        make(app, moment).map(|answer| Json::new(answer, moment.as_of))
    };
    Box::pin(answer_with(app, request, reader, asked, (basis, media_type, sight), make)).await
}

/// The same of lines, and of where the next page of them begins.
///
/// # Errors
/// As [`answer`].
pub async fn lines(
    app: &Arc<App>,
    request: &HttpRequest,
    reader: &Reading,
    asked: &impl Debug,
    (basis, format, sight): (Basis, LineFormat, Sight),
    make: impl FnOnce(&App, &Moment) -> Result<(Vec<u8>, Option<String>), Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let make = move |app: &App, moment: &Moment| {
        let (bytes, next_cursor) = make(app, moment)?;
        Ok(Written { bytes, as_of: moment.as_of, is_complete: true, next_cursor })
    };
    let kind = (basis, format.content_type(), sight);
    let answer = Box::pin(answer_with(app, request, reader, asked, kind, make)).await?;
    Ok(licensed(app, answer))
}

async fn answer_with<C: Content>(
    app: &Arc<App>,
    request: &HttpRequest,
    reader: &Reading,
    asked: &impl Debug,
    (basis, media_type, sight): (Basis, &'static str, Sight),
    make: impl FnOnce(&App, &Moment) -> Result<C, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let moment = Moment::of(app, basis, sight)?;
    let key = Key::new(request.path(), asked, &moment.version());
    let content = async { app.run_blocking(true, move |app| make(app, &moment)).await? };
    let read = Read { key, media_type, lifetime: Lifetime::Live, is_expensive: true };
    respond(app, request, Some(reader), read, content).await
}

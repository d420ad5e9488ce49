//! Answers that rest on detection: what is said of how far it has come, and what is not
//! said before it has. The only place that decides that.

use super::App;
use super::error::Problem;
use crate::engine::lookout::progress::Detection;
use crate::render::time::rfc3339;
use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, Resource, web};
use serde::Serialize;
use utoipa::ToSchema;

/// What every answer says of detection: `current`, or how far it has come, as in
/// `catching_up;up-to="2022-07-08T08:44:00Z";share=0.42`.
const DETECTION: HeaderName = HeaderName::from_static("detection");

/// What an answer rests on. Counts rest on none of it: what they mean is left out of them
/// until it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// What operators said: known once the journal was read.
    Words,
    /// Incidents: known as far as the journal holds them, where it holds any. An empty
    /// list would say that nothing is wrong.
    Journal,
    /// What the detectors see: nothing before they have seen the present.
    Detectors,
}

/// How far detection has come with the past.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = DetectionProgress)]
pub struct ProgressJson {
    /// State of detection: `current`, `late`, `catching_up`, or another word: treat that
    /// as not current.
    #[schema(example = "catching_up")]
    pub detection: &'static str,
    /// Reports up to this instant are in its answers; null before the first step.
    #[schema(required = true, format = DateTime, example = "2022-07-08T08:44:00Z")]
    pub up_to: Option<String>,
    /// The share of the past that it has come through.
    #[schema(example = 0.42, minimum = 0, maximum = 1)]
    pub share: f64,
}

impl From<&Detection> for ProgressJson {
    fn from(detection: &Detection) -> Self {
        // Rounded down: only what is done is said to be.
        let share = (detection.share() * 1_000.0).floor() / 1_000.0;
        Self { detection: detection.name(), up_to: detection.up_to().map(rfc3339), share }
    }
}

/// What detection knows of the present, where that is enough for an answer that rests on
/// this.
///
/// # Errors
/// Where it is not: how far it has come.
pub fn known(app: &App, basis: Basis) -> Result<Detection, Problem> {
    let detection = app.engine.detection();
    let Detection::CatchingUp(progress) = detection else { return Ok(detection) };
    let is_enough = match basis {
        Basis::Words => progress.up_to.is_some(),
        Basis::Journal => progress.up_to.is_some() && app.engine.register().told_last().is_some(),
        Basis::Detectors => false,
    };
    if is_enough { Ok(detection) } else { Err(Problem::behind(&detection)) }
}

/// A path whose answers rest on detection, wholly or in part: each says how far that has
/// come.
pub fn resting(resource: Resource) -> impl HttpServiceFactory {
    resource.wrap(from_fn(say))
}

async fn say(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let app = request.app_data::<web::Data<App>>().expect("the application is registered").clone();
    let detection = app.engine.detection();
    let mut response = next.call(request).await?;
    response.headers_mut().insert(DETECTION, said(&detection));
    Ok(response)
}

/// The header's value, an item with parameters (RFC 9651).
fn said(detection: &Detection) -> HeaderValue {
    let ProgressJson { detection: name, up_to, share } = detection.into();
    let up_to = up_to
        .filter(|_| !detection.is_current())
        .map_or_else(String::new, |up_to| format!(";up-to=\"{up_to}\""));
    let share = if detection.is_current() { String::new() } else { format!(";share={share:.3}") };
    HeaderValue::try_from(format!("{name}{up_to}{share}"))
        .expect("letters, digits and signs make a header")
}

//! What an answer rests on: which answers need detection, and what they say of it. The
//! only place that decides that.

use super::app::App;
use super::detection::{DETECTION, header_value};
use super::error::Problem;
use crate::engine::detection::progress::Detection;
use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, Resource, web};

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
    response.headers_mut().insert(DETECTION, header_value(&detection));
    Ok(response)
}

//! Calls for those who run it: who may, and how their bodies are read.

use super::App;
use super::body::{Body, Limits, media_type};
use super::error::{Code, Problem};
use crate::domain::time::{CLOCK_TOLERANCE_MS, Timestamp};
use crate::wire::scalar::Scalar;
use crate::wire::time::{INSTANT, instant};
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde::Deserialize;

/// Bytes of a body at most.
const LIMITS: Limits = Limits { sent: 64 << 10, unpacked: 64 << 10 };

/// Lets only callers of this machine pass, on a server that only this machine reaches: keys come later. A proxy on this machine would make
/// everybody a caller of it, so what a proxy has passed on is refused too.
///
/// # Errors
/// Where somebody else calls.
pub fn insist_on_admin(app: &App, request: &HttpRequest) -> Result<(), Problem> {
    let is_near = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let passed_on = [header::FORWARDED, header::VIA, header::HeaderName::from_static("x-forwarded-for")];
    if app.is_for_this_machine && is_near && !passed_on.iter().any(|name| request.headers().contains_key(name)) {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "this call is taken only from the machine itself, by a server that listens on a loopback address"))
}

/// The body of a request, unpacked.
///
/// # Errors
/// Where it is no JSON by its media type, or too large.
pub async fn collected(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Problem> {
    let media_type = media_type(request);
    if media_type != "application/json" {
        return Err(Problem::field(Code::UnsupportedMediaType, "Content-Type", "application/json", media_type));
    }
    let body = Body::collect(request, payload, LIMITS).await?;
    Ok(body.unpacked()?.to_vec())
}

/// The object that a body is.
///
/// # Errors
/// Where it is none.
pub fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let code = if error.is_data() { Code::MalformedBody } else { Code::MalformedJson };
        Problem::new(code, format!("the body must be a JSON object: {error}"))
    })
}

/// A text that must be there, of 1 to `most` characters once trimmed.
///
/// # Errors
/// Where it is missing, no text, empty or too long.
pub fn text(scalar: &Scalar<'_>, field: &str, most: usize) -> Result<String, Problem> {
    let expected = format!("a text of 1 to {most} characters");
    match scalar {
        Scalar::Missing => Err(Problem::field(Code::MissingField, field, expected, "nothing")),
        Scalar::Text(text) if (1..=most).contains(&text.trim().chars().count()) => Ok(text.trim().to_owned()),
        Scalar::Text(text) => {
            Err(Problem::field(Code::InvalidValue, field, expected, format!("{} characters", text.trim().chars().count())))
        }
        other => Err(Problem::field(Code::InvalidValue, field, expected, other.got())),
    }
}

/// An instant that is not ahead of `now`, where it is there.
///
/// # Errors
/// Where it is none, or ahead.
pub fn past(scalar: &Scalar<'_>, field: &str, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let Scalar::Text(text) = scalar else {
        return match scalar {
            Scalar::Missing => Ok(None),
            other => Err(Problem::field(Code::InvalidValue, field, INSTANT, other.got())),
        };
    };
    let at = instant(text).ok_or_else(|| Problem::field(Code::InvalidValue, field, INSTANT, &**text))?;
    if at.ms_since(now) > CLOCK_TOLERANCE_MS {
        return Err(Problem::field(Code::InFuture, field, "not in the future", &**text));
    }
    Ok(Some(at))
}

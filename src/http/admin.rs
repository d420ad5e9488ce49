//! Calls for those who run it: which come from the machine itself, and how their bodies
//! are read.

use super::app::App;
use super::body::{Body, Limits};
use super::error::{Code, Problem};
use super::media_type::essence;
use crate::domain::time::{CLOCK_TOLERANCE_MS, Timestamp};
use crate::wire::scalar::Scalar;
use crate::wire::time::{INSTANT, instant};
use actix_web::http::header::{self, HeaderName};
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponseBuilder, web};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::net::IpAddr;

/// Bytes of a body at most.
const LIMITS: Limits = Limits { sent: 64 << 10, unpacked: 64 << 10 };

/// Whether a request comes from this machine itself, to a server that only this machine
/// reaches.
///
/// Two kinds of callers look as if they were of this machine and are not. A proxy on it
/// passes on what everybody asks. And a browser on it does what any page asks of it: such
/// a page has another origin, or has let its own name lead here, which `Host` then says.
#[must_use]
pub fn is_near(app: &App, request: &HttpRequest) -> bool {
    let host = said(request, &header::HOST);
    is_direct(app, request)
        && said(request, &header::ORIGIN)
            .is_none_or(|origin| host.is_some() && origin.strip_prefix("http://") == host)
}

/// The same, and a page may also come from another server on this machine: one that reads
/// may be developed there.
#[must_use]
pub fn is_near_reader(app: &App, request: &HttpRequest) -> bool {
    let is_here =
        |origin: &str| origin.split_once("://").is_some_and(|(_, host)| is_this_machine(host));
    is_direct(app, request) && said(request, &header::ORIGIN).is_none_or(is_here)
}

/// Whether a request of this machine was passed on by nobody, and names this machine as
/// itself.
fn is_direct(app: &App, request: &HttpRequest) -> bool {
    let proxies = &app.policy.proxies;
    let is_near = request.peer_addr().is_some_and(|peer| {
        let peer = peer.ip().to_canonical();
        peer.is_loopback() && !proxies.trusts(peer)
    });
    let passed_on = [
        proxies.header.clone(),
        header::FORWARDED,
        header::VIA,
        HeaderName::from_static("x-forwarded-for"),
        HeaderName::from_static("x-real-ip"),
    ];
    let is_passed_on = passed_on.iter().any(|name| request.headers().contains_key(name));
    app.is_for_this_machine
        && is_near
        && !is_passed_on
        && said(request, &header::HOST).is_none_or(is_this_machine)
}

/// Whether a host, and its port, is this machine by its own name.
fn is_this_machine(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| {
        let name = authority.host().trim_matches(['[', ']']);
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    })
}

fn said<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// The body of a request, unpacked. A page in a browser can leave the media type out and
/// is then not asked whether it may call: it must be said.
///
/// # Errors
/// Where it is no JSON by its media type, or too large.
pub async fn collected(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Problem> {
    let media_type = essence(request);
    if media_type != "application/json" {
        let got = if media_type.is_empty() { "nothing" } else { &media_type };
        return Err(Problem::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            "application/json",
            got,
        ));
    }
    let body = Body::collect(request, payload, LIMITS).await?;
    Ok(body.unpacked()?.to_vec())
}

/// The same where a body may be left out: nothing then, without a media type.
///
/// # Errors
/// As [`collected`], where there is one.
pub async fn collected_if_any(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Vec<u8>, Problem> {
    let is_empty = request.headers().get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
        && !request.headers().contains_key(header::TRANSFER_ENCODING);
    if is_empty { Ok(Vec::new()) } else { collected(request, payload).await }
}

/// An answer for those who run the server alone.
#[must_use]
pub fn private(mut head: HttpResponseBuilder) -> HttpResponseBuilder {
    head.insert_header((header::CACHE_CONTROL, "private, no-store"));
    head.insert_header((header::VARY, "Authorization"));
    head
}

/// The object that a body is.
///
/// # Errors
/// Where it is none.
pub fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let malformed = |error: serde_json::Error| {
        let code = if error.is_data() { Code::MalformedBody } else { Code::MalformedJson };
        Problem::new(code, format!("the body must be a JSON object: {error}"))
    };
    // A list of as many values would do for serde.
    if body.trim_ascii_start().first() == Some(&b'[') {
        serde_json::from_slice::<IgnoredAny>(body).map_err(malformed)?;
        return Err(Problem::new(
            Code::MalformedBody,
            "the body must be a JSON object, got a list",
        ));
    }
    serde_json::from_slice(body).map_err(malformed)
}

/// A text that must be there, of 1 to `most` characters once trimmed.
///
/// # Errors
/// Where it is missing, no text, empty or too long.
pub fn text(scalar: &Scalar<'_>, field: &str, most: usize) -> Result<String, Problem> {
    let expected = format!("a text of 1 to {most} characters");
    match scalar {
        Scalar::Missing => Err(Problem::field(Code::MissingField, field, expected, "nothing")),
        Scalar::Text(text) if (1..=most).contains(&text.trim().chars().count()) => {
            Ok(text.trim().to_owned())
        }
        Scalar::Text(text) => Err(Problem::field(
            Code::InvalidValue,
            field,
            expected,
            format!("{} characters", text.trim().chars().count()),
        )),
        other => Err(Problem::field(Code::InvalidValue, field, expected, other.got())),
    }
}

/// An instant that is not ahead of `now`, where it is there.
///
/// # Errors
/// Where it is none, or ahead.
pub fn past(
    scalar: &Scalar<'_>,
    field: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Problem> {
    let Scalar::Text(text) = scalar else {
        return match scalar {
            Scalar::Missing => Ok(None),
            other => Err(Problem::field(Code::InvalidValue, field, INSTANT, other.got())),
        };
    };
    let at =
        instant(text).ok_or_else(|| Problem::field(Code::InvalidValue, field, INSTANT, &**text))?;
    if at.ms_since(now) > CLOCK_TOLERANCE_MS {
        return Err(Problem::field(Code::InFuture, field, "not in the future", &**text));
    }
    Ok(Some(at))
}

/// True or false, where it is there.
///
/// # Errors
/// Where it is something else.
pub fn flag(scalar: &Scalar<'_>, field: &str) -> Result<Option<bool>, Problem> {
    match scalar {
        Scalar::Missing => Ok(None),
        Scalar::Boolean(value) => Ok(Some(*value)),
        other => Err(Problem::field(Code::InvalidValue, field, "true or false", other.got())),
    }
}

//! What pages of other origins may ask: what everybody may. Never the calls of those who
//! run the server.
//!
//! A browser asks first (a preflight, `OPTIONS`) where a call has a header or a media
//! type of its own, and keeps the answer by header, not by method. It asks about no
//! `POST` whose headers were granted before: so a path that is read by everybody and
//! written by few never grants `Content-Type`.

use super::error::{Code, Problem};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

/// What a path takes, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// It is read by everybody.
    Read,
    /// It takes reports from everybody.
    Report,
    /// It is read by everybody, and written to by those who run the server.
    ReadAndAdmin,
    /// It is read by everybody, and set by those who run the server.
    ReadAndAdminSet,
    /// It is written to by those who run the server.
    Admin,
    /// It is read by those who run the server.
    AdminRead,
    /// It is read and added to by those who run the server.
    AdminList,
    /// It is changed by those who run the server.
    AdminChange,
    /// It is taken out by those who run the server.
    AdminRemove,
}

const REPORTS: &str = "/v1/reports";
/// Paths that no page of another origin reads.
const OF_OPERATORS: [&str; 3] = ["/v1/keys", "/v1/sources", "/v1/audit"];
/// Seconds that a browser may keep the answer to a preflight.
const MAX_AGE: &str = "86400";
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Retry-After, X-Request-Id, Simulated-Clock, Detection, \
         RateLimit, RateLimit-Policy, WWW-Authenticate",
);
/// What is granted where a preflight names no header.
const USUAL_HEADERS: HeaderValue = HeaderValue::from_static("Accept, If-None-Match, Sent-At");
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

impl Methods {
    /// As `Allow` says it.
    #[must_use]
    pub const fn allow(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD, OPTIONS",
            Self::Report => "OPTIONS, POST",
            Self::ReadAndAdmin => "GET, HEAD, OPTIONS, POST",
            Self::ReadAndAdminSet => "GET, HEAD, OPTIONS, PUT",
            Self::Admin => "POST",
            Self::AdminRead => "GET, HEAD",
            Self::AdminList => "GET, HEAD, POST",
            Self::AdminChange => "PATCH",
            Self::AdminRemove => "DELETE",
        }
    }

    /// Whether pages of other origins may use any of it.
    #[must_use]
    pub const fn are_public(self) -> bool {
        matches!(self, Self::Read | Self::Report | Self::ReadAndAdmin | Self::ReadAndAdminSet)
    }

    /// Those that pages of other origins may use.
    const fn public(self) -> &'static str {
        match self {
            Self::Read | Self::ReadAndAdmin | Self::ReadAndAdminSet => "GET, HEAD",
            Self::Report => "POST",
            _ => "",
        }
    }
}

/// Answers `OPTIONS`: what the path takes, and to a browser whether a page of another
/// origin may use the method it asks about.
///
/// # Errors
/// Where the path does not take that method, or not from other origins. A browser takes
/// any error for a no.
pub fn preflight(request: &HttpRequest, methods: Methods) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::NoContent();
    response.insert_header((header::ALLOW, methods.allow()));
    let Some(method) = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD) else {
        return Ok(response.finish());
    };
    let method = method.to_str().unwrap_or("?");
    let is_one_of = |list: &str| list.split(", ").any(|one| one == method);
    if !is_one_of(methods.allow()) {
        return Err(Problem::preflight_refused(request, methods.allow(), method));
    }
    if !is_one_of(methods.public()) {
        let detail =
            format!("pages of other origins may use only {} here, got {method}", methods.public());
        return Err(Problem::new(Code::Forbidden, detail));
    }
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods.public()))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, granted_headers(request, methods)))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .insert_header((
            header::VARY,
            "Access-Control-Request-Method, Access-Control-Request-Headers",
        ));
    // What the whole internet may ask of a public server, it may ask of one in the
    // reader's own network.
    if request.headers().contains_key(REQUEST_PRIVATE_NETWORK) {
        response.insert_header((ALLOW_PRIVATE_NETWORK, "true"));
    }
    Ok(response.finish())
}

/// The headers that a page may send: all it asks for. `*` would leave out
/// `Authorization`.
fn granted_headers(request: &HttpRequest, methods: Methods) -> HeaderValue {
    let Some(asked) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) else {
        return USUAL_HEADERS;
    };
    if !matches!(methods, Methods::ReadAndAdmin | Methods::ReadAndAdminSet) {
        return asked.clone();
    }
    let names = asked.to_str().unwrap_or_default().split(',').map(str::trim);
    let granted: Vec<&str> =
        names.filter(|name| !name.eq_ignore_ascii_case(header::CONTENT_TYPE.as_str())).collect();
    HeaderValue::try_from(granted.join(", ")).unwrap_or(USUAL_HEADERS)
}

/// Lets pages of other origins read an answer on this route: of every read, of every
/// report, and that there is nothing there to be written to. Never of a call for those
/// who run the server, whatever key it shows.
///
/// `navigator.sendBeacon` always sends its call with credentials, which a browser allows
/// only where the origin is named. None are ever looked at here.
pub fn grant(
    request: &HeaderMap,
    response: &mut HeaderMap,
    is_read: bool,
    route: &str,
    status: u16,
) {
    let is_report = route.starts_with(REPORTS);
    let is_read = is_read && !OF_OPERATORS.iter().any(|path| route.starts_with(path));
    if !(is_read || is_report || matches!(status, 404 | 405)) {
        return;
    }
    let origin = request.get(header::ORIGIN).filter(|_| is_report);
    response.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        origin.cloned().unwrap_or(HeaderValue::from_static("*")),
    );
    response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if is_report {
        response.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if origin.is_some() {
        response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// Lets pages of other origins read an answer to what is no request at all.
pub fn grant_unread(response: &mut HeaderMap) {
    response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

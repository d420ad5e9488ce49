//! The only table from what went wrong to status and code: what clients can see of
//! failures.

use super::detection::ProgressJson;
use super::limits::Exceeded;
use crate::domain::access::scope::Scope;
use crate::engine::detection::progress::Detection;
use crate::engine::ingest::IngestError;
use crate::render::key::ScopeWord;
use crate::store::StoreError;
use crate::wire::fault::{Fault, FaultKind};
use crate::wire::key_text::PREFIX;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{StatusCode, Uri};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// What went wrong, as a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProblemCode)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The body is not JSON.
    MalformedJson,
    /// The request is no HTTP/1.1: its first line, a header, or how its body is framed.
    MalformedRequest,
    /// The body is JSON of another shape, or cannot be unpacked.
    MalformedBody,
    /// A field or parameter that must be there is not.
    MissingField,
    /// A field or parameter has a value that it cannot have.
    InvalidValue,
    /// A query parameter that this call does not have.
    UnknownParameter,
    /// A query parameter that is there twice.
    RepeatedParameter,
    /// No provider or network of that name takes reports here.
    UnknownProvider,
    /// Observed longer ago than reports are taken.
    TooOld,
    /// Dated in the future.
    InFuture,
    /// From a time that is no longer kept.
    OutOfRetention,
    /// More cells than one answer holds.
    TooManyCells,
    /// It takes a key, or the key is not good.
    Unauthenticated,
    /// Not for everybody, or not for this key.
    Forbidden,
    /// Nothing is at this path.
    NotFound,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The body is over its limit.
    TooLarge,
    /// The batch has more items than it may.
    TooManyItems,
    /// The body's media type or encoding is not one that is read here.
    UnsupportedMediaType,
    /// The head of the request is over its limit.
    HeadersTooLarge,
    /// More than this caller may ask for; try again later.
    RateLimited,
    /// The request did not arrive in time; try again.
    RequestTimeout,
    /// More is coming in than can be taken; try again.
    Overloaded,
    /// The store cannot answer now; try again.
    Unavailable,
    /// Detection has not come to the present: try again, `progress` says how far it is.
    CatchingUp,
}

/// What is wrong with one field or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Which.
    #[schema(example = "lat")]
    pub field: String,
    /// What it must be.
    #[schema(example = "-90..=90")]
    pub expected: String,
    /// What it is, cut to 64 characters.
    #[schema(example = "91")]
    pub got: String,
}

/// A problem in the form of RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// A page about this code: `/docs#` and the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs#invalid_value", format = "uri-reference")]
    kind: String,
    /// The code in words.
    #[schema(example = "A value is not possible")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 400, minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this request.
    #[schema(example = "lat must be -90..=90, got 91")]
    detail: String,
    /// What went wrong, as a stable word: match on this.
    code: Code,
    /// Whether the same request may succeed later. If not, do not repeat it as it is.
    retryable: bool,
    /// The fields at fault, where there are any.
    errors: Vec<FieldError>,
    /// How far detection has come, where that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    progress: Option<ProgressJson>,
    /// The scope that the key lacks, where that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    required_scope: Option<ScopeWord>,
}

/// Why a request is answered with a problem.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    allow: Option<&'static str>,
    /// How far detection has come, and after how many seconds it is worth asking again.
    behind: Option<Box<(ProgressJson, u64)>>,
    /// What ran out.
    exceeded: Option<Box<Exceeded>>,
    /// What the key lacks.
    required_scope: Option<Scope>,
}

/// After how many seconds a refused client should try again; it adds jitter of its own.
const RETRY_AFTER_SECONDS: u64 = 2;
const LONGEST_GOT: usize = 64;
/// What callers of other machines are told.
const FORBIDDEN: &str = "this call takes a key with the scope admin; or, with --auth open, it is \
     taken from the machine itself, by a server that listens on a loopback address";
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

impl Code {
    const fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson
            | Self::MalformedRequest
            | Self::MalformedBody
            | Self::MissingField
            | Self::InvalidValue
            | Self::UnknownParameter
            | Self::RepeatedParameter
            | Self::UnknownProvider
            | Self::TooOld
            | Self::InFuture
            | Self::OutOfRetention
            | Self::TooManyCells => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge | Self::TooManyItems => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded | Self::Unavailable | Self::CatchingUp => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The word that clients see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::MalformedRequest => "malformed_request",
            Self::MalformedBody => "malformed_body",
            Self::MissingField => "missing_field",
            Self::InvalidValue => "invalid_value",
            Self::UnknownParameter => "unknown_parameter",
            Self::RepeatedParameter => "repeated_parameter",
            Self::UnknownProvider => "unknown_provider",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
            Self::OutOfRetention => "out_of_retention",
            Self::TooManyCells => "too_many_cells",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::TooManyItems => "too_many_items",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::HeadersTooLarge => "headers_too_large",
            Self::RateLimited => "rate_limited",
            Self::RequestTimeout => "request_timeout",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::CatchingUp => "catching_up",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::MalformedJson => "The body is not JSON",
            Self::MalformedRequest => "The request is no HTTP",
            Self::MalformedBody => "The body has another shape",
            Self::MissingField => "A field is missing",
            Self::InvalidValue => "A value is not possible",
            Self::UnknownParameter => "A query parameter is unknown",
            Self::RepeatedParameter => "A query parameter is repeated",
            Self::UnknownProvider => "The provider is unknown",
            Self::TooOld => "Observed too long ago",
            Self::InFuture => "Dated in the future",
            Self::OutOfRetention => "No longer kept",
            Self::TooManyCells => "Too many cells for one answer",
            Self::Unauthenticated => "A good key is needed",
            Self::Forbidden => "Not for everybody",
            Self::NotFound => "Nothing is here",
            Self::MethodNotAllowed => "The method is not taken here",
            Self::TooLarge => "The body is too large",
            Self::TooManyItems => "The batch has too many items",
            Self::UnsupportedMediaType => "The media type is not read here",
            Self::HeadersTooLarge => "The head of the request is too large",
            Self::RateLimited => "More than this caller may ask for",
            Self::RequestTimeout => "The request did not arrive in time",
            Self::Overloaded => "Too much at once",
            Self::Unavailable => "Not available now",
            Self::CatchingUp => "Detection is catching up",
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::RequestTimeout
                | Self::Overloaded
                | Self::Unavailable
                | Self::CatchingUp
        )
    }
}

impl FieldError {
    /// What is wrong with a field. What it is, is cut to 64 characters.
    pub fn new(
        field: impl Into<String>,
        expected: impl Into<String>,
        got: impl AsRef<str>,
    ) -> Self {
        Self {
            field: shortened(&field.into()),
            expected: expected.into(),
            got: shortened(got.as_ref()),
        }
    }
}

impl Problem {
    /// A problem that is not about fields.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = without_keys(detail.into());
        Self {
            code,
            detail,
            errors: Vec::new(),
            allow: None,
            behind: None,
            exceeded: None,
            required_scope: None,
        }
    }

    /// A problem with one field or parameter.
    pub fn field(
        code: Code,
        field: &str,
        expected: impl Into<String>,
        got: impl AsRef<str>,
    ) -> Self {
        Self::fields(code, vec![FieldError::new(field, expected, got)])
    }

    /// A provider that nobody knows.
    #[must_use]
    pub fn unknown_provider(id: &str) -> Self {
        Self::field(Code::UnknownProvider, "provider", "an id listed at /v1/providers", id)
    }

    /// A network that nobody knows.
    #[must_use]
    pub fn unknown_network(name: &str) -> Self {
        Self::field(Code::UnknownProvider, "network", "a network listed at /v1/providers", name)
    }

    /// A problem with several fields; the first gives the detail.
    #[must_use]
    pub fn fields(code: Code, errors: Vec<FieldError>) -> Self {
        let detail = errors.first().map_or_else(String::new, |e| {
            format!("{} must be {}, got {}", e.field, e.expected, e.got)
        });
        Self { errors, ..Self::new(code, detail) }
    }

    /// Detection has not come to the present.
    #[must_use]
    pub fn behind(detection: &Detection) -> Self {
        let progress = ProgressJson::from(detection);
        let up_to = progress.up_to.as_deref().unwrap_or("no time yet");
        let detail = format!(
            "detection has looked at reports up to {up_to}: {:.1} % of what it has to come through",
            100.0 * progress.share
        );
        let behind = Some(Box::new((progress, detection.left_s())));
        Self { behind, ..Self::new(Code::CatchingUp, detail) }
    }

    /// The same, with these words for people: where "must be, got" would mislead.
    #[must_use]
    pub fn with_detail(self, detail: String) -> Self {
        Self { detail: without_keys(detail), ..self }
    }

    /// The key lacks a scope.
    #[must_use]
    pub fn lacks(needed: Scope, detail: String) -> Self {
        Self { required_scope: Some(needed), ..Self::new(Code::Forbidden, detail) }
    }

    /// What went wrong.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The fields at fault.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Nothing is at this path.
    #[must_use]
    pub fn not_found(uri: &Uri) -> Self {
        Self::new(
            Code::NotFound,
            format!("nothing is at {}; see /docs for what there is", shortened(uri.path())),
        )
    }

    /// The call is for the operator only.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(Code::Forbidden, FORBIDDEN)
    }

    /// The caller must wait.
    #[must_use]
    pub fn rate_limited(exceeded: Exceeded) -> Self {
        let Exceeded { policy, quota, window_s, left, wait_s } = exceeded;
        let whose = match policy {
            "address" => "this address may ask for",
            "quota" => "this key may report in a day",
            _ => "this key may ask for",
        };
        let left = if left == 0 { "none is left".into() } else { format!("{left} are left") };
        let detail = format!("{whose} {quota} in {window_s} s; {left}: try again in {wait_s} s");
        Self { exceeded: Some(Box::new(exceeded)), ..Self::new(Code::RateLimited, detail) }
    }

    /// The path takes only the methods of `allow`.
    #[must_use]
    pub fn method_not_allowed(request: &HttpRequest, allow: &'static str) -> Self {
        let detail = format!(
            "{} takes {allow}, got {}",
            shortened(request.path()),
            shortened(request.method().as_str())
        );
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, detail) }
    }

    /// The path does not take the method that a preflight asks about.
    #[must_use]
    pub fn preflight_refused(request: &HttpRequest, allow: &'static str, method: &str) -> Self {
        let detail = format!(
            "{} takes {allow}, got a preflight for {}",
            shortened(request.path()),
            shortened(method)
        );
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, detail) }
    }

    /// What the HTTP parser refuses, by the status that it would answer.
    #[must_use]
    pub fn of_parser(status: u16) -> Option<Self> {
        let (code, detail) = match StatusCode::from_u16(status).ok()? {
            StatusCode::BAD_REQUEST => (
                Code::MalformedRequest,
                "the first line, a header or the framing of the body cannot be read as HTTP/1.1; \
                 it needs one Host header",
            ),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => (
                Code::HeadersTooLarge,
                "the head of a request must have at most 131072 bytes and 96 headers",
            ),
            StatusCode::REQUEST_TIMEOUT => {
                (Code::RequestTimeout, "the head of the request did not arrive within 5 s")
            }
            _ => return None,
        };
        Some(Self::new(code, detail))
    }

    /// One of each status, as the OpenAPI document shows them.
    #[must_use]
    pub fn examples() -> [(StatusCode, ProblemDetails); 8] {
        let expected = "a number: degrees north, -90..=90";
        let exceeded =
            Exceeded { policy: "address", quota: 6_000, window_s: 60, left: 0, wait_s: 12 };
        [
            Self::field(Code::InvalidValue, "lat", expected, "91"),
            Self::new(Code::Unauthenticated, "expired: the time of this key is over"),
            Self::rate_limited(exceeded),
            Self::forbidden(),
            Self::field(Code::NotFound, "id", "an id or alias listed at /v1/providers", "rogres"),
            Self::new(Code::TooLarge, "the body must be at most 65536 bytes"),
            Self::field(
                Code::UnsupportedMediaType,
                "Content-Type",
                "application/json",
                "text/plain",
            ),
            Self::new(Code::Unavailable, "the store cannot be read"),
        ]
        .map(|problem| (problem.code.status(), problem.details()))
    }

    fn details(&self) -> ProblemDetails {
        ProblemDetails {
            kind: format!("/docs#{}", self.code.name()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            retryable: self.code.is_retryable(),
            errors: self.errors.clone(),
            progress: self.behind.as_ref().map(|behind| behind.0.clone()),
            required_scope: self.required_scope.map(ScopeWord::from),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.code.is_retryable() {
            let seconds = self.behind.as_ref().map(|behind| behind.1);
            let seconds = seconds.or(self.exceeded.as_ref().map(|exceeded| exceeded.wait_s));
            let seconds = seconds.unwrap_or(RETRY_AFTER_SECONDS);
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(Exceeded { policy, quota, window_s, left, wait_s }) = self.exceeded.as_deref() {
            let allowed = format!("\"{policy}\";q={quota};w={window_s}");
            response.insert_header((RATE_LIMIT_POLICY, allowed));
            response.insert_header((RATE_LIMIT, format!("\"{policy}\";r={left};t={wait_s}")));
        }
        if self.code == Code::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(allow) = self.allow {
            response.insert_header((header::ALLOW, HeaderValue::from_static(allow)));
        }
        if self.code == Code::UnsupportedMediaType {
            response.insert_header((header::ACCEPT_ENCODING, "gzip, zstd, identity"));
        }
        let body = serde_json::to_vec(&self.details()).expect("a problem is plain data");
        response.content_type("application/problem+json").body(body)
    }
}

impl From<FaultKind> for Code {
    fn from(kind: FaultKind) -> Self {
        match kind {
            FaultKind::MalformedJson => Self::MalformedJson,
            FaultKind::MalformedBody => Self::MalformedBody,
            FaultKind::MissingField => Self::MissingField,
            FaultKind::InvalidValue => Self::InvalidValue,
            FaultKind::UnknownProvider => Self::UnknownProvider,
        }
    }
}

impl From<Vec<Fault>> for Problem {
    /// The first fault's code speaks for all.
    fn from(faults: Vec<Fault>) -> Self {
        let code = faults.first().map_or(Code::InvalidValue, |fault| fault.kind.into());
        Self::fields(
            code,
            faults
                .into_iter()
                .map(|fault| FieldError::new(fault.field, fault.expected, fault.got))
                .collect(),
        )
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(Code::Unavailable, error.to_string())
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Clock(_) => Self::new(Code::Unavailable, error.to_string()),
            IngestError::Overloaded => Self::new(Code::Overloaded, error.to_string()),
            IngestError::Store(error) => error.into(),
        }
    }
}

/// The beginning of what somebody sent.
fn shortened(text: &str) -> String {
    without_keys(match text.char_indices().nth(LONGEST_GOT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    })
}

/// A text without what could be a key, wherever somebody put it, and however much of it
/// is written by the numbers of its characters, as in addresses.
fn without_keys(text: String) -> String {
    let text = match percent_decode_str(&text).decode_utf8_lossy() {
        Cow::Owned(plain) if plain.contains(PREFIX) => plain,
        _ => text,
    };
    if !text.contains(PREFIX) {
        return text;
    }
    let mut parts = text.split(PREFIX);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let secret = if rest.len() < part.len() { "…" } else { "" };
        clean.extend([PREFIX, secret, rest]);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_shown_wherever_somebody_put_it() {
        let key = "gsk_AbCdEf12_0123456789abcdefABCDEF0123456789abcdef";
        let rows = [
            (format!("got {key}"), "got gsk_…"),
            (format!("{key}!"), "gsk_…!"),
            ("gsk_ and 47 characters".to_owned(), "gsk_ and 47 characters"),
            ("nothing".to_owned(), "nothing"),
            (key.replace('_', "%5f"), "gsk_…"),
            (key.replace("sk", "%73%6B"), "gsk_…"),
            ("50% and %5F".to_owned(), "50% and %5F"),
        ];
        for (text, expected) in rows {
            let problem = Problem::field(Code::InvalidValue, &text, "a", &text);
            assert_eq!(problem.errors()[0].got, expected);
            assert_eq!(problem.errors()[0].field, expected);
            assert_eq!(Problem::new(Code::InvalidValue, text).detail, expected);
        }
        let twice = Problem::new(Code::InvalidValue, format!("{key}, {key}!"));
        assert_eq!(twice.detail, "gsk_…, gsk_…!");
    }
}

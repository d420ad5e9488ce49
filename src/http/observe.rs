//! What operators see of requests: an id each, a count, a time, a line in the log. Never
//! a body, a reporter or an address.

use super::App;
use super::cors;
use super::error::Problem;
use crate::render::time::rfc3339;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What time it is in a simulation, and how fast it goes: `2022-07-08T08:44:03Z@60x`.
const SIMULATED_CLOCK: HeaderName = HeaderName::from_static("simulated-clock");
/// What a path that is none of ours is counted as: callers must not choose the labels.
const UNKNOWN_ROUTE: &str = "unknown";

/// Counts and times of requests.
#[derive(Debug)]
pub struct RequestMetrics {
    requests: Family<RequestLabels, Counter>,
    /// By route, in the order of the routes; the last is for all that are none of ours.
    seconds: Vec<(&'static str, Histogram)>,
    /// Where the ids of this process begin; random, so that two processes' differ.
    first_id: u64,
    next_id: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

impl RequestMetrics {
    /// Metrics of these routes, known to a registry.
    pub fn new(routes: &[&'static str], registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register("requests", "Requests by route and status", requests.clone());
        // One family: a format of metrics names each but once.
        let durations = Family::<RouteLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
        });
        let all = routes.iter().copied().chain([UNKNOWN_ROUTE]);
        let seconds = all
            .map(|route| (route, durations.get_or_create_owned(&RouteLabels { route })))
            .collect();
        registry.register_with_unit("request_duration", "Time to answer", Unit::Seconds, durations);
        Self {
            requests,
            seconds,
            first_id: RandomState::new().hash_one(0),
            next_id: AtomicU64::new(0),
        }
    }

    fn id(&self) -> HeaderValue {
        let n = self.next_id.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{:016x}", self.first_id.wrapping_add(n)))
            .expect("hexadecimal digits make a header")
    }

    /// Counts an answer to a path. Gives the route it was counted as.
    fn observe(&self, path: &str, status: u16, seconds: f64) -> &'static str {
        let unknown = self.seconds.last().expect("there is one for all that are none of ours");
        let (route, histogram) =
            self.seconds.iter().find(|(route, _)| is_route(route, path)).unwrap_or(unknown);
        self.requests.get_or_create(&RequestLabels { route, status }).inc();
        histogram.observe(seconds);
        route
    }
}

/// Whether a path is of a route, one segment of which may be a parameter. The router
/// knows, but would match the path once more to tell.
fn is_route(route: &str, path: &str) -> bool {
    match route.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?.1))) {
        None => route == path,
        Some((before, after)) => path
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|segment| !segment.is_empty() && !segment.contains('/')),
    }
}

/// Goes round every request.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let app = request.app_data::<web::Data<App>>().expect("the application is registered").clone();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let mut response = next.call(request).await?;
    let id = app.requests.id();
    let (status, seconds) = (response.status().as_u16(), began.elapsed().as_secs_f64());
    let route = app.requests.observe(response.request().path(), status, seconds);
    if status >= 500 {
        tracing::warn!(request = ?id, method = %response.request().method(), route, status, seconds, "failed");
    } else {
        tracing::debug!(request = ?id, method = %response.request().method(), route, status, seconds, "answered");
    }
    let (request, response_head) = (response.request().clone(), response.headers_mut());
    app.sign(response_head, id);
    cors::grant(request.headers(), response_head, is_read, route, status);
    Ok(response)
}

impl App {
    /// Writes on an answer what all have: an id, and in a simulation the time.
    fn sign(&self, response: &mut HeaderMap, id: HeaderValue) {
        response.insert(REQUEST_ID, id);
        // What people wrote is in some answers: no browser may take it for a page.
        response.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some((now, speed)) = self.engine.simulated_now() {
            let clock = HeaderValue::try_from(format!("{}@{speed}x", rfc3339(now)))
                .expect("digits and letters make a header");
            response.insert(SIMULATED_CLOCK, clock);
        }
    }

    /// The bytes of an answer to what is no request, the last one on a connection;
    /// counted and signed as every other.
    pub(super) fn answer_to_no_request(&self, problem: &Problem, date: Option<&str>) -> web::Bytes {
        let mut response = problem.error_response();
        let status = response.status();
        let id = self.requests.id();
        let route = self.requests.observe("", status.as_u16(), 0.0);
        tracing::debug!(request = ?id, route, status = status.as_u16(), "no request");
        self.sign(response.headers_mut(), id);
        cors::grant_unread(response.headers_mut());
        let mut bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n").into_bytes();
        for (name, value) in response.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        let body = response.into_body().try_into_bytes().unwrap_or_default();
        let date = date.map(|date| format!("date: {date}\r\n")).unwrap_or_default();
        bytes.extend(format!("{date}content-length: {}\r\n\r\n", body.len()).bytes());
        bytes.extend(body);
        bytes.into()
    }
}

//! Counts and times of requests by route, and an id for each.

use actix_web::http::header::HeaderValue;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a path that is none of ours is counted as: callers must not choose the labels.
const UNKNOWN_ROUTE: &str = "unknown";

/// Counts and times of requests.
#[derive(Debug)]
pub struct RequestMetrics {
    requests: Family<RequestLabels, Counter>,
    /// Calls that were turned away.
    denied: Family<DenialLabels, Counter>,
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DenialLabels {
    reason: &'static str,
}

impl RequestMetrics {
    /// Metrics of these routes, known to a registry.
    pub fn new(routes: &[&'static str], registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register("requests", "Requests by route and status", requests.clone());
        let denied = Family::default();
        registry.register("denied", "Calls turned away, by reason", denied.clone());
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
            denied,
            seconds,
            first_id: RandomState::new().hash_one(0),
            next_id: AtomicU64::new(0),
        }
    }

    /// Counts a call that was turned away.
    pub fn denied(&self, reason: &'static str) {
        self.denied.get_or_create(&DenialLabels { reason }).inc();
    }

    /// The id of the next request: 16 hexadecimal digits.
    pub fn id(&self) -> HeaderValue {
        let n = self.next_id.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{:016x}", self.first_id.wrapping_add(n)))
            .expect("hexadecimal digits make a header")
    }

    /// Counts an answer to a path. Gives the route it was counted as.
    pub fn observe(&self, path: &str, status: u16, seconds: f64) -> &'static str {
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

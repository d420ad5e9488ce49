//! The state of the application: what every handler has at hand.

use super::denial::Denial;
use super::error::{Code, Problem};
use super::forwarded::ForwardedNotice;
use super::fresh_ids::FreshIds;
use super::limits::Limits;
use super::place_names::PlaceNames;
use super::policy::{Auth, Policy};
use super::request_metrics::RequestMetrics;
use super::response_cache::ResponseCache;
use super::source_metrics::SourceMetrics;
use crate::domain::time::DAY_MS;
use crate::engine::Engine;
use actix_web::HttpRequest;
use prometheus_client::registry::Registry;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// An operator is warned so long before no key may run the server.
const ADMIN_NEEDED_FOR_DAYS: i64 = 14;

/// What every handler has at hand.
#[derive(Debug)]
pub struct App {
    /// The use-cases.
    pub engine: Arc<Engine>,
    /// Responses to reads.
    pub responses: ResponseCache,
    /// What the places of incidents are called.
    pub place_names: PlaceNames,
    /// Who may call without a key, and how much.
    pub policy: Policy,
    /// How much each caller asked for.
    pub limits: Limits,
    /// How many ids were new today, where that is limited.
    pub fresh_ids: Option<FreshIds>,
    /// Whether a proxy is in front that nobody said is one.
    pub forwarded: ForwardedNotice,
    /// Reports by source.
    pub sources: SourceMetrics,
    /// Counts and times of requests.
    pub requests: RequestMetrics,
    /// All metrics.
    pub registry: Registry,
    /// The OpenAPI document as JSON.
    pub openapi: String,
    /// Whether only this machine reaches the server.
    pub is_for_this_machine: bool,
    /// Expensive work that may begin, a permit each.
    turns: Semaphore,
}

impl App {
    /// The state of an application that has these routes.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        routes: &[&'static str],
        openapi: String,
        is_for_this_machine: bool,
        policy: Policy,
    ) -> Self {
        let mut registry = Registry::with_prefix("groundswell");
        engine.metrics().register(&mut registry);
        let requests = RequestMetrics::new(routes, &mut registry);
        let sources = SourceMetrics::default();
        registry.register_collector(Box::new(sources.clone()));
        let turns = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
        Self {
            engine,
            responses: ResponseCache::default(),
            place_names: PlaceNames::default(),
            limits: Limits::new(policy.limits),
            fresh_ids: policy.fresh_ids.map(FreshIds::new),
            policy,
            forwarded: ForwardedNotice::default(),
            sources,
            requests,
            registry,
            openapi,
            is_for_this_machine,
            turns,
        }
    }

    /// Where a request comes from.
    #[must_use]
    pub fn address_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip();
        if self.limits.look_at_addresses() {
            self.forwarded.look(&self.policy.proxies, peer, request.headers());
        }
        Some(self.policy.proxies.client(peer, request.headers()))
    }

    /// Whether somebody tries the server out: only this machine reaches it, everybody may
    /// call, and nobody chose what readers may see. Whoever is on the machine then sees
    /// what they reported themselves.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        self.is_for_this_machine
            && self.policy.auth == Auth::Open
            && self.policy.proxies.trusted.is_empty()
            && self.engine.access().privacy().is_none_or(|privacy| !privacy.is_chosen)
    }

    /// What readers may see, in words for who starts the server.
    #[must_use]
    pub fn privacy_in_words(&self) -> String {
        let rule = self.engine.access().privacy().map(|of| of.rules.latest()).unwrap_or_default();
        let by_rule = if rule.is_off() {
            "where single people reported: k = 1 hides nothing".to_owned()
        } else {
            format!(
                "reports in cells in which at least {} people were heard of that day (k = {}), \
                 none finer than resolution {}",
                rule.k,
                rule.k,
                rule.finest.number()
            )
        };
        if self.is_on_trial() {
            format!(
                "nothing is hidden from callers on this machine: only it reaches this server, and \
                 nobody chose otherwise. The public would see {by_rule}"
            )
        } else {
            format!("readers see {by_rule}")
        }
    }

    /// What a caller is told who is turned away; counted.
    #[must_use]
    pub fn denied(&self, denial: &Denial) -> Problem {
        self.requests.denied(denial.reason());
        denial.problem()
    }

    /// What an operator should look at though requests are answered.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let soon = self.engine.now().plus_ms(ADMIN_NEEDED_FOR_DAYS * DAY_MS);
        let is_ending = self.policy.auth == Auth::Keys && !self.engine.access().has_admin(soon);
        let ending = is_ending.then(|| {
            format!(
                "in {ADMIN_NEEDED_FOR_DAYS} days no key works whose scope is admin: create one, \
                 or rotate one that does not end"
            )
        });
        self.forwarded.text().map(str::to_owned).into_iter().chain(ending).collect()
    }

    /// Runs expensive work on a thread of its own, else here. At most as many run at once
    /// as there are cores: more would only hold more memory.
    ///
    /// # Errors
    /// Where the work panics, or the process ends.
    pub async fn run_blocking<T, F>(
        self: &Arc<Self>,
        is_expensive: bool,
        work: F,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> T + Send + 'static,
    {
        if !is_expensive {
            return Ok(work(self));
        }
        let ended = |reason: &dyn std::fmt::Display| {
            Problem::new(Code::Unavailable, format!("the work was given up: {reason}"))
        };
        let _turn = self.turns.acquire().await.map_err(|error| ended(&error))?;
        let app = Arc::clone(self);
        actix_web::rt::task::spawn_blocking(move || work(&app)).await.map_err(|error| ended(&error))
    }
}

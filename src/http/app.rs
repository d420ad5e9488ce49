//! The state of the application: what every handler has at hand.

use super::error::{Code, Problem};
use super::place_names::PlaceNames;
use super::request_metrics::RequestMetrics;
use super::response_cache::ResponseCache;
use crate::engine::Engine;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What every handler has at hand.
#[derive(Debug)]
pub struct App {
    /// The use-cases.
    pub engine: Arc<Engine>,
    /// Responses to reads.
    pub responses: ResponseCache,
    /// What the places of incidents are called.
    pub place_names: PlaceNames,
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
    ) -> Self {
        let mut registry = Registry::with_prefix("groundswell");
        engine.metrics().register(&mut registry);
        let requests = RequestMetrics::new(routes, &mut registry);
        let turns = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
        Self {
            engine,
            responses: ResponseCache::default(),
            place_names: PlaceNames::default(),
            requests,
            registry,
            openapi,
            is_for_this_machine,
            turns,
        }
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

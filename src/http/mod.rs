//! The HTTP side: extract, call the engine, convert. Knows statuses, headers and wire
//! types; decides nothing about reports.

mod admin;
mod body;
mod caching;
mod cells;
mod connection;
mod cors;
mod detection;
pub mod error;
mod exposition;
mod heatmap;
mod incidents;
mod listing;
mod live;
mod media_type;
mod notes;
mod observe;
mod open_words;
pub mod openapi;
mod pages;
mod params;
mod providers;
mod query;
mod rendered;
mod report_body;
mod reports;
mod series;
mod sites;
mod spikes;
mod unpacking;
mod voids;

use crate::engine::Engine;
use actix_http::{HttpService, Protocol};
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{
    App as ActixApp, HttpRequest, HttpResponse, HttpResponseBuilder, Resource, Route, web,
};
use connection::Connection;
use cors::Methods;
use detection::resting;
use error::{Code, Problem};
use live::LiveKey;
use observe::{RequestMetrics, observe};
use prometheus_client::registry::Registry;
use rendered::{Answer, AnswerKey, Answers, Packing};
use serde::Serialize;
use sites::Sites;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use utoipa_swagger_ui::Config as SwaggerConfig;

/// What every handler has at hand.
#[derive(Debug)]
pub struct App {
    engine: Arc<Engine>,
    answers: Answers<AnswerKey>,
    live: Answers<LiveKey>,
    sites: Sites,
    requests: RequestMetrics,
    registry: Registry,
    openapi: String,
    turns: Semaphore,
    /// Whether only this machine reaches the server.
    is_for_this_machine: bool,
}

/// How long the first head on a connection may take to arrive.
const HEAD_ARRIVES_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may take to close, once its last answer is sent.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// Paths as they are routed, for the metrics.
const ROUTES: [&str; 22] = [
    "/",
    "/v1/reports",
    "/v1/reports/batch",
    "/v1/heatmap",
    "/v1/heatmap.columns.json",
    "/v1/heatmap.geojson",
    "/v1/heatmap.h3j",
    "/v1/incidents",
    "/v1/incidents.geojson",
    "/v1/incidents/{id}",
    "/v1/incidents/{id}/notes",
    "/v1/voids",
    "/v1/cells/{cell}",
    "/v1/spikes",
    "/v1/spikes.geojson",
    "/v1/series",
    "/v1/providers",
    "/v1/providers/{id}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
];

impl App {
    fn new(engine: Arc<Engine>, is_for_this_machine: bool) -> Self {
        let mut registry = Registry::with_prefix("groundswell");
        engine.metrics().register(&mut registry);
        let requests = RequestMetrics::new(&ROUTES, &mut registry);
        let openapi = openapi::document().to_json().expect("the document is plain data");
        let turns = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
        Self {
            engine,
            answers: Answers::default(),
            live: Answers::default(),
            sites: Sites::default(),
            requests,
            registry,
            openapi,
            turns,
            is_for_this_machine,
        }
    }

    /// Works beside the other requests where it takes long, else here. At most as many
    /// such works at once as there are cores: more would only hold more memory.
    async fn beside<T, F>(self: &Arc<Self>, takes_long: bool, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> T + Send + 'static,
    {
        if !takes_long {
            return Ok(work(self));
        }
        let ended = |reason: &dyn std::fmt::Display| {
            Problem::new(Code::Unavailable, format!("the work was given up: {reason}"))
        };
        let _turn = self.turns.acquire().await.map_err(|error| ended(&error))?;
        let app = Arc::clone(self);
        actix_web::rt::task::spawn_blocking(move || work(&app)).await.map_err(|error| ended(&error))
    }

    /// An answer as JSON, packed as the reader likes.
    async fn packed(
        &self,
        request: &HttpRequest,
        mut response: HttpResponseBuilder,
        answer: &impl Serialize,
    ) -> Result<HttpResponse, Problem> {
        let plain = serde_json::to_vec(answer).expect("an answer is plain data");
        let (packing, bytes, _) =
            Answer::new(String::new(), plain).packed(Packing::accepted(request.headers())).await;
        if let Some(name) = packing.name() {
            response.insert_header((actix_web::http::header::CONTENT_ENCODING, name));
        }
        Ok(response.content_type("application/json").body(bytes))
    }
}

/// A server on a bound listener. It runs once awaited.
///
/// Built from the parts of actix-web's own, which would leave no room for `Connection`.
///
/// # Errors
/// Where the listener cannot be used.
pub fn server(
    listener: TcpListener,
    engine: Arc<Engine>,
    workers: usize,
    stop_within: Duration,
) -> std::io::Result<Server> {
    let is_for_this_machine = listener.local_addr()?.ip().to_canonical().is_loopback();
    let app = web::Data::new(App::new(engine, is_for_this_machine));
    let server =
        Server::build().workers(workers).shutdown_timeout(stop_within.as_secs()).disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let connections = move || {
        let (app, stopping) = (app.clone(), stopping.clone());
        let routed = ActixApp::new().app_data(app.clone()).wrap(from_fn(observe)).configure(routes);
        let stopped = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        let http = HttpService::build()
            .graceful_shutdown_signal(stopped)
            .client_request_timeout(HEAD_ARRIVES_WITHIN)
            .client_disconnect_timeout(CLOSED_WITHIN)
            .finish(map_config(routed, |()| AppConfig::default()));
        let accept = move |socket: TcpStream| {
            let peer = socket.peer_addr().ok();
            std::future::ready(Ok((Connection::new(socket, app.clone()), Protocol::Http1, peer)))
        };
        fn_service(accept).and_then(http)
    };
    Ok(server.listen("groundswell", listener, connections)?.run())
}

/// Runs a server until `stop` ends, then lets it answer what it has begun.
///
/// # Errors
/// Where the server fails.
pub async fn run_until_stopped(
    server: Server,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    stop.await;
    handle.stop(true).await;
    running.await.map_err(std::io::Error::other)?
}

fn routes(config: &mut web::ServiceConfig) {
    let docs = SwaggerConfig::from("/openapi.json").try_it_out_enabled(true).validator_url("none");
    config
        .app_data(web::Data::new(docs))
        .service(read("/", web::to(pages::front)))
        .service(report("/v1/reports", web::to(reports::submit)))
        .service(report("/v1/reports/batch", web::to(reports::submit_batch)))
        .service(resting(read("/v1/heatmap", web::to(heatmap::json))))
        .service(resting(read("/v1/heatmap.columns.json", web::to(heatmap::columns))))
        .service(resting(read("/v1/heatmap.geojson", web::to(heatmap::geojson))))
        .service(resting(read("/v1/heatmap.h3j", web::to(heatmap::h3j))))
        .service(read("/v1/heatmap.{format:.*}", web::to(heatmap::unknown_format)))
        .service(resting(read("/v1/series", web::to(series::series))))
        .service(resting(read("/v1/incidents", web::to(incidents::list))))
        .service(resting(read("/v1/incidents.geojson", web::to(incidents::geojson))))
        .service(resting(read("/v1/incidents/{id}", web::to(incidents::one))))
        .service(
            resource("/v1/incidents/{id}/notes", Methods::Admin).route(web::post().to(notes::add)),
        )
        .service(resting(
            resource("/v1/voids", Methods::ReadAndAdmin)
                .route(web::post().to(voids::add))
                .route(reading(web::to(voids::list))),
        ))
        .service(resting(read("/v1/cells/{cell}", web::to(cells::explain))))
        .service(resting(read("/v1/spikes", web::to(spikes::list))))
        .service(resting(read("/v1/spikes.geojson", web::to(spikes::geojson))))
        .service(resting(read("/v1/providers", web::to(providers::list))))
        .service(resting(read("/v1/providers/{id}", web::to(providers::one))))
        .service(read("/healthz", web::to(pages::healthz)))
        .service(resting(read("/readyz", web::to(pages::readyz))))
        .service(read("/metrics", web::to(pages::metrics)))
        .service(read("/openapi.json", web::to(pages::openapi)))
        .service(read("/docs", web::to(pages::docs_moved)))
        .service(read("/docs/{file:.*}", web::to(pages::docs)))
        .default_service(web::to(|request: HttpRequest| async move {
            HttpResponse::from_error(Problem::not_found(request.uri()))
        }));
}

/// A path that is read.
fn read(path: &str, handler: Route) -> Resource {
    resource(path, Methods::Read).route(reading(handler))
}

/// A path that takes reports.
fn report(path: &str, handler: Route) -> Resource {
    resource(path, Methods::Report).route(handler.guard(actix_web::guard::Post()))
}

/// A route for what reads.
fn reading(handler: Route) -> Route {
    handler.guard(actix_web::guard::fn_guard(|context| {
        matches!(context.head().method, Method::GET | Method::HEAD)
    }))
}

/// A path that answers preflights if it takes `OPTIONS`, and every method it does not
/// take by those it does.
fn resource(path: &str, methods: Methods) -> Resource {
    let refuse = move |request: HttpRequest| async move {
        HttpResponse::from_error(Problem::method_not_allowed(&request, methods.allow()))
    };
    let resource = web::resource(path).default_service(web::to(refuse));
    if methods == Methods::Admin {
        return resource;
    }
    resource.route(
        web::method(Method::OPTIONS)
            .to(move |request: HttpRequest| async move { cors::preflight(&request, methods) }),
    )
}

//! The server: listener, connections and middleware around the routes.

use super::app::App;
use super::connection::Connection;
use super::observe::observe;
use super::openapi;
use super::policy::Policy;
use super::routes::{ROUTES, metrics_apart, routes};
use crate::engine::Engine;
use actix_http::{HttpService, Protocol};
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::App as ActixApp;
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// How long the first head on a connection may take to arrive.
const HEAD_ARRIVES_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may take to close, once its last answer is sent.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// Where a server listens.
#[derive(Debug)]
pub struct Listeners {
    /// For all calls.
    pub main: TcpListener,
    /// For the metrics alone, where they have an address of their own.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(main: TcpListener) -> Self {
        Self { main, metrics: None }
    }
}

/// A server on bound listeners. It runs once awaited.
///
/// Built from the parts of actix-web's own, which would leave no room for `Connection`.
///
/// # Errors
/// Where the listener cannot be used.
pub fn server(
    listeners: Listeners,
    engine: Arc<Engine>,
    policy: Policy,
    workers: usize,
    stop_within: Duration,
) -> std::io::Result<Server> {
    let Listeners { main, metrics } = listeners;
    let is_for_this_machine = main.local_addr()?.ip().to_canonical().is_loopback();
    let document = openapi::document().to_json().map_err(std::io::Error::other)?;
    let app = web::Data::new(App::new(engine, &ROUTES, document, is_for_this_machine, policy));
    tracing::info!("{}", app.privacy_in_words());
    let server =
        Server::build().workers(workers).shutdown_timeout(stop_within.as_secs()).disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let connections = move |paths: fn(&mut web::ServiceConfig)| {
        let (app, stopping) = (app.clone(), stopping.clone());
        let routed = ActixApp::new().app_data(app.clone()).wrap(from_fn(observe)).configure(paths);
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
    let for_metrics = connections.clone();
    let server = server.listen("groundswell", main, move || connections(routes))?;
    let server = match metrics {
        Some(metrics) => server.listen("metrics", metrics, move || for_metrics(metrics_apart))?,
        None => server,
    };
    Ok(server.run())
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

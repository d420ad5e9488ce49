//! `groundswell serve`: opens the store, takes reports and answers until it is told to stop.

use super::{limits, listening, opened};
use crate::config::{Config, MOST_WORKERS};
use crate::domain::reporter::ReporterKey;
use crate::engine::Engine;
use crate::engine::clock::Clock;
use crate::engine::timetable::Timetable;
use crate::http;
use crate::render::time::rfc3339;
use crate::store::redis::address::is_address;
use crate::store::{Store, Terms};
use anyhow::{Context, ensure};
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Files that a worker has open while nobody is connected: its poller, and what wakes it.
const FILES_OF_A_WORKER: u64 = 4;
/// Files of everything else, and some connections.
const FILES_BESIDE_WORKERS: u64 = 64;
/// Threads of everything else, beside one for each core.
const THREADS_BESIDE_WORKERS: usize = 16;

pub fn run(config: &Config) -> anyhow::Result<()> {
    let addresses = listening::addresses(&config.listen)?;
    config.check(&addresses)?;
    let timetable = timetable(config)?;
    start_logging(&config.log)?;
    for told in super::misspelt_variables() {
        tracing::warn!("{told}");
    }
    for name in config.without_effect(is_address(&config.store)) {
        tracing::warn!("--{name} has no effect on {}", if is_address(&config.store) { "a Redis" } else { "an embedded store" });
    }
    let catalogue = opened::catalogue(config.catalogue.as_deref())?;
    // Bound before the store is read, so that a port in use is known at once, and before anything is made.
    let listener = listening::bind(&config.listen, &addresses)?;
    let workers = workers(config)?;
    let key = opened::reporter_key(&config.key, &config.store)?;
    let terms = |key: &ReporterKey| Terms { reporter_key_check: key.check_value(), lateness_ms: config.lateness_ms() };
    let (key, store) = opened::under_key(&config.key, key, |key| opened::store(config, &catalogue, terms(key)))?;
    if store.catalogue_before().is_some_and(|before| before != catalogue.fingerprint()) {
        tracing::warn!("the catalogue is another one than this store was last opened with; nodes of one store should have the same");
    }
    if let Some(timetable) = &timetable {
        comes_after(timetable, &store)?;
        tracing::warn!(clock = %timetable, "the clock is a simulated one, and every answer says so");
    }
    // A simulated clock begins once the store is read.
    let clock = timetable.map_or(Clock::System, Clock::simulated);
    let engine = Arc::new(Engine::start(catalogue, clock, config.lateness_ms(), &key, store)?);
    serve(workers, listener, &engine, stop_signal())
}

/// Threads that answer requests. Each takes files of its own before anybody connects.
fn workers(config: &Config) -> anyhow::Result<usize> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS as usize);
    let workers = config.workers.map_or_else(cores, usize::from);
    let needed = FILES_BESIDE_WORKERS + workers as u64 * FILES_OF_A_WORKER;
    if let Some(limit) = limits::open_files().filter(|limit| *limit < needed) {
        anyhow::bail!(
            "--workers {workers} needs {needed} open files, and this process may have {limit}: raise it (ulimit -n), or give fewer"
        );
    }
    let threads = workers + cores() + THREADS_BESIDE_WORKERS;
    limits::try_threads(threads).with_context(|| {
        format!("--workers {workers} needs {threads} threads, more than this process may have: raise that (ulimit -u, pids of a container), or give fewer")
    })?;
    Ok(workers)
}

/// What a simulated clock is to follow.
fn timetable(config: &Config) -> anyhow::Result<Option<Timetable>> {
    let Some(text) = &config.clock else { return Ok(None) };
    ensure!(
        !is_address(&config.store),
        "--clock needs an embedded store: nodes of one Redis must agree on the time; give --store a directory"
    );
    Ok(Some(text.parse().context("--clock")?))
}

/// Facts of the future would be counted as known.
fn comes_after(timetable: &Timetable, store: &Store) -> anyhow::Result<()> {
    let newest = store.newest_minute().filter(|newest| timetable.start() < newest.start());
    let Some(newest) = newest else { return Ok(()) };
    anyhow::bail!(
        "{} holds reports of {}, which is later than --clock begins: start the clock after them, or give another --store",
        store.shown(),
        rfc3339(newest.start())
    )
}

/// Serves until `stop` ends.
pub(super) fn serve(workers: usize, listener: TcpListener, engine: &Arc<Engine>, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    // Before anybody is told that it is ready.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(engine.look_at_store())?;
    let (housekeeper, stop_keeping_house) = in_background(engine, "housekeeper", |engine, runtime| {
        runtime.block_on(engine.keep_house());
        engine.housekeeping_every()
    })?;
    let (lookout, stop_looking) = in_background(engine, "lookout", |engine, runtime| {
        runtime.block_on(engine.look_out());
        engine.look_every()
    })?;
    let address = listener.local_addr()?;
    let served = actix_web::rt::System::new().block_on(async {
        let server = http::server(listener, Arc::clone(engine), workers, Config::STOP_WITHIN)?;
        writeln!(std::io::stdout(), "listening on http://{address}")?;
        tracing::info!(%address, store = engine.store_shown(), providers = engine.catalogue().len(), "ready");
        Ok(http::run_until_stopped(server, stop).await?)
    });
    tracing::info!("stopping");
    drop((stop_keeping_house, stop_looking));
    let all_ended_well = [housekeeper.join(), lookout.join()].iter().all(Result::is_ok);
    runtime.block_on(engine.release_lease());
    engine.stop();
    tracing::info!(all_ended_well, "stopped");
    served
}

/// Takes a step again and again until the other end is dropped, on a thread of its own since it waits for the disk or computes for long. The
/// step says how long to wait for the next.
fn in_background(
    engine: &Arc<Engine>,
    name: &str,
    work: impl Fn(&Engine, &Runtime) -> Duration + Send + 'static,
) -> std::io::Result<(JoinHandle<()>, Sender<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = channel();
    let engine = Arc::clone(engine);
    let run = move || {
        while stopped.recv_timeout(work(&engine, &runtime)) == Err(RecvTimeoutError::Timeout) {}
    };
    Ok((std::thread::Builder::new().name(name.into()).spawn(run)?, stop))
}

/// Ends when the process is asked to: Ctrl-C or SIGTERM.
pub(super) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        tracing::warn!("signals cannot be heard; only kill -9 will stop this process");
        return std::future::pending().await;
    };
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
}

fn start_logging(filter: &str) -> anyhow::Result<()> {
    // What a client broke, the framework logs as an error; an error here means that somebody should look.
    let filter = tracing_subscriber::EnvFilter::try_new(format!("actix_http::h1=off,{filter}")).context("--log")?;
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}

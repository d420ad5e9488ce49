//! `groundswell serve`: opens the store, takes reports and answers until it is told to
//! stop.

use super::signals::Signals;
use super::{first_key, limits, listening, opened, policy};
use crate::config::{Config, MOST_WORKERS};
use crate::domain::clock_guard::{Probation, Trust};
use crate::domain::reporter::ReporterKey;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::engine::Engine;
use crate::engine::access::AccessError;
use crate::engine::clock::Clock;
use crate::engine::timetable::Timetable;
use crate::http::policy::Policy;
use crate::http::{self, Listeners};
use crate::store::fail_point;
use crate::store::place::Place;
use crate::store::timing::Timing;
use crate::store::{Store, Terms};
use anyhow::{Context, anyhow, ensure};
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A store that does not answer is waited for so long before the process ends.
const LEASE_GIVEN_BACK_WITHIN: Duration = Duration::from_secs(1);
/// Files that a worker has open while nobody is connected: its poller, and what wakes it.
const FILES_OF_A_WORKER: u64 = 4;
/// Files of everything else, and some connections.
const FILES_BESIDE_WORKERS: u64 = 64;
/// Threads of everything else, beside one for each core.
const THREADS_BESIDE_WORKERS: usize = 16;

/// Serves as the settings say, until it is told to stop.
///
/// # Errors
/// Where a setting, the store, the clock or the port is at fault.
pub fn run(config: &Config, signals: &Signals) -> anyhow::Result<()> {
    signals.end_well();
    let addresses = listening::addresses(&config.listen)?;
    config.check(&addresses)?;
    let place = Place::parse(&config.store)?;
    let timetable = timetable(config)?;
    let timing = timing(config)?;
    let policy = policy::policy(&config.access, &config.publisher, config.population.as_deref())?;
    fail_point::check()?;
    start_logging(&config.log)?;
    if timing != Timing::default() {
        tracing::warn!(%timing, "durations are those of a test");
    }
    for told in super::misspelt_variables() {
        tracing::warn!("{told}");
    }
    let is_redis = matches!(place, Place::Redis(_));
    for name in config.without_effect(is_redis) {
        tracing::warn!(
            "--{name} has no effect on {}",
            if is_redis { "a Redis" } else { "an embedded store" }
        );
    }
    let catalogue = opened::catalogue(config.catalogue.as_deref())?;
    for (network, provider) in catalogue.lone_networks() {
        tracing::warn!(
            network,
            provider,
            "no provider has the id of this network, and no other names it: is it misspelt?"
        );
    }
    if let Place::Directory(dir) = place
        && !dir.join("meta.json").is_file()
    {
        // Before anything is made: whoever makes the key makes the store.
        first_key::insist(config, &dir.display().to_string(), false)?;
    }
    // Bound before the store is read, so that a port in use is known at once, and before
    // anything is made.
    let main = listening::bind(&config.listen, &addresses)?;
    let metrics = config.access.metrics_listen.as_ref().map(|listen| {
        listening::bind(listen, &listening::addresses(listen)?).context("--metrics-listen")
    });
    let listeners = Listeners { main, metrics: metrics.transpose()? };
    let shown = Clock::system(timing.probation()).shown();
    ensure!(
        Timestamp(0) <= shown,
        "the clock of this machine shows {shown}, and HTTP knows no time before 1970: set it"
    );
    let workers = workers(config)?;
    let key = opened::reporter_key(&config.key, place)?;
    let terms = |key: &ReporterKey| Terms {
        reporter_key_check: key.check_value(),
        lateness_ms: config.lateness.ms(),
    };
    let (key, store) = opened::under_key(&config.key, key, |key| {
        let now = timetable.as_ref().map_or(shown, Timetable::start);
        opened::store(config, &catalogue, terms(key), (timing, now))
    })?;
    if store.catalogue_before().is_some_and(|before| before != catalogue.fingerprint()) {
        tracing::warn!(
            "the catalogue is another one than this store was last opened with; nodes of one \
             store should have the same"
        );
    }
    if let Some(timetable) = &timetable {
        tracing::warn!(
            clock = %timetable,
            "the clock is a simulated one, and every answer says so"
        );
    }
    // A simulated clock begins once the store is read.
    let clock = clock(timetable, timing.probation(), &store)?;
    let lateness_ms = config.lateness.ms();
    let at = (clock.now(), lateness_ms);
    let key = opened::with_next(&config.next_key, key, (place, &store), at)?;
    let engine = Engine::start(catalogue, clock, lateness_ms, &key, store, timing)?;
    let engine = Arc::new(engine);
    check_clock(&engine, config.trust_clock)?;
    let table = Runtime::new()?.block_on(engine.read_ledger())?;
    first_key::insist(config, &engine.store_shown(), table.has_admin(engine.now()))?;
    agree_on_privacy(config, &engine)?;
    serve(workers, listeners, &engine, policy, signals.asked())
}

/// Records what readers may see, where that was never chosen; refuses a start that asks
/// for something else than was.
fn agree_on_privacy(config: &Config, engine: &Engine) -> anyhow::Result<()> {
    let asked = config.privacy.asked();
    Runtime::new()?.block_on(engine.agree_on_privacy(asked)).map_err(|error| {
        let AccessError::PrivacyDiffers { .. } = error else { return error.into() };
        let set = format!("groundswell privacy set {asked}");
        let set = first_key::command(&set, config, &engine.store_shown());
        anyhow!(
            "{error}. It is one for all nodes: leave --privacy-k and --public-finest out, or \
             change it, which /v1/audit then tells, and start again:\n\n    {set}\n"
        )
    })?;
    Ok(())
}

/// A start whose clock cannot be believed serves what it has, takes no reports, and says
/// so.
fn check_clock(engine: &Engine, vouched: bool) -> anyhow::Result<()> {
    Runtime::new()?.block_on(engine.check_clock(vouched))?;
    if let Trust::Probation { left_ms } = engine.trust() {
        tracing::info!(
            minutes = left_ms / MINUTE_MS,
            "nothing is forgotten before the clock has run evenly"
        );
    }
    Ok(())
}

/// Threads that answer requests. Each takes files of its own before anybody connects.
fn workers(config: &Config) -> anyhow::Result<usize> {
    let cores =
        || std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS as usize);
    let workers = config.workers.map_or_else(cores, usize::from);
    let needed = FILES_BESIDE_WORKERS + workers as u64 * FILES_OF_A_WORKER;
    if let Some(limit) = limits::open_files().filter(|limit| *limit < needed) {
        anyhow::bail!(
            "--workers {workers} needs {needed} open files, and this process may have {limit}: \
             raise it (ulimit -n), or give fewer"
        );
    }
    let threads = workers + cores() + THREADS_BESIDE_WORKERS;
    limits::try_threads(threads).with_context(|| {
        format!(
            "--workers {workers} needs {threads} threads, more than this process may have: \
             raise that (ulimit -u, pids of a container), or give fewer"
        )
    })?;
    Ok(workers)
}

/// How long things last.
fn timing(config: &Config) -> anyhow::Result<Timing> {
    let Some(text) = &config.timing else { return Ok(Timing::default()) };
    text.parse().context("--timing")
}

/// What a simulated clock is to follow.
fn timetable(config: &Config) -> anyhow::Result<Option<Timetable>> {
    config.clock.as_ref().map(|text| text.parse().context("--clock")).transpose()
}

/// The clock of a node: time itself, or a simulated one, which all nodes of a store
/// share.
fn clock(
    timetable: Option<Timetable>,
    probation: Probation,
    store: &Store,
) -> anyhow::Result<Clock> {
    let text = timetable.as_ref().map(ToString::to_string);
    let anchor = store.agree_on_clock(text.as_deref())?;
    Ok(match (timetable, anchor) {
        (None, _) => Clock::system(probation),
        (Some(timetable), None) => Clock::simulated(timetable, probation),
        (Some(timetable), Some(anchor)) => Clock::simulated_since(anchor, timetable, probation),
    })
}

/// Serves until `stop` ends, or something dies without which there is nothing to serve.
///
/// # Errors
/// Where the store does not answer, no thread can be had, or something vital has died.
pub fn serve(
    workers: usize,
    listeners: Listeners,
    engine: &Arc<Engine>,
    policy: Policy,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    // Before anybody is told that it is ready.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        engine.look_at_store().await?;
        engine.read_ledger().await
    })?;
    let (maintenance, stop_keeping_house) =
        in_background(engine, "maintenance", |engine, runtime| {
            runtime.block_on(engine.unless_stopping(engine.maintain()));
            engine.maintenance_every()
        })?;
    let (detection, stop_detection) = in_background(engine, "detection", |engine, runtime| {
        runtime.block_on(engine.unless_stopping(engine.step_detection()));
        engine.look_every()
    })?;
    let (access, stop_access) = in_background(engine, "ledger", |engine, runtime| {
        runtime.block_on(engine.unless_stopping(engine.step_access()));
        engine.access_every()
    })?;
    let address = listeners.main.local_addr()?;
    if let Some(metrics) = &listeners.metrics {
        tracing::info!(address = %metrics.local_addr()?, "metrics are answered here");
    }
    let served = actix_web::rt::System::new().block_on(async {
        let engine_of_server = Arc::clone(engine);
        let server =
            http::server(listeners, engine_of_server, policy, workers, Config::STOP_WITHIN)?;
        writeln!(std::io::stdout(), "listening on http://{address}")?;
        tracing::info!(
            %address,
            store = engine.store_shown(),
            providers = engine.catalogue().len(),
            "ready"
        );
        let death = engine.threads().death();
        let stop = async {
            tokio::select! {
                () = stop => tracing::info!("stopping"),
                name = death => tracing::error!("the {name} has died: the process ends"),
            }
            engine.begin_to_stop();
        };
        Ok(http::run_until_stopped(server, stop).await?)
    });
    // Where the server failed, nobody asked.
    engine.begin_to_stop();
    drop((stop_keeping_house, stop_detection, stop_access));
    let all_ended_well =
        [maintenance.join(), detection.join(), access.join()].iter().all(Result::is_ok);
    // What keys were used for since the last second is told, too.
    let last = async {
        tokio::join!(engine.release_lease(), engine.step_access());
    };
    if runtime
        .block_on(async { tokio::time::timeout(LEASE_GIVEN_BACK_WITHIN, last).await })
        .is_err()
    {
        tracing::warn!("the lease was not given back in time; it ends by itself");
    }
    engine.stop();
    tracing::info!(all_ended_well, "stopped");
    served.and_then(|()| match engine.threads().dead() {
        Some(name) => Err(anyhow!("the {name} has died")),
        None => Ok(()),
    })
}

/// Takes a step again and again until the other end is dropped, on a thread of its own
/// since it waits for the disk or computes for long. The step says how long to wait for
/// the next.
fn in_background(
    engine: &Arc<Engine>,
    name: &str,
    work: impl Fn(&Engine, &Runtime) -> Duration + Send + 'static,
) -> std::io::Result<(JoinHandle<()>, Sender<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = channel();
    let of_thread = Arc::clone(engine);
    let run = move || {
        while stopped.recv_timeout(work(&of_thread, &runtime)) == Err(RecvTimeoutError::Timeout) {}
    };
    Ok((engine.threads().spawn(name, run)?, stop))
}

fn start_logging(filter: &str) -> anyhow::Result<()> {
    // What a client broke, the framework logs as an error; an error here means that
    // somebody should look.
    let filter = tracing_subscriber::EnvFilter::try_new(format!("actix_http::h1=off,{filter}"))
        .context("--log")?;
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}

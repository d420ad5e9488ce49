//! A whole server within the test's process: a store in a temporary directory, a real
//! socket, a clock that only the test moves.

use super::client::Client;
use super::past::quiet_past;
use super::redis::{own_prefix, shared_single};
use super::{NOW, catalogue, instant};
use actix_web::dev::ServerHandle;
use groundswell::domain::grid::Resolution;
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::domain::provider::Catalogue;
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, MINUTE_MS, Timestamp};
use groundswell::engine::Engine;
use groundswell::engine::clock::Clock;
use groundswell::http;
use groundswell::http::policy::{Auth, Policy};
use groundswell::store::redis::address;
use groundswell::store::timing::Timing;
use groundswell::store::{Store, Terms, embedded::Options};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// Every report where it was made: for tests that ask about something else.
const ALL: AskedRule = AskedRule { k: Some(1), finest: Some(Resolution::FINEST) };

/// A server that stops when dropped. What a [`Client`] can, it can.
#[derive(Debug)]
pub struct TestServer {
    pub engine: Arc<Engine>,
    clock: Clock,
    client: Client,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    directory: Option<tempfile::TempDir>,
}

impl TestServer {
    /// A server with an empty store, at [`NOW`].
    pub fn start() -> Self {
        Self::start_after(|_| ())
    }

    /// A server at [`NOW`], with a past.
    pub fn start_after(past: impl FnOnce(&Store)) -> Self {
        Self::start_on("127.0.0.1:0", past)
    }

    /// A server at [`NOW`], after [`quiet_past`], which is played once for all tests of
    /// this process.
    pub fn start_after_quiet_past() -> Self {
        Self::start_after_quiet_past_and(|_| ())
    }

    /// The same with more in its store.
    pub fn start_after_quiet_past_and(more: impl FnOnce(&Store)) -> Self {
        let clock = Clock::manual(instant(NOW));
        Self::start_in(Self::quiet_directory(), clock, catalogue(), "127.0.0.1:0", more)
    }

    /// A store with a quiet past.
    fn quiet_directory() -> TempDir {
        static PLAYED: LazyLock<TempDir> = LazyLock::new(|| {
            let (directory, key) = (tempfile::tempdir().unwrap(), key());
            let store = Store::open_embedded(
                directory.path(),
                &catalogue(),
                terms(&key),
                Options::default(),
            );
            let store = store.unwrap();
            quiet_past(&store);
            store.close().unwrap();
            directory
        });
        let directory = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(PLAYED.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), directory.path().join(file.file_name())).unwrap();
        }
        directory
    }

    /// A server at [`NOW`] that listens on an address, with a past. It is called at a
    /// loopback address.
    pub fn start_on(listen: &str, past: impl FnOnce(&Store)) -> Self {
        Self::start_in(
            tempfile::tempdir().unwrap(),
            Clock::manual(instant(NOW)),
            catalogue(),
            listen,
            past,
        )
    }

    /// A server at [`NOW`] with an empty store, by a policy of who may call.
    pub fn start_by(policy: Policy) -> Self {
        Self::start_by_on(policy, "127.0.0.1:0")
    }

    /// The same, where it is asked for what readers may see.
    pub fn start_by_asking(policy: Policy, asked: AskedRule) -> Self {
        Self::start_by_asking_in(tempfile::tempdir().unwrap(), policy, asked)
    }

    /// The same after [`quiet_past`].
    pub fn start_by_asking_after_quiet_past(policy: Policy, asked: AskedRule) -> Self {
        Self::start_by_asking_in(Self::quiet_directory(), policy, asked)
    }

    fn start_by_asking_in(directory: TempDir, policy: Policy, asked: AskedRule) -> Self {
        let key = key();
        let options = Options::default();
        let store = Store::open_embedded(directory.path(), &catalogue(), terms(&key), options);
        let by = (policy, asked);
        let clock = Clock::manual(instant(NOW));
        Self::serve(store.unwrap(), &key, Some(directory), clock, catalogue(), "127.0.0.1:0", by)
    }

    /// The same that listens on an address.
    pub fn start_by_on(policy: Policy, listen: &str) -> Self {
        Self::start_by_in(tempfile::tempdir().unwrap(), policy, listen)
    }

    /// The same after [`quiet_past`].
    pub fn start_by_after_quiet_past(policy: Policy) -> Self {
        Self::start_by_in(Self::quiet_directory(), policy, "127.0.0.1:0")
    }

    fn start_by_in(directory: TempDir, policy: Policy, listen: &str) -> Self {
        let (key, catalogue) = (key(), catalogue());
        let options = Options::default();
        let store =
            Store::open_embedded(directory.path(), &catalogue, terms(&key), options).unwrap();
        let clock = Clock::manual(instant(NOW));
        let by = by(policy);
        Self::serve(store, &key, Some(directory), clock, catalogue, listen, by)
    }

    /// The same on a Redis that is shared with other tests, under that prefix.
    pub fn start_by_on_redis(policy: Policy, prefix: &str) -> Self {
        Self::start_by_on_redis_at(&shared_single(), policy, prefix)
    }

    /// The same on the Redis of that address.
    pub fn start_by_on_redis_at(url: &str, policy: Policy, prefix: &str) -> Self {
        let (key, catalogue) = (key(), catalogue());
        let options = address::Options { prefix: prefix.into(), ..address::Options::default() };
        let store = Store::open_redis(url, &catalogue, terms(&key), &options).unwrap();
        let clock = Clock::manual(instant(NOW));
        let by = by(policy);
        Self::serve(store, &key, None, clock, catalogue, "127.0.0.1:0", by)
    }

    /// Another server on the store of this one, with another catalogue. This one stops.
    pub fn restarted_with(mut self, catalogue: &str) -> Self {
        let (directory, clock) = (self.directory.take().unwrap(), self.clock.clone());
        drop(self);
        Self::start_in(
            directory,
            clock,
            groundswell::catalogue::parse(catalogue).unwrap(),
            "127.0.0.1:0",
            |_| (),
        )
    }

    /// A server at [`NOW`] on a directory that holds a store.
    pub fn start_on_directory(directory: TempDir) -> Self {
        Self::start_in(directory, Clock::manual(instant(NOW)), catalogue(), "127.0.0.1:0", |_| ())
    }

    /// The directory of its store. It stops.
    pub fn into_directory(mut self) -> TempDir {
        self.directory.take().unwrap()
    }

    fn start_in(
        directory: tempfile::TempDir,
        clock: Clock,
        catalogue: Catalogue,
        listen: &str,
        past: impl FnOnce(&Store),
    ) -> Self {
        let key = key();
        let options = Options::default();
        let store =
            Store::open_embedded(directory.path(), &catalogue, terms(&key), options).unwrap();
        past(&store);
        let by = (Policy::default(), AskedRule::default());
        Self::serve(store, &key, Some(directory), clock, catalogue, listen, by)
    }

    /// A server at [`NOW`] on a Redis that is shared with other tests, under a prefix of
    /// its own, with a past.
    pub fn start_on_redis(past: impl FnOnce(&Store)) -> Self {
        Self::start_on_redis_under(&own_prefix(), past)
    }

    /// The same under that prefix, which other servers may share.
    pub fn start_on_redis_under(prefix: &str, past: impl FnOnce(&Store)) -> Self {
        let (key, catalogue) = (key(), catalogue());
        let options = address::Options { prefix: prefix.into(), ..address::Options::default() };
        let store = Store::open_redis(&shared_single(), &catalogue, terms(&key), &options).unwrap();
        past(&store);
        let clock = Clock::manual(instant(NOW));
        let by = (Policy::default(), AskedRule::default());
        Self::serve(store, &key, None, clock, catalogue, "127.0.0.1:0", by)
    }

    fn serve(
        store: Store,
        key: &ReporterKey,
        directory: Option<tempfile::TempDir>,
        clock: Clock,
        catalogue: Catalogue,
        listen: &str,
        (policy, asked): (Policy, AskedRule),
    ) -> Self {
        let timing = Timing::default();
        let engine = Arc::new(
            Engine::start(catalogue, clock.clone(), DEFAULT_LATENESS_MS, key, store, timing)
                .unwrap(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(engine.agree_on_privacy(asked)).unwrap();
        let listener = TcpListener::bind(listen).unwrap();
        let client =
            Client::new((Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port()).into());
        let (give_handle, handle) = std::sync::mpsc::channel();
        let for_server = Arc::clone(&engine);
        let serve = move || {
            actix_web::rt::System::new().block_on(async {
                let server =
                    http::server(listener.into(), for_server, policy, 1, Duration::ZERO).unwrap();
                give_handle.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        };
        let thread = Some(std::thread::spawn(serve));
        Self { engine, clock, client, handle: handle.recv().unwrap(), thread, directory }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub fn advance_ms(&self, ms: i64) {
        self.clock.set(self.now().plus_ms(ms));
    }

    pub fn advance_minutes(&self, minutes: i64) {
        self.advance_ms(minutes * MINUTE_MS);
    }

    /// Moves the clock by two ticks: an answer of before is not served any more.
    pub fn next_tick(&self) {
        self.advance_ms(2_000);
    }

    /// So many minutes pass, and the detectors look at each.
    pub fn watch_minutes(&self, minutes: i64) {
        for _ in 0..minutes {
            self.advance_minutes(1);
            self.step_detection();
        }
    }

    /// Says that the service runs, and takes one step of the detection service, as the process does
    /// every second.
    pub fn step_detection(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.engine.maintain());
        runtime.block_on(self.engine.step_detection());
    }

    /// Looks until the detectors have come to the present.
    pub fn catch_up(&self) {
        (0..200).find(|_| {
            self.step_detection();
            !self.engine.detection_snapshot().is_behind
        });
        assert!(
            !self.engine.detection_snapshot().is_behind,
            "two hundred steps of six hours are a month"
        );
    }

    /// Reads the ledger and the usage of keys, as the process does every second.
    pub fn step_access(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.engine.step_access());
    }

    /// One step of maintenance, as the process takes it every few seconds.
    pub fn maintain(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.engine.maintain());
    }
}

/// A policy, and what is asked for where a test asks for nothing. On a server that is open
/// to this machine only, who calls from it sees all; where keys decide, it must be said.
fn by(policy: Policy) -> (Policy, AskedRule) {
    let asked = if policy.auth == Auth::Keys { ALL } else { AskedRule::default() };
    (policy, asked)
}

fn key() -> ReporterKey {
    ReporterKey::new(b"secret of tests")
}

fn terms(key: &ReporterKey) -> Terms {
    Terms { reporter_key_check: key.check_value(), lateness_ms: DEFAULT_LATENESS_MS }
}

impl Deref for TestServer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // The command is sent by the call; its future would only wait, as the join does.
        drop(self.handle.stop(false));
        let ended = self.thread.take().map(JoinHandle::join);
        self.engine.stop();
        assert!(
            std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()),
            "the server ended in a panic"
        );
    }
}

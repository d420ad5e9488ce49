//! Real Redis servers for tests, alone or as a cluster, on free ports. They end with the process of the test, however that ends.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use super::binary::within;
use super::fake_time::FakeTime;

const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// A cluster's nodes talk to each other on the port that is so much higher.
const BUS: u16 = 10_000;

/// A server of its own, in a directory of its own.
#[derive(Debug)]
pub struct RedisServer {
    /// Runs the server, and kills it once its own input is closed.
    keeper: Child,
    port: u16,
    directory: PathBuf,
}

impl RedisServer {
    /// A server with an append-only file and these further settings.
    pub fn start(settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap().keep();
        Self::start_in(directory, free_port(), settings, None)
    }

    /// A server with an append-only file, by another wall clock.
    pub fn start_by(clock: &FakeTime) -> Self {
        Self::start_in(tempfile::tempdir().unwrap().keep(), free_port(), &[], Some(clock))
    }

    /// Another server, on a copy of that directory.
    pub fn start_from(directory: &Path) -> Self {
        Self::start_in(copy_of(directory), free_port(), &[], None)
    }

    /// The same by another wall clock.
    pub fn start_from_by(clock: &FakeTime, directory: &Path) -> Self {
        Self::start_in(copy_of(directory), free_port(), &[], Some(clock))
    }

    fn start_in(directory: PathBuf, port: u16, settings: &[&str], clock: Option<&FakeTime>) -> Self {
        let mut server = Self { keeper: run(&directory, port, settings, clock), port, directory };
        if !within(STARTS_WITHIN, || ["PONG", "NOAUTH"].iter().any(|up| server.cli(&["PING"]).contains(up))) {
            server.kill();
            panic!("redis-server did not start: {}", std::fs::read_to_string(server.directory.join("log")).unwrap_or_default());
        }
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What redis-cli says to a command.
    pub fn cli(&self, command: &[&str]) -> String {
        cli(self.port, command)
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Three masters and three replicas.
#[derive(Debug)]
struct Cluster {
    servers: Vec<RedisServer>,
}

impl Cluster {
    fn start() -> Self {
        let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"];
        let servers: Vec<RedisServer> = (0..6).map(|_| RedisServer::start(&settings)).collect();
        let nodes = servers.iter().map(|server| format!("127.0.0.1:{}", server.port));
        let arguments = ["--cluster", "create"].map(str::to_owned).into_iter().chain(nodes);
        let created = Command::new("redis-cli").args(arguments).args(["--cluster-replicas", "1", "--cluster-yes"]).output().unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let is_whole = |server: &RedisServer| {
            let (info, replication) = (server.cli(&["CLUSTER", "INFO"]), server.cli(&["INFO", "replication"]));
            let is_linked = replication.contains("role:master") || replication.contains("master_link_status:up");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6") && is_linked
        };
        assert!(within(STARTS_WITHIN, || servers.iter().all(is_whole)), "the cluster did not come up");
        Self { servers }
    }

    fn url(&self) -> String {
        let hosts: Vec<String> = self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }
}

static SINGLE: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start(&[]));
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

/// The address of the server that the tests of this process share.
pub fn shared_single() -> String {
    SINGLE.url()
}

/// The address of the cluster that the tests of this process share.
pub fn shared_cluster() -> String {
    CLUSTER.url()
}

/// Starts what the tests of this process share.
pub fn start_shared() {
    LazyLock::force(&SINGLE);
    LazyLock::force(&CLUSTER);
}

/// A prefix that no other test has.
pub fn own_prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

/// What redis-cli says to a command.
pub fn cli(port: u16, command: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(command).stdin(Stdio::null()).output();
    let output = output.expect("the tests need redis-cli and redis-server (packages redis-tools, redis-server): make test installs them");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn copy_of(directory: &Path) -> PathBuf {
    let copy = tempfile::tempdir().unwrap().keep();
    let copied = Command::new("cp").arg("-a").arg(directory.join("appendonlydir")).arg(&copy).status().unwrap();
    assert!(copied.success());
    copy
}

fn run(directory: &Path, port: u16, settings: &[&str], clock: Option<&FakeTime>) -> Child {
    // The shell outlives nobody: its input ends with the process of the test, and then it kills the server.
    let script = "redis-server \"$@\" >log 2>&1 & server=$!; cat >/dev/null; kill -9 $server; wait $server";
    let port = port.to_string();
    let always = ["--port", &port, "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""];
    let mut command = Command::new("sh");
    command.args(["-c", script, "redis-server"]).args(always).args(settings).current_dir(directory);
    if let Some(clock) = clock {
        clock.rule(&mut command);
    }
    let mut keeper = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    keeper.stdin.as_mut().unwrap().flush().unwrap();
    keeper
}

/// A port that is free, and so is the one for the bus of a cluster: below those that systems give to outgoing connections, and no port is another's
/// for the bus. None is given twice: what gets one may not listen yet.
fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = BUS + TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() % BUS;
        let is_free = [port, port + BUS].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
        if is_free && GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

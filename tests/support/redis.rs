//! Real Redis servers for tests, alone or as a cluster, on free ports. They end with the
//! process of the test, however that ends.

use std::collections::BTreeMap;
use std::fs::File;
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

    /// A sentinel with these lines of configuration.
    pub fn start_sentinel(lines: &[String]) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap().keep(), free_port());
        let configuration = format!("port {port}\nbind 127.0.0.1\n{}\n", lines.join("\n"));
        std::fs::write(directory.join("sentinel.conf"), configuration).unwrap();
        let arguments = ["sentinel.conf", "--sentinel"].map(str::to_owned);
        Self::started(Self { keeper: run(&directory, &arguments, None), port, directory })
    }

    fn start_in(
        directory: PathBuf,
        port: u16,
        settings: &[&str],
        clock: Option<&FakeTime>,
    ) -> Self {
        let port_text = port.to_string();
        let always =
            ["--port", &port_text, "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""];
        let arguments: Vec<String> =
            always.iter().chain(settings).map(|argument| (*argument).to_owned()).collect();
        Self::started(Self { keeper: run(&directory, &arguments, clock), port, directory })
    }

    fn started(mut server: Self) -> Self {
        if !within(STARTS_WITHIN, || {
            ["PONG", "NOAUTH"].iter().any(|up| server.cli(&["PING"]).contains(up))
        }) {
            server.kill();
            panic!(
                "redis-server did not start: {}",
                std::fs::read_to_string(server.directory.join("log")).unwrap_or_default()
            );
        }
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes it a replica of another, and waits until it has all that the other has.
    pub fn follow(&self, other: &Self) {
        self.cli(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
        assert!(within(STARTS_WITHIN, || self
            .cli(&["INFO", "replication"])
            .contains("master_link_status:up")));
    }

    /// Makes it one to write to.
    pub fn lead(&self) {
        self.cli(&["REPLICAOF", "NO", "ONE"]);
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
        let created = Command::new("redis-cli")
            .args(arguments)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let is_whole = |server: &RedisServer| {
            let (info, replication) =
                (server.cli(&["CLUSTER", "INFO"]), server.cli(&["INFO", "replication"]));
            let is_linked = replication.contains("role:master")
                || replication.contains("master_link_status:up");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6") && is_linked
        };
        assert!(
            within(STARTS_WITHIN, || servers.iter().all(is_whole)),
            "the cluster did not come up"
        );
        Self { servers }
    }

    fn url(&self) -> String {
        let hosts: Vec<String> =
            self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
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

/// Its nodes.
pub fn shared_cluster_servers() -> &'static [RedisServer] {
    &CLUSTER.servers
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
    let output = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(command)
        .stdin(Stdio::null())
        .output();
    let output = output.expect(
        "the tests need redis-cli and redis-server (packages redis-tools, \
         redis-server): make test installs them",
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn copy_of(directory: &Path) -> PathBuf {
    let copy = tempfile::tempdir().unwrap().keep();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(directory.join("appendonlydir"))
        .arg(&copy)
        .status()
        .unwrap();
    assert!(copied.success());
    copy
}

/// A user who is allowed what `docs/operating.md` says that it takes, and `more`, on keys
/// of this prefix alone, on the server at a port.
pub fn add_least_user(port: u16, prefix: &str, more: &[&str]) {
    let rule =
        least_rule().replace("PASSWORD", "pass").replace("~groundswell:*", &format!("~{prefix}:*"));
    let words = rule.split_whitespace().skip(2).chain(more.iter().copied());
    let command: Vec<&str> = ["ACL", "SETUSER", prefix].into_iter().chain(words).collect();
    assert_eq!(cli(port, &command).trim(), "OK", "{command:?}");
}

/// The rule of the documents.
pub fn least_rule() -> String {
    let text = include_str!("../../docs/operating.md");
    text.lines().find(|line| line.starts_with("user groundswell on ")).unwrap().to_owned()
}

/// The address of the server that the tests of this process share, for the user of this
/// prefix.
pub fn shared_single_as_least_user(prefix: &str) -> String {
    add_least_user(SINGLE.port, prefix, &[]);
    SINGLE.url().replace("redis://", &format!("redis://{prefix}:pass@"))
}

/// The address of the cluster that the tests of this process share, for the user of this
/// prefix.
pub fn shared_cluster_as_least_user(prefix: &str) -> String {
    for server in &CLUSTER.servers {
        add_least_user(server.port, prefix, &["+ping", "+cluster|slots", "+asking"]);
    }
    CLUSTER.url().replace("redis+cluster://", &format!("redis+cluster://{prefix}:pass@"))
}

fn run(directory: &Path, arguments: &[String], clock: Option<&FakeTime>) -> Child {
    // The shell outlives nobody: its input ends with the process of the test, and then it
    // kills the server.
    let script =
        "redis-server \"$@\" >log 2>&1 & server=$!; cat >/dev/null; kill -9 $server; wait $server";
    let mut command = Command::new("sh");
    command.args(["-c", script, "redis-server"]).args(arguments).current_dir(directory);
    if let Some(clock) = clock {
        clock.rule(&mut command);
    }
    let mut keeper = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    keeper.stdin.as_mut().unwrap().flush().unwrap();
    keeper
}

/// A port that is free, and so is the one for the bus of a cluster: below those that
/// systems give to outgoing connections, and no port is another's for the bus. None is
/// given twice: what gets one may not listen yet. Whoever runs beside this process sees by
/// a lock on a file of the port's name that it is given (`tests/redis_servers.py`).
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeMap<u16, File>> = Mutex::new(BTreeMap::new());
    let locks = std::env::temp_dir().join("groundswell-ports");
    std::fs::create_dir_all(&locks).unwrap();
    loop {
        let port =
            BUS + TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() % BUS;
        let mut given = GIVEN.lock().unwrap();
        let lock = File::create(locks.join(port.to_string())).unwrap();
        if given.contains_key(&port) || lock.try_lock().is_err() {
            continue;
        }
        if [port, port + BUS].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
            given.insert(port, lock);
            return port;
        }
    }
}

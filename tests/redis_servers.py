"""Runs real Redis: a single server, or a Cluster of three masters and three replicas, each in a temporary directory of its own."""

import contextlib
import fcntl
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import Process, wait_until

# A node of a Cluster listens so much higher too, for the other nodes.
BUS_OFFSET = 10_000
# No port is another's for the bus, and none is one that systems give to outgoing connections: what is killed must find its own free when it starts again.
PORTS = range(10_000, 20_000)
NODE_TIMEOUT_MS = 2_000
START_SECONDS = 30
FAILOVER_SECONDS = 30
HEALTHY_SECONDS = 60
ANSWER_SECONDS = 20
RESHARD_SECONDS = 120
MASTERS = 3
NODES = 6
SLOTS = 16_384

# Whoever runs beside this script, in Python or Rust, sees by a lock on a file of this folder which ports are given. Held until this process ends.
PORT_LOCKS = Path(tempfile.gettempdir(), "groundswell-ports")
given_ports = {}


class Redis:
    """One redis-server that keeps an append-only file; the same port and directory each time it is started."""

    def __init__(self, appendfsync, *arguments):
        if shutil.which("redis-server") is None or shutil.which("redis-cli") is None:
            sys.exit("there is no redis-server or no redis-cli: install Redis 7 or later, or let tests/run.py do it")
        self.port = free_port()
        self.arguments = ["--appendonly", "yes", "--appendfsync", appendfsync, "--save", "", *arguments]
        self.directory = None
        self.process = None

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="groundswell-redis-")
        place = ["--bind", "127.0.0.1", "--port", self.port, "--dir", self.directory.name]
        self.process = Process(["redis-server", *place, "--logfile", self.log_path, *self.arguments])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.directory.cleanup()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    @property
    def log_path(self):
        return Path(self.directory.name, "redis.log")

    def spawn(self):
        """Starts the process without waiting for it."""
        self.process.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.directory.name)

    def start(self):
        """Starts it, and returns once it has read its append-only file and answers."""
        self.spawn()
        self.await_ready()
        return self

    def await_ready(self):
        wait_until(self.answers, START_SECONDS, lambda: f"Redis should answer on port {self.port}; its log ends:\n{self.log_end()}")

    def answers(self):
        return self.cli("PING", check=False) == "PONG"

    def kill(self):
        """Kills it (SIGKILL), at whatever it is doing."""
        self.process.kill()

    def freeze(self):
        """Halts it where it is: connections stay open, nothing is answered."""
        self.process.running.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.running.send_signal(signal.SIGCONT)

    def cli(self, *command, check=True):
        """What redis-cli prints for a command."""
        done = redis_cli("-p", self.port, *command, seconds=ANSWER_SECONDS)
        if check and done.returncode != 0:
            sys.exit(f"redis-cli -p {self.port} {' '.join(command)} should work, but said {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def info(self, *command):
        """What it says in lines of `name:value`; nothing where it does not answer."""
        lines = self.cli(*command, check=False).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def log_end(self):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-20:]) if self.log_path.exists() else ""


class Cluster:
    """Three masters, each with a replica. All six run, and agree, once the `with` block begins."""

    def __init__(self, appendfsync):
        cluster = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", NODE_TIMEOUT_MS]
        # A replica that comes back is filled at once, instead of after five seconds in which another might ask too.
        cluster += ["--repl-diskless-sync-delay", "0"]
        self.nodes = [Redis(appendfsync, *cluster) for _ in range(NODES)]
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with self.stack:
            for node in self.nodes:
                self.stack.enter_context(node).start()
            addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
            self.manage("create", *addresses, "--cluster-replicas", "1", "--cluster-yes")
            self.await_health()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def masters(self):
        """The nodes that call themselves masters, in the order of their ports."""
        return sorted((node for node in self.nodes if role(node) == "master"), key=lambda node: node.port)

    def await_health(self):
        """Returns after how many seconds all six agree on all slots, and each master has its replica."""
        return wait_until(self.is_healthy, HEALTHY_SECONDS, lambda: f"the Cluster should be whole: {self.describe()}")

    def is_healthy(self):
        if not all(sees_all_slots(node) for node in self.nodes):
            return False
        masters, replicas = [], []
        for node in self.nodes:
            facts = node.info("INFO", "replication")
            if facts.get("role") == "master" and facts.get("connected_slaves") == "1":
                masters.append(node)
            elif facts.get("role") == "slave" and facts.get("master_link_status") == "up":
                replicas.append(node)
        whole = (len(masters), len(replicas)) == (MASTERS, NODES - MASTERS)
        return whole and redis_cli("--cluster", "check", f"127.0.0.1:{masters[0].port}", seconds=ANSWER_SECONDS).returncode == 0

    def has_failed_over(self, killed):
        """Whether the others have put a replica in the place of a killed master."""
        others = [node for node in self.nodes if node is not killed]
        return sum(role(node) == "master" for node in others) == MASTERS and all(sees_all_slots(node) for node in others)

    def await_failover(self, killed):
        """Returns after how many seconds the others have put a replica in the place of a killed master."""
        what = lambda: f"a replica of {killed.port} should be promoted: {self.describe()}"
        return wait_until(lambda: self.has_failed_over(killed), FAILOVER_SECONDS, what)

    def await_replica(self, node):
        """Returns after how many seconds a node is a replica that has caught up."""
        up = {"role": "slave", "master_link_status": "up"}
        what = lambda: f"{node.port} should be a replica: {self.describe()}"
        return wait_until(lambda: up.items() <= node.info("INFO", "replication").items(), HEALTHY_SECONDS, what)

    def reshard(self, source, target, slots):
        """Moves slots from one master to another; returns how many keys went with them."""
        ends = ["--cluster-from", source.cli("CLUSTER", "MYID"), "--cluster-to", target.cli("CLUSTER", "MYID")]
        said = self.manage("reshard", f"127.0.0.1:{target.port}", *ends, "--cluster-slots", slots, "--cluster-yes")
        # It prints a line for each slot, with a dot for each key.
        moved = re.findall(r"^Moving slot \d+ from \S+ to \S+: (\.*)", said, re.MULTILINE)
        if len(moved) != slots:
            sys.exit(f"{slots} slots should have moved, but {len(moved)} did:\n{said[-2_000:]}")
        return sum(len(dots) for dots in moved)

    def manage(self, *command):
        done = redis_cli("--cluster", *command, seconds=RESHARD_SECONDS)
        if done.returncode != 0:
            sys.exit(f"redis-cli --cluster {command[0]} should work, but said:\n{done.stdout[-2_000:]}{done.stderr}")
        return done.stdout

    def describe(self):
        return "; ".join(f"{node.port} {role(node) or 'away'}" for node in self.nodes)


def role(node):
    return node.info("INFO", "replication").get("role")


def sees_all_slots(node):
    facts = node.info("CLUSTER", "INFO")
    return (facts.get("cluster_state"), facts.get("cluster_slots_ok"), facts.get("cluster_known_nodes")) == ("ok", str(SLOTS), str(NODES))


def redis_cli(*command, seconds):
    command = ["redis-cli", *map(str, command)]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as expired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {expired.timeout} s")


def free_port():
    """A port that is free, and so is the one for the bus of a Cluster. No port is given twice: what gets one may not listen yet."""
    PORT_LOCKS.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(PORTS, 100):
        if port not in given_ports and (lock := locked(port)) and is_free(port) and is_free(port + BUS_OFFSET):
            given_ports[port] = lock
            return port
    sys.exit(f"there is no free port in {PORTS}")


def locked(port):
    """The file that says that this process has been given the port; none where another has."""
    lock = open(PORT_LOCKS / str(port), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

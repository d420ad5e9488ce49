"""Runs the real binary on a free port, and asks it things. Whatever way the caller ends, no process is left behind."""

import contextlib
import http.client
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from datetime import datetime
from pathlib import Path

from processes import Process
from redis_servers import Cluster, Redis

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "tests" / "catalogue.toml"
STORES = ["embedded", "redis", "cluster"]
# What nodes on one Redis must share. The store of a directory makes its own.
REPORTER_KEY = "the reporter key of the checks, which is no secret"
LISTENS = "listening on http://"
START_SECONDS = 30
ANSWER_SECONDS = 30


class Server:
    """`groundswell serve` on a store, a directory or a URL. Started, stopped and killed as often as the caller likes.

    Its log lies beside the directory, or in `logs`. Of the caller's environment it sees no setting but those in `environment`.
    """

    def __init__(self, binary, store, *arguments, logs=None, environment=None):
        is_url = "://" in str(store)
        self.reporter_key_file = None if is_url else Path(store, "reporter.key")
        settings = ({"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY} if is_url else {}) | (environment or {})
        # A backtrace would push what an error says out of a log's last lines.
        others = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_") and name != "RUST_BACKTRACE"}
        listen = ["--listen", "127.0.0.1:0", "--store", str(store), "--catalogue", str(CATALOGUE)]
        self.process = Process([Path(binary).resolve(), "serve", *listen, *arguments], others | settings)
        self.log_path = new_log(logs) if logs else Path(f"{store}.log")
        self.listening = threading.Event()
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def spawn(self):
        """Starts the process without waiting for it."""
        with open(self.log_path, "ab") as log:
            # Where it should write nothing, it finds nothing of ours to write into.
            self.process.start(stdout=subprocess.PIPE, stderr=log, cwd=self.log_path.parent)

    def start(self):
        """Starts it, and returns once it listens."""
        self.spawn()
        return self.await_ready()

    def await_ready(self):
        """Returns once it listens; ends the script where it does not."""
        if not self.comes_up():
            sys.exit(f"the server should print '{LISTENS}HOST:PORT' first, but did not; its log ends:\n{self.log_end()}")
        return self

    def comes_up(self):
        """Whether it listens before it ends, and soon."""
        lines = queue.Queue()
        output = self.process.running.stdout
        threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            line = ""
        if not line.startswith(LISTENS):
            self.kill()
            return False
        self.port = int(line.strip().rsplit(":", 1)[1])
        self.listening.set()
        return True

    def stop(self):
        """Asks it to stop (SIGTERM), and returns its exit code."""
        code = self.process.stop()
        self.listening.clear()
        return code

    def kill(self):
        """Kills it (SIGKILL), at whatever it is doing."""
        self.process.kill()
        self.listening.clear()

    def is_running(self):
        return self.process.is_running()

    def connect(self):
        """A connection for one thread, kept alive."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)

    def get(self, path, **query):
        """The JSON of a GET, which must be answered 200."""
        target = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        status, answer = self.try_get(target)
        if status != 200:
            raise AssertionError(f"GET {target} should be answered 200, but was {status}: {answer}")
        return answer

    def try_get(self, target):
        """The status and the JSON of a GET."""
        with contextlib.closing(self.connect()) as connection:
            return ask(connection, "GET", target)

    def now(self):
        """The time by its clock, which may be a simulated one, in seconds since 1970."""
        with contextlib.closing(self.connect()) as connection:
            response, _ = exchange(connection, "GET", "/healthz")
        shown = response.headers["Simulated-Clock"]
        return datetime.fromisoformat(shown.split("@")[0]).timestamp() if shown else time.time()

    def reporter_key(self):
        """The secret that turns reporter ids into hashes."""
        if self.reporter_key_file is None:
            return REPORTER_KEY.encode()
        return bytes.fromhex(self.reporter_key_file.read_text().strip())

    def log_end(self):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-20:])


def ask(connection, method, target, body=None, headers=None):
    """Sends one request, and returns the status and the JSON of its answer."""
    response, answer = exchange(connection, method, target, body, headers)
    return response.status, answer


def exchange(connection, method, target, body=None, headers=None):
    """Sends one request, and returns the response, already read, and the JSON of it."""
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    text = response.read()
    return response, json.loads(text) if text else None


def new_log(directory):
    handle, path = tempfile.mkstemp(prefix="groundswell-", suffix=".log", dir=directory)
    os.close(handle)
    return Path(path)


@contextlib.contextmanager
def store_to_test(kind, directory):
    """What to give to --store: a place in the directory, or the URL of a Redis or a Cluster that is there for a `with` block."""
    match kind:
        case "embedded":
            yield f"{directory}/store"
        case "redis":
            with Redis("always") as redis:
                yield redis.start().url
                insist_on_keys([redis])
        case "cluster":
            with Cluster("always") as cluster:
                yield cluster.url
                insist_on_keys(cluster.masters())


def insist_on_keys(masters):
    """Ends the script where the facts must have been kept somewhere else."""
    if not any(int(master.cli("DBSIZE")) for master in masters):
        sys.exit("the facts should be in Redis, but nothing is in it")


def store_directory():
    """A directory for a store, removed with all beside it at the end of a `with` block."""
    return tempfile.TemporaryDirectory(prefix="groundswell-")

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
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "tests" / "catalogue.toml"
START_SECONDS = 30
STOP_SECONDS = 30
ANSWER_SECONDS = 30


class Server:
    """`groundswell serve` on one store directory. Started, stopped and killed as often as the caller likes."""

    def __init__(self, binary, store, *arguments):
        self.store = Path(store)
        listen = ["--listen", "127.0.0.1:0", "--store", str(store), "--catalogue", str(CATALOGUE)]
        self.command = [str(Path(binary).resolve()), "serve", *listen, *arguments]
        self.log_path = Path(f"{store}.log")
        self.process = None
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def spawn(self):
        """Starts the process without waiting for it."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, text=True)

    def start(self):
        """Starts it, and returns once it listens."""
        self.spawn()
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            line = f"nothing within {START_SECONDS} s"
        prefix = "listening on http://"
        if not line.startswith(prefix):
            self.kill()
            sys.exit(f"the server should print '{prefix}HOST:PORT' first, but printed {line!r}; its log ends:\n{self.log_end()}")
        self.port = int(line.strip().rsplit(":", 1)[1])
        return self

    def stop(self):
        """Asks it to stop (SIGTERM), and returns its exit code."""
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"none within {STOP_SECONDS} s"
        self.process.stdout.close()
        return code

    def kill(self):
        """Kills it (SIGKILL), at whatever it is doing."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def connect(self):
        """A connection for one thread, kept alive."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)

    def get(self, path, **query):
        """The JSON of a GET, which must be answered 200."""
        target = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        with contextlib.closing(self.connect()) as connection:
            status, answer = ask(connection, "GET", target)
        if status != 200:
            raise AssertionError(f"GET {target} should be answered 200, but was {status}: {answer}")
        return answer

    def log_end(self):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-20:])


def ask(connection, method, target, body=None, headers=None):
    """Sends one request, and returns the status and the JSON of its answer."""
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else None


def store_directory():
    """A directory for a store, removed with all beside it at the end of a `with` block."""
    return tempfile.TemporaryDirectory(prefix="groundswell-")


def shared_data():
    """Where the streams with known outages lie."""
    shared = Path(os.environ.get("GROUNDSWELL_SHARED", ROOT.parent / "shared"))
    if not (shared / "detbench").is_dir():
        sys.exit(f"there is no detbench in {shared}: point GROUNDSWELL_SHARED at the folder with the shared data, by default ../shared")
    return shared

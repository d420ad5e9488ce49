"""Pages in a real browser that are told what to do, and that tell what they saw."""

import http.server
import json
import queue
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections import defaultdict
from pathlib import Path

from processes import Process

TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".html": "text/html", ".css": "text/css"}
# How long a page waits for its next command before it asks again.
NEXT_SECONDS = 20


class Pages:
    """Serves a page and the files that it needs from an origin of its own, tells pages what to do, and hears what they say."""

    def __init__(self, page, files):
        self.commands = defaultdict(queue.Queue)
        self.said = []
        pages = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                address = urllib.parse.urlsplit(self.path)
                if address.path == "/next":
                    self.answer("application/json", pages.next(urllib.parse.parse_qs(address.query)["page"][0]))
                elif address.path == "/left":
                    self.answer("text/html", b"<!doctype html><title>left</title>")
                else:
                    path = page if address.path == "/" else files / address.path.lstrip("/")
                    self.answer(TYPES.get(path.suffix, "text/plain"), path.read_bytes() if path.is_file() else b"")

            def do_POST(self):
                pages.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer("text/plain", b"")

            def answer(self, media_type, body):
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        # A browser that is killed hangs up.
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{server.server_port}"

    def next(self, page):
        try:
            return json.dumps(self.commands[page].get(timeout=NEXT_SECONDS)).encode()
        except queue.Empty:
            return b"{}"

    def tell(self, page, **command):
        self.commands[page].put(command)

    def heard(self, page, kind):
        return [event for event in self.said if event["page"] == page and event["type"] == kind]

    def outcomes(self):
        outcomes = defaultdict(list)
        for event in self.said:
            if event["type"] == "settled":
                outcomes[event["id"]].append(event["outcome"])
        return outcomes

    def faults(self):
        return [event for event in self.said if event["type"] == "failed"]


class Browser:
    """Chromium on a profile that outlives it."""

    def __init__(self, profile, *flags):
        self.profile = profile
        self.flags = flags
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def open(self, address):
        flags = ["--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0", "--disable-background-networking", *self.flags]
        self.process = Process(["chromium", *flags, f"--user-data-dir={self.profile}", address])
        self.process.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        if self.process:
            self.process.kill()
            # One that is killed leaves its lock.
            for left in Path(self.profile).glob("Singleton*"):
                left.unlink()


def insist_on_chromium():
    """Ends the script where there is no browser."""
    if shutil.which("chromium") is None:
        sys.exit("there is no chromium: install it, or let tests/run.py do it")

"""Many clients that post reports and repeat what has no answer, and what they know of the answers.

Each report has its own reporter and a fixed `observed_at`, so that it can be repeated, to any node, and counts once.
"""

import http.client
import json
import random
import sys
import threading
import time
from collections import deque
from datetime import datetime, timezone

import h3

from server import exchange

PROVIDERS = ["alpha", "bravo", "charlie"]
CELLS = sorted(h3.grid_disk(h3.latlng_to_cell(43.65, -79.38, 8), 12))
SINGLES = 0.85
LARGEST_BATCH = 20
# How soon what had no answer is tried again, at random: sooner than the server asks for, to try its patience.
RETRY_SECONDS = (0.05, 0.2)
JOIN_SECONDS = 180


class Reports:
    """The reports that a seed gives: a report is a pure function of its number, the same every time it is posted."""

    def __init__(self, seed):
        self.seed = seed
        self.began = int(time.time())

    def report(self, number):
        minutes_ago = 0 if number % 4 == 0 else number * 7919 % 1_200
        return {
            "provider": provider_of(number),
            "symptom": "no_service",
            "cell": cell_of(number),
            "observed_at": iso(self.began - 60 * minutes_ago),
            "reporter_id": f"{self.seed}-{number}",
        }


class Crowd:
    """The clients, and what they know: which reports were posted, which of them are unanswered, how the others were answered.

    `order` says which report is posted as the first, the second and so on; `pause` for how long a client rests between two posts.
    """

    def __init__(self, reports, order=lambda place: place, pause=lambda: 0.0):
        self.reports = reports
        self.order = order
        self.pause = pause
        self.threads = []
        self.changed = threading.Condition()
        self.running = threading.Event()
        self.stop_at = None
        self.posted = 0
        self.in_flight = 0
        self.unanswered = deque()
        self.doubtful = set()
        self.answers = {}
        # When posts were sent and answered: good, to be repeated (with Retry-After, if any), not at all.
        self.successes = []
        self.not_now = []
        self.lost = []
        self.faults = []

    def start(self, servers, clients):
        """Starts clients that wait for `go`, spread over the servers."""
        for client in range(clients):
            thread = threading.Thread(target=self.post_reports, args=(servers[client % len(servers)], client), daemon=True)
            self.threads.append(thread)
            thread.start()

    def go(self):
        self.running.set()

    def halt(self):
        self.running.clear()

    def finish(self, fewest):
        """From now on, only what is unanswered is posted, and new reports until there are `fewest`."""
        with self.changed:
            self.stop_at = max(fewest, self.posted)

    def join(self):
        """Returns once every report has an answer."""
        deadline = time.monotonic() + JOIN_SECONDS
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                left = self.posted - len(self.answers)
                sys.exit(f"every report should have an answer within {JOIN_SECONDS} s, but {left} of {self.posted} had none")

    def post_reports(self, server, client):
        """What one client does until everything is answered."""
        choice = random.Random(f"{self.reports.seed} {client}")
        connection = port = None
        while True:
            self.running.wait()
            server.listening.wait()
            if port != server.port:
                port, connection = server.port, server.connect()
            numbers = self.take(1 if choice.random() < SINGLES else choice.randint(2, LARGEST_BATCH))
            if numbers is None:
                return
            began = time.monotonic()
            try:
                outcomes = post(connection, [self.reports.report(number) for number in numbers])
                self.successes.append((began, time.monotonic()))
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                outcomes = None
                self.lost.append((began, time.monotonic()))
            except NotNow as not_now:
                outcomes = None
                self.not_now.append((began, time.monotonic(), not_now.retry_after))
            except Refused as refused:
                self.faults.append(str(refused))
                outcomes = ["refused"] * len(numbers)
            self.note(numbers, outcomes)
            time.sleep(choice.uniform(*RETRY_SECONDS) if outcomes is None else self.pause())

    def take(self, most):
        """The numbers of up to `most` reports to post next, unanswered ones first; `None` when all are answered."""
        with self.changed:
            while self.stop_at is not None and not self.unanswered and self.posted >= self.stop_at:
                if self.in_flight == 0:
                    return None
                # Another client may yet come back without an answer.
                self.changed.wait()
            numbers = [self.unanswered.popleft() for _ in range(min(most, len(self.unanswered)))]
            if not numbers:
                fresh = most if self.stop_at is None else min(most, self.stop_at - self.posted)
                numbers = [self.order(place) for place in range(self.posted, self.posted + fresh)]
                self.posted += fresh
            self.in_flight += len(numbers)
            return numbers

    def note(self, numbers, outcomes):
        """Remembers how these were answered, or that they were not."""
        with self.changed:
            self.in_flight -= len(numbers)
            self.changed.notify_all()
            if outcomes is None:
                self.unanswered.extend(numbers)
                self.doubtful.update(numbers)
            else:
                self.answers.update(zip(numbers, outcomes))

    def answered(self):
        """The numbers of the reports that have an answer, in the order of the answers."""
        with self.changed:
            return list(self.answers)

    def numbers(self):
        """The numbers of the reports that were posted."""
        return [self.order(place) for place in range(self.posted)]

    def longest_gap(self, since=0.0):
        """The longest time without a good answer, over all clients: from the last one before `since`, else the first of all, until now."""
        times = sorted(ended for _, ended in self.successes) + [time.monotonic()]
        gaps = (later - earlier for earlier, later in zip(times, times[1:]) if later >= since)
        return max(gaps, default=0.0)


class Refused(Exception):
    """An answer that no good report should get."""


class NotNow(Exception):
    """An answer that asks to come again."""

    def __init__(self, retry_after):
        super().__init__(retry_after)
        self.retry_after = retry_after


def post(connection, reports):
    """The outcome of each report."""
    is_batch = len(reports) > 1
    path, body = ("/v1/reports/batch?results=all", reports) if is_batch else ("/v1/reports", reports[0])
    response, answer = exchange(connection, "POST", path, json.dumps(body), {"Content-Type": "application/json"})
    if response.status == 503:
        raise NotNow(response.headers["Retry-After"])
    if response.status != (200 if is_batch else 202):
        raise Refused(f"{len(reports)} good reports were answered {response.status}: {answer}")
    outcomes = [result["outcome"] for result in (answer["results"] if is_batch else [answer])]
    if len(outcomes) != len(reports) or not set(outcomes) <= {"counted", "duplicate"}:
        raise Refused(f"{len(reports)} good reports were answered {answer}")
    return outcomes


def provider_of(number):
    return PROVIDERS[number % len(PROVIDERS)]


def cell_of(number):
    return CELLS[number * 104_729 % len(CELLS)]


def iso(instant):
    return datetime.fromtimestamp(instant, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

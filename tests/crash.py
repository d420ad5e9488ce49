"""Kills the server 50 times under load: is every report counted exactly once?

Many clients post single reports and small batches, each report with its own reporter and a fixed `observed_at`. The
server is killed (SIGKILL) at random moments. What had no answer is repeated until it has one. After each restart
nothing that was answered may be missing; in the end every cell must hold exactly the reports that were posted.
"""

import argparse
import http.client
import json
import random
import threading
import time
from collections import Counter, deque
from datetime import datetime, timezone

import h3

from checks import Checks
from server import Server, ask, store_directory

PROVIDERS = ["alpha", "bravo", "charlie"]
CELLS = sorted(h3.grid_disk(h3.latlng_to_cell(43.65, -79.38, 8), 12))
CLIENTS = 16
SINGLES = 0.85
LARGEST_BATCH = 20
FEWEST_REPORTS = 20_000
# The store writes a snapshot after this much log, so that kills also strike while one is being written.
SNAPSHOT_LOG_MIB = "1"
VISIBLE_SECONDS = 10


def main():
    arguments = parse_arguments()
    moments = random.Random(arguments.seed)
    checks = Checks()
    crowd = Crowd(arguments.seed)
    slowest_start = 0.0
    with store_directory() as directory, Server(arguments.binary, f"{directory}/store", "--snapshot-log-mib", SNAPSHOT_LOG_MIB) as server:
        clients = [threading.Thread(target=crowd.post_reports, args=(server, n), daemon=True) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        lost = []
        for kill in range(arguments.kills):
            if kill % 5 == 4:
                kill_while_starting(server, moments)
            started = time.monotonic()
            server.start()
            slowest_start = max(slowest_start, time.monotonic() - started)
            lost += missing_after_restart(server, crowd)
            crowd.go()
            time.sleep(moments.uniform(0.1, 1.5))
            server.kill()
            crowd.halt()
        print(f"{arguments.kills} kills, {crowd.posted} reports so far, slowest start {slowest_start:.2f} s, seed {arguments.seed}")
        checks.that(not lost, "after each restart, every answered report was there", f"{len(lost)} faults, the first: {lost[:1]}")

        server.start()
        crowd.finish(FEWEST_REPORTS)
        crowd.go()
        for client in clients:
            client.join()
        check_everything(checks, server, crowd, "after the last report")
        checks.equal(server.stop(), 0, "the server stops on SIGTERM with exit code 0")
        server.start()
        check_everything(checks, server, crowd, "after one more restart")
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/release/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=50)
    return parser.parse_args()


class Crowd:
    """The clients, and what they know: which reports were posted, which of them are unanswered, how the others were answered."""

    def __init__(self, seed):
        self.seed = seed
        self.began = int(time.time())
        self.changed = threading.Condition()
        self.running = threading.Event()
        self.stop_at = None
        self.posted = 0
        self.in_flight = 0
        self.unanswered = deque()
        self.doubtful = set()
        self.answers = {}
        self.faults = []

    def go(self):
        self.running.set()

    def halt(self):
        self.running.clear()

    def finish(self, fewest):
        """From now on, only what is unanswered is posted, and new reports until there are `fewest`."""
        with self.changed:
            self.stop_at = max(fewest, self.posted)

    def post_reports(self, server, client):
        """What one client does until everything is answered."""
        choice = random.Random(f"{self.seed} {client}")
        connection = port = None
        while True:
            self.running.wait()
            if port != server.port:
                port, connection = server.port, server.connect()
            numbers = self.take(1 if choice.random() < SINGLES else choice.randint(2, LARGEST_BATCH))
            if numbers is None:
                return
            try:
                outcomes = post(connection, [self.report(number) for number in numbers])
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                outcomes = None
            except Refused as refused:
                self.faults.append(str(refused))
                outcomes = ["refused"] * len(numbers)
            self.note(numbers, outcomes)

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
                numbers = list(range(self.posted, self.posted + fresh))
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

    def report(self, number):
        """A pure function of the number: the same report every time it is posted."""
        minutes_ago = 0 if number % 4 == 0 else number * 7919 % 1_200
        return {
            "provider": provider_of(number),
            "symptom": "no_service",
            "cell": cell_of(number),
            "observed_at": iso(self.began - 60 * minutes_ago),
            "reporter_id": f"{self.seed}-{number}",
        }


class Refused(Exception):
    """An answer that no good report should get."""


def post(connection, reports):
    """The outcome of each report, `None` where the server says to repeat them."""
    headers = {"Content-Type": "application/json"}
    if len(reports) == 1:
        status, answer = ask(connection, "POST", "/v1/reports", json.dumps(reports[0]), headers)
        results = [answer]
    else:
        status, answer = ask(connection, "POST", "/v1/reports/batch?results=all", json.dumps(reports), headers)
        results = (answer or {}).get("results", [])
    if status == 503:
        return None
    if status != (202 if len(reports) == 1 else 200):
        raise Refused(f"{len(reports)} good reports were answered {status}: {answer}")
    outcomes = [result["outcome"] for result in results]
    if len(outcomes) != len(reports) or not set(outcomes) <= {"counted", "duplicate"}:
        raise Refused(f"{len(reports)} good reports were answered {answer}")
    return outcomes


def kill_while_starting(server, moments):
    """One more kill, which does not count: while the store is being read."""
    server.spawn()
    time.sleep(moments.uniform(0, 0.05))
    server.kill()


def missing_after_restart(server, crowd):
    """What is wrong with the store after a restart, before anything is posted to it."""
    answered = crowd.answered()
    faults = []
    total = sum(heatmap(server, provider)["total"] for provider in PROVIDERS)
    if total < len(answered):
        faults.append(f"{len(answered)} reports were answered, but {total} are there")
    latest = answered[-200:]
    outcomes = post(server.connect(), [crowd.report(number) for number in latest]) if len(latest) > 1 else []
    again = [number for number, outcome in zip(latest, outcomes) if outcome != "duplicate"]
    if again:
        faults.append(f"{len(again)} of the last {len(latest)} answered reports were counted again after a restart")
    return faults


def check_everything(checks, server, crowd, when):
    checks.that(not crowd.faults, f"{when}: no good report was refused", str(crowd.faults[:1]))
    checks.equal(len(crowd.answers), crowd.posted, f"{when}: each of {crowd.posted} reports has an answer")
    strange = [n for n, outcome in crowd.answers.items() if outcome == "duplicate" and n not in crowd.doubtful]
    checks.that(not strange, f"{when}: only repeated reports were called duplicate ({len(crowd.doubtful)} were repeated)", str(strange[:5]))
    expected = Counter((provider_of(number), cell_of(number)) for number in range(crowd.posted))
    got = settled_counts(server, expected.total())
    checks.same_counts(got, expected, f"{when}: {expected.total()} reports in {len(expected)} (provider, cell), each counted once")


def settled_counts(server, total):
    """The counts by provider and cell, read until they hold at least `total`: an answer may be a second old."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    while True:
        answers = {provider: heatmap(server, provider) for provider in PROVIDERS}
        if sum(answer["total"] for answer in answers.values()) >= total or time.monotonic() > deadline:
            return {(provider, cell["hex"]): cell["count"] for provider in PROVIDERS for cell in answers[provider]["cells"]}
        time.sleep(0.2)


def heatmap(server, provider):
    return server.get("/v1/heatmap", provider=provider, window="24h", resolution=8)


def provider_of(number):
    return PROVIDERS[number % len(PROVIDERS)]


def cell_of(number):
    return CELLS[number * 104_729 % len(CELLS)]


def iso(instant):
    return datetime.fromtimestamp(instant, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()

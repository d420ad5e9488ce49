"""Do the same incidents come out, once each, when the node that records them is killed or paused while outages begin?

Three stores with the same quiet past: one undisturbed server, two nodes on a Redis, two nodes on a Cluster. All are told the same
reports of outages that begin in one city after the other. Meanwhile the node of each pair that holds the lease is killed (SIGKILL)
and started again, or paused for longer than its lease (SIGSTOP), at random moments. In the end each pair must know the
incidents that the undisturbed server knows: as many, at the same places, since the same minute, told within a tick of the same time.

All run on a simulated clock, which the nodes of a store share, and on leases and looks that are as much shorter. With `--nightly` both go as
fast as time, there are more moments, and the last pause is a minute.
"""

import argparse
import contextlib
import http.client
import json
import random
import re
import signal
import threading
import time
from datetime import datetime

from checks import Checks
from crowd import iso
from past import BEGINS, CITIES, HIT, clock, copied, quiet_past, report
from processes import wait_until
from redis_servers import Cluster, Redis
from server import REPORTER_KEY, Server, exchange, store_directory

# What follows is in seconds of the simulated clock, but for deadlines.
# Between two moments; the lease lasts ten seconds.
SECONDS_BETWEEN = (4.0, 12.0)
PAUSE_SECONDS = 13.0
# An outage begins in the next city after so long, and brings so many reports a second.
CITY_SECONDS = 25
A_SECOND = 2.0
# Episodes are stepped by the minute: a node that had to catch up tells of them at its end.
TICK_SECONDS = 60
# Real time: by a faster clock it is as many times as much.
LAG_SECONDS = 5
READY_SECONDS = 60
SETTLED_SECONDS = 150
# Of the cells of two incidents together, so many are of both.
ALIKE = 0.8


def main():
    arguments = parse_arguments()
    checks = Checks()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(store_directory())
        pace = Pace(arguments.speed)
        past = quiet_past(arguments.binary, directory)
        redis = stack.enter_context(Redis("always")).start()
        cluster = stack.enter_context(Cluster("always"))
        places = {"redis": copied(arguments.binary, past, redis.url), "cluster": copied(arguments.binary, past, cluster.url)}
        print(f"prepared within {time.monotonic() - began:.1f} s", flush=True)
        pace.begin()
        settings = ["--timing", pace.timing(), "--clock"]
        start = lambda store, when, environment=None: stack.enter_context(
            Server(arguments.binary, store, *settings, when, logs=directory, environment=environment)
        ).start()
        undisturbed = start(past, pace.clock(), {"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY})
        # The first node of a store has its clock begin for all of them.
        clocks = {kind: pace.clock() for kind in places}
        pairs = {kind: [start(place, clocks[kind]) for _ in range(2)] for kind, place in places.items()}
        for server in [undisturbed, *pairs["redis"], *pairs["cluster"]]:
            is_ready = lambda: 0 <= gauge(server, "detection_lag_seconds") < LAG_SECONDS * arguments.speed
            wait_until(is_ready, READY_SECONDS, lambda: f"detection should catch up:\n{server.log_end()}")
        print(f"ready within {time.monotonic() - began:.1f} s", flush=True)
        outage = Outage(arguments.seed, pace, [[undisturbed], *pairs.values()])
        outage.start()
        disturbers = [Disturber(arguments, pace, kind, pair) for kind, pair in pairs.items()]
        # Processes end with the thread that starts them, so all are disturbed from this one.
        disturb(disturbers)
        outage.finish()
        print(f"disturbed within {time.monotonic() - began:.1f} s", flush=True)
        for disturber in disturbers:
            print(f"{disturber.kind}: {disturber.said()}")
            changes = disturber.kills + disturber.pauses
            checks.that(changes >= arguments.moments, f"{disturber.kind}: the leader was disturbed at {changes} moments", disturber.said())
        compare(checks, undisturbed, pairs)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nightly", action="store_true", help="as fast as time, with more moments and longer pauses")
    parser.add_argument("--speed", type=int, help="how many times as fast as time; 5, and 1 with --nightly")
    parser.add_argument("--moments", type=int, help="6, and 10 with --nightly")
    parser.add_argument("--long-pause", type=float, help="seconds by the simulated clock; 30, and 60 with --nightly")
    arguments = parser.parse_args()
    speed, moments, long_pause = (1, 10, 60.0) if arguments.nightly else (5, 6, 30.0)
    arguments.speed = arguments.speed or speed
    arguments.moments = arguments.moments or moments
    arguments.long_pause = arguments.long_pause or long_pause
    return arguments


class Pace:
    """The simulated clock of all servers: how fast it goes, what it shows, and how long its seconds take."""

    def __init__(self, speed):
        self.speed = speed
        self.began = None

    def begin(self):
        self.began = time.monotonic()

    def now(self):
        """What it shows, in seconds since 1970."""
        return BEGINS + (time.monotonic() - self.began) * self.speed

    def clock(self):
        """The timetable of a store whose first server starts now."""
        return clock(self.speed, int(self.now() - BEGINS))

    def timing(self):
        """Leases and pauses that last as many seconds of this clock as they usually do of time."""
        durations = {"lease": 10_000, "renewal": 3_000, "look": 1_000, "maintenance": 5_000}
        return ",".join(f"{name}={ms // self.speed}ms" for name, ms in durations.items())

    def real(self, seconds):
        """How long so many seconds of this clock take."""
        return seconds / self.speed


class Outage:
    """Posts the same reports to one node of every group, until told to finish. A report that has no answer is posted again, to any node."""

    def __init__(self, seed, pace, groups):
        self.draw = random.Random(f"outage {seed}")
        self.pace = pace
        self.queues = [(group, []) for group in groups]
        self.changed = threading.Condition()
        self.ended = False
        self.threads = [threading.Thread(target=self.make, daemon=True)]
        self.threads += [threading.Thread(target=self.post, args=queue, daemon=True) for queue in self.queues]

    def start(self):
        for thread in self.threads:
            thread.start()

    def make(self):
        began = self.pace.now()
        while not self.ended:
            now = self.pace.now()
            cities = CITIES[: min(HIT, 1 + int((now - began) / CITY_SECONDS))]
            for n, city in enumerate(cities):
                # Charlie fails in the odd ones, alpha and bravo, which ride on one network, in the others.
                provider = "charlie" if n % 2 else self.draw.choice(["alpha", "alpha", "bravo"])
                body = report(self.draw, provider, city) | {"observed_at": iso(now)}
                with self.changed:
                    for _, queue in self.queues:
                        queue.append(body)
                    self.changed.notify_all()
            time.sleep(self.pace.real(1 / A_SECOND))

    def post(self, group, queue):
        choose = random.Random(0)
        while True:
            with self.changed:
                while not queue:
                    if self.ended:
                        return
                    self.changed.wait(1)
                batch = queue[:100]
            node = choose.choice(group)
            if node.listening.is_set() and self.is_taken(node, batch):
                with self.changed:
                    del queue[: len(batch)]
            else:
                time.sleep(0.05)

    def is_taken(self, node, batch):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=3)
            with contextlib.closing(connection):
                response, _ = exchange(connection, "POST", "/v1/reports/batch", json.dumps(batch), {"Content-Type": "application/json"})
                return response.status == 200
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def finish(self):
        """No more reports; returns once every group was told all."""
        self.ended = True
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                raise SystemExit("every report should be taken within a minute")


class Disturber:
    """Disturbs the node of a pair that holds the lease."""

    def __init__(self, arguments, pace, kind, pair):
        self.pace, self.kind, self.pair = pace, kind, pair
        self.draw = random.Random(f"{arguments.seed} {kind}")
        self.left = arguments.moments
        self.long_pause = arguments.long_pause
        self.kills = self.pauses = 0
        self.next_at = pace.now() + self.draw.uniform(*SECONDS_BETWEEN)
        self.paused = None

    def step(self):
        """Does what its time has come for. Returns whether there is more to do."""
        now = self.pace.now()
        if now < self.next_at:
            return True
        if self.paused:
            self.paused.process.running.send_signal(signal.SIGCONT)
            self.paused = None
        elif self.left == 0:
            return False
        elif leader := next((node for node in self.pair if gauge(node, "holds_lease") == 1), None):
            self.left -= 1
            # Every third is paused for longer than its lease; the last of these for much longer.
            if self.left % 3 == 0:
                leader.process.running.send_signal(signal.SIGSTOP)
                self.paused = leader
                self.pauses += 1
                self.next_at = now + (self.long_pause if self.left == 0 else PAUSE_SECONDS)
                return True
            leader.kill()
            time.sleep(self.pace.real(self.draw.uniform(0.0, 0.5)))
            leader.start()
            self.kills += 1
        self.next_at = self.pace.now() + self.draw.uniform(*SECONDS_BETWEEN)
        return True

    def said(self):
        return f"{self.kills} kills, {self.pauses} pauses"


def disturb(disturbers):
    working = list(disturbers)
    while working:
        working = [disturber for disturber in working if disturber.step()]
        time.sleep(0.05)


def gauge(server, name):
    """A gauge of the node; -1 where it does not answer."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            found = re.search(rf"^groundswell_{name} (\S+)$", connection.getresponse().read().decode(), re.MULTILINE)
            return float(found[1]) if found else -1
    except (OSError, http.client.HTTPException):
        return -1


def compare(checks, undisturbed, pairs):
    nodes = {f"{kind}, node {n}": node for kind, pair in pairs.items() for n, node in enumerate(pair)}
    agree = lambda: all(matched(incidents(undisturbed), incidents(node)) for node in nodes.values())
    with contextlib.suppress(SystemExit):
        wait_until(agree, SETTLED_SECONDS, lambda: "the nodes should agree")
    expected = incidents(undisturbed)
    # Where half of the cities fail, a network has one incident; each of them has some.
    checks.that(len(expected) >= 2, f"undisturbed, {len(expected)} incidents were told of in {HIT} cities", str(shown(expected)))
    for name, node in nodes.items():
        pairs_of = matched(expected, incidents(node))
        checks.that(pairs_of, f"{name}: the same incidents, each once", f"{shown(expected)}, but {shown(incidents(node))}")
        apart = [difference(one, other) for one, other in pairs_of or []]
        checks.that(apart and max(apart) <= TICK_SECONDS, f"{name}: told at most {max(apart, default=-1):.0f} s apart from undisturbed", str(apart))
        revisions = [[one["revision"] for one in node.get(f"/v1/incidents/{incident['id']}")["revisions"]] for incident in incidents(node)]
        whole = all(numbers == sorted(set(numbers)) for numbers in revisions)
        checks.that(whole, f"{name}: revisions of every incident follow each other, none twice", str(revisions))


def incidents(node):
    """Those that did not go on as a part of another."""
    items = node.get("/v1/incidents", limit=1000)["items"]
    return [item for item in items if not item["ending"] or item["ending"]["type"] != "merged"]


def matched(expected, found):
    """Each expected incident with the one that is the same; None where they are not the same."""
    pairs = [(one, other) for one in expected for other in found if is_same(one, other)]
    is_whole = len(pairs) == len(expected) == len(found) == len({other["id"] for _, other in pairs})
    return pairs if is_whole else None


def is_same(one, other):
    """Whether they are of the same brands, since the same minute, and of nearly the same cells: which ones are named beside the middle of an
    outage depends on what had come at the moment they were named."""
    here, there = set(one["cells"]), set(other["cells"])
    began = abs(seconds(one["onset"]) - seconds(other["onset"]))
    alike = one["network"] == other["network"] and set(one["providers"]) == set(other["providers"])
    return alike and began <= 60 and len(here & there) >= ALIKE * len(here | there)


def shown(items):
    return [(item["network"], item["onset"], item["providers"], len(item["cells"]), item["place"]["text"]) for item in items]


def seconds(instant):
    return datetime.fromisoformat(instant).timestamp()


def difference(one, other):
    return abs(seconds(one["detected_at"]) - seconds(other["detected_at"]))


if __name__ == "__main__":
    main()

"""Redis goes away under a trickle of reports, and comes back: are they refused in time, taken again at once, and none lost?

First Redis is killed and started again a while later, then it is halted (SIGSTOP), in which it keeps its connections
and says nothing. Meanwhile the last map is served as stale, and a node that is started says who does not answer, and
ends. Nothing that ran is restarted but Redis.

Waits and retries of the nodes are shortened, and Redis is away for as much less time. With `--nightly` they last as in
service: Redis is away for a minute, and halted for twenty seconds.
"""

import argparse
import contextlib
import math
import time
from dataclasses import dataclass

from checks import Checks
from counted_once import REFUSED_WITHIN_SECONDS, check_answers, check_counts
from crowd import Crowd, Reports
from processes import seconds_until, wait_until
from redis_servers import Redis
from server import ANSWER_SECONDS, Server, exchange, store_directory

CLIENTS = 8
PAUSE_SECONDS = 0.1
FEWEST_REPORTS = 2_000
BEFORE = 200
# A map is at most this old while the store answers; from then on it must say that it is stale.
FRESH_SECONDS = 2
MAP = "/v1/heatmap?provider=alpha&window=24h&resolution=8"


@dataclass
class Pace:
    """How long Redis is away, and how soon nodes must be back, in seconds; `timing` is theirs."""

    timing: list
    killed: float
    halted: float
    refused: float
    # Once reports were to be taken again, it is looked for so much longer whether one is refused.
    back: float
    # Whether a node can record is looked at by maintenance.
    ready: float


SHORT = Pace(["--timing", "answer=4s,repeat=2s,reply=1s,connect=1s,stuck=1s,maintenance=1s"], killed=8, halted=8, refused=5, back=3, ready=4)
FULL = Pace([], killed=60, halted=20, refused=REFUSED_WITHIN_SECONDS, back=5, ready=10)


def main():
    arguments = parse_arguments()
    pace = FULL if arguments.nightly else SHORT
    checks = Checks()
    crowd = Crowd(Reports(arguments.seed), pause=lambda: PAUSE_SECONDS)
    with (
        store_directory() as directory,
        Redis("always") as redis,
        Server(arguments.binary, redis.url, *pace.timing, logs=directory) as node,
        Server(arguments.binary, redis.url, *pace.timing, logs=directory) as fresh,
    ):
        redis.start()
        node.start()
        crowd.start([node], CLIENTS)
        crowd.go()
        go_away(checks, pace, crowd, node, fresh, "killed", redis.kill, redis.start, pace.killed)
        go_away(checks, pace, crowd, node, fresh, "halted", redis.freeze, redis.thaw, pace.halted)
        crowd.finish(FEWEST_REPORTS)
        crowd.join()
        checks.equal(len(crowd.lost), 0, "no client lost its connection to the node")
        check_answers(checks, [crowd], "in the end", store_went_away=True)
        check_counts(checks, node, crowd.numbers(), "in the end")
        check_counts(checks, fresh, crowd.numbers(), "in the end, the node that started meanwhile")
        checks.equal(node.stop(), 0, "the node stops on SIGTERM with exit code 0")
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nightly", action="store_true", help="waits and retries as in service, and Redis away for longer")
    return parser.parse_args()


def go_away(checks, pace, crowd, node, fresh, how, leave, come_back, seconds):
    """One time without Redis, and what must hold before, in and after it."""
    before = len(crowd.successes)
    wait_until(lambda: len(crowd.successes) >= before + BEFORE, ANSWER_SECONDS, lambda: f"the node should answer:\n{node.log_end()}")
    status, answer, _ = read_map(node)
    checks.equal((status, answer.get("stale")), (200, False), f"Redis {how}: before, the map is fresh")
    leave()
    left = time.monotonic()
    check_start(checks, fresh, how)
    maps = []
    while time.monotonic() < left + seconds:
        maps.append((time.monotonic() - left, *read_map(node)))
        time.sleep(0.5)
    checks.equal(readiness(node), (503, "application/problem+json"), f"Redis {how}: the node that ran says that it cannot record")
    checks.equal(node.try_get("/healthz")[0], 200, f"Redis {how}: the node says that it lives")
    returning = time.monotonic()
    come_back()
    back = time.monotonic()
    check_refusals(checks, pace, crowd, how, left, returning)
    check_maps(checks, pace, maps, how)
    if not fresh.is_running():
        fresh.start()
    check_return(checks, pace, crowd, node, fresh, how, back)


def check_start(checks, fresh, how):
    """A node that starts while Redis is away says where it is missing, and ends: its supervisor starts it again."""
    fresh.kill()
    fresh.spawn()
    ended = seconds_until(lambda: not fresh.is_running(), ANSWER_SECONDS) < math.inf
    if checks.that(ended, f"Redis {how}: a node that is started meanwhile ends"):
        log = fresh.log_end()
        checks.that("redis://" in log and "does not answer" in log, f"Redis {how}: and says who does not answer", log)


def check_refusals(checks, pace, crowd, how, left, returning):
    """What was posted while Redis was away is answered 503, in time; that it says Retry-After is checked in the end."""
    taken = [began for began, ended in crowd.successes if left < began and ended < returning]
    checks.that(not taken, f"Redis {how}: nothing was taken while it was away", f"{len(taken)} posts were, the first after {taken[:1]}")
    times = [ended - began for began, ended, _ in crowd.not_now if left < began and ended < returning]
    slowest = max(times, default=0.0)
    print(f"{len(times)} posts were answered 503, the slowest after {slowest:.2f} s")
    checks.that(len(times) >= CLIENTS, f"Redis {how}: clients were answered 503", f"only {len(times)} were")
    in_time = slowest <= pace.refused
    checks.that(in_time, f"Redis {how}: each 503 came within {pace.refused} s", f"one took {slowest:.2f} s")


def check_maps(checks, pace, maps, how):
    """The map that had been asked for is served throughout, and soon says that it is stale."""
    slowest = max(took for *_, took in maps)
    print(f"{len(maps)} maps were read meanwhile, the slowest after {slowest:.2f} s")
    refused = [(round(at, 1), status, answer) for at, status, answer, _ in maps if status != 200]
    checks.that(not refused, f"Redis {how}: the last map is served all the time", str(refused[:1]))
    late = [at for at, status, answer, _ in maps if status == 200 and not answer["stale"] and at > FRESH_SECONDS]
    checks.that(not late, f"Redis {how}: it says that it is stale from {FRESH_SECONDS} s on", f"{late} s after it left it did not")
    is_in_time = slowest <= pace.refused
    checks.that(is_in_time, f"Redis {how}: each map came within {pace.refused} s", f"one took {slowest:.2f} s")


def check_return(checks, pace, crowd, node, fresh, how, back):
    """Reports are taken and maps are fresh again soon after Redis answers, without any restart."""
    is_fresh = lambda: read_map(node)[1].get("stale") is False
    are_ready = lambda: readiness(node)[0] == 200 == readiness(fresh)[0]
    fresh_after = seconds_until(is_fresh, ANSWER_SECONDS)
    ready_after = fresh_after + seconds_until(are_ready, ANSWER_SECONDS)
    seconds_until(lambda: time.monotonic() > back + 2 * pace.back, ANSWER_SECONDS)
    taken_after = min((ended - back for _, ended in crowd.successes if ended > back), default=math.inf)
    print(f"after its return: taken after {taken_after:.2f} s, map fresh after {fresh_after:.2f} s, ready after {ready_after:.2f} s")
    for what, took, limit in [
        ("reports are taken again", taken_after, pace.back),
        ("the map is fresh again", fresh_after, pace.back),
        ("both nodes say that they can record", ready_after, pace.ready),
    ]:
        checks.that(took <= limit, f"Redis {how} and back: {what} within {limit} s", f"it took {took:.2f} s")
    late = [round(began - back, 2) for began, _, _ in crowd.not_now if began > back + pace.back]
    claim = f"Redis {how} and back: nothing is refused from {pace.back} s on"
    checks.that(not late, claim, f"{len(late)} posts were, the first {late[:1]} s after")
    checks.that(node.is_running() and fresh.is_running(), f"Redis {how} and back: no node has ended")


def read_map(node):
    """The status of the map, its content, and how long it took."""
    began = time.monotonic()
    status, answer = node.try_get(MAP)
    return status, answer, time.monotonic() - began


def readiness(node):
    """What a node says to whoever would send it reports."""
    with contextlib.closing(node.connect()) as connection:
        response, _ = exchange(connection, "GET", "/readyz?for=ingest")
    return response.status, response.headers["Content-Type"]


if __name__ == "__main__":
    main()

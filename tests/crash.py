"""Kills the server again and again under load: is every report counted exactly once?

Many clients post single reports and small batches, each report with its own reporter and a fixed `observed_at`. The
server is killed (SIGKILL) at random moments. What had no answer is repeated until it has one. After each restart
nothing that was answered may be missing; in the end every cell must hold exactly the reports that were posted.
"""

import argparse
import random
import time

from checks import Checks
from counted_once import check_answers, check_counts, heatmap
from crowd import PROVIDERS, Crowd, Reports, post
from server import STORES, Server, store_directory, store_to_test

# Named fail points (tests/fail_points.rs) strike between all steps of a commit; these strike anywhere.
KILLS = 10
CLIENTS = 16
FEWEST_REPORTS = 20_000
# The embedded store writes a snapshot after this much log, so that kills also strike while one is being written.
SETTINGS = {"embedded": ["--snapshot-log-mib", "1"]}


def main():
    arguments = parse_arguments()
    moments = random.Random(arguments.seed)
    checks = Checks()
    crowd = Crowd(Reports(arguments.seed))
    slowest_start = 0.0
    with (
        store_directory() as directory,
        store_to_test(arguments.store, directory) as store,
        Server(arguments.binary, store, *SETTINGS.get(arguments.store, []), logs=directory) as server,
    ):
        crowd.start([server], CLIENTS)
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
        crowd.join()
        check_everything(checks, server, crowd, "after the last report")
        checks.equal(server.stop(), 0, "the server stops on SIGTERM with exit code 0")
        server.start()
        check_everything(checks, server, crowd, "after one more restart")
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=KILLS, help=f"{KILLS} unless said otherwise; fifty for a night")
    parser.add_argument("--store", choices=STORES, default="embedded")
    return parser.parse_args()


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
    outcomes = post(server.connect(), [crowd.reports.report(number) for number in latest]) if len(latest) > 1 else []
    again = [number for number, outcome in zip(latest, outcomes) if outcome != "duplicate"]
    if again:
        faults.append(f"{len(again)} of the last {len(latest)} answered reports were counted again after a restart")
    return faults


def check_everything(checks, server, crowd, when):
    check_answers(checks, [crowd], when)
    check_counts(checks, server, crowd.numbers(), when)


if __name__ == "__main__":
    main()

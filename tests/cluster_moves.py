"""A Redis Cluster loses masters and moves slots under load: does each report count once, and is no gap long?

Two nodes, which answer a report once a replica has it too, post to three masters with a replica each. Three times a
master is killed (SIGKILL) and started again some seconds later, and a thousand slots move from one master to another.
What had no answer, or 503, is repeated. Then a third node starts, and must draw the right map at once.
"""

import argparse
import random
import time

from checks import Checks
from counted_once import check_answers, check_counts, counts_now, expected_counts
from crowd import Crowd, Reports
from processes import wait_until
from redis_servers import Cluster
from server import Server, store_directory

CLIENTS = 16
# The load should be felt, but leave the processor to six Redis and two nodes.
PAUSE_SECONDS = 0.04
FEWEST_REPORTS = 10_000
BETWEEN_SECONDS = 2.0
ANSWERS_BETWEEN = 100
RECOVER_SECONDS = 60
# When killed masters start again. A replica takes about four seconds to stand in: the first master finds one in its place,
# the last may come back before.
AWAY_SECONDS = [(4.5, 5.0), (3.0, 5.0), (3.0, 3.5)]
SLOTS = 1_000
LONGEST_GAP_SECONDS = 10
FIRST_MAP_SECONDS = 5


def main():
    arguments = parse_arguments()
    moments = random.Random(arguments.seed)
    checks = Checks()
    crowd = Crowd(Reports(arguments.seed), pause=lambda: PAUSE_SECONDS)
    settings = ["--min-replicas", "1"]
    with (
        store_directory() as directory,
        Cluster("always") as cluster,
        Server(arguments.binary, cluster.url, *settings, logs=directory) as one,
        Server(arguments.binary, cluster.url, *settings, logs=directory) as other,
        Server(arguments.binary, cluster.url, *settings, logs=directory) as third,
    ):
        crowd.start([one.start(), other.start()], CLIENTS)
        crowd.go()
        await_answers(crowd, one)
        began, posted = time.monotonic(), crowd.posted
        move_everything(checks, moments, cluster, crowd, one)
        rate = (crowd.posted - posted) / (time.monotonic() - began)
        crowd.finish(FEWEST_REPORTS)
        crowd.join()
        gap = crowd.longest_gap()
        print(f"{crowd.posted} reports, {rate:.0f} a second under all this, longest gap {gap:.2f} s, seed {arguments.seed}")
        claim = f"there was a good answer at least every {LONGEST_GAP_SECONDS} s"
        checks.that(gap < LONGEST_GAP_SECONDS, claim, f"there was none for {gap:.2f} s")
        checks.equal(len(crowd.lost), 0, "no client lost its connection to a node")
        check_answers(checks, [crowd], "after the last report", store_went_away=True)
        for number, node in enumerate([one, other]):
            check_counts(checks, node, crowd.numbers(), f"after the last report, node {number}")
        check_third_node(checks, third, crowd.numbers())
        for number, node in enumerate([one, other, third]):
            checks.equal(node.stop(), 0, f"node {number} stops on SIGTERM with exit code 0")
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def move_everything(checks, moments, cluster, crowd, node):
    """Kills each of the masters, and moves slots between two after each kill."""
    killed, promoted, keys_moved = set(), 0, 0
    for shortest, longest in AWAY_SECONDS:
        victim = next(master for master in cluster.masters() if master not in killed)
        killed.add(victim)
        promoted += kill_for_a_while(cluster, crowd, victim, moments.uniform(shortest, longest))
        await_answers(crowd, node)
        keys_moved += reshard(moments, cluster, crowd)
        await_answers(crowd, node)
    checks.that(promoted, "a replica was promoted to master at least once")
    checks.that(keys_moved, "slots moved that hold facts")


def kill_for_a_while(cluster, crowd, victim, seconds):
    """Returns whether a replica was promoted before the killed master was back."""
    began = time.monotonic()
    victim.kill()
    # What is tested is a time, not a condition.
    time.sleep(seconds)
    promoted = cluster.has_failed_over(victim)
    victim.start()
    whole_after = seconds + cluster.await_health()
    state = "with its replica promoted" if promoted else "before a replica was promoted"
    gap = crowd.longest_gap(since=began)
    print(f"master {victim.port} killed, back after {seconds:.2f} s {state}, whole after {whole_after:.2f} s, longest gap {gap:.2f} s")
    return promoted


def reshard(moments, cluster, crowd):
    """Moves slots from one master to another; returns how many keys went with them."""
    source, target = moments.sample(cluster.masters(), 2)
    began = time.monotonic()
    keys = cluster.reshard(source, target, SLOTS)
    took = time.monotonic() - began
    cluster.await_health()
    gap = crowd.longest_gap(since=began)
    print(f"{SLOTS} slots with {keys} keys moved from {source.port} to {target.port} in {took:.2f} s, longest gap {gap:.2f} s")
    return keys


def await_answers(crowd, node):
    """Lets the load go on for a while."""
    before, until = len(crowd.successes), time.monotonic() + BETWEEN_SECONDS
    goes_on = lambda: time.monotonic() > until and len(crowd.successes) >= before + ANSWERS_BETWEEN
    wait_until(goes_on, RECOVER_SECONDS, lambda: f"reports should be taken; the log of a node ends:\n{node.log_end()}")


def check_third_node(checks, third, numbers):
    """A node that starts on a store full of facts draws them all, at once."""
    expected = expected_counts(numbers)
    began = time.monotonic()
    got = counts_now(third.start())
    took = time.monotonic() - began
    checks.same_counts(got, expected, "the first map of a third node is right")
    claim = f"the first map of a third node comes within {FIRST_MAP_SECONDS} s of its start"
    print(f"a third node served its first maps {took:.2f} s after its start")
    checks.that(took <= FIRST_MAP_SECONDS, claim, f"it took {took:.2f} s")


if __name__ == "__main__":
    main()

"""Two nodes on one Redis, all three killed again and again under load: does each report count once, whichever node has it?

Both nodes are sent the same reports, each in an order of its own. Nodes and Redis are killed (SIGKILL) at random, alone
or together, and start again a little later, in any order. What had no answer, or 503, is repeated until every report
has an answer from both nodes. Then both must draw the same map, with every report in it once.
"""

import argparse
import contextlib
import functools
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from checks import Checks
from counted_once import check_answers, check_counts, counts_now
from crowd import Crowd, Reports, iso, post
from processes import wait_until
from redis_servers import Redis
from server import Server, store_directory

# Named fail points (tests/fail_points.rs) strike between all steps of a commit; these strike anywhere.
KILLS = 10
# Of each node.
CLIENTS = 8
FEWEST_REPORTS = 20_000
# Both crowds post the same so many reports before they go on, each in its own order.
BLOCK = 500
# For the crowd that is ahead, so that both post the same reports at about the same time.
PAUSE_SECONDS = 0.03
# Between two kills both nodes answer so many posts.
ANSWERS_BETWEEN = 100
RECOVER_SECONDS = 20
# Who is killed together: the nodes by their number, and Redis.
VICTIMS = [("0",), ("1",), ("redis",), ("0", "1"), ("0", "redis"), ("1", "redis"), ("0", "1", "redis")]
POSITIONS = 500


def main():
    arguments = parse_arguments()
    moments = random.Random(arguments.seed)
    checks = Checks()
    reports = Reports(arguments.seed)
    crowds = [Crowd(reports, functools.partial(shuffled, f"{arguments.seed} {n}")) for n in range(2)]
    for crowd, other in zip(crowds, reversed(crowds)):
        crowd.pause = lambda crowd=crowd, other=other: PAUSE_SECONDS if crowd.posted > other.posted else 0.0
    with (
        store_directory() as directory,
        Redis("always") as redis,
        Server(arguments.binary, redis.url, logs=directory) as one,
        Server(arguments.binary, redis.url, logs=directory) as other,
    ):
        redis.start()
        nodes = [one.start(), other.start()]
        for node, crowd in zip(nodes, crowds):
            crowd.start([node], CLIENTS)
            crowd.go()
        slowest = kill_at_random(arguments, moments, {"0": one, "1": other, "redis": redis}, crowds)
        print(f"{arguments.kills} kills, {crowds[0].posted} and {crowds[1].posted} reports so far, seed {arguments.seed}")
        print(f"slowest recovery, from the last start to {ANSWERS_BETWEEN} answers of both nodes: {slowest:.2f} s")

        total = -(-max(FEWEST_REPORTS, *(crowd.posted for crowd in crowds)) // BLOCK) * BLOCK
        for crowd in crowds:
            crowd.finish(total)
        for crowd in crowds:
            crowd.join()
        checks.equal(sorted(crowds[0].numbers()), sorted(crowds[1].numbers()), f"both nodes were sent the same {total} reports")
        checks.that(crowds[0].numbers() != crowds[1].numbers(), "each was sent them in another order")
        check_answers(checks, crowds, "after the last report", store_went_away=True)
        for number, node in enumerate(nodes):
            check_counts(checks, node, range(total), f"after the last report, node {number}")
        check_one_reporter_everywhere(checks, nodes)
        for number, node in enumerate(nodes):
            checks.equal(node.stop(), 0, f"node {number} stops on SIGTERM with exit code 0")
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=KILLS, help=f"{KILLS} unless said otherwise; thirty for a night")
    return parser.parse_args()


def shuffled(order, place):
    """The number of the report that is posted at a place of an order."""
    block, within = divmod(place, BLOCK)
    return block * BLOCK + shuffled_block(order, block)[within]


@functools.lru_cache(maxsize=16)
def shuffled_block(order, block):
    return random.Random(f"{order} {block}").sample(range(BLOCK), BLOCK)


def kill_at_random(arguments, moments, processes, crowds):
    """Kills some, starts them again, and waits until both nodes answer; over and over. Returns how long the slowest took to answer."""
    slowest = 0.0
    killed = Counter()
    for _ in range(arguments.kills):
        time.sleep(moments.uniform(0.1, 1.2))
        victims = moments.choice(VICTIMS)
        killed["+".join(victims)] += 1
        for victim in victims:
            processes[victim].kill()
        # Whoever comes back first finds the others still away.
        for victim in moments.sample(victims, len(victims)):
            time.sleep(moments.uniform(0.05, 0.5))
            processes[victim].spawn()
        for victim in victims:
            await_return(processes[victim])
        before = [len(crowd.successes) for crowd in crowds]
        answered = lambda: all(len(crowd.successes) >= n + ANSWERS_BETWEEN for crowd, n in zip(crowds, before))
        what = lambda: f"both nodes should answer after the kill of {victims}; the log of the first ends:\n{processes['0'].log_end()}"
        slowest = max(slowest, wait_until(answered, RECOVER_SECONDS, what))
    print(f"killed: {dict(killed)}")
    return slowest


def await_return(process):
    """Returns once a process is there again. A node that gave up because Redis was away is started again, as its supervisor would."""
    if isinstance(process, Redis):
        process.await_ready()
        return
    is_up = lambda: process.comes_up() or process.spawn()
    wait_until(is_up, RECOVER_SECONDS, lambda: f"a node should start; its log ends:\n{process.log_end()}")


def check_one_reporter_everywhere(checks, nodes):
    """One phone, at once all over a continent: to both nodes, alone and in batches, by several clients."""
    # The very same instant: a period of this reporter may end between two.
    instant = iso(int(time.time()))
    places = [(30 + n * 7 % 300 / 10, -120 + n * 13 % 500 / 10) for n in range(POSITIONS)]
    same = {"provider": "bravo", "symptom": "no_service", "accuracy_m": 50, "observed_at": instant, "reporter_id": "everywhere"}
    reports = [same | {"lat": lat, "lon": lon} for lat, lon in places]
    before = [sum(counts_now(node).values()) for node in nodes]
    chunks = [[report] for report in reports[:250]] + [reports[at : at + 25] for at in range(250, POSITIONS, 25)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        outcomes = list(pool.map(lambda at: post_once(nodes[at % 2], chunks[at]), range(len(chunks))))
    got = Counter(outcome for chunk in outcomes for outcome in chunk)
    checks.equal(got, {"counted": 1, "duplicate": POSITIONS - 1}, f"one reporter at {POSITIONS} positions on both nodes is counted once")
    for number, node in enumerate(nodes):
        added = sum(counts_now(node).values()) - before[number]
        checks.equal(added, 1, f"node {number}: one reporter at {POSITIONS} positions adds one to the map")


def post_once(node, reports):
    with contextlib.closing(node.connect()) as connection:
        return post(connection, reports)


if __name__ == "__main__":
    main()

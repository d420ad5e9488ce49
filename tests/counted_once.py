"""What must hold once crowds have posted: of the answers they got, and of the maps that a server then draws."""

import time
from collections import Counter
from datetime import datetime

from crowd import PROVIDERS, cell_of, provider_of
from processes import wait_until
from server import ANSWER_SECONDS

# The time within which a store answers or fails.
REFUSED_WITHIN_SECONDS = 10
FRESH_SECONDS = 10


def check_answers(checks, crowds, when, store_went_away=False):
    """Crowds that posted the same reports, each to its own node: at most one of the answers is `counted`, and one is if none was lost.

    Where the store went away, answers were also lost between it and its nodes, which repeat by themselves: that is said, not checked.
    """
    counted, doubtful = Counter(), set().union(*(crowd.doubtful for crowd in crowds))
    for crowd in crowds:
        checks.that(not crowd.faults, f"{when}: no good report was refused", str(crowd.faults[:1]))
        checks.equal(len(crowd.answers), crowd.posted, f"{when}: each of {crowd.posted} reports has an answer")
        counted.update(number for number, outcome in crowd.answers.items() if outcome == "counted")
    strange = [number for number in crowds[0].answers if not counted[number] and number not in doubtful]
    if store_went_away:
        print(f"{len(doubtful)} reports were repeated by clients, {len(strange)} others by nodes")
    else:
        checks.that(not strange, f"{when}: only repeated reports were called duplicate ({len(doubtful)} were repeated)", str(strange[:5]))
    twice = [number for number, times in counted.items() if times > 1]
    checks.that(not twice, f"{when}: no report was called counted twice", f"{len(twice)} were, the first: {twice[:5]}")
    check_refusals(checks, crowds, when)


def check_refusals(checks, crowds, when):
    not_now = [(round(ended - began, 2), retry_after) for crowd in crowds for began, ended, retry_after in crowd.not_now]
    bad = [(seconds, after) for seconds, after in not_now if seconds > REFUSED_WITHIN_SECONDS or not (after or "").isdigit()]
    claim = f"{when}: each of {len(not_now)} answers 503 came within {REFUSED_WITHIN_SECONDS} s and says Retry-After"
    checks.that(not bad, claim, f"{len(bad)} did not, the first (seconds, Retry-After): {bad[:3]}")
    hung = [began for crowd in crowds for began, ended in crowd.lost if ended - began >= ANSWER_SECONDS]
    checks.that(not hung, f"{when}: no client waited in vain for {ANSWER_SECONDS} s", f"{len(hung)} did")


def check_counts(checks, server, numbers, when):
    """The counts by provider and cell are those of the reports of these numbers, each counted once."""
    expected = expected_counts(numbers)
    got = counts_now(server)
    checks.same_counts(got, expected, f"{when}: {expected.total()} reports in {len(expected)} (provider, cell), each counted once")


def expected_counts(numbers):
    return Counter((provider_of(number), cell_of(number)) for number in numbers)


def counts_now(server):
    """The counts by provider and cell, from maps that were begun after this was called."""
    asked = time.time()
    maps = {}

    def are_fresh():
        maps.update((provider, heatmap(server, provider)) for provider in PROVIDERS)
        return all(datetime.fromisoformat(answer["as_of"]).timestamp() > asked and not answer["stale"] for answer in maps.values())

    wait_until(are_fresh, FRESH_SECONDS, lambda: f"maps should be newer than {asked}, but are as of {[m['as_of'] for m in maps.values()]}")
    return {(provider, cell["hex"]): cell["count"] for provider in PROVIDERS for cell in maps[provider]["cells"]}


def heatmap(server, provider):
    return server.get("/v1/heatmap", provider=provider, window="24h", resolution=8)

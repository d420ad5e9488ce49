"""The facts of files of reports, computed from the files alone: which reports count, where, in which minute, known from when on."""

import gzip
import json
from bisect import bisect_left
from collections import Counter, defaultdict
from functools import lru_cache
from typing import NamedTuple

import h3

from nyc_day import cell_of, claim_of, reporter_on_their_day, seconds

# Of src/cli/replay.rs: one key for all replays, so that the same reporters count again.
PASSING_KEY = b"groundswell replay"
MINUTE_S = 60
ON_TIME_S = 5 * MINUTE_S
AHEAD_S = 2 * MINUTE_S
LATENESS_S = 48 * 60 * MINUTE_S
# The finest resolution of an hour, and of a zone.
HOURLY = 7
FINEST = 8
SPOT_ACCURACY_M = 150
# Children of a cell by their digit: every second one around the middle has the same mark.
SPOTS = {1: "odd", 4: "odd", 2: "odd", 5: "even", 6: "even", 3: "even"}


class Fact(NamedTuple):
    """One report, in the minute in which detection counts it: when it was observed, or where it was late when it came."""

    minute: int
    # The first tick that knows it: it came before the start of this minute.
    known: int
    late: bool
    # As exact as is known, and no finer than hours are.
    cell: str
    place: str
    spot: str


class Facts:
    """The facts of each provider, in the order in which they came. `taken` says who has counted already."""

    def __init__(self):
        self.of = defaultdict(list)
        self.taken = set()
        # The minutes in which the first and the last report came.
        self.first = self.last = None

    def copy(self):
        other = Facts()
        other.of.update({provider: list(facts) for provider, facts in self.of.items()})
        other.taken = set(self.taken)
        other.first, other.last = self.first, self.last
        return other

    def read(self, path):
        """Adds the reports of a file that was received after everything else."""
        with gzip.open(path, "rt") as lines:
            for line in lines:
                self.take(json.loads(line))
        return self

    def take(self, report):
        received, observed = seconds(report["received_at"]), seconds(report["observed_at"])
        arrived, age = received // MINUTE_S, received - observed
        self.first, self.last = arrived if self.first is None else self.first, arrived
        if not -AHEAD_S <= age <= LATENESS_S:
            return
        reporter = (report["provider"], *reporter_on_their_day(PASSING_KEY, report), claim_of(report["kind"]))
        if reporter in self.taken:
            return
        self.taken.add(reporter)
        late = age > ON_TIME_S
        minute = arrived if late else min(observed, received) // MINUTE_S
        cell = cell_of(report)
        if claim_of(report["kind"]) != "working":
            self.of[report["provider"]].append(Fact(minute, arrived + 1, late, cell, rolled_up(cell, HOURLY), spot_of(report)))


class Ordered:
    """The facts of one provider by when they count: of an hour, of a window; and since when each place is known."""

    def __init__(self, facts):
        self.facts = sorted(facts, key=lambda fact: fact.minute)
        self.minutes = [fact.minute for fact in self.facts]
        self.known_since = {}
        for fact in sorted(facts, key=lambda fact: fact.known):
            for cell in ancestors(fact.place):
                self.known_since.setdefault(cell, fact.known)

    def within(self, start, end):
        return self.facts[bisect_left(self.minutes, start) : bisect_left(self.minutes, end)]

    def of_hour(self, hour):
        """Reports by place, and those of them that came late."""
        facts = self.within(60 * hour, 60 * hour + 60)
        return Counter(fact.place for fact in facts), Counter(fact.place for fact in facts if fact.late)

    def seen(self, now, minutes):
        """What a window holds at the start of the minute `now`."""
        return [fact for fact in self.within(now - minutes, now) if fact.known <= now]

    def places(self, zone, now):
        """The cells of a zone in which the provider was heard of before `now`."""
        return [cell for cell in h3.grid_disk(*zone) if self.known_since.get(cell, now + 1) <= now]


@lru_cache(None)
def rolled_up(cell, resolution):
    """The cell itself, or its ancestor where that resolution is coarser."""
    return h3.cell_to_parent(cell, resolution) if h3.get_resolution(cell) > resolution else cell


@lru_cache(None)
def ancestors(cell):
    """The cell and all that hold it, coarsest first."""
    return [rolled_up(cell, resolution) for resolution in range(h3.get_resolution(cell) + 1)]


def spot_of(report):
    """Which third of a cell of the finest resolution."""
    if report.get("accuracy_m") is None or report["accuracy_m"] > SPOT_ACCURACY_M:
        return "unknown"
    child = int(h3.latlng_to_cell(report["lat"], report["lon"], FINEST + 1), 16)
    return SPOTS.get(child >> 3 * (15 - FINEST - 1) & 7, "middle")

"""Do the numbers that an incident stands on follow from the facts? Replays streams, and computes the evidence of every incident anew.

Reports become facts, facts a baseline, both the count, the mean, the dispersion and the score of the zone that raised the
incident: here from the files alone, in plain Python, by the formulas of docs/detection.md; and from what the program says that incidents
explain, hour by hour, which is not learnt. One thing is not written down:
reports of an incident that is over are taken out of all windows, wherever it reached. An incident that was raised in the wake of
another, and differs, is therefore skipped, unless more of it was counted by the program than here.
"""

import argparse
import gzip
import json
import math
import random
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

from checks import Checks
from evidence import REREAD_MINUTES, Detector
from expectation import Explained, score
from facts import MINUTE_S, Facts, Ordered
from local_clocks import LocalClocks
from nyc_day import iso, seconds
import sets
from server import store_directory

HISTORIES = {sets.SMALL: "city-warmup.ndjson.gz", sets.DETBENCH: "nyc-warmup.ndjson.gz"}
STREAMS = {
    sets.SMALL: ["city-regional-00", "city-local-00", "city-rural-00", "city-metro_late-00", "city-cold_start-00", "city-global_rise-00"],
    sets.DETBENCH: ["nyc-regional-01", "nyc-local-02", "nyc-rural-01", "nyc-metro_late-03", "nyc-cold_start-02", "nyc-global_rise-02"],
}
# No incident of the sets is everywhere, for their map is one city, which the larger zones cover; in none is a spot too full; and what
# happens there is reported once. A stream that is made up has all three.
BEGINS, MINUTES, PLACES, A_MINUTE = "2014-04-22T04:00:00Z", 7 * 24 * 60, 300, 0.5
RISEN_MINUTES, RISEN_A_MINUTE = 180, 1.75
THRICE_EVERY = 10
CORNER, AT_CORNER, AROUND, CORNER_MINUTE = (43.65, -79.38), 15, 8, MINUTES - 13 * 60
# The program sums some in single precision.
TOLERANCES = {"observed": 1e-5, "expected": 1e-4, "dispersion": 1e-4}
SCORE_TOLERANCE = 1e-3
MOST_SKIPPED = 0.1


def main():
    arguments = parse_arguments()
    checks = Checks()
    with store_directory() as directory:
        made_up = Seen(arguments.binary, checks, Path(directory) / "made-up")
        if not arguments.only_these:
            made_up.look([], [write_made_up(Path(directory) / "made-up.ndjson.gz")])
        for name, folder in sets.chosen(arguments).items():
            seen = Seen(arguments.binary, checks, Path(directory) / name)
            streams = arguments.streams or STREAMS[name]
            seen.look([folder / HISTORIES[name]], [folder / f"{stream}.ndjson.gz" for stream in streams])
            seen.close(name)
            if not arguments.only_these:
                all_kinds_are_there(checks, name, seen, made_up)
        made_up.close("made up")
    checks.close()


class Seen:
    """The incidents of some streams, and what came of computing each anew."""

    def __init__(self, binary, checks, work):
        self.binary, self.checks, self.work = binary, checks, work
        self.incidents, self.outcomes = [], Counter()
        work.mkdir()

    def look(self, history, streams):
        raised = replayed(self.binary, history, streams, self.work / "incidents")
        explained = {stream: explained_in(self.binary, [*history, stream], self.work) for stream in streams}
        past = Past(history, [incident for of_stream in raised.values() for incident in of_stream], explained[streams[0]])
        for stream in streams:
            self.incidents += raised[stream]
            for incident, own in past.evidence_in(stream, raised[stream], explained[stream]):
                self.outcomes[compare(self.checks, stream, incident, own)] += 1
                self.outcomes["bounded"] += own["observed"] < own["counted"]
                self.outcomes["in bursts"] += own["bursts"] > 0
                self.outcomes["beside others"] += own["others"] > 1

    def close(self, name):
        recomputed, skipped, number = self.outcomes["recomputed"], self.outcomes["skipped"], len(self.incidents)
        self.checks.equal(recomputed + skipped, number, f"{name}: every incident was looked at")
        self.checks.that(skipped <= MOST_SKIPPED * number, f"{name}: few were skipped", f"{skipped} of {number}")
        print(f"{name}: {number} incidents: {recomputed} recomputed, {skipped} skipped")


def all_kinds_are_there(checks, name, *several):
    incidents, outcomes = [incident for seen in several for incident in seen.incidents], sum((seen.outcomes for seen in several), Counter())
    kinds = {
        "of late reports alone": any(incident.late_only for incident in incidents),
        "of everywhere": any(incident.zone[0] is None for incident in incidents),
        "of a provider without a history": any(incident.provider.startswith("new-") for incident in incidents),
        "with a spot that is bounded": outcomes["bounded"] > 0,
        "where other providers hear more than usual": outcomes["beside others"] > 0,
        "where one event brings several reports": outcomes["in bursts"] > 0,
    }
    for kind, is_there in kinds.items():
        checks.that(is_there, f"{name} or what is made up: an incident {kind} is among them")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--streams", nargs="+", metavar="NAME", help="streams of the set, without their endings")
    parser.add_argument("--only-these", action="store_true", help="without the stream that is made up, whatever the incidents")
    sets.add_argument(parser)
    return parser.parse_args()


# What is replayed


def write_made_up(path):
    """A stream of one provider that people report all over the earth, at times three the same, more often in the last hours, and once many
    at one spot."""
    dice, sent, happened = random.Random(1), [], 0
    places = [(math.degrees(math.asin(dice.uniform(-1, 1))), dice.uniform(-180, 180)) for _ in range(PLACES)]
    for minute in range(MINUTES):
        # Hours differ by more than chance, so that there is something to learn of how they scatter.
        a_minute = dice.gammavariate(30, A_MINUTE / 30) if minute % 60 == 0 else a_minute
        number = int((RISEN_A_MINUTE if MINUTES - minute <= RISEN_MINUTES else a_minute) + dice.random())
        here = [places[(happened + n) % PLACES] for n in range(number)]
        here += [place for n, place in enumerate(here, happened) if n % THRICE_EVERY == 0 for _ in range(2)]
        happened += number
        if minute == CORNER_MINUTE:
            here += [CORNER] * AT_CORNER + [(CORNER[0] + n / 100, CORNER[1]) for n in range(1, AROUND + 1)]
        sent += [(seconds(BEGINS) + MINUTE_S * minute + dice.randrange(MINUTE_S), place) for place in here]
    with gzip.open(path, "wt", compresslevel=1) as lines:
        for number, (at, (lat, lon)) in enumerate(sorted(sent)):
            report = {"received_at": iso(at), "observed_at": iso(at), "lat": lat, "lon": lon, "accuracy_m": 100}
            report |= {"device_id": f"made-up-{number}", "provider": "world", "kind": "no_service"}
            lines.write(f"{json.dumps(report)}\n")
    return path


def replayed(binary, history, streams, out):
    """The incidents of each stream."""
    replay(binary, history, streams, out)
    return {stream: raised_in(out / stream.name.replace(".ndjson.gz", ".ndjson")) for stream in streams}


def replay(binary, history, streams, out, *settings):
    """Writes the incidents of each stream, played after the history, into a folder."""
    command = [Path(binary).resolve(), "replay", *streams, *(["--history", *history] if history else []), "--out", f"{out}/", *settings]
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)


def explained_in(binary, files, directory):
    """What incidents explain, and is therefore not learnt, by provider and hour."""
    out, explained = directory / "again.ndjson", directory / "explained.ndjson"
    command = [Path(binary).resolve(), "replay", *files, "--out", out, "--explained", explained]
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in explained.read_text().splitlines()]
    return {(line["provider"], seconds(line["hour"]) // 3600): Explained(line["cells"], line["global"]) for line in lines}


class Incident:
    """An incident as it was raised, by its first line, and whether it was in the wake of another: that ended in its window."""

    def __init__(self, line, ends):
        evidence, zone = line["evidence"], line["evidence"]["zone"]
        self.provider, self.detected_at = line["provider"], line["detected_at"]
        self.zone, self.late_only = (zone["centre"], zone["radius_cells"]), evidence["late_only"]
        self.since, self.now = (seconds(evidence["window"][end]) // MINUTE_S for end in ("from", "to"))
        self.figures = {name: evidence[name] for name in ("observed", "expected", "dispersion", "score")}
        self.in_wake = any(self.since < end < self.now for end in ends)


def raised_in(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    ends = defaultdict(list)
    for line in lines:
        if line.get("resolved_at"):
            ends[line["provider"]].append(seconds(line["resolved_at"]) // MINUTE_S)
    return [Incident(line, ends[line["provider"]]) for line in lines if line["revision"] == 0]


# What follows from the facts


class Past:
    """What was learnt of a history, from which every stream goes on. How zones scatter it learns only of those that raised incidents."""

    def __init__(self, history, incidents, explained):
        self.facts = Facts()
        for path in history:
            self.facts.read(path)
        facts = {provider: Ordered(of_provider) for provider, of_provider in self.facts.of.items()}
        zones = {provider: {incident.zone for incident in incidents if incident.provider == provider} for provider in facts}
        self.detectors = {provider: Detector(zones[provider]) for provider in facts}
        self.clocks = LocalClocks()
        self.next_hour = None
        if history:
            # Reports of the last hour may yet come with a stream.
            self.next_hour = self.facts.last // 60
            for hour in range(self.facts.first // 60, self.next_hour):
                learn(self.detectors, self.clocks, facts, hour, live_part(hour, self.facts), explained)

    def evidence_in(self, path, incidents, explained):
        """Each incident of a stream with its evidence as it follows from the facts."""
        facts = self.facts.copy().read(path)
        ordered = {provider: Ordered(of_provider) for provider, of_provider in facts.of.items()}
        detectors, clocks = {}, self.clocks.copy()
        for provider in facts.of:
            zones = {incident.zone for incident in incidents if incident.provider == provider}
            detectors[provider] = self.detectors[provider].copy(zones) if provider in self.detectors else Detector(zones)
        due = defaultdict(list)
        for incident in incidents:
            # The last hour that was learnt before that minute's step: one is learnt once no report on time can come for it.
            due[(incident.now - REREAD_MINUTES) // 60 - 1].append(incident)
        first = self.next_hour or facts.first // 60
        for hour in range(first, max(due, default=0) + 1):
            learn(detectors, clocks, ordered, hour, live_part(hour, facts), explained)
            for incident in due[hour]:
                asked, own = (incident.zone, incident.now - incident.since, incident.now, incident.late_only), incident.provider
                others = [(detector, ordered[provider]) for provider, detector in detectors.items() if provider != own]
                yield incident, detectors[own].evidence(*asked, ordered[own], others)


def live_part(hour, facts):
    """Which part of an hour somebody was there: from the first report on."""
    return min(60 * hour + 60 - facts.first, 60) / 60


def learn(detectors, clocks, facts, hour, live, explained):
    """Teaches every provider an hour. The one that lends the others its shape learns last."""
    for provider, detector in detectors.items():
        clocks.set(provider, detector.baseline, hour)
    lender = max(detectors.values(), key=lambda detector: detector.baseline.total())
    # What is lent until the next hour is what was known before this one.
    lent = lender.baseline.copy()
    for provider in sorted(detectors, key=lambda provider: detectors[provider] is lender):
        detectors[provider].learn(hour, facts[provider], live, lent, explained.get((provider, hour)))


# Both


def compare(checks, stream, incident, own):
    """Compares the figures of the program with our own, and says whether it could."""
    told = incident.figures
    what = f"{stream.name.split('.')[0]}, {incident.provider} at {incident.detected_at}"
    own_score = score(told["observed"], told["expected"], told["dispersion"])
    fits = abs(told["score"] - own_score) <= 1e-6 * own_score
    checks.that(fits, f"{what}: the score is that of its figures", f"{shown(told)}, but these have {own_score}")
    near = all(abs(told[name] - own[name]) <= tolerance * own[name] for name, tolerance in TOLERANCES.items())
    same = near and abs(told["score"] - own["score"]) <= SCORE_TOLERANCE
    if not same and incident.in_wake and told["observed"] <= own["observed"]:
        print(f"skipped {what}: {shown(told)}, but with the reports of the incident before it {shown(own)}", flush=True)
        return "skipped"
    checks.that(same, f"{what}: {shown(told)}", f"from the facts follow {shown(own)}")
    return "recomputed"


def shown(figures):
    observed, expected, dispersion, own_score = (figures[name] for name in ("observed", "expected", "dispersion", "score"))
    return f"{observed:g} reports for {expected:.4f}, dispersion {dispersion:.4f}, score {own_score:.3f}"


if __name__ == "__main__":
    main()

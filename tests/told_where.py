"""How quick could a detector be that is told where and since when? Prints a table; checks nothing, and no test run needs it.

For every outage of the streams with known outages: the reports that were received of exactly its cells since exactly its onset, by distinct
devices, against what the history says of these cells at this time of a working day or a weekend; when does the score of docs/detection.md reach
a bound? Outages whose reports mostly come late are taken to be told as early as the incidents given, where those are earlier: late reports
alone are a test of their own. As the scorer does, the mean takes no outage for more than 120 minutes.

With --searches the same of every zone of the detector as far as it lies in the outage, in every window from a report on: what the best of its
zones and windows could reach if nothing else was looked at.
"""

import argparse
import gzip
import json
import math
from collections import defaultdict
from functools import cache
from itertools import product
from pathlib import Path
from statistics import quantiles

import h3

from expectation import score
from nyc_day import seconds
from sets import shared_data

HISTORY = "nyc-warmup.ndjson.gz"
BOUNDS, DISPERSIONS = [5.0, 5.2, 5.5, 6.0, 6.5], [0.05, 1e-6]
COUNTS_AGAIN_S, LONGEST_S, CAP_MINUTES = 2 * 3600, 13 * 3600, 120
PEOPLE, LEAST_EXPECTED = 3, 0.01
RESOLUTIONS, STEPS, SHORTEST_WINDOW_S = range(3, 8), range(4), 5 * 60
# The history is of three weeks.
DAYS = {False: 15, True: 6}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alarms", type=Path, required=True, help="folder with incidents, as groundswell backtest --out writes them")
    parser.add_argument("--searches", action="store_true", help="look at all parts of an outage, in all windows")
    arguments = parser.parse_args()
    truth = [outage for outage in json.loads((shared_data() / "detbench" / "truth.json").read_text()) if outage["expect"] == "detect"]
    print("dispersion  score  found  median   90 %  mean capped at 120 minutes")
    for dispersion, bound in product(DISPERSIONS, BOUNDS):
        told = [told_after(outage, bound, dispersion, arguments) for outage in truth]
        found = sorted(minutes for minutes in told if minutes < math.inf)
        capped = sum(min(minutes, CAP_MINUTES) for minutes in told) / len(told)
        middle, late = quantiles(found, n=10, method="inclusive")[4::4]
        print(f"{dispersion:10.2f}  {bound:5.1f}  {len(found):5}  {middle:6.1f} {late:6.1f}  {capped:6.1f}")


def told_after(outage, bound, dispersion, arguments):
    cells, onset = frozenset(outage["cells"]), seconds(outage["onset"])
    reports = reports_of(outage["scenario"] + ".ndjson.gz")[outage["provider"]]
    known = reports_of(HISTORY)[outage["provider"]]
    during = [(time, cell) for time, cell in reports if cell in cells and onset <= time < onset + LONGEST_S]
    told_at = math.inf
    for zone in parts_of(cells) if arguments.searches else [cells]:
        times = [time for time, cell in during if cell in zone and time < told_at]
        usual = hourly(known, zone) if known else steady(reports, zone, onset)
        windows = all_windows(onset, times, usual) if arguments.searches else windows_since(onset, times, usual)
        reached = (at for at, count, expected in windows if count >= PEOPLE and score(count, expected, dispersion) >= bound)
        told_at = next(reached, told_at)
    minutes = (told_at - onset) / 60
    ours = [first_told(arguments.alarms / (outage["scenario"] + ".ndjson"), outage)] if outage["family"] == "metro_late" else []
    return min([minutes, *ours])


@cache
def parts_of(cells):
    """All zones of cells within some steps of one, of any resolution, as far as they lie in these cells."""
    parts = {cells}
    for resolution in RESOLUTIONS:
        within = {cell: h3.cell_to_parent(cell, resolution) for cell in cells}
        centres = {centre for cell in within.values() for centre in h3.grid_disk(cell, max(STEPS))}
        for disk in (set(h3.grid_disk(centre, steps)) for centre, steps in product(centres, STEPS)):
            parts.add(frozenset(cell for cell in cells if within[cell] in disk))
    return sorted(parts - {frozenset()}, key=len)


def windows_since(onset, times, usual):
    """For each report the window from the onset to it: when it ends, how many reports it holds, and how many are expected."""
    expected, last = LEAST_EXPECTED, onset
    for count, at in enumerate(times, start=1):
        expected += usual((at + last) / 2) * (at - last)
        last = at
        yield at, count, expected


def all_windows(onset, times, usual):
    """The same of every window from the onset, or from a report on, of the shortest at least."""
    since = list(windows_since(onset, times, usual))
    for n, (at, count, expected) in enumerate(since):
        for first, before, usual_before in [(onset, 1, LEAST_EXPECTED), *since[: max(0, n + 2 - PEOPLE)]]:
            too_short = max(0, SHORTEST_WINDOW_S - (at - first))
            yield at, count - before + 1, LEAST_EXPECTED + expected - usual_before + usual(at) * too_short


def hourly(reports, cells):
    """Reports a second, from the same hour of all working days, or of both days of the weekend."""
    counts = defaultdict(int)
    for time, cell in reports:
        if cell in cells:
            counts[slot(time)] += 1
    return lambda at: (counts[slot(at)] + 0.05) / DAYS[slot(at)[1]] / 3600


def steady(reports, cells, until):
    """The same of a provider without history: as many as came before."""
    before = sum(1 for time, cell in reports if cell in cells and time < until)
    return lambda at: before / (until - reports[0][0])


def slot(time):
    return int(time // 3600) % 24, (int(time // 86400) + 4) % 7 in (0, 6)


def first_told(file, outage):
    onset = seconds(outage["onset"])
    told = [json.loads(line) for line in file.read_text().splitlines()]
    after = [(seconds(one["detected_at"]) - onset) / 60 for one in told if one["provider"] == outage["provider"]]
    return min((minutes for minutes in after if minutes >= 0), default=math.inf)


@cache
def reports_of(file):
    """Reports of each provider in the order they were received, each device once in two hours."""
    heard, reports = {}, defaultdict(list)
    with gzip.open(shared_data() / "detbench" / file, "rt") as lines:
        for report in map(json.loads, lines):
            time, who = seconds(report["received_at"]), (report["provider"], report["device_id"])
            if time - heard.get(who, time - COUNTS_AGAIN_S) >= COUNTS_AGAIN_S:
                heard[who] = time
                reports[report["provider"]].append((time, h3.latlng_to_cell(report["lat"], report["lon"], 7)))
    return reports


main()

"""Streams with known outages that detbench lacks: other maps, where one event brings several reports, two outages at once, a device that hops,
clocks that are set, storms, towns that join.

Writes folders in the form of detbench, each of which `groundswell backtest --set` replays and scores; checks nothing, and no test run needs it.
Seeded: every run writes the same. Maps are made up: addresses in towns, of which few bring much, as in records of calls to a city; hours and days
differ by more than chance; three providers each hear of a part of the same calls.
"""

import argparse
import gzip
import json
import math
import random
from pathlib import Path

import h3

from nyc_day import iso, seconds
from sets import shared_data

DAY_S, HOUR_S = 86_400, 3_600
HISTORY_DAYS, DAYS, BEGINS = 21, 8, "2014-04-01T04:00:00Z"
HEARD = {"alpha": 0.5, "bravo": 0.2, "charlie": 0.06}
AGAIN, LATE, KM = 0.06, 0.03, 111.2
# By hour of the day in UTC, the mean is one.
HOURS = [0.3, 0.2, 0.15, 0.15, 0.2, 0.4, 0.7, 1.1, 1.4, 1.5, 1.5, 1.4, 1.4, 1.4, 1.4, 1.4, 1.5, 1.6, 1.6, 1.5, 1.3, 1.0, 0.8, 0.5]
# Where a town is, how much it brings, its size in km, its addresses.
CITY = [(41.85, -87.68, 1.0, 9, 1_500), (41.95, -87.9, 0.3, 4, 200), (42.3, -87.9, 0.15, 5, 150)]
PROVINCE = [
    (43.65, -79.4, 1.0, 15, 900), (45.42, -75.7, 0.3, 8, 300), (44.23, -76.5, 0.08, 4, 100),
    (46.49, -81.0, 0.06, 5, 80), (42.98, -81.25, 0.12, 5, 150), (48.38, -89.25, 0.04, 4, 60),
]
# How likely it is that one event brings one report, two, three, ...
ONE = [1.0]
FEW = [0.85, 0.09, 0.03, 0.02, 0.01]
SEVERAL = [0.6, 0.17, 0.09, 0.05, 0.03, 0.02, 0.01, 0.01, 0.01, 0.01]
# Name, towns, events a day, reports of each, seed.
MAPS = [
    ("city-one", CITY, 900, ONE, 11), ("province-one", PROVINCE, 300, ONE, 21),
    ("city-few", CITY, 400, FEW, 12), ("province-few", PROVINCE, 900, FEW, 22),
    ("city-several", CITY, 300, SEVERAL, 13), ("province-several", PROVINCE, 400, SEVERAL, 23), ("city-seldom", CITY, 100, SEVERAL, 33),
]
# Maps on which everybody lives by clocks that are set forward a day into the streams, as those of these towns were on 9 March.
WINTER, SET_ON = "2014-02-15T04:00:00Z", HISTORY_DAYS + 1
CLOCKS = [("city-clocks", CITY, 900, ONE, 211), ("province-clocks", PROVINCE, 8_000, ONE, 212)]
# Maps over which storms pass, about on these days, two of them in the streams: all providers hear of them alike, and none is down.
STORMS = [4, 12, 18, 23, 26.5]
STORMY = [("city-storms", CITY, 400, FEW, 112), ("province-storms", PROVINCE, 900, FEW, 122)]
# A province whose towns take to reporting one after the other, each within so many days.
JOINING, JOINS_WITHIN_DAYS = [("province-joining", 40, 1_500, ONE, 411)], 2
FAMILIES = ["null"] * 4 + ["local"] * 6 + ["regional"] * 4 + ["rural"] * 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder that the sets are written into")
    out = parser.parse_args().out
    for name, towns, a_day, callers, seed in MAPS:
        write_map(out / name, towns, a_day, callers, random.Random(seed))
    for name, towns, a_day, callers, seed in CLOCKS:
        write_map(out / name, towns, a_day, callers, random.Random(seed), begins=WINTER, set_on=SET_ON)
    for name, towns, a_day, callers, seed in STORMY:
        write_map(out / name, towns, a_day, callers, random.Random(seed), storms=STORMS)
    for name, number, a_day, callers, seed in JOINING:
        dice = random.Random(seed)
        write_map(out / name, towns_around_toronto(number, dice), a_day, callers, dice, joins_within_days=JOINS_WITHIN_DAYS)
    write_on_nyc(out / "nyc-more", random.Random(5))


class Streams:
    """A folder of streams, and what is true of them."""

    def __init__(self, folder, history):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.history, self.index, self.truth = folder, history, [], []

    def add(self, family, reports, outages, start):
        """Writes a stream of eight days."""
        number = sum(stream["family"] == family for stream in self.index)
        scenario, stop = f"{self.folder.name}-{family}-{number:02}", start + DAYS * DAY_S
        reports = [report for report in reports if iso(start) <= report["received_at"] < iso(stop)]
        write_reports(self.folder / f"{scenario}.ndjson.gz", reports)
        self.index.append({"scenario": scenario, "family": family, "stream": f"{scenario}.ndjson.gz", "warmup": self.history, "start": iso(start),
                           "stop": iso(stop), "providers": list(HEARD), "reports": len(reports), "seed": 0})
        self.truth += [{"scenario": scenario, "family": family} | outage for outage in outages]

    def close(self, rises=()):
        for name, value in [("index", self.index), ("truth", self.truth), ("real_rises", list(rises))]:
            (self.folder / f"{name}.json").write_text(json.dumps(value))


# Maps


def write_map(folder, towns, a_day, callers, dice, begins=BEGINS, set_on=None, storms=(), joins_within_days=None):
    addresses, weights = [], []
    for lat, lon, weight, size_km, number in towns:
        some = [dice.paretovariate(1.1) - 0.95 for _ in range(number)]
        weights += [weight * own / sum(some) for own in some]
        addresses += [(dice.gauss(lat, size_km / KM), dice.gauss(lon, size_km / KM / math.cos(math.radians(lat)))) for _ in range(number)]
    begins = seconds(begins)
    calls = list(called(addresses, weights, a_day, callers, begins, dice, set_on))
    for day in storms:
        calls += called_in_storm(addresses, weights, a_day, callers, begins + (day + dice.uniform(-1, 1)) * DAY_S, dice)
    if joins_within_days:
        calls = where_they_joined(calls, towns, addresses, begins, joins_within_days, dice)
    start = begins + HISTORY_DAYS * DAY_S
    history = [report for report in heard(calls, dice) if report["received_at"] < iso(start)]
    streams = Streams(folder, f"{folder.name}-warmup.ndjson.gz")
    write_reports(folder / streams.history, history)
    for n, family in enumerate(FAMILIES):
        provider = list(HEARD)[n % len(HEARD)]
        pool = [report for report in history if report["provider"] == provider]
        reports = heard([call for call in calls if start <= call[0]], dice)
        outages = []
        if family != "null":
            more, outage = outage_of(family, pool, provider, start + dice.uniform(1.5, 7.3) * DAY_S, dice)
            reports, outages = reports + more, [outage]
        streams.add(family, reports, outages or [silent("*", start, start + DAYS * DAY_S)], start)
    streams.close()


def towns_around_toronto(number, dice):
    return [(43.65 + dice.uniform(-2, 3), -79.4 + dice.uniform(-4, 6), dice.paretovariate(1), dice.uniform(3, 8), 80) for _ in range(number)]


def where_they_joined(calls, towns, addresses, begins, within_days, dice):
    """Those of the calls that somebody makes who has taken to it: a part that grows from few to nearly all, in each town about a day of its own."""
    about = [day for _, _, _, _, number in towns for day in [dice.uniform(-30, 29)] * number]
    joins = dict(zip(addresses, about))
    part = lambda at, place: 1 / (1 + math.exp(-((at - begins) / DAY_S - joins[place]) / within_days))
    return [(at, place) for at, place in calls if dice.random() < part(at, place)]


def called(addresses, weights, a_day, callers, begins, dice, set_on=None):
    """Every call of the four weeks: when, and from where. From the day that clocks are set on, all comes an hour sooner."""
    for day in range(HISTORY_DAYS + DAYS):
        of_day = a_day * (0.7 if day % 7 in (4, 5) else 1.0) * dice.gammavariate(20, 1 / 20)
        sooner = int(set_on is not None and set_on <= day)
        for hour, of_hour in enumerate(HOURS[sooner:] + HOURS[:sooner]):
            at, until = begins + day * DAY_S + hour * HOUR_S, begins + day * DAY_S + (hour + 1) * HOUR_S
            an_hour = of_day / 24 * of_hour * dice.gammavariate(25, 1 / 25)
            while (at := at + dice.expovariate(an_hour) * HOUR_S) < until:
                yield from call(at, addresses, weights, callers, dice)


def call(at, addresses, weights, callers, dice):
    """All calls that one event brings, within minutes."""
    place, number = dice.choices(addresses, weights)[0], dice.choices(range(len(callers)), callers)[0]
    yield at, place
    for _ in range(number):
        yield at + dice.expovariate(1 / 420), place


def called_in_storm(addresses, weights, a_day, callers, begins, dice):
    """What a storm adds: it passes over a town within hours, and where it is people call for up to two hours more."""
    lasts, (lat, lon) = dice.uniform(1.5, 5) * HOUR_S, dice.choices(addresses, weights)[0]
    heading, km_a_second, radius_km = dice.uniform(0, math.tau), dice.uniform(15, 50) / HOUR_S, dice.uniform(8, 30)
    times_usual, fades, step_s = dice.uniform(4, 20), dice.uniform(0.5, 2) * HOUR_S, 300
    for after in range(0, math.ceil(lasts), step_s):
        away = km_a_second * (after - lasts / 2) / KM
        middle = lat + away * math.cos(heading), lon + away * math.sin(heading) / math.cos(math.radians(lat))
        there = [(place, weight) for place, weight in zip(addresses, weights) if distance_km(place, middle) < radius_km]
        places, their_weights = zip(*there) if there else ((), ())
        for _ in range(poisson(times_usual * a_day * sum(their_weights) / sum(weights) * step_s / DAY_S, dice)):
            at = begins + after + dice.uniform(0, step_s) + dice.expovariate(1 / fades)
            yield from call(at, places, their_weights, callers, dice)


def poisson(mean, dice):
    """A Poisson number (Knuth 1969, section 3.4.1)."""
    number, product = 0, dice.random()
    while product > math.exp(-mean):
        number, product = number + 1, product * dice.random()
    return number


def heard(calls, dice):
    """What the providers hear of these calls."""
    return [report for at, place in calls for provider, part in HEARD.items() if dice.random() < part for report in sent(at, place, provider, dice)]


# Outages


def outage_of(family, pool, provider, onset, dice, around=None):
    """The reports of an outage, and what is true of it: as the families of detbench are, roughly."""
    one = dice.choice(pool)
    centre, radius_km = {
        "local": lambda: (near((one["lat"], one["lon"]), 0.3, dice), dice.uniform(0.7, 1.4)),
        "regional": lambda: (near((one["lat"], one["lon"]), 3, dice), dice.uniform(5, 14)),
        "rural": lambda: ((one["lat"] + dice.choice([-0.45, 0.45]), one["lon"] + 0.3), 3.0),
    }[family]()
    centre, radius_km = around or (centre, radius_km)
    places = [(report["lat"], report["lon"]) for report in pool if distance_km((report["lat"], report["lon"]), centre) <= radius_km]
    lasts = {"local": dice.uniform(1.5, 4), "regional": dice.uniform(1.3, 3.7), "rural": dice.uniform(1, 3)}[family] * HOUR_S
    usual = len(places) / HISTORY_DAYS / DAY_S * lasts
    number = {"local": dice.randint(10, 40), "regional": max(20, int(usual * dice.uniform(3, 15))), "rural": dice.randint(6, 20)}[family]
    cells, by_cell, reports = set(within(centre, radius_km)), {}, []
    for _ in range(number):
        at = onset + lasts * (dice.triangular(0, 1, 0.5) if family == "local" else dice.betavariate(1, 2))
        place = near(dice.choice(places), 0.6, dice) if places and dice.random() < 0.8 else near(centre, radius_km, dice)
        cell = h3.latlng_to_cell(*place, 7)
        by_cell[cell] = by_cell.get(cell, 0) + 1
        reports += sent(at, place, provider, dice)
    received = sorted(seconds(report["received_at"]) - int(onset) for report in reports)
    outage = {"provider": provider, "expect": "detect", "onset": iso(onset), "end": iso(onset + lasts), "last_report": iso(onset + received[-1])}
    outage |= {"centre": centre, "radius_km": radius_km, "cells": sorted(cells | by_cell.keys()), "cells_reporting": sorted(by_cell)}
    outage |= {"reports_by_cell": by_cell, "background_expected": usual, "injected": number, "injected_received_s": received}
    return reports, outage


def silent(provider, start, stop):
    return {"provider": provider, "expect": "silent", "onset": iso(start), "end": iso(stop), "last_report": iso(stop), "cells": [], "injected": 0}


def write_on_nyc(folder, dice):
    """Two outages at once, of one provider and of two, and a device that hops, over the streams of detbench in which nothing happens."""
    data = shared_data() / "detbench"
    streams = Streams(folder, "nyc-warmup.ndjson.gz")
    history = read_reports(data / streams.history)
    write_reports(folder / streams.history, history)
    start = seconds(BEGINS) + HISTORY_DAYS * DAY_S
    quiet = [read_reports(data / f"nyc-null-{n:02}.ndjson.gz") for n in range(4)]
    of = {provider: [report for report in history if report["provider"] == provider] for provider in HEARD}
    for n in range(8):
        provider, family, onset = ["alpha", "bravo"][n % 2], ["local", "regional"][n % 2], start + dice.uniform(1.5, 7.5) * DAY_S
        while True:
            one = outage_of(family, of[provider], provider, onset, dice)
            other = outage_of(family if n < 6 else "local", of[provider], provider, onset + dice.uniform(0, 1_500), dice)
            if distance_km(one[1]["centre"], other[1]["centre"]) > one[1]["radius_km"] + other[1]["radius_km"] + 6:
                break
        streams.add("two_same", quiet[n % 4] + one[0] + other[0], [one[1], other[1]], start)
    for n in range(8):
        first, second = [("alpha", "bravo"), ("bravo", "charlie"), ("alpha", "charlie"), ("bravo", "alpha")][n % 4]
        family, onset = ["local", "regional"][n // 4], start + dice.uniform(1.5, 7.5) * DAY_S
        one = outage_of(family, of[first], first, onset, dice)
        where = one[1]["centre"], one[1]["radius_km"]
        other = outage_of(family, of[second], second, onset + dice.uniform(0, 900), dice, around=where)
        streams.add("two_other", quiet[n % 4] + one[0] + other[0], [one[1], other[1]], start)
    for n in range(4):
        onset, lasts = start + dice.uniform(1.5, 7.5) * DAY_S, dice.uniform(1, 3) * HOUR_S
        devices = [device(dice) for _ in range(1 if n < 3 else 3)]
        hops = []
        for at in sorted(onset + dice.uniform(0, lasts) for _ in range(dice.randint(150, 500))):
            one = dice.choice(history)
            place = (one["lat"], one["lon"]) if n % 2 else near((40.75, -73.97), 15, dice)
            hops.append(report_of(at, at + 2, place, 20, dice.choice(devices), "alpha"))
        streams.add("spam_hop", quiet[n % 4] + hops, [silent("alpha", onset, onset + lasts)], start)
    streams.close(json.loads((data / "real_rises.json").read_text()))


# Reports


def sent(at, place, provider, dice):
    """One report, at times late, at times sent again."""
    lag = dice.expovariate(1 / 20) if LATE < dice.random() else dice.uniform(2 * 60, HOUR_S)
    who, accuracy_m = device(dice), max(5, dice.lognormvariate(3.3, 0.8))
    place = near(place, accuracy_m / 1_000, dice)
    yield report_of(at, at + lag, place, accuracy_m, who, provider)
    if dice.random() < AGAIN:
        again = at + lag + dice.expovariate(1 / 400)
        yield report_of(again, again, place, accuracy_m, who, provider)


def device(dice):
    return f"{dice.getrandbits(64):016x}"


def report_of(observed, received, place, accuracy_m, who, provider):
    return {"received_at": iso(received), "observed_at": iso(observed), "lat": round(place[0], 5), "lon": round(place[1], 5),
            "accuracy_m": int(accuracy_m), "device_id": who, "provider": provider, "kind": "no_service"}


def near(place, radius_km, dice):
    """Anywhere within a circle."""
    angle, away = dice.uniform(0, math.tau), radius_km * math.sqrt(dice.random()) / KM
    return place[0] + away * math.cos(angle), place[1] + away * math.sin(angle) / math.cos(math.radians(place[0]))


def distance_km(one, other):
    return math.hypot(one[0] - other[0], (one[1] - other[1]) * math.cos(math.radians(one[0]))) * KM


def within(centre, radius_km):
    """The cells of resolution 7 whose middle lies in a circle: at least the one around its centre."""
    middle = h3.latlng_to_cell(*centre, 7)
    cells = h3.grid_disk(middle, int(radius_km / 2) + 2)
    return [cell for cell in cells if cell == middle or distance_km(centre, h3.cell_to_latlng(cell)) <= radius_km]


def write_reports(path, reports):
    with gzip.open(path, "wt", compresslevel=3) as lines:
        lines.writelines(f"{json.dumps(report)}\n" for report in sorted(reports, key=lambda report: report["received_at"]))


def read_reports(path):
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()

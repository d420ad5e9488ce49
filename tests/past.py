"""A quiet past: what detectors must have learnt before they can tell an outage from any evening.

It ends at a fixed instant, and is played once for a binary. Servers go on from there on a simulated clock.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crowd import iso
from server import CATALOGUE, REPORTER_KEY, ROOT

PASTS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "pasts").resolve()
# Those of other binaries go after so long.
KEPT_SECONDS = 86_400
# 2022-07-08T16:00:00Z, a Friday noon in New York.
ENDS = 1_657_296_000
# The clocks of servers begin a minute later.
BEGINS = ENDS + 60

DAYS = 21
# Two networks; alpha and bravo are brands of one.
REPORTS_A_DAY = {"alpha": 200, "bravo": 100, "charlie": 200}
# Far from each other: those in which outages begin come first.
CITIES = [
    *[(40.71, -74.01), (25.76, -80.19), (41.88, -87.63), (39.74, -104.99), (34.05, -118.24), (47.61, -122.33)],
    *[(42.36, -71.06), (33.75, -84.39), (32.78, -96.80), (29.76, -95.37), (33.45, -112.07), (44.98, -93.27)],
    *[(42.33, -83.05), (38.63, -90.20), (37.77, -122.42), (40.76, -111.89), (35.15, -90.05), (39.10, -94.58)],
]
HIT = 6
SPREAD_DEGREES = 0.05


def clock(speed=1, seconds=0):
    """The timetable (`--clock`) of a server that starts so many seconds of its clock after the first of them."""
    return f"{iso(BEGINS + seconds)}@{speed}x"


def quiet_past(binary, directory, seed=1):
    """Puts a store with the past into the directory, under the reporter key of the checks. Returns where it is."""
    return Path(shutil.copytree(played(binary, seed), Path(directory, "past-store")))


def played(binary, seed):
    """Where the store is that this binary played the past into, now or before."""
    digest = hashlib.sha256(Path(binary).read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    kept = PASTS / f"{digest}-{seed}"
    if kept.is_dir():
        return kept
    PASTS.mkdir(parents=True, exist_ok=True)
    for other in PASTS.iterdir():
        if other.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=PASTS) as unfinished:
        store = play(binary, Path(unfinished), seed)
        try:
            store.rename(kept)
        except OSError:
            # Another script was quicker.
            if not kept.is_dir():
                raise
    return kept


def play(binary, directory, seed):
    """Plays the past into a store in the directory. Returns where it is."""
    past, store = directory / "past.ndjson", directory / "store"
    draw = random.Random(f"past {seed}")
    lines = [quiet_report(draw, provider, ENDS) for provider, a_day in REPORTS_A_DAY.items() for _ in range(a_day * DAYS)]
    lines.sort(key=lambda line: line["received_at"])
    past.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [binary, "replay", past, "--store", store, "--catalogue", CATALOGUE, "--out", directory / "past-incidents.ndjson"]
    done = subprocess.run(command, env=os.environ | {"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the past should be replayed, but: {done.stderr}")
    return store


def copied(binary, store, url):
    """Copies a store to a Redis; returns its address."""
    command = [binary, "copy", "--from", store, "--to", url]
    done = subprocess.run(command, env=os.environ | {"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the past should be copied to {url}, but: {done.stderr}")
    return url


def quiet_report(draw, provider, now):
    """One report of the past. Half as many by night as by day."""
    while True:
        at = now - draw.randrange(DAYS * 86_400)
        if draw.random() < (0.5 if at // 3_600 % 24 < 12 else 1):
            return {"received_at": iso(at), "observed_at": iso(at)} | report(draw, provider, draw.choice(CITIES))


def report(draw, provider, city):
    """A report from somewhere in a city, of somebody who reports once."""
    lat, lon = (draw.gauss(side, SPREAD_DEGREES / 2) for side in city)
    place = {"lat": round(lat, 5), "lon": round(lon, 5), "accuracy_m": 50}
    return {"provider": provider, "symptom": "no_service", "reporter_id": f"{draw.getrandbits(64):016x}"} | place

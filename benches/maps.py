"""How long do the maps of a record day take, each asked for the first time, beside databases that are asked the same?

14 million reports of a day, from 50,000 cells of resolution 8 in a store of its own. Then, each question with another window, box or tile:
a box for 24 hours, a tile at zoom 5, 8 and 10, a metropolis for a day by quarters of an hour, and 97 frames of the whole view.
Groundswell answers over HTTP/1.1 kept alive, without compression, the answer read and not parsed, by k = 3; DuckDB and ClickHouse (chdb)
in this process, the same reports in memory, cells of the same resolution and their counts by their centre; frames are asked of Groundswell
alone. The three are asked in turn, so that what else the machine does falls on all: their ratios of one run hold on any machine.

Needs `pip install duckdb chdb h3 numpy`. Run: python3 benches/maps.py target/release/groundswell
Reads at a fixed rate, and a warm tile beside a static answer: cargo bench --bench heatmap
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import chdb.session
import duckdb
import h3
import numpy

from asking import KEY, ask, await_ready
from map_bytes import tile_of
from questions import CATALOGUE, SIDE, SOUTH, WEST

REPORTS, CELLS = 14_000_000, 50_000
BEGIN = datetime(2022, 7, 8, tzinfo=timezone.utc)
MINUTES = 24 * 60
# Windows of a day that differ end up to so many minutes apart: reports begin as long before the first of them.
SPARE = 120
ALL = MINUTES + SPARE
# The resolution of cells at each zoom of tiles; the public's finest at the last.
ZOOMS = {5: 4, 8: 6, 10: 7}
RESOLUTIONS = sorted(set(ZOOMS.values()))
WARM_UP = 3


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as directory:
        reports = Reports(random.Random(7), arguments)
        server, port = serve(arguments, Path(directory), reports)
        try:
            measure(arguments, reports, port, server.pid, Path(directory))
        finally:
            server.kill()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--questions", type=int, default=60, help="of each kind")
    parser.add_argument("--reports", type=int, default=REPORTS)
    parser.add_argument("--cells", type=int, default=CELLS)
    return parser.parse_args()


class Reports:
    """Reports by time: of each its second and the number of its cell."""

    def __init__(self, draw, arguments):
        near = set()
        while len(near) < arguments.cells:
            near.add(h3.latlng_to_cell(SOUTH + draw.random() * SIDE, WEST + draw.random() * SIDE, 8))
        self.cells = sorted(near)
        numbers = numpy.random.default_rng(7)
        weights = numbers.pareto(1.2, len(self.cells)) + 1
        self.seconds = numpy.sort(numbers.integers(0, ALL * 60, arguments.reports, dtype=numpy.int32))
        self.chosen = numbers.choice(len(self.cells), arguments.reports, p=weights / weights.sum()).astype(numpy.int32)
        self.metropolis = h3.cell_to_latlng(self.cells[int(weights.argmax())])

    def write(self, path):
        places = [h3.cell_to_latlng(cell) for cell in self.cells]
        with open(path, "w") as lines:
            for n, (second, cell) in enumerate(zip(self.seconds.tolist(), self.chosen.tolist())):
                at, (lat, lon) = instant(second / 60 - SPARE), places[cell]
                lines.write(
                    f'{{"received_at":"{at}","observed_at":"{at}","provider":"charlie","symptom":"no_service",'
                    f'"reporter_id":"p{n:015x}","lat":{lat:.5f},"lon":{lon:.5f},"accuracy_m":50}}\n'
                )

    def columns(self):
        """What databases are given: the minute, and of each resolution the cell and its centre."""
        columns = {"minute": self.seconds // 60}
        for resolution in RESOLUTIONS:
            parents = [h3.cell_to_parent(cell, resolution) for cell in self.cells]
            centres = numpy.array([h3.cell_to_latlng(parent) for parent in parents])
            columns[f"cell{resolution}"] = numpy.array([int(parent, 16) for parent in parents], dtype=numpy.uint64)[self.chosen]
            columns[f"lat{resolution}"], columns[f"lon{resolution}"] = centres[self.chosen, 0], centres[self.chosen, 1]
        return columns


def instant(minute):
    """The time so many minutes after the day began."""
    return (BEGIN + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def serve(arguments, directory, reports):
    """A server on a simulated clock that stands at the end of the reports, and holds them."""
    past, store = directory / "past.ndjson", directory / "store"
    reports.write(past)
    settings = os.environ | {"GROUNDSWELL_REPORTER_KEY": KEY}
    replay = [arguments.binary, "replay", past, "--store", store, "--catalogue", CATALOGUE, "--out", directory / "incidents.ndjson"]
    subprocess.run(replay, env=settings, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    past.unlink()
    clock = f"{instant(MINUTES)}@1x"
    command = [arguments.binary, "serve", "--listen", "127.0.0.1:0", "--store", store, "--catalogue", CATALOGUE, "--clock", clock, "--privacy-k", "3"]
    server = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = int(server.stdout.readline().strip().rsplit(":", 1)[1])
    await_ready(port, "/readyz?for=ingest")
    return server, port


def databases(reports, directory):
    """Both with the reports in memory, sorted by minute."""
    columns = reports.columns()
    duck = duckdb.connect()
    duck.execute("CREATE TABLE r AS SELECT * FROM columns ORDER BY minute, cell7")
    file = directory / "reports.parquet"
    duck.execute(f"COPY r TO '{file}' (FORMAT parquet)")
    house = chdb.session.Session()
    house.query("CREATE DATABASE IF NOT EXISTS b ENGINE = Atomic")
    house.query(f"CREATE TABLE b.r ENGINE = MergeTree ORDER BY (minute, cell7) AS SELECT * FROM file('{file}', 'Parquet') SETTINGS schema_inference_make_columns_nullable = 0")
    house.query("OPTIMIZE TABLE b.r FINAL")
    file.unlink()
    return duck, house


class Question:
    """What is asked: a path of ours, and what asks databases for the same."""

    def __init__(self, path, sql=None):
        self.path = path
        self.sql = sql


def kinds(draw, reports):
    """Kinds of questions, each a function that makes one that was not asked before."""
    ends = iter(lambda: draw.randrange(MINUTES - SPARE, MINUTES + 1), None)

    def box():
        end, (south, west, north, east) = next(ends), a_box(draw)
        path = f"/v1/heatmap?provider=charlie&window=24h&to={instant(end)}&resolution=7&bbox={west},{south},{east},{north}"
        return Question(path, by_cell(7, end - MINUTES, end, south, west, north, east))

    def tile(zoom):
        def ask_one():
            end, width = next(ends), 60 + draw.randrange(60)
            lat, lon = SOUTH + draw.random() * SIDE, WEST + draw.random() * SIDE
            x, y = tile_of(lat, lon, zoom)
            path = f"/v1/tiles/{zoom}/{x}/{y}.mvt?provider=charlie&window={width}m&to={instant(end)}&layers=coarser,cells"
            return Question(path, by_cell(ZOOMS[zoom], end - width, end, *sides(x, y, zoom)))

        return ask_one

    def series():
        # A quarter of an hour is on a grid: what differs is the box.
        lat, lon = reports.metropolis
        south, west, half = lat + draw.uniform(-0.1, 0.1) - 0.25, lon + draw.uniform(-0.1, 0.1) - 0.25, 0.5
        south, west = round(south, 4), round(west, 4)
        north, east = round(south + half, 4), round(west + half, 4)
        path = f"/v1/series?provider=charlie&from={instant(0)}&to={instant(MINUTES)}&step=15m&bbox={west},{south},{east},{north}"
        where = f"minute >= {SPARE} AND {inside(7, south, west, north, east)}"
        return Question(path, f"SELECT intDiv(minute, 15) AS step, count(*) FROM {{table}} WHERE {where} GROUP BY step ORDER BY step")

    windows = iter(range(60, 10_000))

    def frames():
        # Frames end on a grid: what differs is how long each is.
        return Question(f"/v1/heatmap.frames.json?provider=charlie&from={instant(0)}&to={instant(MINUTES)}&step=15m&window={next(windows)}m&zoom=5")

    tiles = {f"a cold tile, zoom {zoom}": tile(zoom) for zoom in ZOOMS}
    return {"a box for 24 hours": box} | tiles | {"a metropolis for a day": series, "97 frames": frames}


def a_box(draw):
    size = 0.4 + 0.6 * draw.random()
    south, west = SOUTH + draw.random() * (SIDE - size), WEST + draw.random() * (SIDE - size)
    return [round(side, 4) for side in (south, west, south + size, west + size)]


def sides(x, y, zoom):
    """South, west, north, east of a tile."""
    latitude = lambda row: numpy.degrees(numpy.arctan(numpy.sinh(numpy.pi * (1 - 2 * row / 2**zoom))))
    return float(latitude(y + 1)), x / 2**zoom * 360 - 180, float(latitude(y)), (x + 1) / 2**zoom * 360 - 180


def by_cell(resolution, begin, end, *box):
    time_is = f"minute >= {begin + SPARE} AND minute < {end + SPARE}"
    return f"SELECT cell{resolution} AS cell, count(*) FROM {{table}} WHERE {time_is} AND {inside(resolution, *box)} GROUP BY cell"


def inside(resolution, south, west, north, east):
    return f"lat{resolution} BETWEEN {south} AND {north} AND lon{resolution} BETWEEN {west} AND {east}"


def measure(arguments, reports, port, pid, directory):
    duck, house = databases(reports, directory)
    duck.execute("CREATE MACRO intDiv(a, b) AS a // b")
    connection, draw = http.client.HTTPConnection("127.0.0.1", port), random.Random(11)
    ways = {
        "Groundswell": lambda question: asked(connection, question.path),
        "DuckDB": lambda question: duck.execute(question.sql.format(table="r")).fetchall(),
        "ClickHouse": lambda question: house.query(question.sql.format(table="b.r"), "CSV").bytes(),
    }
    print(f"{arguments.reports:,} reports, {arguments.questions} questions of each kind, milliseconds\n")
    print("| question | rows | who | median | p90 | worst | to the fastest database |")
    print("|---|---:|---|---:|---:|---:|---:|")
    for kind, make in kinds(draw, reports).items():
        times, rows = {name: [] for name in ways}, []
        compare(kind, make(), ways)
        for n in range(arguments.questions + WARM_UP):
            question = make()
            order = list(ways) if question.sql else ["Groundswell"]
            draw.shuffle(order)
            for name in order:
                began = time.perf_counter()
                answer = ways[name](question)
                took = time.perf_counter() - began
                if n >= WARM_UP:
                    times[name].append(took * 1e3)
                if name == "DuckDB" or not question.sql:
                    rows.append(len(answer))
        show(kind, rows, {name: sorted(found) for name, found in times.items() if found})
    memory = next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))
    print(f"\nMemory of Groundswell {int(memory.split()[1]) / 1024:.0f} MiB; of this process, with both databases, {own_memory():.0f} MiB")


def compare(kind, question, ways):
    """Ends the script where the databases differ; says on the error output what each counted."""
    if not question.sql:
        return
    duck = sorted((int(row[0]), row[1]) for row in ways["DuckDB"](question))
    house = sorted(tuple(map(int, line.split(b","))) for line in bytes(ways["ClickHouse"](question)).splitlines())
    if duck != house:
        sys.exit(f"{kind}: the databases should agree, but: {duck[:3]} and {house[:3]} of {len(duck)} and {len(house)}")
    ours = ways["Groundswell"](question)
    if not question.path.startswith("/v1/tiles"):
        told = json.loads(ours)
        counts = [of["count"] for of in told["points"]] if "points" in told else [of["count"] for of in told["cells"] + told["coarser"]]
        print(f"{kind}: {sum(counts):,} reports by Groundswell, {sum(row[1] for row in duck):,} by the databases", file=sys.stderr)


def show(kind, rows, times):
    medians = {name: statistics.median(found) for name, found in times.items()}
    fastest = min((median for name, median in medians.items() if name != "Groundswell"), default=None)
    for name, found in times.items():
        ratio = f"{fastest / medians[name]:.2f} times as fast" if fastest and name == "Groundswell" else ""
        size = f"{statistics.median(rows):.0f}" if fastest else f"{statistics.median(rows):.0f} bytes"
        print(f"| {kind} | {size} | {name} | {medians[name]:.2f} | {found[len(found) * 9 // 10]:.2f} | {found[-1]:.2f} | {ratio} |")


def asked(connection, path):
    status, body = ask(connection, path)
    if status not in (200, 204):
        sys.exit(f"{path} should be answered, but: {status} {body[:500]}")
    return body


def own_memory():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()

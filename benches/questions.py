"""How long does a map take that nobody asked for before, beside a database that is asked the same?

A million reports in 90 minutes from 50,000 cells of resolution 8, on time, in a store of its own. Then one question after the other, each
with another window of 15 minutes and another box of 0.4 to 1 degree: Groundswell over HTTP/1.1 kept alive, without compression, the answer
read and not parsed, with expected, score, level and k = 3; DuckDB and ClickHouse (chdb) in this process, the same reports in memory, cells
of resolution 7 and their counts by their centre. Series: a box of a degree for the 90 minutes by five. Every answer of the databases is
compared with an exact map first. The three are asked in turn, so that what else the machine does falls on all.

Needs `pip install duckdb chdb h3 numpy`. Run: python3 benches/questions.py target/release/groundswell
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

SOUTH, WEST, SIDE = 42.0, -82.0, 3.8
CELLS, REPORTS, MINUTES, WINDOW = 50_000, 1_000_000, 90, 15
BEGIN = datetime(2022, 7, 8, 9, 0, tzinfo=timezone.utc)
CATALOGUE = Path(__file__).resolve().parent.parent / "tests" / "catalogue.toml"


def main():
    arguments = parse_arguments()
    draw = random.Random(5)
    reports = make_reports(draw, arguments.reports, arguments.cells)
    with tempfile.TemporaryDirectory() as directory:
        server, port = serve(arguments.binary, Path(directory), reports)
        try:
            measure(arguments, draw, reports, port, server.pid)
        finally:
            server.kill()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--reports", type=int, default=REPORTS)
    parser.add_argument("--cells", type=int, default=CELLS)
    return parser.parse_args()


def make_reports(draw, count, cells):
    """Second, cell, and the parent of the cell with its centre, a row a report, by time. A few cells have most of them."""
    near = set()
    while len(near) < cells:
        near.add(h3.latlng_to_cell(SOUTH + draw.random() * SIDE, WEST + draw.random() * SIDE, 8))
    near = sorted(near)
    weights = [draw.paretovariate(1.2) for _ in near]
    chosen = draw.choices(range(len(near)), weights=weights, k=count)
    parents = [h3.cell_to_parent(cell, 7) for cell in near]
    centres = [h3.cell_to_latlng(parent) for parent in parents]
    places = [h3.cell_to_latlng(cell) for cell in near]
    seconds = sorted(draw.randrange(MINUTES * 60) for _ in range(count))
    return [(second, places[n], int(parents[n], 16), centres[n]) for second, n in zip(seconds, chosen)]


def serve(binary, directory, reports):
    """A server on a simulated clock that stands at the end of the reports, and holds them."""
    past, store = directory / "past.ndjson", directory / "store"
    with open(past, "w") as lines:
        for n, (second, (lat, lon), _, _) in enumerate(reports):
            at = (BEGIN + timedelta(seconds=second)).isoformat()
            line = {"received_at": at, "observed_at": at, "provider": "charlie", "symptom": "no_service", "reporter_id": f"p{n:015x}"}
            lines.write(json.dumps(line | {"lat": round(lat, 5), "lon": round(lon, 5), "accuracy_m": 50}) + "\n")
    settings = os.environ | {"GROUNDSWELL_REPORTER_KEY": KEY}
    replay = [binary, "replay", past, "--store", store, "--catalogue", CATALOGUE, "--out", directory / "incidents.ndjson"]
    subprocess.run(replay, env=settings, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clock = f"{(BEGIN + timedelta(minutes=MINUTES)).isoformat().replace('+00:00', 'Z')}@1x"
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--store", store, "--catalogue", CATALOGUE, "--clock", clock, "--privacy-k", "3"]
    server = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = int(server.stdout.readline().strip().rsplit(":", 1)[1])
    await_ready(port, "/readyz?for=ingest")
    return server, port


def databases(reports):
    """Both with the reports in memory, sorted by minute."""
    seconds, _, parents, centres = zip(*reports)
    columns = {
        "minute": numpy.array(seconds, dtype=numpy.int32) // 60,
        "cell": numpy.array(parents, dtype=numpy.uint64),
        "lat": numpy.array([lat for lat, _ in centres]),
        "lon": numpy.array([lon for _, lon in centres]),
    }
    duck = duckdb.connect()
    duck.execute("CREATE TABLE r (minute INTEGER, cell UBIGINT, lat DOUBLE, lon DOUBLE)")
    duck.execute("INSERT INTO r SELECT minute, cell, lat, lon FROM columns ORDER BY minute, cell")
    house = chdb.session.Session()
    house.query("CREATE DATABASE IF NOT EXISTS b ENGINE = Atomic")
    house.query("CREATE TABLE b.r (minute Int32, cell UInt64, lat Float64, lon Float64) ENGINE = MergeTree ORDER BY (minute, cell)")
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        for row in zip(*(columns[name].tolist() for name in ("minute", "cell", "lat", "lon"))):
            file.write(",".join(map(repr, row)) + "\n")
        file.flush()
        house.query(f"INSERT INTO b.r SELECT * FROM file('{file.name}', 'CSV', 'minute Int32, cell UInt64, lat Float64, lon Float64')")
    house.query("OPTIMIZE TABLE b.r FINAL")
    return duck, house


SQL = "SELECT cell, count(*) FROM {table} WHERE minute >= {begin} AND minute < {end} AND lat BETWEEN {south} AND {north} AND lon BETWEEN {west} AND {east} GROUP BY cell"


def questions(draw, count):
    for _ in range(count):
        size, end = 0.4 + 0.6 * draw.random(), draw.randrange(WINDOW + 10, MINUTES + 1)
        south, west = SOUTH + draw.random() * (SIDE - size), WEST + draw.random() * (SIDE - size)
        box = {"south": round(south, 4), "west": round(west, 4), "north": round(south + size, 4), "east": round(west + size, 4)}
        yield box | {"begin": end - WINDOW, "end": end}


def target(question, **more):
    box = ",".join(str(question[side]) for side in ("west", "south", "east", "north"))
    to = (BEGIN + timedelta(minutes=question["end"])).isoformat().replace("+00:00", "Z")
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"/v1/heatmap?provider=charlie&window={WINDOW}m&to={to}&bbox={box}{rest}"


def measure(arguments, draw, reports, port, pid):
    duck, house = databases(reports)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    ways = {
        "Groundswell": lambda question: ask(connection, target(question))[1],
        "DuckDB": lambda question: duck.execute(SQL.format(table="r", **question)).fetchall(),
        "ClickHouse": lambda question: house.query(SQL.format(table="b.r", **question), "CSV").bytes(),
    }
    times = {name: [] for name in ways}
    sizes = []
    for n, question in enumerate(questions(draw, arguments.questions + 5)):
        cells = len(duck.execute(SQL.format(table="r", **question)).fetchall())
        order = list(ways)
        draw.shuffle(order)
        for name in order:
            began = time.perf_counter()
            answer = ways[name](question)
            took = time.perf_counter() - began
            if n >= 5:
                times[name].append(took * 1e3)
            if name == "Groundswell" and n < 5:
                told = json.loads(answer)
                print(f"  {cells} cells in the databases; {len(told['cells'])} and {len(told['coarser'])} coarser, {told['total']} reports as shown")
        sizes.append(cells)
    print(f"{arguments.questions} questions, {statistics.median(sizes):.0f} cells each in the median, milliseconds:")
    for name, found in times.items():
        found.sort()
        print(f"  {name:12} median {statistics.median(found):7.2f}   p90 {found[len(found) * 9 // 10]:7.2f}   worst {found[-1]:7.2f}")
    memory = next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))
    print(f"  memory of Groundswell: {int(memory.split()[1]) / 1024:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())

"""How many bytes does a map take, in each format, beside what its design counted on?

The outage of Rogers of 8 July 2022 as `simulate rogers-2022 --crowd 1` makes it, 517,000 reports in a store, and a server whose clock stands
at 12:30 UTC. Printed are heatmaps by resolution and format, all tiles of a zoom that have cells, and 48 frames of Ontario at zoom 6, each
as it is, packed by gzip and by Zstandard. Bytes are the same on every machine.

Needs `pip install h3`. Run: python3 benches/map_bytes.py target/release/groundswell target/release/groundswell-lab
"""

import argparse
import http.client
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h3

from asking import KEY, ask, await_ready

UNTIL = "2022-07-08T12:30:00Z"
WHOSE = "network=rogers"
WINDOWS = ["1h", "24h"]
FORMATS = ["", ".columns.json", ".csv", ".ndjson", ".h3j", ".geojson"]
# A zoom of tiles for each resolution of cells.
ZOOMS = {3: 3, 4: 5, 5: 6, 6: 8, 7: 9}
FRAMES = f"/v1/heatmap.frames.json?{WHOSE}&from=2022-07-08T00:45:00Z&to={UNTIL}&step=15m&zoom=6&region=4/4/5"
FRAMES_TARGET = 20_000
LEVEL_SECONDS = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("lab")
    parser.add_argument("--data", type=Path, help="where the reports and the store are, or will be kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        data = arguments.data or Path(directory)
        server, port = serve(arguments, data)
        try:
            await_ready(port, "/readyz")
            await_levels(port)
            show(http.client.HTTPConnection("127.0.0.1", port))
        finally:
            server.kill()


def serve(arguments, data):
    """A server that holds the reports, made where they are not there yet."""
    settings = os.environ | {"GROUNDSWELL_REPORTER_KEY": KEY}
    store, streams = data / "store", data / "streams"
    quiet = {"env": settings, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if not streams.is_dir():
        subprocess.run([arguments.lab, "simulate", "rogers-2022", "--crowd", "1", "--until", UNTIL, "--out", streams], **quiet)
    if not store.is_dir():
        files = [streams / "history.ndjson.gz", streams / "stream.ndjson.gz"]
        subprocess.run([arguments.binary, "replay", *files, "--store", store, "--out", data / "incidents.ndjson"], **quiet)
    command = [arguments.binary, "serve", "--listen", "127.0.0.1:0", "--store", store, "--clock", f"{UNTIL}@1x", "--privacy-k", "3"]
    server = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = int(server.stdout.readline().strip().rsplit(":", 1)[1])
    return server, port


def await_levels(port):
    """Returns once it is known what is usual: before, maps are smaller than they will be."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    began = time.monotonic()
    while any(frame["level"] is None for frame in json.loads(read(connection, FRAMES, "identity"))["frames"]):
        if time.monotonic() > began + LEVEL_SECONDS:
            sys.exit(f"levels should be known within {LEVEL_SECONDS} s")
        time.sleep(1)


def show(connection):
    print("| window | resolution | cells | format | bytes | gzip | zstd | gzip, bytes a cell |")
    print("|---|---:|---:|---|---:|---:|---:|---:|")
    for window in WINDOWS:
        for resolution in ZOOMS:
            show_formats(connection, window, resolution)
    print("\n| window | zoom | tiles | hexagons in them | bytes | gzip | gzip, bytes a hexagon | hexagons of the fullest | gzip, bytes a hexagon of it |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for window in WINDOWS:
        for resolution, zoom in ZOOMS.items():
            show_tiles(connection, window, resolution, zoom)
    [plain, packed, dense] = sizes(connection, FRAMES)
    told = json.loads(read(connection, FRAMES, "identity"))
    met = "met" if packed <= FRAMES_TARGET else "missed"
    print(f"\n{len(told['frames'])} frames of Ontario at zoom 6, {len(told['hex'])} cells: {plain:,} bytes, gzip {packed:,}, zstd {dense:,}")
    print(f"(target {FRAMES_TARGET:,} packed by gzip: {met})")


def heatmap(window, resolution, suffix=""):
    return f"/v1/heatmap{suffix}?{WHOSE}&window={window}&to={UNTIL}&resolution={resolution}"


def show_formats(connection, window, resolution):
    told = json.loads(read(connection, heatmap(window, resolution), "identity"))
    cells = len(told["cells"]) + len(told["coarser"])
    for suffix in FORMATS:
        [plain, packed, dense] = sizes(connection, heatmap(window, resolution, suffix))
        print(f"| {window} | {resolution} | {cells:,} | {suffix or '.json'} | {plain:,} | {packed:,} | {dense:,} | {packed / cells:.1f} |")


def show_tiles(connection, window, resolution, zoom):
    """All tiles in which a corner of a cell lies."""
    told = json.loads(read(connection, heatmap(window, resolution), "identity"))
    cells = [cell["hex"] for cell in told["cells"] + told["coarser"]]
    tiles = {}
    for cell in cells:
        for tile in {tile_of(*corner, zoom) for corner in h3.cell_to_boundary(cell)}:
            tiles[tile] = tiles.get(tile, 0) + 1
    sums = [sizes(connection, f"/v1/tiles/{zoom}/{x}/{y}.mvt?{WHOSE}&window={window}&to={UNTIL}&layers=coarser,cells") for x, y in tiles]
    plain, packed = sum(size[0] for size in sums), sum(size[1] for size in sums)
    hexagons = sum(tiles.values())
    most, fullest = max(zip(tiles.values(), (size[1] for size in sums)))
    print(f"| {window} | {zoom} | {len(tiles)} | {hexagons:,} | {plain:,} | {packed:,} | {packed / hexagons:.1f} | {most:,} | {fullest / most:.1f} |")


def tile_of(lat, lon, zoom):
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom)


def sizes(connection, target):
    """Bytes of an answer as it is, packed by gzip, packed by Zstandard."""
    return [len(read(connection, target, encoding)) for encoding in ("identity", "gzip", "zstd")]


def read(connection, target, encoding):
    status, body = ask(connection, target, encoding)
    if status not in (200, 204):
        sys.exit(f"{target} should be answered, but: {status} {body[:500]}")
    return body


if __name__ == "__main__":
    main()

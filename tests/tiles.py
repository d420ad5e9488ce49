"""Do tiles show what the heatmap says, by a decoder that is not ours?

A real server is told of an outage in places that are hard to draw: Toronto, Fiji on both sides of the antimeridian, Svalbard, a pentagon.
At some zooms all tiles around them are read with `mapbox-vector-tile`, whether a cell meets a tile is worked out with `shapely` from
`h3`'s own corners, and every cell of the heatmap must be in exactly the tiles that it meets, whole, with its figures.
"""

import argparse
import contextlib
import json
import math
import random
from collections import defaultdict

import h3
import mapbox_vector_tile
import shapely
from shapely.affinity import translate
from shapely.geometry import Polygon, box

from checks import Checks
from past import clock, quiet_past, report
from processes import wait_until
from server import REPORTER_KEY, Server, ask, store_directory

PLACES = {
    "Toronto": (43.65, -79.38),
    "Taveuni": (-16.85, 179.98),
    "Vanua Balavu": (-17.2, -179.97),
    "Longyearbyen": (78.22, 15.65),
    # The centre of a pentagon, in the Arctic Ocean off Norway.
    "a pentagon": (64.7, 10.53),
}
RESOLUTIONS = {0: 1, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 5, 7: 6, 8: 6, 9: 7, 10: 8}
ZOOMS = [0, 3, 6, 8, 9, 10]
REPORTS = 30
EXTENT = 4_096
# Rounding moves a corner by half a unit at most: a cell that reaches less far into a tile may be in it or not.
NEAR = 1.0
READY_SECONDS = 120
TRIES = 10


def main():
    arguments = parse_arguments()
    checks = Checks()
    with store_directory() as directory:
        past = quiet_past(arguments.binary, directory)
        with Server(arguments.binary, past, "--clock", clock(), environment={"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}) as server:
            server.start()
            wait_until(lambda: server.try_get("/readyz")[0] == 200, READY_SECONDS, server.log_end)
            tell(server)
            wait_until(lambda: is_known(heatmap(server, 8)), READY_SECONDS, server.log_end)
            for zoom in ZOOMS:
                check_zoom(checks, server, zoom)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    return parser.parse_args()


def tell(server):
    """Reports of many people in each place, and of some whose place is known coarsely only."""
    draw = random.Random(11)
    reports = []
    for place in PLACES.values():
        for n in range(REPORTS):
            one = report(draw, "charlie", place)
            one["lon"] = (one["lon"] + 540) % 360 - 180
            reports.append(one | ({"accuracy_m": 20_000} if n % 5 == 0 else {}))
    with contextlib.closing(server.connect()) as connection:
        lines = "".join(json.dumps(one) + "\n" for one in reports)
        status, answer = ask(connection, "POST", "/v1/reports/batch", lines, {"Content-Type": "application/x-ndjson"})
    if status != 200 or answer["counted"] != len(reports):
        raise AssertionError(f"all reports should be counted, but: {status} {answer}")


def heatmap(server, resolution):
    return server.get("/v1/heatmap", provider="charlie", window="1h", resolution=resolution)


def is_known(answer):
    """Whether all was counted, and it is known what is usual."""
    return answer["total"] >= REPORTS * len(PLACES) and all(cell["level"] is not None for cell in answer["cells"])


def check_zoom(checks, server, zoom):
    """Every cell of the heatmap is in exactly the tiles that it meets, whole, with its figures."""
    expected, found = at_one_moment(server, zoom)
    wrong, drawn = [], 0
    for layer, cells in expected.items():
        for cell in cells:
            ring = outline(cell["hex"], zoom)
            for tile, layers in found.items():
                features = [of for of in layers.get(layer, []) if of["properties"]["hex"] == cell["hex"]]
                reach = how_far_in(ring, tile, zoom) if ring else -math.inf
                if features and reach < -NEAR or not features and reach > NEAR:
                    wrong.append(f"{layer} {cell['hex']} in {zoom}/{tile}: {len(features)} features, {reach:.1f} units inside")
                for feature in features:
                    drawn += 1
                    wrong += faults(feature, cell, ring, tile, zoom, layer)
    known = {cell["hex"] for cells in expected.values() for cell in cells}
    strangers = [of["properties"]["hex"] for layers in found.values() for layer in ("cells", "coarser") for of in layers.get(layer, [])]
    checks.that(not wrong, f"zoom {zoom}: {drawn} features in {len(found)} tiles are those of the heatmap", "; ".join(wrong[:5]))
    checks.that(set(strangers) <= known, f"zoom {zoom}: and no others", str(set(strangers) - known))
    checks.that(drawn >= len(known) - 1, f"zoom {zoom}: every cell is drawn somewhere")


def at_one_moment(server, zoom):
    """What the heatmap says, and the tiles near its cells, whether there is something in them or not."""
    before, found = None, {}
    for _ in range(TRIES):
        answer = heatmap(server, RESOLUTIONS[zoom])
        expected = {"cells": answer["cells"], "coarser": answer["coarser"]}
        # Detection went on meanwhile, and told of an incident.
        if expected == before:
            return expected, found
        before = expected
        tiles = {near for layer in expected.values() for cell in layer for near in around(zoom, cell["hex"])}
        found = {tile: decoded(server, zoom, *tile) for tile in tiles}
    raise AssertionError(f"zoom {zoom}: the heatmap should stay as it is for as long as tiles are read")


def around(zoom, cell):
    """The tiles that a cell may meet, and those next to them."""
    ring = outline(cell, zoom)
    if ring is None:
        return set()
    west, north, east, south = (math.floor(side / EXTENT) for side in ring.bounds)
    width = 2**zoom
    columns, rows = range(west - 1, east + 2), range(max(0, north - 1), min(width, south + 2))
    return {(x % width, y) for x in columns for y in rows}


def outline(cell, zoom):
    """The polygon of a cell in units of tiles of a zoom, unwrapped; none of one around a pole."""
    points, before = [], None
    for lat, lon in h3.cell_to_boundary(cell):
        if before is not None:
            lon += round((before - lon) / 360) * 360
        before = lon
        lat = max(-85.0511287798066, min(85.0511287798066, lat))
        x = (lon + 180) / 360
        y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
        points.append((x * 2**zoom * EXTENT, y * 2**zoom * EXTENT))
    if abs(points[0][0] - points[-1][0]) > 2**zoom * EXTENT / 2:
        return None
    return Polygon(points)


def placed(ring, zoom):
    """The outline as it is, and a turn of the world to either side."""
    turn = 2**zoom * EXTENT
    return [translate(ring, by) for by in (-turn, 0, turn)]


def how_far_in(ring, tile, zoom):
    """By how many units an outline reaches into a tile; how far from it, as a negative number, where it does not."""
    x, y = tile
    square = box(x * EXTENT, y * EXTENT, (x + 1) * EXTENT, (y + 1) * EXTENT)
    best = -math.inf
    for copy in placed(ring, zoom):
        if copy.intersects(square):
            # How much the square must shrink until they no longer meet.
            shared = copy.intersection(square)
            best = max(best, math.sqrt(shared.area))
        else:
            best = max(best, -copy.distance(square))
    return best


def faults(feature, cell, ring, tile, zoom, layer):
    """What is wrong with a feature of a cell."""
    properties = feature["properties"]
    wrong = []
    for name in ("count", "expected", "score", "level"):
        there, asked = properties.get(name), cell[name]
        if (there is None) != (asked is None) or asked is not None and not math.isclose(there, asked, rel_tol=1e-5, abs_tol=1e-3):
            wrong.append(f"{cell['hex']}: {name} is {there}, not {asked}")
    if layer == "coarser" and properties["resolution"] != h3.get_resolution(cell["hex"]):
        wrong.append(f"{cell['hex']}: resolution {properties['resolution']}")
    shape = shapely.geometry.shape(feature["geometry"])
    # Whole, but for what reaches over the next tile.
    x, y = tile
    near = box((x - 1) * EXTENT, (y - 1) * EXTENT, (x + 2) * EXTENT, (y + 2) * EXTENT)
    area = max(copy.intersection(near).area for copy in placed(ring, zoom)) if ring else 0
    if ring and shape.geom_type == "Polygon" and not math.isclose(shape.area, area, rel_tol=0.1, abs_tol=20):
        wrong.append(f"{cell['hex']}: it should be whole, {area:.0f} square units, but is {shape.area:.0f}")
    return wrong


def decoded(server, zoom, x, y):
    """The features of a tile by layer."""
    with contextlib.closing(server.connect()) as connection:
        connection.request("GET", f"/v1/tiles/{zoom}/{x}/{y}.mvt?provider=charlie&window=1h")
        response = connection.getresponse()
        body = response.read()
    if response.status == 204:
        return {}
    if response.status != 200:
        raise AssertionError(f"tile {zoom}/{x}/{y} should be answered 200 or 204, but was {response.status}: {body[:300]}")
    layers = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    return defaultdict(list, {name: layer["features"] for name, layer in layers.items()})


if __name__ == "__main__":
    main()

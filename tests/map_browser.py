"""Does a map that is given nothing but the address of our style draw what the heatmap says?

A real server is told of an outage in Toronto, in Fiji on both sides of the antimeridian and in Svalbard. MapLibre draws each in headless
Chromium at some zooms, as large as on a desk and as on a phone: it must list the cells of the heatmap, each with its figures, draw them
in the colours of the legend, show no seam at the antimeridian, and report no error. What it drew is left in `map-pictures` in the target
directory, to be looked at.
"""

import argparse
import base64
import contextlib
import functools
import itertools
import json
import math
import os
import random
import time
import urllib.parse
from pathlib import Path

from shapely.geometry import Point, box

from checks import Checks
from pages import Browser, Pages, insist_on_chromium
from past import clock, quiet_past, report
from processes import wait_until
from server import REPORTER_KEY, ROOT, Server, ask, store_directory
from tiles import EXTENT, RESOLUTIONS, outline, placed

PAGE = ROOT / "tests" / "map_page.html"
PICTURES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "map-pictures")
SOFTWARE = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# Where a place is, and how far around it people report, in degrees.
PLACES = {"Toronto": (43.65, -79.38, 0.35), "Fiji": (-17.0, 180.0, 0.35), "Svalbard": (78.22, 15.65, 0.3)}
REPORTS = 900
SIZES = {"desk": (700, 500, [3, 6, 9, 11]), "phone": (390, 700, [6])}
FINEST_ZOOM = 10
# Units of a tile to a pixel.
UNITS = EXTENT / 512
SOON_SECONDS = 60
# Tiles may be ten seconds old.
FRESH_SECONDS = 15
# How the style says how many reports there are.
OPACITIES = [(50, 0.85), (5, 0.6), (0, 0.35)]
COARSER_OPACITY = 0.2
# Sides of cells cross the antimeridian, but none runs along it for so many pixels.
LONG_SEAM = 20
# Of 255: blending rounds, once for each layer.
NEAR_COLOUR = 3


def main():
    arguments = parse_arguments()
    insist_on_chromium()
    checks = Checks()
    with store_directory() as directory:
        past = quiet_past(arguments.binary, directory)
        pages = Pages(PAGE, Path(arguments.maplibre))
        with (
            Server(arguments.binary, past, "--clock", clock(), environment={"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}) as server,
            Browser(f"{directory}/profile", *SOFTWARE) as browser,
        ):
            server.start()
            soon(lambda: server.try_get("/readyz")[0] == 200, server)
            tell(server)
            soon(lambda: is_known(server), server)
            show(checks, server, pages, browser)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--maplibre", required=True, help="where the files of MapLibre GL are")
    return parser.parse_args()


def soon(condition, server):
    wait_until(condition, SOON_SECONDS, server.log_end)


def tell(server):
    """Reports of many people in each place, and of some whose place is known coarsely only."""
    draw = random.Random(3)
    lines = []
    for lat, lon, spread in PLACES.values():
        for n in range(REPORTS):
            place = {"lat": round(draw.gauss(lat, spread), 4), "lon": round((draw.gauss(lon, spread * 1.4) + 540) % 360 - 180, 4)}
            rough = {"accuracy_m": 20_000} if n % 9 == 0 else {}
            lines.append(json.dumps(report(draw, "charlie", (lat, lon)) | place | rough) + "\n")
    with contextlib.closing(server.connect()) as connection:
        status, answer = ask(connection, "POST", "/v1/reports/batch", "".join(lines), {"Content-Type": "application/x-ndjson"})
    if status != 200 or answer["counted"] != len(lines):
        raise AssertionError(f"all reports should be counted, but: {status} {answer}")


def heatmap(server, zoom):
    return server.get("/v1/heatmap", provider="charlie", window="1h", resolution=RESOLUTIONS[min(zoom, FINEST_ZOOM)])


def is_known(server):
    """Whether all was counted, and there is an incident in each place."""
    answer = heatmap(server, 3)
    in_incidents = sum(cell["count"] for cell in answer["cells"] if cell["level"] in (3, 4))
    return in_incidents >= 0.9 * REPORTS * len(PLACES)


def show(checks, server, pages, browser):
    """Draws every place in every size at every zoom, and looks at it."""
    style = f"http://127.0.0.1:{server.port}/v1/style.json?provider=charlie&window=1h"
    browser.open(f"{pages.origin}/?{urllib.parse.urlencode({'style': style})}")
    # Of what no page tells there is no more to say than what went wrong in it.
    wait_until(lambda: pages.heard("map", "started"), SOON_SECONDS, lambda: f"the map should be drawn; it said {pages.said}")
    checks.that("Groundswell" in pages.heard("map", "started")[0]["attribution"], "the map names its source")
    PICTURES.mkdir(parents=True, exist_ok=True)
    document = server.get("/v1/style.json", provider="charlie", window="1h")
    levels = set()
    for size, (width, height, zooms) in SIZES.items():
        for place, (lat, lon, _) in PLACES.items():
            for zoom in zooms:
                view = View(place, size, width, height, lat, lon, zoom)
                levels |= view.check(checks, server, pages, Colours(document))
    checks.that(len(levels) > 1, "levels were told apart", str(levels))
    checks.equal(pages.faults(), [], "the map reports no error")


class Colours:
    """The colours of a style."""

    def __init__(self, style):
        [ground] = [layer for layer in style["layers"] if layer["type"] == "background"]
        [covered] = [layer for layer in style["layers"] if layer["id"] == "groundswell-coverage"]
        # Where somebody listens, and where nobody does.
        self.grounds = [channels(ground["paint"]["background-color"]), channels(covered["paint"]["fill-color"])]
        legend = style["metadata"]["groundswell:legend"]
        self.levels = {row["level"]: channels(row["colour"]) for row in legend if "level" in row}

    def of(self, coarser, cells):
        """What colours a point may have in these coarser groups and, above them, in these cells."""
        return [self.on(ground, coarser, cells) for ground in self.grounds]

    def on(self, colour, coarser, cells):
        """What colour it has there on a ground."""
        for below in coarser:
            colour = mixed(colour, self.levels[below["level"]], COARSER_OPACITY)
        for cell in cells:
            opacity = next(opacity for least, opacity in OPACITIES if cell["count"] >= least)
            colour = mixed(colour, self.levels[cell["level"]], opacity)
        return colour


def channels(colour):
    return [int(colour[n : n + 2], 16) for n in (1, 3, 5)]


def mixed(below, above, opacity):
    return [under + (over - under) * opacity for under, over in zip(below, above)]


class View:
    """A part of the map, as large as a window."""

    def __init__(self, place, size, width, height, lat, lon, zoom):
        self.name, self.place = f"{place}, zoom {zoom}, {size}", place
        self.file = PICTURES / f"{place}-{zoom}-{size}.png".lower()
        self.width, self.height, self.zoom = width, height, zoom
        self.centre = {"lat": lat, "lon": lon}
        self.x, self.y = position(lat, lon, zoom)

    def check(self, checks, server, pages, colours):
        """Whether it shows the heatmap. Returns the levels whose colours were looked at."""
        began, wrong = time.monotonic(), ["not drawn"]
        # Detection goes on meanwhile, and tiles are not of the same second as the heatmap.
        while wrong and time.monotonic() < began + FRESH_SECONDS:
            answer = heatmap(server, self.zoom)
            drawn = self.drawn(pages, answer)
            wrong = self.differing(answer, drawn) or self.discoloured(answer, drawn, colours)
        self.file.write_bytes(base64.b64decode(drawn["picture"].split(",")[1]))
        looked_at = self.looked_at(answer, drawn)
        cells = {of["hex"] for of in drawn["cells"]}
        checks.that(not wrong, f"{self.name}: {len(cells)} cells, {len(looked_at)} colours, as the heatmap has them", "; ".join(wrong[:5]))
        if self.zoom > 3:
            # Before that outlines of incidents hide half of the cells.
            checks.that(len(looked_at) > len(cells) / 3, f"{self.name}: colours could be seen", f"{len(looked_at)} of {len(cells)}")
        if self.zoom == 6:
            checks.that(drawn["incidents"] > 0, f"{self.name}: the incident is outlined")
        if self.place == "Fiji":
            seam = longest_seam(drawn["strip"])
            checks.that(seam < LONG_SEAM, f"{self.name}: no seam at the antimeridian", f"one of {seam} pixels")
        tops = [self.there(answer, point) for point, _ in looked_at]
        return {of["level"] for here in tops for of in (here["cells"] or here["coarser"])}

    def drawn(self, pages, answer):
        """What the page tells of it."""
        before = len(pages.heard("map", "drawn"))
        strip = round(self.width / 2) - 2 if self.place == "Fiji" else None
        view = self.centre | {"width": self.width, "height": self.height, "zoom": self.zoom, "points": self.centres(answer), "strip": strip}
        pages.tell("map", view=view)
        wait_until(lambda: len(pages.heard("map", "drawn")) > before, SOON_SECONDS, lambda: f"{self.name} should be drawn; faults: {pages.faults()}")
        return pages.heard("map", "drawn")[-1]

    def differing(self, answer, drawn):
        """Where the features of the map are not those of the heatmap."""
        wrong = []
        for layer in ("cells", "coarser"):
            figures = {cell["hex"]: cell for cell in answer[layer]}
            there = {of["hex"]: of for of in drawn[layer]}
            for of in there.values():
                known = figures.get(of["hex"])
                if known is None or self.reach(of["hex"]) < -1 or of != {"id": of["hex"]} | {name: known[name] for name in ("hex", "count", "level")}:
                    wrong.append(f"the map has {layer} {of}, the heatmap {known}")
            missing = [cell for cell in figures if cell not in there and self.reach(cell) > 1]
            wrong += [f"{cell} of {layer} is not on the map" for cell in missing]
        return wrong

    def discoloured(self, answer, drawn, colours):
        """Where the colour is not that of the levels."""
        wrong = []
        for point, colour in self.looked_at(answer, drawn):
            here = self.there(answer, point)
            expected = colours.of(here["coarser"], here["cells"])
            if all(any(abs(one - other) > NEAR_COLOUR for one, other in zip(colour, one_of)) for one_of in expected):
                wrong.append(f"{here} is {colour} at {point}, not one of {expected}")
        return wrong

    def there(self, answer, point):
        """What is at a pixel, by layer."""
        here = Point(self.x + (point[0] + 0.5 - self.width / 2) * UNITS, self.y + (point[1] + 0.5 - self.height / 2) * UNITS)
        return {layer: [of for of in answer[layer] if any(ring.contains(here) for ring in self.outlines(of["hex"]))] for layer in ("cells", "coarser")}

    def looked_at(self, answer, drawn):
        """Which pixels have which colour; but those that a line crosses."""
        return [(point, of["colour"]) for point, of in zip(self.centres(answer), drawn["points"]) if not of["lines"]]

    def centres(self, answer):
        """At which pixels the centres of cells and of coarser groups are."""
        found = []
        for cell in answer["cells"] + answer["coarser"]:
            for ring in self.outlines(cell["hex"]):
                x = math.floor((ring.centroid.x - self.x) / UNITS + self.width / 2)
                y = math.floor((ring.centroid.y - self.y) / UNITS + self.height / 2)
                if 8 <= x < self.width - 8 and 8 <= y < self.height - 8:
                    found.append((x, y))
        return found

    @functools.cache
    def outlines(self, cell):
        """The outline of a cell in units of tiles, in three turns of the world; none of one around a pole."""
        ring = outline(cell, self.zoom)
        return placed(ring, self.zoom) if ring else []

    def reach(self, cell):
        """By how many pixels a cell reaches into the view; how far from it, as a negative number, where it does not."""
        half_width, half_height = self.width / 2 * UNITS, self.height / 2 * UNITS
        window = box(self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height)
        reaches = [math.sqrt(ring.intersection(window).area) or -ring.distance(window) for ring in self.outlines(cell)]
        return max(reaches, default=-math.inf) / UNITS


def position(lat, lon, zoom):
    """Where a place is in units of tiles of a zoom."""
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return (lon + 180) / 360 * 2**zoom * EXTENT, y * 2**zoom * EXTENT


def longest_seam(strip):
    """The most rows in a row, of a strip of five pixels, whose middle differs from both sides, which are alike."""
    rows = [[strip[row + n * 4 : row + n * 4 + 3] for n in range(5)] for row in range(0, len(strip), 20)]
    alike = lambda one, other: all(abs(a - b) <= NEAR_COLOUR for a, b in zip(one, other))
    is_seam = [alike(row[0], row[4]) and not all(alike(row[0], of) for of in row[1:4]) for row in rows]
    return max(len(list(run)) if differs else 0 for differs, run in itertools.groupby(is_seam))


if __name__ == "__main__":
    main()

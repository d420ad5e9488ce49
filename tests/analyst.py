"""An analyst's hour: last week's incidents of one subdivision, their numbers, what was known when, as a list and as a map.

A real server with a quiet past is told of outages in two cities, and of one everywhere. What it then answers is held against itself, and
its maps against an independent library (shapely, which is GEOS): valid as they are, and each over all the cells that it says.
"""

import argparse
import contextlib
import json
import random
import sys

import h3
from shapely.geometry import Point, Polygon, shape
from shapely.ops import unary_union

from checks import Checks
from crowd import iso
from past import CITIES, clock, quiet_past, report
from processes import wait_until
from server import REPORTER_KEY, Server, ask, store_directory

NEW_YORK, BOSTON = CITIES[:2]
READY_SECONDS = 120
TOLD_SECONDS = 60
WEEK_SECONDS = 7 * 86_400


def main():
    arguments = parse_arguments()
    checks = Checks()
    with store_directory() as directory:
        past = quiet_past(arguments.binary, directory)
        with Server(arguments.binary, past, "--clock", clock(), environment={"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}) as server:
            server.start()
            catch_up(server)
            before = iso(int(server.now()) - 1)
            draw = random.Random(5)
            fails(server, draw, "charlie", [NEW_YORK])
            fails(server, draw, "alpha", [BOSTON])
            check_question(checks, server, before)
            fails(server, draw, "bravo", CITIES)
            check_maps(checks, server)
            check_words(checks, server)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    return parser.parse_args()


def catch_up(server):
    is_ready = lambda: server.try_get("/v1/spikes")[0] == 200 and not server.get("/v1/spikes")["stale"]
    wait_until(is_ready, READY_SECONDS, lambda: f"detection should catch up:\n{server.log_end()}")


def fails(server, draw, provider, cities):
    """Lets a provider fail in cities, and returns once an incident says so."""
    reports = [report(draw, provider, city) for city in cities for _ in range(40)]
    with contextlib.closing(server.connect()) as connection:
        status, answer = ask(connection, "POST", "/v1/reports/batch", json.dumps(reports), {"Content-Type": "application/json"})
    if status != 200 or answer["counted"] != len(reports):
        sys.exit(f"all reports should count, but: {answer}")
    told = lambda: server.get("/v1/incidents", provider=provider)["items"]
    wait_until(told, TOLD_SECONDS, lambda: f"the failure of {provider} should be told:\n{server.log_end()}")


def check_question(checks, server, before):
    """Every incident of last week in one subdivision, and what was known of it at a given minute."""
    now = int(server.now())
    week = {"area": "US-NY", "from": iso(now - WEEK_SECONDS), "to": iso(now + 60)}
    items = server.get("/v1/incidents", **week)["items"]
    checks.equal([item["network"] for item in items], ["charlie"], "of two incidents in the USA, one is in the state of New York")
    checks.equal(len(server.get("/v1/incidents", area="US")["items"]), 2, "and both are in the country")
    checks.that("New York" in items[0]["place"]["text"], "its place has a name that people know", items[0]["place"]["text"])
    severity = items[0]["severity"]
    numbers = [severity["reports"], severity["expected"], severity["area_km2"], severity["peak"], items[0]["evidence"]["score"]]
    checks.that(all(number is not None for number in numbers), "its numbers are there", str(severity))
    checks.equal(server.get("/v1/incidents", known_at=before, **week)["items"], [], "a moment before the reports nothing was known")
    first = server.get(f"/v1/incidents/{items[0]['id']}")["revisions"][0]
    then = server.get("/v1/incidents", known_at=first["known_at"], **week)["items"]
    checks.equal([item["revision"] for item in then], [0], "at the moment of the first revision, that one was known")
    on_map = server.get("/v1/incidents.geojson", **week)["features"]
    checks.equal([feature["id"] for feature in on_map], [item["id"] for item in items], "the map shows the same")


def check_maps(checks, server):
    """Every outline, of incidents and spikes, by another library than the one that drew it."""
    incidents = {item["id"]: item for item in server.get("/v1/incidents")["items"]}
    features = server.get("/v1/incidents.geojson")["features"]
    checks.equal({feature["id"] for feature in features}, set(incidents), f"the map of all {len(features)} incidents shows all")
    for feature in features:
        check_outline(checks, feature, incidents[feature["id"]]["cells"], f"the outline of {feature['properties']['network']}")
    spikes, drawn = server.get("/v1/spikes")["items"], server.get("/v1/spikes.geojson")["features"]
    checks.that(len(spikes) >= 3, "spikes are shown as well", str(len(spikes)))
    for feature in (feature for feature in drawn if feature["geometry"]):
        outline = shape(feature["geometry"])
        checks.that(outline.is_valid and not outline.is_empty, f"the outline of a spike of {feature['properties']['provider']} is valid")


def check_outline(checks, feature, cells, what):
    outline = shape(feature["geometry"])
    checks.that(outline.is_valid, f"{what} is valid without repair")
    parts = list(outline.geoms)
    checks.that(all(part.exterior.is_ccw and not any(hole.is_ccw for hole in part.interiors) for part in parts), f"{what} winds as RFC 7946 wants")
    centres = [Point(*reversed(h3.cell_to_latlng(cell))) for cell in cells]
    checks.that(all(outline.covers(centre) for centre in centres), f"{what} covers the centres of its {len(cells)} cells")
    own = unary_union([Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) for cell in cells])
    checks.that(abs(outline.area / own.area - 1) < 0.01, f"{what} is as large as its cells together", f"{outline.area} of {own.area}")
    box = feature["bbox"]
    checks.that(all(abs(one - other) < 1e-6 for one, other in zip(box, outline.bounds)), f"{what} lies in its bbox", f"{box} {outline.bounds}")
    flat = all(not isinstance(value, (dict, list)) for value in feature["properties"].values())
    checks.that(flat, f"{what} has properties that a table can hold", str(feature["properties"]))


def check_words(checks, server):
    """What operators say is told as it was said."""
    incident = server.get("/v1/incidents", provider="charlie")["items"][0]
    note = {"source": "charlie.example/status", "text": "<b>We</b> are aware & working on it.", "official": True}
    with contextlib.closing(server.connect()) as connection:
        path, headers = f"/v1/incidents/{incident['id']}/notes", {"Content-Type": "application/json"}
        status, said = ask(connection, "POST", path, json.dumps(note), headers)
    checks.equal((status, said["text"]), (201, note["text"]), "an official word is noted, and is text")
    detail = server.get(f"/v1/incidents/{incident['id']}")
    checks.that(detail["lead_seconds"] >= 0, "the lead of the crowd is known", str(detail["lead_seconds"]))
    checks.that(any(event["type"] == "note" for event in detail["timeline"]), "the word is in the timeline")


if __name__ == "__main__":
    main()

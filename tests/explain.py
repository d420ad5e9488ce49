"""Can the score of a flagged cell be computed again from `/v1/cells/{cell}` alone, and an analyst work with what is told?

A real server with a quiet past is told of an outage in one city. Once a cell of it is flagged, everything that its answer says is
computed again, in plain Python, from nothing else: exposure, expectation, the rest of the map, dispersion, the bound of
floods, the score, the threshold. The same for a quiet cell, and for one that nobody ever reported from. Then an analyst's questions: every
incident of the last week in one subdivision, as it was known at a minute, as JSON and as GeoJSON that an independent library finds valid.
"""

import argparse
import contextlib
import json
import math
import random
import sys
from datetime import datetime, timedelta, timezone

import h3
import shapely
import shapely.geometry

from checks import Checks
from past import CITIES, clock, quiet_past, report
from processes import wait_until
from server import REPORTER_KEY, Server, ask, store_directory

REPORTS = 40
READY_SECONDS = 120
FLAGGED_SECONDS = 60
CLOSE = 1e-6
PARTS = 6


def main():
    arguments = parse_arguments()
    checks = Checks()
    with store_directory() as directory:
        past = quiet_past(arguments.binary, directory)
        with Server(arguments.binary, past, "--clock", clock(), environment={"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}) as server:
            server.start()
            home = h3.latlng_to_cell(*CITIES[0], 7)
            wait_until(lambda: explain(server, home), READY_SECONDS, lambda: f"detection should catch up:\n{server.log_end()}")
            check(checks, explain(server, home), "a quiet city")
            post(server, random.Random(7))
            flagged = lambda: (explain(server, home) or {}).get("incident")
            took = wait_until(flagged, FLAGGED_SECONDS, lambda: f"the city should be flagged:\n{json.dumps(explain(server, home))}")
            checks.that(took < 5, f"{REPORTS} reports were answered, and {took:.1f} s later the city was flagged")
            answer = explain(server, home)
            checks.that(answer["evidence"]["score"] >= answer["threshold"]["score_threshold"], "its score is enough")
            check(checks, answer, "a flagged city")
            check(checks, explain(server, h3.latlng_to_cell(*CITIES[0], 5)), "the region around it")
            check(checks, explain(server, h3.latlng_to_cell(*CITIES[3], 7)), "another city meanwhile")
            check(checks, explain(server, h3.latlng_to_cell(-40.0, 175.0, 7)), "a place that nobody was ever heard of in")
            detail = server.get(f"/v1/incidents/{answer['incident']}")
            evidence = detail["brands"][0]["evidence"]
            again = tail(evidence["observed"], evidence["expected"], evidence["dispersion"])
            checks.that(close(again, evidence["score"]), "the score that opened the incident is that of its evidence", f"{again}: {evidence}")
            check_analyst(checks, server, answer["incident"])
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    return parser.parse_args()


def check_analyst(checks, server, incident):
    now = datetime.fromtimestamp(server.now(), timezone.utc)
    week = {"area": "US-NY", "from": text(now - timedelta(days=7)), "to": text(now + timedelta(minutes=1))}
    found = server.get("/v1/incidents", **week)["items"]
    checks.equal([item["id"] for item in found], [incident], "last week's only incident in US-NY is found")
    numbers = [found[0]["severity"][name] for name in ("reports", "expected", "area_km2", "duration_seconds")]
    checks.that(all(number is not None and number >= 0 for number in numbers), "with its numbers", str(found[0]["severity"]))
    elsewhere = server.get("/v1/incidents", **(week | {"area": "US-CA"}))["items"]
    checks.equal(elsewhere, [], "and none in US-CA")
    before = server.get("/v1/incidents", **week, known_at=text(now - timedelta(minutes=30)))["items"]
    checks.equal(before, [], "half an hour ago nothing was known of it")
    collection = server.get("/v1/incidents.geojson", **week)
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in collection["features"]]
    checks.that(len(shapes) == 1 and all(shape.is_valid and not shape.is_empty for shape in shapes), "its outline is valid, by GEOS")
    home = shapely.Point(CITIES[0][1], CITIES[0][0])
    checks.that(shapes and shapes[0].distance(home) < 0.1, "and lies where the outage is")
    cells = [shapely.Point(*reversed(h3.cell_to_latlng(cell))) for cell in found[0]["cells"]]
    checks.that(all(shapes[0].contains(cell) for cell in cells), f"around all of its {len(cells)} cells")
    flat = all(not isinstance(value, (dict, list)) for feature in collection["features"] for value in feature["properties"].values())
    checks.that(flat, "with properties that a GIS reads as columns")


def text(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def explain(server, cell):
    """The explanation of a cell; None while detection catches up."""
    status, answer = server.try_get(f"/v1/cells/{cell}?provider=charlie")
    if status not in (200, 503):
        sys.exit(f"a cell should be explained, but was answered {status}: {answer}")
    return answer if status == 200 else None


def post(server, draw):
    reports = [report(draw, "charlie", CITIES[0]) for _ in range(REPORTS)]
    with contextlib.closing(server.connect()) as connection:
        status, answer = ask(connection, "POST", "/v1/reports/batch", json.dumps(reports), {"Content-Type": "application/json"})
    if status != 200 or answer["counted"] != REPORTS:
        sys.exit(f"all reports should count, but: {answer}")


def check(checks, answer, what):
    """Computes every number again, each from those that it is made of."""
    expectation, estimate, cap, evidence = (answer[name] for name in ("expectation", "dispersion_estimate", "point_source_cap", "evidence"))
    is_global = evidence["zone"]["centre"] is None
    exposure = [0.0] * PARTS
    for hour in expectation["hours"]:
        exposure[hour["day_part"]] += hour["daily_factor"] * hour["baseline"]
    heard = [sum(cell["shares"][part] for cell in expectation["cells"]) for part in range(PARTS)]
    unobserved = expectation["unobserved_cells"]
    shares = [1.0 if is_global else share + unobserved["count"] * unobserved["share"] for share in heard]
    uncorrected = sum(share * exposed for share, exposed in zip(shares, exposure))
    ratio, unsure = 1.0, 0.0
    if rest := expectation["rest_of_map"]:
        weight = rest["expected"] + rest["prior_weight"]
        ratio = clamp((rest["observed"] + rest["prior_weight"]) / weight, rest["range"])
        unsure = 1 / weight
    if control := expectation["control_series"]:
        ratio *= clamp((control["observed"] + control["prior_weight"]) / (control["expected"] + control["prior_weight"]), control["range"])
    weight = estimate["prior_weight"]
    clamped = clamp((estimate["excess_variance"] + weight * estimate["prior"]) / (estimate["squared_mean"] + weight), estimate["range"])
    mean_dispersion = 0.0 if estimate["mean_reports"] is None else 1 / (estimate["mean_reports"] + estimate["mean_prior"])
    expected, clumping = ratio * uncorrected + expectation["offset"], answer["clumping"]
    quotient = clumping["excess_variance"] / (clumping["mean_sum"] + clumping["prior_weight"])
    extra = clumping["shrinkage"] * max(0.0, quotient - clumping["ordinary"])
    dispersion = clamped + mean_dispersion + unsure + extra / expected
    if late := expectation["late_reports"]:
        expected, dispersion = expected * late["share"] + late["offset"], max(dispersion, late["min_dispersion"])
    elsewhere = max(0.0, cap["reports"] - cap["point_source"] - expected)
    observed = cap["reports"] - max(0.0, cap["point_source"] - (cap["cap_base"] + cap["cap_per_excess"] * elsewhere))
    score = tail(observed, expected, dispersion)
    for name, again, said in [
        ("uncorrected count", uncorrected, expectation["uncorrected"]),
        ("expected count", expected, evidence["expected"]),
        ("dispersion", dispersion, evidence["dispersion"]),
        ("bounded count", observed, evidence["observed"]),
        ("score", score, evidence["score"]),
        ("threshold", threshold(answer["threshold"]), answer["threshold"]["score_threshold"]),
    ]:
        checks.that(close(again, said), f"{what}: the {name} can be computed again", f"{again} from the parts, {said} in the answer")


def threshold(said):
    """The score that is enough, where it was chosen from quiet days."""
    if not (peaks := said["calibration"]):
        return said["score_threshold"]
    mean = (peaks["excess_sum"] + peaks["prior_mean"] * peaks["prior_peaks"]) / (peaks["peaks"] + peaks["prior_peaks"])
    a_day = (peaks["peaks"] + 0.5) / (said["quiet_days"] + 1)
    return clamp(peaks["peak_level"] + mean * math.log(a_day / (peaks["false_alarms_per_week"] / 7)), peaks["range"])


def tail(count, mean, dispersion):
    """-log10 of the probability that a negative binomial variable of that mean and dispersion is `count` or more."""
    if count <= mean:
        return 0.0
    size = 1 / dispersion
    log_term = lambda k: (
        math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
        + k * math.log(dispersion * mean / (1 + dispersion * mean)) - size * math.log1p(dispersion * mean)
    )
    first = log_term(count)
    total, k = 0.0, count
    while (term := math.exp(log_term(k) - first)) > 1e-15:
        total += term
        k += 1
    return -(first + math.log(total)) / math.log(10)


def clamp(value, bounds):
    return min(max(value, bounds[0]), bounds[1])


def close(one, other):
    return abs(one - other) <= CLOSE * max(1.0, abs(other))


if __name__ == "__main__":
    main()

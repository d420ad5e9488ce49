"""One day with an outage, posted twice in shuffled order: does every cell and minute count what the file says?

Takes 23 hours in New York of a stream with a regional outage, moves them so that they end five minutes ago, posts them in batches in all the
forms that a batch may have, and compares what the server then answers with counts computed here from the file alone.
Then posts everything again, and stops and kills the server: nothing may change.
"""

import argparse
import gzip
import hashlib
import hmac
import json
import random
import time
from collections import Counter
from datetime import datetime, timezone
from itertools import islice

import h3

from checks import Checks
import sets
from server import STORES, Server, ask, store_directory, store_to_test

STREAMS = {sets.SMALL: "city-regional-00", sets.DETBENCH: "nyc-regional-00"}
HOUR_S = 3600
DAY_MS = 86_400_000
PERIOD_MS = 7_200_000
# Small enough that a day of about a thousand reports goes out in every form several times.
BATCH = 100
FORMS = [("application/json", None), ("application/x-ndjson", None), ("application/json", "gzip"), ("application/x-ndjson", "gzip")]
# The finest resolution that an accuracy in metres supports.
RESOLUTIONS = [(300, 8), (1_000, 7), (3_000, 6), (8_000, 5), (25_000, 4)]
COARSEST_RESOLUTION = 3
UNKNOWN_ACCURACY_RESOLUTION = 6
NETWORKS = {"north": ["alpha", "bravo"], "charlie": ["charlie"]}


def main():
    arguments = parse_arguments()
    checks = Checks()
    for name, folder in sets.chosen(arguments).items():
        post_day(checks, arguments, folder, STREAMS[name])
    checks.close()


def post_day(checks, arguments, folder, stream):
    reports, start, end = moved_day(folder, stream, int(time.time()) - 300)
    random.Random(arguments.seed).shuffle(reports)
    print(f"{len(reports)} reports of {stream}, observed from {iso(start)} to {iso(end)}, seed {arguments.seed}")
    with (
        store_directory() as directory,
        store_to_test(arguments.store, directory) as store,
        Server(arguments.binary, store, logs=directory) as server,
    ):
        server.start()
        outcomes, counts = count(reports, server.reporter_key())
        checks.that(outcomes["duplicate"], "the day holds reporters who report again, so duplicates are tested")
        post_all(checks, server, reports, outcomes["of"], "first time")
        compare_everything(checks, server, counts, start, end, "posted once")

        random.Random(arguments.seed + 1).shuffle(reports)
        post_all(checks, server, reports, ["duplicate"] * len(reports), "second time")
        compare_totals(checks, server, counts, end, "posted twice")
        checks.equal(server.stop(), 0, "the server stops on SIGTERM with exit code 0")
        server.start()
        compare_totals(checks, server, counts, end, "after a stop")
        server.kill()
        server.start()
        compare_everything(checks, server, counts, start, end, "after kill -9")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=STORES, default="embedded")
    sets.add_argument(parser)
    return parser.parse_args()


# What is posted


def moved_day(folder, name, end):
    """The day of the stream's outage, moved to end at `end`, as posted; with its first instant and its end, in seconds."""
    truth = json.loads((folder / "truth.json").read_text())
    onset = seconds(next(outage["onset"] for outage in truth if outage["scenario"] == name))
    # Midnight in New York, four hours behind UTC in April. The outage is in the evening, so 23 hours from there hold it.
    first = (onset - 4 * HOUR_S) // (24 * HOUR_S) * (24 * HOUR_S) + 4 * HOUR_S
    last = first + 23 * HOUR_S
    with gzip.open(folder / f"{name}.ndjson.gz", "rt") as lines:
        stream = [json.loads(line) for line in lines]
    day = [report for report in stream if first <= seconds(report["observed_at"]) < last]
    for report in day:
        del report["received_at"]
        report["observed_at"] = iso(seconds(report["observed_at"]) + end - last)
    return day, end - 23 * HOUR_S, end


def post_all(checks, server, reports, outcomes, time_of_posting):
    """Posts everything in order, one batch after another, and checks the outcome of every single report."""
    connection = server.connect()
    faults = []
    expected = iter(outcomes)
    for number, batch in enumerate(batches(reports)):
        media_type, encoding = FORMS[number % len(FORMS)]
        headers = {"Content-Type": media_type} | ({"Content-Encoding": encoding} if encoding else {})
        wanted = list(islice(expected, len(batch)))
        status, answer = ask(connection, "POST", "/v1/reports/batch", body_of(batch, media_type, encoding), headers)
        if status != 200:
            faults.append(f"batch {number} ({media_type}, {encoding}) was answered {status}: {answer}")
            continue
        others = {result["index"]: result["outcome"] for result in answer["results"]}
        got = [others.get(index, "counted") for index in range(len(batch))]
        sums = {outcome: answer[outcome] for outcome in ("counted", "duplicate", "rejected")}
        if sums != {outcome: wanted.count(outcome) for outcome in sums}:
            faults.append(f"batch {number} should be {Counter(wanted)}, but was {sums}: {answer['results'][:2]}")
        differing = [index for index in range(len(batch)) if got[index] != wanted[index]]
        faults += [f"batch {number} item {i} should be {wanted[i]}, but was {got[i]}: {batch[i]}" for i in differing[:1]]
    claim = f"{time_of_posting}: {outcomes.count('counted')} counted and {outcomes.count('duplicate')} duplicate, each where expected"
    checks.that(not faults, claim, f"{len(faults)} faults, the first: {faults[:1]}")


def batches(reports):
    return [reports[at : at + BATCH] for at in range(0, len(reports), BATCH)]


def body_of(batch, media_type, encoding):
    text = json.dumps(batch) if media_type == "application/json" else "\n".join(json.dumps(report) for report in batch) + "\n"
    return gzip.compress(text.encode()) if encoding == "gzip" else text.encode()


# What is to be expected, computed from the file alone


def count(reports, secret):
    """The outcome of each report in this order, and the counts by provider, cell and minute."""
    seen, of, counts = set(), [], Counter()
    for report in reports:
        reporter = (report["provider"], *reporter_on_their_day(secret, report), claim_of(report["kind"]))
        of.append("duplicate" if reporter in seen else "counted")
        if reporter not in seen:
            seen.add(reporter)
            counts[report["provider"], cell_of(report), seconds(report["observed_at"]) // 60] += 1
    return {"of": of, "duplicate": of.count("duplicate")}, counts


def reporter_on_their_day(secret, report):
    """The hash of a reporter on a day of theirs, and the slot of two hours in it."""
    name = report["device_id"].encode()
    offset_ms = first_64_bits(digest(digest(secret, b"groundswell offset"), name)) % DAY_MS
    day, in_day = divmod(seconds(report["observed_at"]) * 1000 + offset_ms, DAY_MS)
    day_key = digest(secret, b"groundswell day" + day.to_bytes(8, "big", signed=True))
    return first_64_bits(digest(day_key, name)), in_day // PERIOD_MS


def digest(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def first_64_bits(digested):
    return int.from_bytes(digested[:8], "big")


def claim_of(kind):
    return {"no_emergency_calls": "emergency", "working": "working"}.get(kind, "problem")


def cell_of(report):
    accuracy = report.get("accuracy_m")
    fitting = [resolution for limit, resolution in RESOLUTIONS if accuracy is not None and accuracy <= limit]
    rest = UNKNOWN_ACCURACY_RESOLUTION if accuracy is None else COARSEST_RESOLUTION
    return h3.latlng_to_cell(report["lat"], report["lon"], fitting[0] if fitting else rest)


# What the server says


def compare_everything(checks, server, counts, start, end, when):
    compare_totals(checks, server, counts, end, when)
    for provider in sorted({provider for provider, _, _ in counts}):
        own = {(cell, minute): n for (p, cell, minute), n in counts.items() if p == provider}
        compare_minutes(checks, server, provider, own, start, end, when)
        compare_series(checks, server, provider, own, start, end, when)


def compare_totals(checks, server, counts, end, when):
    """Each provider's and each network's day as one heatmap, at several resolutions and in a box."""
    asked = [("provider", provider, [provider]) for provider in ("alpha", "bravo", "charlie")]
    asked += [("network", network, providers) for network, providers in NETWORKS.items()]
    for key, name, providers in asked:
        by_cell = sum_by((cell, n) for (provider, cell, _), n in counts.items() if provider in providers)
        for resolution in (8, 7, 4):
            answer = server.get("/v1/heatmap", **{key: name}, window="24h", to=iso(up(end)), resolution=resolution)
            compare_heatmap(checks, answer, by_cell, resolution, f"{when}: 24 h of {key} {name}")
        west, south, east, north = box = (-74.0, 40.7, -73.5, 41.0)
        inside = {cell: n for cell, n in by_cell.items() if in_box(cell, west, south, east, north)}
        answer = server.get("/v1/heatmap", **{key: name}, window="24h", to=iso(up(end)), resolution=8, bbox=",".join(map(str, box)))
        compare_heatmap(checks, answer, inside, 8, f"{when}: 24 h of {key} {name} in a box")


def compare_heatmap(checks, answer, by_cell, resolution, what):
    expected = level(by_cell, resolution)
    got = {("cell", cell["hex"]): cell["count"] for cell in answer["cells"]}
    got |= {("coarser", cell["hex"]): cell["count"] for cell in answer["coarser"]}
    right = got == expected and answer["total"] == sum(expected.values())
    if right:
        checks.that(True, f"{what}, resolution {resolution}: {answer['total']} reports in {len(got)} cells")
    else:
        checks.same_counts(got | {"total": answer["total"]}, expected | {"total": sum(expected.values())}, f"{what}, resolution {resolution}")


def compare_minutes(checks, server, provider, counts, start, end, when):
    """A heatmap of every single minute, finest resolution: nothing may leak into the next one."""
    got, totals = {}, 0
    for minute in range(start // 60, up(end) // 60):
        answer = server.get("/v1/heatmap", provider=provider, window="1m", to=iso((minute + 1) * 60), resolution=8)
        got |= {("cell", cell["hex"], minute): cell["count"] for cell in answer["cells"]}
        got |= {("coarser", cell["hex"], minute): cell["count"] for cell in answer["coarser"]}
        totals += answer["total"]
    kind = {8: "cell"}
    expected = {(kind.get(h3.get_resolution(cell), "coarser"), cell, minute): n for (cell, minute), n in counts.items()}
    checks.same_counts(got, expected, f"{when}: {provider}: {len(expected)} counts of (cell, minute), by heatmaps of one minute")
    checks.equal(totals, sum(expected.values()), f"{when}: {provider}: the totals of those heatmaps add up")


def compare_series(checks, server, provider, counts, start, end, when):
    """A series of every cell, minute by minute."""
    got, expected, faults = {}, {}, []
    span = {"from": iso(start // 60 * 60), "to": iso(up(end)), "step": "1m"}
    minutes = list(range(start // 60, up(end) // 60))
    for asked in sorted({cell for cell, _ in counts}):
        points = server.get("/v1/series", provider=provider, cell=asked, **span)["points"]
        if [seconds(point["t"]) // 60 for point in points] != minutes:
            faults.append(f"the series of {asked} should have a point for each of {len(minutes)} minutes, but has {len(points)}")
        got |= {(asked, seconds(point["t"]) // 60): point["count"] for point in points if point["count"]}
        inside = [(minute, n) for (cell, minute), n in counts.items() if contains(asked, cell)]
        expected |= {(asked, minute): n for minute, n in sum_by(inside).items()}
    checks.that(not faults, f"{when}: {provider}: every series has a point for every minute", str(faults[:1]))
    checks.same_counts(got, expected, f"{when}: {provider}: {len(expected)} counts of (cell, minute), by series")


def level(by_cell, resolution):
    """Counts by cell as a heatmap of that resolution has them."""
    fine = ((("cell", h3.cell_to_parent(c, resolution)), n) for c, n in by_cell.items() if h3.get_resolution(c) >= resolution)
    coarse = ((("coarser", c), n) for c, n in by_cell.items() if h3.get_resolution(c) < resolution)
    return sum_by([*fine, *coarse])


def contains(outer, cell):
    resolution = h3.get_resolution(outer)
    return h3.get_resolution(cell) >= resolution and h3.cell_to_parent(cell, resolution) == outer


def in_box(cell, west, south, east, north):
    lat, lon = h3.cell_to_latlng(cell)
    return south <= lat <= north and west <= lon <= east


def sum_by(pairs):
    sums = Counter()
    for key, n in pairs:
        sums[key] += n
    return dict(sums)


def up(instant):
    """The next whole minute."""
    return -(-instant // 60) * 60


def seconds(text):
    return int(datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp())


def iso(instant):
    return datetime.fromtimestamp(instant, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()

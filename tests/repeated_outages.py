"""The known outages of detbench, each of which came before, at the same place and hour: once ten days ago, or seventeen days ago too.

Writes the folders never, once and twice in the form of detbench, each of which `groundswell backtest --set` replays and scores; checks nothing,
and no test run needs it. The reports of an outage are found among those of its stream by when they were received. In the history other devices
send them. Providers without history are left out.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

from more_streams import read_reports, write_reports
from nyc_day import iso, seconds
from sets import shared_data

DAY_S = 86_400
AGO_DAYS = {"never": [], "once": [10], "twice": [10, 17]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder that the sets are written into")
    out, known = parser.parse_args().out, shared_data() / "detbench"
    index, truth = (json.loads((known / f"{name}.json").read_text()) for name in ("index", "truth"))
    outages = {outage["scenario"]: outage for outage in truth if outage["expect"] == "detect" and outage["family"] != "cold_start"}
    streams = [stream for stream in index if stream["scenario"] in outages]
    for name, ago_days in AGO_DAYS.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        for stream in streams:
            write_stream(known, out / name, stream, outages[stream["scenario"]], ago_days)
        with_history = [stream | {"warmup": history_of(stream)} for stream in streams]
        for file, value in [("index", with_history), ("truth", list(outages.values()))]:
            (out / name / f"{file}.json").write_text(json.dumps(value))
        (out / name / "real_rises.json").write_bytes((known / "real_rises.json").read_bytes())


def write_stream(known, folder, stream, outage, ago_days):
    lines = read_reports(known / stream["stream"])
    before = [earlier(report, days) for days in ago_days for report in reports_of(outage, lines)]
    history = read_reports(known / stream["warmup"])
    history += [report for report in before if history[0]["received_at"] <= report["received_at"] < stream["start"]]
    write_reports(folder / history_of(stream), history)
    write_reports(folder / stream["stream"], lines)


def history_of(stream):
    return f"{stream['scenario']}-history.ndjson.gz"


def reports_of(outage, reports):
    """Those of the stream that were added for the outage."""
    onset, wanted = seconds(outage["onset"]), Counter(round(after) for after in outage["injected_received_s"])
    for report in reports:
        after = seconds(report["received_at"]) - onset
        same = next((near for near in (after, after - 1, after + 1) if wanted[near] > 0), None)
        if report["provider"] == outage["provider"] and same is not None:
            wanted[same] -= 1
            yield report


def earlier(report, days):
    at = {name: iso(seconds(report[name]) - days * DAY_S) for name in ("received_at", "observed_at")}
    return report | at | {"device_id": f"{report['device_id']}-{days}"}


if __name__ == "__main__":
    main()

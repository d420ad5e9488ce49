"""Does every stream with known outages give the same incidents, whatever store it is replayed into?

Replays streams into the embedded store and into Redis, and compares what was told: every revision, byte for byte. Three of the small set
are replayed and one of detbench, whose streams last four times as long; with `--nightly` six of each, with `--all` all, which takes a
quarter of an hour. Each goes on from a copy of what the history left; that Redis plays a history the same, tests/replay.rs holds.
"""

import argparse
import json
from itertools import zip_longest
from pathlib import Path

from checks import Checks
from recompute import replay
from redis_servers import Redis
from server import REPORTER_KEY, store_directory
import sets

STREAMS = {
    sets.SMALL: ["city-regional-00", "city-metro_late-00", "city-spam_few-00"],
    sets.DETBENCH: ["nyc-metro_late-03"],
}
MORE_STREAMS = {
    sets.SMALL: ["city-local-01", "city-cold_start-00", "city-global_rise-00"],
    sets.DETBENCH: ["nyc-regional-01", "nyc-spam_few-00", "nyc-local-02", "nyc-cold_start-02", "nyc-global_rise-02"],
}


def main():
    arguments = parse_arguments()
    checks = Checks()
    for name, folder in sets.chosen(arguments).items():
        streams = json.loads((folder / "index.json").read_text())
        if not arguments.all:
            wanted = arguments.streams or STREAMS[name] + (MORE_STREAMS[name] if arguments.nightly else [])
            streams = [stream for stream in streams if stream["scenario"] in wanted]
            checks.equal(sorted(stream["scenario"] for stream in streams), sorted(wanted), f"{name}: the streams are in the set")
        compare(checks, arguments.binary, folder, streams)
    checks.close()


def compare(checks, binary, folder, streams):
    told = 0
    with store_directory() as directory, Redis("no") as redis:
        embedded, on_redis = Path(directory, "embedded"), Path(directory, "redis")
        redis.start()
        replay_all(binary, folder, streams, embedded)
        replay_all(binary, folder, streams, on_redis, "--store", redis.url)
        checks.that(int(redis.cli("DBSIZE")), "what was replayed into Redis is there")
        for stream in streams:
            ours, theirs = ((out / f"{stream['scenario']}.ndjson").read_text().splitlines() for out in (embedded, on_redis))
            differ = next((pair for pair in zip_longest(ours, theirs) if pair[0] != pair[1]), None)
            told += len(ours)
            checks.that(not differ, f"{stream['scenario']}: {len(ours)} revisions, the same", f"\n  {differ and differ[0]}\nbut on Redis\n  {differ and differ[1]}")
    checks.that(told >= 10 * len(streams), "there was much to tell", f"{told} revisions of {len(streams)} streams")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--streams", nargs="+", metavar="NAME", help="streams of the set, without their endings")
    parser.add_argument("--nightly", action="store_true", help="six streams of each set")
    parser.add_argument("--all", action="store_true", help="all streams of the sets")
    sets.add_argument(parser)
    return parser.parse_args()


def replay_all(binary, folder, streams, out, *store):
    """Writes the incidents of each stream, played after its history."""
    for history in sorted({stream["warmup"] for stream in streams}):
        files = [folder / stream["stream"] for stream in streams if stream["warmup"] == history]
        # The key decides when a reporter may be counted again, and so must be the same.
        replay(binary, [folder / history], files, out, "--reporter-key", REPORTER_KEY, *store)


if __name__ == "__main__":
    main()

"""Does `groundswell-lab backtest` score as another program does, whatever a detector may have written?

Writes incidents made up from the truth (found early and late, missed, false, on real rises, of every resolution, with
many revisions or none, open, without names, with fractions of seconds), and has both score them: on the set as it is,
on each half of it, and on one that is twisted into families and fields that other sets have.

The other program is tests/scorer.py, whose figures must be the same. Where a set has a scorer of its own, score.py, that one must also print
the very same table, byte for byte, and have the figures of tests/scorer.py; of tables without it, tests/backtest.rs holds rows by hand.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import h3

from checks import Checks
import sets
from scorer import figures_of
from server import store_directory

NAMES = [None, "", "7", "fido/12", 7, 0, 12.0]
SHARE_FOUND = 0.8


def main():
    arguments = parse_arguments()
    checks = Checks()
    for name, folder in sets.chosen(arguments).items():
        with store_directory() as directory:
            compare_on(checks, arguments, name, folder, Path(directory))
    checks.close()


def compare_on(checks, arguments, name, real, work):
    own = real / "score.py" if (real / "score.py").exists() else None
    both = Both(checks, arguments.binary, own)
    both.compare(real, write_nothing(real, work / "nobody"), f"{name}: no incidents at all")
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        alarms = write_alarms(random.Random(seed), real, work / f"alarms-{seed}")
        both.compare(real, alarms, f"{name}: made-up incidents, seed {seed}")
        both.compare_halves(real, alarms, work / f"halves-{seed}", f"{name}: the halves, seed {seed}")
        twisted = twist(random.Random(seed), real, work / f"set-{seed}")
        alarms = write_alarms(random.Random(seed + 1000), twisted, work / f"twisted-{seed}")
        both.compare(twisted, alarms, f"{name}: a set with other families, seed {seed}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell-lab to test, e.g. target/debug/groundswell-lab")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    sets.add_argument(parser)
    return parser.parse_args()


# Both scorers


class Both:
    """The laboratory, the other program, and the scorer of the set, if it has one."""

    def __init__(self, checks, binary, own):
        self.checks, self.binary, self.own = checks, binary, own

    def compare(self, folder, alarms, what):
        printed, figures = self.backtest(folder, alarms)
        expected = figures_of(folder, alarms)
        self.checks.that(same(figures, expected), f"the figures are the other program's: {what}", f"\n  {figures}\nbut that has\n  {expected}")
        if self.own:
            table, of_set = self.scorer(folder, alarms)
            self.checks.that(printed == table, f"the table is the scorer's: {what}", first_difference(printed, table))
            self.checks.that(same(expected, of_set), f"so are the figures: {what}", f"\n  {expected}\nbut the scorer has\n  {of_set}")

    def compare_halves(self, folder, alarms, work, what):
        printed, _ = self.backtest(folder, alarms, "--halves")
        tables = [self.backtest(folder, alarms)[0]]
        for remainder, name in enumerate(["even", "odd"]):
            half = copy_set(folder, work / name)
            index = read(folder / "index.json")
            write(half / "index.json", [stream for stream in index if int(stream["scenario"].rsplit("-", 1)[1]) % 2 == remainder])
            self.compare(half, alarms, f"{what}, {name}")
            tables.append(f"\n{name} numbers\n{self.backtest(half, alarms)[0]}")
        self.checks.that(printed == "".join(tables), f"three tables are those of the whole and of each half: {what}", first_difference(printed, "".join(tables)))

    def scorer(self, folder, alarms):
        """What the scorer of the set prints, and its figures; what is not a number is null."""
        figures = alarms.with_suffix(".scorer.json")
        text = call(sys.executable, self.own, "--set", folder, "--alarms", alarms, "--json", figures)
        return text, json.loads(figures.read_text(), parse_constant=lambda _: None)

    def backtest(self, folder, alarms, *more):
        figures = alarms.with_suffix(".json")
        text = call(self.binary, "backtest", "--set", folder, "--alarms", alarms, "--json", figures, *more)
        return text, read(figures)


def call(*command):
    environment = os.environ | {"PYTHONUTF8": "1"}
    done = subprocess.run([str(part) for part in command], capture_output=True, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr.decode()}")
    return done.stdout.decode()


def same(figures, others):
    """Whether they are equal; floats to 12 digits, since Python sums more exactly from 3.12 on."""
    if isinstance(figures, dict) and isinstance(others, dict):
        return figures.keys() == others.keys() and all(same(figures[key], others[key]) for key in figures)
    if isinstance(figures, float) and isinstance(others, float):
        return math.isclose(figures, others, rel_tol=1e-12, abs_tol=1e-12)
    return figures == others


def first_difference(printed, expected):
    lines = zip((printed + "\n").splitlines(), (expected + "\n").splitlines())
    return next((f"\n  {ours}\nbut the scorer has\n  {theirs}" for ours, theirs in lines if ours != theirs), "one is longer")


# Incidents


def write_nothing(folder, directory):
    """A file for each stream, with no incident in it: a folder without any file is refused, since it may be the wrong one."""
    directory.mkdir()
    for stream in read(folder / "index.json"):
        (directory / f"{stream['scenario']}.ndjson").touch()
    return directory


def write_alarms(rng, folder, directory):
    directory.mkdir(exist_ok=True)
    truths, rises = read(folder / "truth.json"), read(folder / "real_rises.json", [])
    everywhere = sorted({cell for truth in truths for cell in truth["cells"]})
    for stream in read(folder / "index.json"):
        incidents = []
        for truth in (truth for truth in truths if truth["scenario"] == stream["scenario"]):
            while rng.random() < SHARE_FOUND:
                incidents.append(about(rng, truth, everywhere))
            if truth["expect"] == "coarse_ok":
                incidents.extend(barely_wide(rng, truth, everywhere))
        for _ in range(rng.randrange(4)):
            detected = instant(stream["start"]) + timedelta(seconds=rng.uniform(0, 8 * 86_400))
            incidents.append(revisions(rng, any_provider(rng), detected, rng.sample(everywhere, rng.randint(1, 4))))
        for rise in rng.sample(rises, min(len(rises), rng.randrange(3))):
            detected = instant(rise["start"]) + timedelta(seconds=rng.choice([0, 1800, 5400, rng.uniform(-600, 9000)]))
            incidents.append(revisions(rng, any_provider(rng), detected, beside(rng, centre_child(rise["cell"]))))
        if rng.random() < 0.9:
            lines = named(rng, incidents)
            (directory / f"{stream['scenario']}.ndjson").write_text("".join(lines))
    return directory


def about(rng, truth, everywhere):
    """The revisions of an incident that may well be about this truth."""
    seconds = truth.get("injected_received_s") or [0]
    delay = rng.choice([rng.uniform(-2000, 20_000), rng.uniform(0, 3600), rng.choice(seconds), sorted(seconds)[len(seconds) > 1]])
    limit = max(instant(truth["end"]), instant(truth["last_report"])) + timedelta(minutes=20)
    onset = instant(truth["onset"])
    detected = rng.choice([onset + timedelta(seconds=delay)] * 8 + [onset, limit, limit + timedelta(microseconds=1)])
    provider = truth["provider"] if truth["provider"] != "*" and rng.random() < 0.9 else any_provider(rng)
    cells = truth["cells"] or everywhere
    chosen = rng.sample(cells, rng.randint(1, len(cells)))
    if rng.random() < 0.3:
        chosen = [cell for seed in chosen[:2] for cell in beside(rng, seed)]
    return revisions(rng, provider, detected, chosen, truth)


def barely_wide(rng, truth, everywhere):
    """Incidents at the border of what a rise everywhere may raise: in the number of cells, in their resolution."""
    provider = truth["provider"] if truth["provider"] != "*" else "alpha"
    line = {"detected_at": truth["end"], "provider": provider}
    cells = rng.sample(everywhere, 20)
    return [[line | {"cells": chosen}] for chosen in (cells, cells[1:], [h3.cell_to_parent(cells[0], rng.choice([5, 6]))])]


def revisions(rng, provider, detected, cells, truth=None):
    """One to five lines of one incident, the first not always the earliest."""
    lines = []
    for _ in range(rng.choice([1, 1, 2, 5])):
        line = {"detected_at": written(rng, detected), "provider": provider, "cells": regrained(rng, cells)}
        if rng.random() < 0.7:
            line["resolved_at"] = written(rng, detected + timedelta(minutes=rng.uniform(0, 300)))
        elif rng.random() < 0.3:
            line["resolved_at"] = rng.choice([None, ""])
        if rng.random() < 0.6:
            onset = instant(truth["onset"]) if truth else detected
            line["onset_estimate"] = written(rng, onset + timedelta(seconds=rng.gauss(0, 900)))
        lines.append(line)
        detected += timedelta(seconds=rng.uniform(-300, 1800))
        cells = rng.sample(cells, rng.randint(1, len(cells)))
    return lines


def regrained(rng, cells):
    """The cells, some of them as their ancestor or a descendant; sometimes of a whole region, once in a while of half a continent."""
    resolution = rng.choice([7] * 6 + [4, 5, 6, 8, 9] + [2, 3] * (rng.random() < 0.1))
    return [regrain(cell, resolution) if rng.random() < 0.5 else cell for cell in cells]


def regrain(cell, resolution):
    return h3.cell_to_parent(cell, resolution) if resolution <= 7 else h3.cell_to_center_child(cell, resolution)


def centre_child(cell):
    return h3.cell_to_center_child(cell, 7) if h3.get_resolution(cell) < 7 else cell


def beside(rng, cell):
    """Cells one or two steps away: neighbours count, theirs do not."""
    return rng.sample(sorted(h3.grid_ring(cell, rng.choice([1, 1, 2, 3]))), rng.randint(1, 3))


def named(rng, incidents):
    """The lines of all incidents, mixed as time would mix them, under names that may be missing or shared."""
    lines = []
    for incident in incidents:
        name = rng.choice([*NAMES, *(f"i{n}" for n in range(20))])
        for line in incident:
            if name is not None or rng.random() < 0.2:
                line["incident_id"] = name
            lines.append(json.dumps(line) + rng.choice(["\n", "\n", "\n\n", "\r\n"]))
    if rng.random() < 0.3:
        rng.shuffle(lines)
    return lines


def any_provider(rng):
    return rng.choice(["alpha", "bravo", "charlie", "new-x"])


# Another set


def twist(rng, folder, target):
    """The set with a natural outage, a device that hops, a second outage in a stream, another source, odd fields."""
    copy_set(folder, target)
    if rng.random() < 0.5:
        (target / "real_rises.json").unlink()
    index, truths = read(folder / "index.json"), read(folder / "truth.json")
    for truth in truths:
        truth["onset"] = written(rng, instant(truth["onset"]) + timedelta(seconds=rng.uniform(-1, 1)))
        if truth["family"] in ("rush", "rural") and rng.random() < 0.5:
            truth["family"] = "natural"
        if truth["family"] == "spam_few":
            truth.update(family="spam_hop", cells=[])
        if truth["family"] == "spam_one" and rng.random() < 0.5:
            truth["expect"] = "undecided"
        if truth["family"].startswith("global"):
            del truth["injected"]
    other = dict(truths[0], provider="charlie", scenario=truths[1]["scenario"], onset=truths[1]["onset"], end=truths[1]["end"])
    truths.append(other)
    for stream in index:
        if stream["family"] == "slow_burn":
            renamed = stream["scenario"].replace("nyc", "elsewhere")
            for truth in truths:
                truth["scenario"] = renamed if truth["scenario"] == stream["scenario"] else truth["scenario"]
            stream["scenario"] = renamed
        stream["stop"] = written(rng, instant(stream["stop"]) + timedelta(seconds=rng.uniform(0, 1e6)))
        stream.pop("providers" if rng.random() < 0.5 else "seed")
    rng.shuffle(index)
    write(target / "index.json", index)
    write(target / "truth.json", truths)
    return target


def copy_set(folder, target):
    """The three tables of a set, without its streams."""
    target.mkdir(parents=True)
    for file in ["index.json", "truth.json", "real_rises.json"]:
        if (folder / file).exists():
            (target / file).write_bytes((folder / file).read_bytes())
    return target


# Files and times


def read(path, otherwise=None):
    return json.loads(path.read_text()) if path.exists() or otherwise is None else otherwise


def write(path, value):
    path.write_text(json.dumps(value))


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def written(rng, moment):
    """The moment in one of the forms that RFC 3339 allows, to the second or finer."""
    moment = moment.astimezone(timezone.utc)
    form = rng.randrange(4)
    if form == 0:
        return moment.isoformat(timespec="milliseconds")
    if form == 1:
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if form == 2:
        return moment.astimezone(timezone(timedelta(hours=-4))).isoformat(timespec="seconds")
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


if __name__ == "__main__":
    main()

"""Does the guard of detection's quality fail where a figure is worse, name it, and pass where all is as it was?

Runs `groundswell-lab guard` on one stream of the small set and on one rehearsal, far less than `make guard` does, and writes what came of it.
Then holds that against files in which one figure after the other was better, worse, or missing.
"""

import argparse
import subprocess
import tomllib
from pathlib import Path

import sets
from checks import Checks
from server import store_directory

STREAM, SCENARIO, SEEDS = "city-local-00", "vodafone-uk-2020", "2"
# Far beyond any noise.
FAR = 1_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell-lab to test, e.g. target/debug/groundswell-lab")
    arguments = parser.parse_args()
    checks = Checks()
    small = sets.small_set(arguments.binary)
    print(f"runs on {STREAM} of {sets.SHOWN[sets.SMALL]} and on {SCENARIO}", flush=True)
    with store_directory() as directory:
        check(checks, arguments.binary, small, Path(directory))
    checks.close()


def check(checks, binary, small, work):
    measured = work / "measured.toml"
    what = ["--set", small, "--streams", STREAM, "--rehearsal", SCENARIO, "--seeds", SEEDS, "--history-weeks", "1"]
    done = guard(binary, *what, "--file", measured, "--write")
    checks.equal(done.returncode, 0, "a first run writes its figures")
    checks.that(all(part in done.stdout for part in [f"set {small.name}", f"rehearsal {SCENARIO}", "SCORE", "\ncurve "]), "it prints tables and curve", done.stdout)
    figures = tomllib.loads(measured.read_text())
    of_set, of_rehearsal = figures["set"][small.name], figures["rehearsal"][SCENARIO]
    checks.that({"found", "false_alarms_a_week", "precision", "recall", "score", "found_at_4"} <= of_set.keys(), "the figures of a set are there", str(of_set))
    checks.that({"flagged", "first_delay_min", "healthy_flagged", "false_ends"} <= of_rehearsal.keys(), "so are those of a rehearsal", str(of_rehearsal))
    checks.equal(guard(binary, "--measured", measured, "--file", measured).returncode, 0, "what is as it was passes")
    for kind, name, figure, better in [("set", small.name, "found", 1), ("set", small.name, "score", -1), ("rehearsal", SCENARIO, "first_delay_min", -1)]:
        bound = figures[kind][name][figure]
        for claim, value, code in [("better", bound["value"] - better * FAR, 0), ("WORSE", bound["value"] + better * FAR, 1)]:
            done = guard(binary, "--measured", measured, "--file", rewritten(measured, work, kind, name, figure, value))
            row = next((row for row in done.stdout.splitlines() if row.split()[:1] == [figure] and row.endswith(claim)), None)
            checks.that(done.returncode == code and row, f"{figure} of {value:.1f} in the file: the run is {claim}, exit code {code}", done.stdout + done.stderr)
            named = f"{kind} {name}: {figure} is" in done.stderr
            checks.that(named == bool(code), f"{figure} is {'' if code else 'not '}named", done.stderr)
    within = bound["value"] - bound["noise"] / 2
    done = guard(binary, "--measured", measured, "--file", rewritten(measured, work, kind, name, figure, within))
    checks.that(done.returncode == 0 and "within noise" in done.stdout, "what is worse within its noise passes", done.stdout)
    more = work / "more.toml"
    more.write_text(measured.read_text() + "\n[set.other]\nfound = { value = 1.0, noise = 0.0 }\n")
    done = guard(binary, "--measured", measured, "--file", more)
    checks.that(done.returncode == 1 and "set other was not measured" in done.stderr, "what the file has and nobody measured fails", done.stderr)


def rewritten(measured, work, kind, name, figure, value):
    """The file with another value of one figure."""
    lines, table = [], None
    for line in measured.read_text().splitlines():
        table = line.strip("[]") if line.startswith("[") else table
        if table == f"{kind}.{name}" and line.startswith(f"{figure} = "):
            line = f"{figure} = {{ value = {float(value)!r}, noise = {line.split('noise = ')[1]}"
        lines.append(line)
    other = work / "rewritten.toml"
    other.write_text("\n".join(lines) + "\n")
    return other


def guard(binary, *arguments):
    command = [str(word) for word in [Path(binary).resolve(), "guard", *arguments]]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

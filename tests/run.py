"""Runs the checks of this project, some at a time, shows what each printed, says where the time went, and closes with one line that counts them all.

`make test` runs all; `make check` what a change should pass before each commit; `make nightly` all at full length.
`python3 tests/run.py crash api_fuzz` runs only those, and what they need. Installs what the checks need into the target
directory, Redis, Caddy, libfaketime, Node and Chromium into the system. A step that is no test counts as one; a step that fails without a failed
test counts as one failure.
"""

import argparse
import importlib.util
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from server import ROOT, STORES

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
VENV = TARGET / "venv"
NPM = TARGET / "npm"
PYTHON = VENV / "bin" / "python"
BINARY = TARGET / "debug" / "groundswell"
LAB = TARGET / "debug" / "groundswell-lab"
CLOSING_LINES = [re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;"), re.compile(r"^(\d+) passed, (\d+) failed$")]
# What a failed step printed last is shown once more at the end: how many lines of it.
LAST_LINES = 12
NO_TALKING_HOME = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


# What each lane prefers: two compute, as machines have two cores or more; one takes only what mostly waits.
COMPUTES, WAITS = "computes", "waits"
LANES = [COMPUTES, COMPUTES, WAITS]
INSTALLS = threading.Lock()
# The first whose test runner and whose `fetch` the client can rely on.
LEAST_NODE = 20


@dataclass
class Step:
    """A command, or a function that prepares something."""

    name: str
    command: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    # Steps that must have succeeded before.
    after: tuple = ()
    counts_tests: bool = False
    prepare: object = None
    # Whether it mostly waits: for clocks that run many times as fast, and for servers that are killed to come back.
    mostly: str = COMPUTES


@dataclass
class Result:
    """How a step went: tests that passed and failed."""

    name: str
    passed: int
    failed: int
    seconds: float
    last_lines: deque


def cargo_step(name, *arguments, **more):
    return Step(name, [os.environ.get("CARGO", "cargo"), *arguments], **more)


def script(name, *arguments, step=None, binary=BINARY, mostly=COMPUTES, prepare=None):
    command = [str(PYTHON), f"tests/{name}.py", str(binary), *arguments]
    return Step(step or name, command, after=("tools", "build"), counts_tests=True, mostly=mostly, prepare=prepare)


def on_every_store(name, *arguments, **more):
    """A script on each store, with more arguments on some."""
    step = {store: name if store == "embedded" else f"{name}_{store}" for store in STORES}
    return [script(name, "--store", store, *arguments, *more.get(store, []), step=step[store]) for store in STORES]


def quick_steps():
    """What a change should pass before each commit, in less than a minute."""
    return [
        cargo_step("format", "fmt", "--all", "--check"),
        cargo_step("clippy", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"),
        # The house and the specification are held there, too.
        cargo_step("unit", "test", "--locked", "--workspace", "--lib", "--bins", "--no-fail-fast", counts_tests=True),
    ]


def all_steps(nightly):
    """All steps, in the order in which they begin where nothing else holds them up. At night, each at full length."""
    format_step, clippy, unit = quick_steps()
    at_night = lambda *arguments: arguments if nightly else ()
    steps = [
        Step("tools", prepare=install_tools),
        format_step,
        cargo_step("build", "build", "--locked", "--workspace", "--bins"),
        unit,
        cargo_step("whole", "test", "--locked", "--test", "all", "--no-fail-fast", after=("tools", "build"), counts_tests=True),
        script("demo", binary=LAB, mostly=WAITS),
        *on_every_store("crash", *at_night("--kills", "50")),
        script("failover", *at_night("--nightly"), mostly=WAITS),
        script("redis_away", *at_night("--nightly"), mostly=WAITS),
        script("api_fuzz", "--schemathesis", str(VENV / "bin/schemathesis"), *at_night("--nightly")),
        script("same_incidents", *at_night("--nightly", "--all")),
        script("two_nodes", *at_night("--kills", "30"), mostly=WAITS),
        clippy,
        *on_every_store("nyc_day", **{} if nightly else {store: ["--sets", "small"] for store in STORES if store != "embedded"}),
        script("cluster_moves", mostly=WAITS),
        script("topology", mostly=WAITS),
        script("internet"),
        *on_every_store("from_nothing"),
        script("backtest", binary=LAB),
        script("guard", step="guard_short", binary=LAB),
        script("recompute"),
        script("explain"),
        script("analyst"),
        script("tiles"),
        script("map_browser", "--maplibre", str(NPM / "node_modules/maplibre-gl/dist"), prepare=install_browser),
        script("generated_client"),
        script("client"),
        script("openmetrics"),
        script("archive"),
        cargo_step("docs", "doc", "--locked", "--workspace", "--no-deps", environment={"RUSTDOCFLAGS": "-D warnings"}),
        Step("openapi", [str(NPM / "node_modules/.bin/redocly"), "lint", "openapi/openapi.json"], NO_TALKING_HOME, after=("tools",)),
    ]
    if nightly:
        steps += [
            script("client_browser", prepare=install_browser),
            cargo_step("guard", "run", "--locked", "--package", "groundswell-lab", "--", "guard", after=("build",)),
            cargo_step("dist", "build", "--locked", "--profile", "dist", "--bin", "groundswell"),
        ]
    return steps


def main():
    # Where it was begun in the background, interrupts are ignored, and every child would inherit that: also those whose tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [step.name for step in all_steps(nightly=True)]
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"run only these, and what they need: {', '.join(names)}")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--check", action="store_true", help="only what a change should pass before each commit")
    which.add_argument("--nightly", action="store_true", help="all at full length")
    arguments = parser.parse_args()
    if unknown := set(arguments.steps) - set(names):
        parser.error(f"there is no step {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    steps = quick_steps() if arguments.check else all_steps(arguments.nightly or bool(set(arguments.steps) & {"guard", "dist", "client_browser"}))
    if arguments.steps:
        steps = with_needs(arguments.steps, steps)
    began = time.monotonic()
    results = run_all(steps)
    for result in results:
        if result.failed:
            print(f"\nHow {result.name} ended:", *result.last_lines, sep="\n| ")
    report(results, time.monotonic() - began)
    sys.exit(1 if any(result.failed for result in results) else 0)


def report(results, seconds):
    """Says how each step ended, the longest first, how long all took, and how many tests there were."""
    print()
    for result in sorted(results, key=lambda result: -result.seconds):
        state = "FAILED" if result.failed else "ok"
        print(f"{state:8}{result.name:16}{result.passed:5} passed{result.failed:5} failed{result.seconds:8.1f} s")
    print(f"{sum(result.seconds for result in results):.0f} s of steps in {seconds:.0f} s, {len(LANES)} at a time")
    print(f"{sum(result.passed for result in results)} passed, {sum(result.failed for result in results)} failed", flush=True)


def with_needs(names, steps):
    """The steps of these names, and those that must be before them."""
    wanted = set(names)
    for step in reversed(steps):
        if step.name in wanted:
            wanted |= set(step.after)
    return [step for step in steps if step.name in wanted]


def run_all(steps):
    """Runs the steps, some at a time, each as soon as all it needs has succeeded. What needs a failed one fails without being run."""
    waiting, results = list(steps), []
    changed = threading.Condition()

    def next_step(lane):
        """Takes the first step that may begin, of the lane's own kind before others; waits for one; none where all have begun."""
        with changed:
            while waiting:
                done = {result.name: result.failed for result in results}
                mine = [step for step in waiting if lane == COMPUTES or step.mostly == lane]
                if not mine:
                    break
                for step in sorted(mine, key=lambda step: step.mostly != lane):
                    if any(done.get(needed) for needed in step.after):
                        waiting.remove(step)
                        because = f"not run: {', '.join(needed for needed in step.after if done.get(needed))} failed"
                        results.append(Result(step.name, 0, 1, 0.0, deque([because])))
                        changed.notify_all()
                        break
                    if all(needed in done for needed in step.after):
                        waiting.remove(step)
                        return step
                else:
                    changed.wait()
        return None

    def work(lane):
        while step := next_step(lane):
            print(f"--- {step.name} begins", flush=True)
            shown = io.StringIO()
            result = run(step, shown)
            with changed:
                # In one piece, so that lanes do not mix.
                print(shown.getvalue(), end="", flush=True)
                results.append(result)
                changed.notify_all()

    lanes = [threading.Thread(target=work, args=(lane,)) for lane in LANES]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    return results


def run(step, out):
    """Runs one step, and shows how."""
    show = lambda *text, **how: print(*text, **how, file=out, flush=True)
    show(f"\n=== {step.name}{': ' if step.command else ''}{' '.join(step.command)}")
    began = time.monotonic()
    last_lines = deque(maxlen=LAST_LINES)
    try:
        if step.prepare:
            step.prepare()
        code, passed, failed = stream(step, last_lines, show) if step.command else (0, 0, 0)
    except (OSError, subprocess.CalledProcessError, Missing) as error:
        show(error)
        last_lines.append(str(error))
        code, passed, failed = 1, 0, 0
    if code != 0:
        show(f"step {step.name} failed with exit code {code}")
        failed = max(failed, 1)
    elif not step.counts_tests:
        passed = 1
    elif passed + failed == 0:
        show(f"step {step.name} ran no test")
        failed = 1
    return Result(step.name, passed, failed, time.monotonic() - began, last_lines)


def stream(step, last_lines, show):
    """Runs a command and shows its output as it comes; returns its exit code and the tests that its closing lines count."""
    passed = failed = 0
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    with subprocess.Popen(step.command, cwd=ROOT, env=os.environ | step.environment, text=True, errors="replace", **pipes) as process:
        for line in process.stdout:
            last_lines.append(line.rstrip())
            closing = next((match for pattern in CLOSING_LINES if (match := pattern.match(line))), None)
            if closing:
                passed += int(closing[1])
                failed += int(closing[2])
            # Only the last line of all may read like a sum.
            show(f"| {line}" if closing else line, end="")
    return process.returncode, passed, failed


class Missing(Exception):
    """Something that this script can not install."""


def install_tools():
    """Puts the Python packages, the linter and the map into the target directory, unless the very same are there, the rest into the system."""
    wanted = ROOT / "tests/requirements.txt"
    if not same(wanted, VENV / wanted.name):
        if importlib.util.find_spec("ensurepip") is None:
            install_system_package("python3-venv")
        call(sys.executable, "-m", "venv", "--clear", VENV)
        call(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted)
        shutil.copy(wanted, VENV)
    wanted = ROOT / "tests/npm/package.json"
    if not same(wanted, NPM / "installed.json"):
        if shutil.which("npm") is None:
            install_system_package("npm")
        NPM.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, NPM)
        call("npm", "install", "--prefix", NPM, "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        shutil.copy(wanted, NPM / "installed.json")
    programs = {"redis-server": "redis-server", "redis-cli": "redis-tools", "openssl": "openssl", "faketime": "faketime", "caddy": "caddy", "curl": "curl"}
    for program, package in programs.items():
        if shutil.which(program) is None:
            install_system_package(package)
    insist_on_node()
    print(f"Python packages are in {VENV.name}, the linter and the map are in {NPM.name}, both in the target directory; Redis, Caddy, libfaketime and Node are there")


def insist_on_node():
    """Puts Node into the system where it is missing. One that is there is left as it is, and must be new enough."""
    if shutil.which("node") is None:
        install_system_package("nodejs")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < LEAST_NODE:
        raise Missing(f"the checks need Node {LEAST_NODE} or later, and here is {version}: install a newer one, then run make test again")


def install_browser():
    """Puts Chromium into the system where it is missing. Steps that need it may begin at once, and one must wait for the other."""
    with INSTALLS:
        if shutil.which("chromium") is None:
            install_system_package("chromium")


def same(wanted, installed):
    return installed.exists() and installed.read_bytes() == wanted.read_bytes()


def install_system_package(name):
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Missing(f"the checks need {name}: install it with the package manager of this system, then run make test again")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    call("apt-get", "update", "-qq")
    call("apt-get", "install", "-y", "-qq", "--no-install-recommends", name)


def call(*command):
    subprocess.run([str(part) for part in command], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

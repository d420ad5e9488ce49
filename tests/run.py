"""Runs every check of this project in order, shows what they print, and closes with one line that counts them all.

`make test` runs all; `python3 tests/run.py crash api_fuzz` only those. Installs what the checks need into the target
directory, Redis and libfaketime into the system. A step that is no test counts as one; a step that fails without a failed test
counts as one failure.

Scripts that wait most of their time run beside others, each step shown as a whole once it is over.
"""

import argparse
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
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


@dataclass
class Step:
    """A command, or a function that prepares something."""

    name: str
    command: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    counts_tests: bool = False
    prepare: object = None


@dataclass
class Result:
    """How a step went: tests that passed and failed."""

    name: str
    passed: int
    failed: int
    seconds: float
    last_lines: deque


def script(name, *arguments, step=None, binary=BINARY):
    return Step(step or name, [str(PYTHON), f"tests/{name}.py", str(binary), *arguments], counts_tests=True)


def on_every_store(name, **more):
    """A script on each store, with more arguments on some."""
    step = {store: name if store == "embedded" else f"{name}_{store}" for store in STORES}
    return [script(name, "--store", store, *more.get(store, []), step=step[store]) for store in STORES]


def stages():
    """What runs one after the other: of each stage the lanes that run at the same time, of each lane its steps, in order."""
    cargo = os.environ.get("CARGO", "cargo")
    return [
        [[
            Step("tools", prepare=install_tools),
            Step("format", [cargo, "fmt", "--check"]),
            Step("clippy", [cargo, "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]),
            Step("test", [cargo, "test", "--locked", "--workspace", "--no-fail-fast"], counts_tests=True),
            Step("docs", [cargo, "doc", "--locked", "--workspace", "--no-deps"], {"RUSTDOCFLAGS": "-D warnings"}),
            Step("openapi", [str(NPM / "node_modules/.bin/redocly"), "lint", "openapi/openapi.json"], NO_TALKING_HOME),
            Step("build", [cargo, "build", "--locked", "--workspace", "--bins"]),
            script("backtest", binary=LAB),
            script("recompute"),
            script("same_incidents"),
            script("explain"),
            script("analyst"),
            script("generated_client"),
        ]],
        [[script("demo", binary=LAB), script("openmetrics")], [script("failover")]],
        [[*on_every_store("nyc_day"), *on_every_store("crash", cluster=["--kills", "15"])]],
        [
            [script("api_fuzz", "--schemathesis", str(VENV / "bin/schemathesis"))],
            # One lane of a stage may start Redis servers: they look for free ports.
            [script("two_nodes"), script("redis_away"), script("cluster_moves"), script("topology")],
        ],
    ]


def main():
    all_stages = stages()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [step.name for stage in all_stages for lane in stage for step in lane]
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"run only these: {', '.join(names)}")
    wanted = parser.parse_args().steps
    if unknown := set(wanted) - set(names):
        parser.error(f"there is no step {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = [[[step for step in lane if not wanted or step.name in wanted] for lane in stage] for stage in all_stages]
    results = [result for stage in chosen for result in run_stage([lane for lane in stage if lane])]
    for result in results:
        if result.failed:
            print(f"\nHow {result.name} ended:", *result.last_lines, sep="\n| ")
    print()
    for result in results:
        state = "FAILED" if result.failed else "ok"
        print(f"{state:8}{result.name:16}{result.passed:5} passed{result.failed:5} failed{result.seconds:8.1f} s")
    failed = sum(result.failed for result in results)
    print(f"{sum(result.passed for result in results)} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


def run_stage(lanes):
    """Runs lanes at the same time. Of several, what a step prints is shown once it is over."""
    if len(lanes) < 2:
        return [run(step, sys.stdout) for lane in lanes for step in lane]
    print("\n=== at the same time:", *(" then ".join(step.name for step in lane) for lane in lanes), sep="\n    ", flush=True)
    with ThreadPoolExecutor(len(lanes)) as threads:
        return [result for results in threads.map(run_quietly, lanes) for result in results]


def run_quietly(lane):
    results = []
    for step in lane:
        shown = io.StringIO()
        results.append(run(step, shown))
        # In one piece, so that lanes do not mix.
        print(shown.getvalue(), end="", flush=True)
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
    """Puts the Python packages and the linter into the target directory, unless the very same are there, Redis and libfaketime into the system."""
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
    for program, package in [("redis-server", "redis-server"), ("redis-cli", "redis-tools"), ("openssl", "openssl"), ("faketime", "faketime")]:
        if shutil.which(program) is None:
            install_system_package(package)
    print(f"Python packages are in {VENV.name}, the linter is in {NPM.name}, both in the target directory; Redis and libfaketime are there")


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

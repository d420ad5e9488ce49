"""Asks the API everything its own description allows, and much that it does not: schemathesis with all checks.

The server has a quiet past and an incident that goes on, so that there is something to ask about. Another one takes keys
only, and is asked with a key of each scope.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
from pathlib import Path

from checks import Checks
from past import CITIES, clock, quiet_past, report
from processes import wait_until
from server import REPORTER_KEY, ROOT, Server, ask, store_directory

PHASES = "examples,coverage,fuzzing,stateful"
FEWEST_CASES = 2_000
# By night it is as many as schemathesis.toml says.
EXAMPLES = 50
# Of a server that takes keys, by each key: most of its calls are refused.
EXAMPLES_BY_KEY = 10
SCOPES = ["admin", "exact", "read", "report"]
READY_SECONDS = 120
TOLD_SECONDS = 60


def main():
    arguments = parse_arguments()
    checks = Checks()
    with store_directory() as directory, server_with_past(arguments.binary, directory) as server:
        server.start()
        incident = let_fail(server)
        report_path = Path(directory, "report.json")
        examples = arguments.max_examples or (None if arguments.nightly else EXAMPLES)
        code = fuzz(arguments, server, directory, report_path, incident, examples)
        told = json.loads(report_path.read_text()) if report_path.exists() else {}
        cases = told.get("test_cases", {}).get("generated", 0)
        print(f"{cases} cases, of which valid ones: {json.dumps(told.get('valid_rates'))}")
        checks.equal(code, 0, f"schemathesis found no fault in {cases} cases")
        checks.that(cases >= FEWEST_CASES, f"there were at least {FEWEST_CASES} cases", f"there were {cases}")
        lives_on(checks, server)
    with store_directory() as directory:
        fuzz_by_keys(arguments, checks, directory)
    checks.close()


def lives_on(checks, server):
    """Checks that the server took no harm, and stops it."""
    checks.that(server.is_running(), "the server still runs")
    log = server.log_path.read_text(errors="replace").splitlines()
    bad = [line for line in log if '"level":"ERROR"' in line or "panicked" in line]
    checks.that(not bad, "the server logged no error and no panic", str(bad[:1]))
    checks.equal(server.stop(), 0, "the server stops on SIGTERM with exit code 0")


def fuzz_by_keys(arguments, checks, directory):
    """Asks a server that takes keys only, with a key of each scope."""
    store = Path(directory, "store")
    with Server(arguments.binary, store) as server:
        server.start()
        keys = {scope: create_key(server, scope) for scope in SCOPES}
        server.stop()
    unlimited = ["--reports-per-minute", "0", "--reads-per-minute", "0"]
    with Server(arguments.binary, store, "--auth", "keys", "--anonymous", "none", *unlimited) as server:
        server.start()
        for scope, key in keys.items():
            report_path = Path(directory, f"{scope}.json")
            code = fuzz(arguments, server, directory, report_path, "0" * 16, EXAMPLES_BY_KEY, key)
            checks.equal(code, 0, f"schemathesis found no fault with a key that may {scope}")
        lives_on(checks, server)


def create_key(server, scope):
    """A key of that scope, from a server that everybody on this machine runs."""
    headers = {"Content-Type": "application/json"}
    with contextlib.closing(server.connect()) as connection:
        status, source = ask(connection, "POST", "/v1/sources", json.dumps({"name": f"app that may {scope}"}), headers)
        body = {"name": scope, "source": source["number"], "scopes": [scope]}
        status, key = ask(connection, "POST", "/v1/keys", json.dumps(body), headers)
    assert status == 201, key
    return key["key"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nightly", action="store_true", help="as many cases as schemathesis.toml says")
    parser.add_argument("--max-examples", type=int, help=f"cases per operation and phase, instead of {EXAMPLES}, or of those in schemathesis.toml")
    parser.add_argument("--schemathesis", default=str(ROOT / "target/venv/bin/schemathesis"), help="the program to run")
    return parser.parse_args()


def server_with_past(binary, directory):
    return Server(binary, quiet_past(binary, directory), "--clock", clock(), environment={"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY})


def let_fail(server):
    """Lets a provider fail, and returns the incident that says so, once it does."""
    ready = lambda: server.try_get("/v1/spikes")[0] == 200 and not server.get("/v1/spikes")["stale"]
    wait_until(ready, READY_SECONDS, lambda: f"detection should catch up:\n{server.log_end()}")
    draw = random.Random(3)
    reports = [report(draw, "charlie", CITIES[0]) for _ in range(40)]
    with contextlib.closing(server.connect()) as connection:
        ask(connection, "POST", "/v1/reports/batch", json.dumps(reports), {"Content-Type": "application/json"})
    told = lambda: server.get("/v1/incidents")["items"]
    wait_until(told, TOLD_SECONDS, lambda: f"the failure should be told:\n{server.log_end()}")
    return told()[0]["id"]


def fuzz(arguments, server, directory, report_path, incident, examples, key=None):
    """Runs schemathesis, and returns its exit code."""
    url = f"http://127.0.0.1:{server.port}"
    command = [arguments.schemathesis, "--config-file", str(ROOT / "tests/schemathesis.toml"), "run", f"{url}/openapi.json"]
    command += ["--url", url, "--checks", "all", "--phases", PHASES, "--seed", str(arguments.seed)]
    command += ["--report", "json", "--report-json-path", str(report_path)]
    if examples:
        command += ["--max-examples", str(examples)]
    if key:
        command += ["--header", f"Authorization: Bearer {key}"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(ROOT / "tests"), "INCIDENT": incident}
    # It leaves folders behind where it runs.
    return subprocess.run(command, cwd=directory, env=environment).returncode


if __name__ == "__main__":
    main()

"""Can apps rely on what docs/clients.md says? The vectors against a real server, the JavaScript client against the vectors, and both together.

Each request of clients/vectors is sent to a server in the state that the vector names, and must be answered as the vector says. The tests
of clients/javascript run over the same vectors. At last phones with a queue in a file report through a network that is cut, and are killed,
as is the server: each report must count once. `--write` writes what the server answers into the vectors.
"""

import argparse
import contextlib
import itertools
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema

import vectors
from checks import Checks
from counted_once import check_counts
from crowd import Reports, iso
from processes import Process, wait_until
from redis_servers import Redis
from server import ROOT, Server, ask, store_directory

CLIENT = ROOT / "clients" / "javascript"
DOCUMENT = ROOT / "docs" / "clients.md"
LEAST_NODE = 20
# Of calls that send no reports: what reads, and what runs the server.
OTHER_CODES = {"out_of_retention", "too_many_cells", "catching_up"}
PHONES = 3
REPORTS = 240
DISASTERS = 12
SETTLED_SECONDS = 120
NODE_COUNTS = {name: re.compile(rf"^# {name} (\d+)$", re.M) for name in ("pass", "fail")}


def main():
    arguments = parse_arguments()
    insist_on_node()
    checks = Checks()
    files = vectors.files()
    check_form(checks, files)
    check_answers(checks, arguments, files)
    if arguments.write:
        for path, content in files.items():
            path.write_text(vectors.dumped(content))
    check_codes(checks, files)
    check_client(checks)
    check_phones(checks, arguments)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the answers of this server into the vectors")
    return parser.parse_args()


def insist_on_node():
    """Ends the script where there is no node, or one too old."""
    install = f"install Node {LEAST_NODE} or later, or let tests/run.py do it"
    if shutil.which("node") is None:
        sys.exit(f"there is no node: {install}")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < LEAST_NODE:
        sys.exit(f"node is {version}: {install}")


def check_form(checks, files):
    """The vectors fit their schema, have names of their own, and are written as the script writes them."""
    validator = jsonschema.Draft202012Validator(json.loads(vectors.SCHEMA.read_text()))
    for path, content in files.items():
        faults = [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(content)]
        checks.equal(faults, [], f"{path.name} fits the schema")
        checks.that(path.read_text() == vectors.dumped(content), f"{path.name} is written as --write writes it")
    names = [vector["name"] for content in files.values() for vector in content["vectors"]]
    checks.equal(sorted(names), sorted(set(names)), f"{len(names)} vectors have names of their own")


def check_codes(checks, files):
    """Every code of the API that a client can meet has a vector, and stands in the document."""
    document = json.loads((ROOT / "openapi/openapi.json").read_text())
    codes = set(document["components"]["schemas"]["ProblemCode"]["x-extensible-enum"])
    bodies = [vector["answer"].get("body", {}) for content in files.values() for vector in content["vectors"] if vector["answer"]]
    met = {body.get("code") for body in bodies} | {result.get("code") for body in bodies for result in body.get("results", [])}
    checks.equal(codes - OTHER_CODES - met, set(), "every code that a report can meet has a vector")
    text = DOCUMENT.read_text()
    checks.equal({code for code in codes if f"`{code}`" not in text}, set(), f"all {len(codes)} codes stand in {DOCUMENT.name}")


def check_answers(checks, arguments, files):
    """Each request is answered as its vector says, by a server in the state that the vector names."""
    by_state = defaultdict(list)
    for content in files.values():
        for vector in content["vectors"]:
            by_state[vector.get("server")].append(vector)
    with store_directory() as directory:
        with Server(arguments.binary, f"{directory}/open") as server:
            check_vectors(checks, arguments, by_state["open"], server.start(), {})
        keys = KeyMaker(arguments.binary, f"{directory}/keys").make()
        for state, anonymous in [("keys", "report"), ("keys_only", "none")]:
            with Server(arguments.binary, f"{directory}/keys", "--auth", "keys", "--anonymous", anonymous) as server:
                check_vectors(checks, arguments, by_state[state], server.start(), keys)
        with Redis("always") as redis, Server(arguments.binary, redis.start().url, "--timing", "answer=2s,repeat=1s,reply=500ms", logs=directory) as server:
            server.start()
            redis.kill()
            check_vectors(checks, arguments, by_state["store_away"], server, {})


def check_vectors(checks, arguments, some, server, keys):
    filling = vectors.Filling(time.time(), keys)
    # One waits for five seconds: all wait at once.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda vector: answered(server, vector, filling), some))
    for vector, answer in zip(some, answers):
        answer = vectors.with_varying_of(answer, vector["answer"], vector.get("varies", []))
        if arguments.write:
            vector["answer"] = answer
        checks.equal(answer, vector["answer"], f"{vector['name']} is answered as the vector says")


def answered(server, vector, filling):
    for before in vector.get("before", []):
        vectors.asked(server.port, filling.fill(before))
    return vectors.shown(vectors.asked(server.port, filling.fill(vector["request"])))


class KeyMaker:
    """Makes the keys that vectors name, on a server that only this machine reaches."""

    SOURCE = "vectors"
    EXPIRES_SECONDS = 2

    def __init__(self, binary, store, origin="https://app.example"):
        self.server = Server(binary, store)
        self.settings = {
            "report": {},
            "read": {"scopes": ["read"]},
            "browser": {"origins": [origin]},
            "alpha": {"providers": ["alpha"]},
            "test": {"test": True},
            "one_a_day": {"limits": {"reports_per_day": 1}},
            "revoked": {},
        }

    def make(self):
        """The text of each key, by the name that vectors call it."""
        with self.server as server:
            server.start()
            # Without one, no server starts that goes by keys.
            self.post("/v1/keys", {"name": "operator", "scopes": ["admin"]})
            source = self.post("/v1/sources", {"name": self.SOURCE})["number"]
            made = {name: self.create(name, source, settings) for name, settings in self.settings.items()}
            made["expired"] = self.create("expired", source, {"expires_at": iso(time.time() + self.EXPIRES_SECONDS)})
            expires = time.monotonic() + self.EXPIRES_SECONDS + 1
            with contextlib.closing(server.connect()) as connection:
                ask(connection, "DELETE", f"/v1/keys/{made['revoked'].split('_')[1]}")
            wait_until(lambda: time.monotonic() > expires, 10, lambda: "a key should expire")
        text = made["report"]
        return made | {"malformed": text[:-1] + ("0" if text[-1] != "0" else "1"), "unknown": self.unknown()}

    def create(self, name, source, settings):
        return self.post("/v1/keys", {"name": name, "source": source, "scopes": ["report"]} | settings)["key"]

    def unknown(self):
        """A key that is sound, and of another store."""
        with store_directory() as directory:
            other = KeyMaker(self.server.process.command[0], f"{directory}/store")
            with other.server as server:
                server.start()
                return other.create("other", other.post("/v1/sources", {"name": "other"})["number"], {})

    def post(self, path, body):
        with contextlib.closing(self.server.connect()) as connection:
            status, answer = ask(connection, "POST", path, json.dumps(body), {"Content-Type": "application/json"})
        if status not in (200, 201):
            sys.exit(f"POST {path} {body} should work, but was answered {status}: {answer}")
        return answer


def check_client(checks):
    """The tests of the client pass."""
    tests = sorted(str(path) for path in (CLIENT / "test").glob("*.test.js"))
    done = subprocess.run(["node", "--test", "--test-reporter=tap", *tests], capture_output=True, text=True)
    counts = {name: int(found[1]) if (found := pattern.search(done.stdout)) else 0 for name, pattern in NODE_COUNTS.items()}
    for line in re.findall(r"^ *not ok \d+ - (.*)$", done.stdout, re.M):
        print(f"FAILED  {line}")
    checks.passed += counts["pass"]
    checks.failed += counts["fail"]
    fine = done.returncode == 0 and 0 < counts["pass"]
    checks.that(fine, f"the client passes its {counts['pass']} tests", (done.stdout + done.stderr)[-4_000:])


class Wire:
    """The network between phones and a server: it leads where it is told to, and can be cut."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.ends = []
        self.leads_to = None
        self.answers_are_lost = False
        self.lost_answers = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client):
        with contextlib.suppress(OSError), client:
            with self.lock:
                port = self.leads_to
            if port is None:
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                with self.lock:
                    self.ends += [client, server]
                answers = threading.Thread(target=self.pump, args=(server, client, True), daemon=True)
                answers.start()
                self.pump(client, server, False)
                answers.join()

    def pump(self, source, target, is_answer):
        with contextlib.suppress(OSError):
            while some := source.recv(65_536):
                if is_answer and self.answers_are_lost:
                    self.lost_answers += 1
                else:
                    target.sendall(some)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def lead_to(self, port):
        """From now on it leads to this port; to nothing where there is none. What was connected is cut."""
        with self.lock:
            self.leads_to = port
            self.answers_are_lost = False
            ends, self.ends = self.ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Phone:
    """A process of the client on a queue that outlives it; what it was given, and what it said."""

    def __init__(self, wire, path):
        self.process = Process(["node", str(ROOT / "tests/client_phone.mjs"), f"http://127.0.0.1:{wire.port}", str(path)])
        self.given, self.taken, self.outcomes, self.faults = {}, set(), defaultdict(list), []

    def start(self):
        self.process.start(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self.listen, args=(self.process.running.stdout,), daemon=True).start()
        # Who was not told that a report was taken gives it again.
        for name in self.given.keys() - self.taken:
            self.say({"report": self.given[name]})

    def listen(self, output):
        with contextlib.suppress(ValueError):
            for line in output:
                self.note(json.loads(line))

    def note(self, event):
        match event:
            case {"type": "taken", "id": name}:
                self.taken.add(name)
            case {"type": "settled", "id": name, "outcome": outcome}:
                self.outcomes[name].append(outcome)
            case {"type": "failed", "error": error}:
                self.faults.append(error)

    def give(self, report):
        self.given[report["id"]] = report
        self.say({"report": report})

    def say(self, command):
        self.process.running.stdin.write(json.dumps(command) + "\n")
        self.process.running.stdin.flush()

    def is_done(self):
        return self.given.keys() <= self.taken & self.outcomes.keys()


def check_phones(checks, arguments):
    """Phones report through disasters, and each report counts once."""
    draw = random.Random(arguments.seed)
    reports = Reports(arguments.seed)
    numbers = iter(range(REPORTS))
    with store_directory() as directory, contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(arguments.binary, f"{directory}/store"))
        wire = Wire()
        phones = [Phone(wire, Path(directory, f"queue-{n}.json")) for n in range(PHONES)]
        wire.lead_to(server.start().port)
        for phone in phones:
            stack.callback(phone.process.kill)
            phone.start()
        disasters = [cut_off, lose_answers, kill_a_phone, kill_the_server] * (DISASTERS // 4)
        for disaster in disasters:
            give = lambda: give_some(draw, phones, reports, numbers)
            give()
            disaster(draw, wire, phones, server, give)
            for phone in phones:
                phone.say({"online": True})
        for number in numbers:
            draw.choice(phones).give(named(reports, number))
        left = lambda: sum(len(phone.given.keys() - phone.outcomes.keys()) for phone in phones)
        wait_until(lambda: all(phone.is_done() for phone in phones), SETTLED_SECONDS, lambda: f"{left()} of {REPORTS} reports should come to an end")
        outcomes = {outcome for phone in phones for outcomes in phone.outcomes.values() for outcome in outcomes}
        checks.equal(outcomes, {"counted", "duplicate"}, f"{REPORTS} reports of {PHONES} phones counted, some were sent again")
        checks.equal([fault for phone in phones for fault in phone.faults], [], "no client failed")
        check_counts(checks, server, range(REPORTS), f"after {len(disasters)} disasters")


def named(reports, number):
    return reports.report(number) | {"id": str(number)}


def give_some(draw, phones, reports, numbers):
    for number in itertools.islice(numbers, REPORTS // (3 * DISASTERS)):
        draw.choice(phones).give(named(reports, number))
        time.sleep(draw.uniform(0, 0.02))


def cut_off(_draw, wire, _phones, server, give):
    """The network is away for a moment."""
    wire.lead_to(None)
    give()
    wire.lead_to(server.port)


def lose_answers(_draw, wire, _phones, server, give):
    """The server takes what it is sent, and nobody hears of it."""
    before = wire.lost_answers
    wire.answers_are_lost = True
    give()
    wait_until(lambda: before < wire.lost_answers, SETTLED_SECONDS, lambda: "an answer should be lost")
    wire.lead_to(server.port)


def kill_a_phone(draw, _wire, phones, _server, give):
    """A phone dies, and starts again on its queue."""
    phone = draw.choice(phones)
    time.sleep(draw.uniform(0, 0.05))
    phone.process.kill()
    phone.start()
    give()


def kill_the_server(draw, wire, _phones, server, give):
    """The server dies, and starts again on its store."""
    time.sleep(draw.uniform(0, 0.05))
    server.kill()
    give()
    wire.lead_to(server.start().port)


if __name__ == "__main__":
    main()

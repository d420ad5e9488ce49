"""What an operator does, from nothing: do the commands of the documents lead to keys, to an app that is cut off, and to its reports taken back?

The commands are those of docs/operating.md. On a store with a quiet past: a start with keys and no admin key is refused with the one command; keys are
created; two apps report an outage each, and one is made up; a map reads both incidents; the app that made it up is cut off, on every node, and its
reports are taken back: its incident becomes withdrawn, the other stays. On a directory the commands go by way of its server; on a Redis and a Cluster,
with two nodes, to the store itself.

Then all that was kept, logged, shown, typed or given as an argument is searched for keys.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import threading
import time
from pathlib import Path
from random import Random

from checks import Checks
from crowd import iso
from documented import OPERATING, Reader, block
from past import CITIES, clock, copied, quiet_past, report
from processes import Process, wait_until
from redis_servers import Cluster, Redis
from secrets_kept import Arguments, Secrets, is_open_to_its_user
from server import REPORTER_KEY, STORES, Server, exchange, store_directory

SERVE = "groundswell serve --auth keys --anonymous none"
# How many times as fast as time the clock of the servers runs.
SPEED = 20
# Of this clock.
REPORTS_A_SECOND = 2.0
# Of time: between two batches.
PAUSE_SECONDS = 0.1
A_BATCH = int(REPORTS_A_SECOND * SPEED * PAUSE_SECONDS)
READY_SECONDS = 60
OPEN_SECONDS = 120
# What is said to one node, or at the store, all know after so long.
KNOWN_SECONDS = 2.0
SETTLED_SECONDS = 120
# Reports of the app that misbehaves, before it is cut off.
ENOUGH = 200
APPS = {"app": ("alpha", CITIES[0]), "other": ("charlie", CITIES[1])}
KEYS = ["admin", "app", "other", "map"]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def main():
    arguments = parse_arguments()
    checks, secrets = Checks(), Secrets()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(store_directory()))
        os.chmod(directory, 0o755)
        binary = Path(shutil.copy(arguments.binary, directory))
        seen = stack.enter_context(Arguments())
        store, redis = place(arguments.store, arguments.binary, directory, stack)
        reader = reader_of(directory, binary, store)
        nodes = [stack.enter_context(server(binary, store, directory)) for _ in range(1 if arguments.store == "embedded" else 2)]
        check_first_key(checks, nodes[0], reader)
        for node in nodes:
            node.start()
        reader.changes += [("http://127.0.0.1:8080", f"http://127.0.0.1:{nodes[0].port}"), ("rogers", "alpha")]
        if arguments.store == "embedded":
            check_in_use(checks, reader)
            # Whoever asks a server does not name a store as well.
            del reader.environment["GROUNDSWELL_STORE"]
            reader.run(block("from_nothing.py", "server"))
        reader.run(block("from_nothing.py", "keys"))
        for name in KEYS:
            secrets.add(name, (directory / f"{name}.key").read_text())
        check_known(checks, nodes, directory)
        add_exact_key(nodes[0], directory, secrets)
        check_report(checks, nodes, reader)
        with Feed(nodes, directory) as feed:
            check_cut_off(checks, nodes, reader, feed)
        check_taken_back(checks, nodes, reader, feed)
        check_rotation(checks, nodes, reader, secrets)
        answers = answers_about_keys(nodes, directory)
        checks.that(all(status >= 400 for status, _ in answers), "whoever shows no key that is good is refused", str([status for status, _ in answers]))
        for node in nodes:
            checks.equal(node.stop(), 0, "a node stops on SIGTERM with exit code 0")
        shown = shown_to_operators(nodes[0], directory, feed)
        places = [Path(store)] if arguments.store == "embedded" else [Path(server.directory.name) for server in redis]
        check_secrets(checks, secrets, {"answers of errors": answers, "what operators are shown": shown}, reader, nodes, places, seen)
        check_memory(checks, binary, directory)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    parser.add_argument("--store", choices=STORES, default="embedded")
    return parser.parse_args()


def place(kind, binary, directory, stack):
    """A store with a quiet past, and the servers of Redis that it is on."""
    past = quiet_past(binary, directory)
    match kind:
        case "embedded":
            return str(past), []
        case "redis":
            redis = stack.enter_context(Redis("always")).start()
            return copied(binary, past, redis.url), [redis]
        case "cluster":
            cluster = stack.enter_context(Cluster("always"))
            return copied(binary, past, cluster.url), cluster.nodes


def reader_of(directory, binary, store):
    """The operator: groundswell is on the path, and the environment names the store."""
    tools = directory / "tools"
    tools.mkdir()
    (tools / "groundswell").symlink_to(binary)
    settings = {"GROUNDSWELL_STORE": store, "GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}
    return Reader(directory, {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(directory)} | settings)


def server(binary, store, directory):
    durations = {"lease": 10_000, "renewal": 3_000, "look": 1_000, "maintenance": 5_000}
    timing = ",".join(f"{name}={ms // SPEED}ms" for name, ms in durations.items())
    flags = SERVE.removeprefix("groundswell serve ").split()
    environment = {"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}
    return Server(binary, store, *flags, "--timing", timing, "--clock", clock(SPEED), logs=directory, environment=environment)


# From nothing


def check_first_key(checks, node, reader):
    """A start that nobody could run is refused, and says what to do; that is what the documents say."""
    checks.that(SERVE in OPERATING.read_text(), "the documents start a server with keys")
    node.spawn()
    checks.that(not node.comes_up(), "a server with keys and no admin key does not start")
    said = re.search(r"^ +(groundswell keys create .*)$", node.log_path.read_text(), re.MULTILINE)
    first = block("from_nothing.py", "first")
    checks.that(said and said[1].split(" --store")[0] in first, "it says the one command, which is that of the documents", node.log_end())
    reader.run(first)
    # What the server said, to the letter, makes such a key as well.
    printed = reader.run(said[1])
    checks.that(re.fullmatch(r"gsk_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}\n", printed), "the key is alone on the standard output")
    reader.run(f"groundswell keys revoke {printed.split('_')[1]}")
    checks.equal((reader.directory / "admin.key").stat().st_mode & 0o077, 0, "only its owner can read the file with the key")


def check_in_use(checks, reader):
    refused = reader.try_to("groundswell keys list")
    told = all(word in refused.stderr for word in ("--server", "GROUNDSWELL_ADMIN_KEY"))
    checks.that(refused.returncode != 0 and told, "a directory in use is left to its server, and the error says how to ask that", refused.stderr)


def check_known(checks, nodes, directory):
    """Whichever node was asked, or whether the store was: all know the keys."""
    is_known = lambda node, name: ask(node, "/v1/providers", header(directory, name))[0] != 401
    known = lambda: all(is_known(node, name) for node in nodes for name in KEYS)
    took = wait_until(known, READY_SECONDS, lambda: "every node should know the keys")
    checks.that(took <= KNOWN_SECONDS, f"every node knows new keys within {took:.2f} s", str(took))


def check_report(checks, nodes, reader):
    counted, heatmap = parsed(reader.run(block("from_nothing.py", "report")))
    checks.equal(counted["outcome"], "counted", "the app's report counts")
    checks.that(heatmap["total"] >= 1, "the map reads it", str(heatmap)[:300])
    denied = {path: ask(node, path)[0] for node in nodes for path in ("/v1/heatmap?network=north&window=1h", "/v1/keys")}
    checks.equal(set(denied.values()), {401}, "without a key nobody reads")
    with_app = ask(nodes[-1], "/v1/heatmap?network=north&window=1h", header(reader.directory, "app"))
    checks.equal((with_app[0], with_app[1]["code"]), (403, "forbidden"), "with the app's key nobody reads, either")


# The app misbehaves


class Feed:
    """Reports that the apps send during a `with` block, to all nodes in turn; how each was answered, and when."""

    def __init__(self, nodes, directory):
        self.nodes, self.directory = nodes, directory
        self.draw = Random("from nothing")
        self.began = nodes[0].now()
        self.answers = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.send, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def send(self):
        turn = 0
        while not self.ended.wait(PAUSE_SECONDS):
            turn += 1
            node = turn % len(self.nodes)
            for app, (provider, city) in APPS.items():
                reports = [report(self.draw, provider, city) for _ in range(A_BATCH)]
                status = post(self.nodes[node], "/v1/reports/batch", reports, header(self.directory, app))[0]
                self.answers.append((time.monotonic(), node, app, status))

    def sent(self, app):
        """How many reports of an app were taken."""
        return A_BATCH * self.statuses(app, 0).count(200)

    def statuses(self, app, since, node=None):
        return [status for at, on, who, status in list(self.answers) if who == app and at >= since and node in (None, on)]


def check_cut_off(checks, nodes, reader, feed):
    wait_until(lambda: feed.sent("other") >= ENOUGH, OPEN_SECONDS, lambda: "the app should be heard")
    took = wait_until(lambda: has_incidents(nodes, reader.directory), OPEN_SECONDS, lambda: f"both incidents should open: {incidents(nodes[0], reader.directory)}")
    print(f"both incidents were on every node's list after {took:.1f} s", flush=True)
    printed = reader.run(block("from_nothing.py", "cut off"))
    revoked = time.monotonic()
    checks.that(all(name in printed for name in ("release 1", "release 7", "map on the website")), "the list shows what keys are called", printed)
    refused = lambda: all(401 in feed.statuses("other", revoked, node) for node in range(len(nodes)))
    took = wait_until(refused, READY_SECONDS, lambda: "every node should refuse the app")
    checks.that(took <= KNOWN_SECONDS, f"every node refuses the app within {took:.2f} s", str(took))
    time.sleep(1)
    later = revoked + KNOWN_SECONDS
    checks.equal(set(feed.statuses("other", later)) - {401}, set(), "and goes on to")
    checks.equal(set(feed.statuses("app", 0)), {200}, "the other app is taken all the time")


def check_taken_back(checks, nodes, reader, feed):
    before = {app: counted_near(nodes[0], reader.directory, app) for app in APPS}
    void, audit = block("from_nothing.py", "take back").splitlines()
    bounds = [iso(feed.began - 60), iso(nodes[0].now())]
    dates = iter(bounds)
    reader.run(INSTANT.sub(lambda _: next(dates), void))
    state_of = lambda node: {item["network"]: item["state"] for item in incidents(node, reader.directory)}
    withdrawn = lambda: all(state_of(node).get("charlie") == "withdrawn" for node in nodes)
    took = wait_until(withdrawn, SETTLED_SECONDS, lambda: f"the made-up incident should be withdrawn: {[state_of(node) for node in nodes]}")
    print(f"withdrawn after {took:.1f} s", flush=True)
    kept = {state_of(node).get("north") for node in nodes}
    checks.that(kept and "withdrawn" not in kept and None not in kept, "the incident that others spoke for stays", str(kept))
    after = {app: counted_near(nodes[0], reader.directory, app) for app in APPS}
    lost = before["other"] - after["other"]
    checks.that(lost > ENOUGH / 2 and lost > 10 * after["other"], "maps have lost what the app sent", f"{before} {after}")
    checks.that(after["app"] >= before["app"], "and nothing of what others sent", f"{before} {after}")
    on_record = lambda: [entry["change"] for entry in json.loads(reader.run(audit))["items"]]
    # Who reads exactly is on record, too, a second later.
    wait_until(lambda: "exact_read" in on_record(), SETTLED_SECONDS, lambda: f"the exact read should be on record: {on_record()}")
    changes = on_record()
    others = [change for change in changes if change != "exact_read"]
    is_all = others[:2] == ["reports_voided", "key_revoked"] and {"source_set", "key_created", "exact_read"} <= set(changes)
    checks.that(is_all, "the audit has it all, the newest first", str(changes))


def check_rotation(checks, nodes, reader, secrets):
    """The old key works on, beside the new one."""
    old = (reader.directory / "map.key").read_text()
    printed = reader.run(f"groundswell keys rotate {old.split('_')[1]} --grace 365d")
    secrets.add("map, rotated", printed)
    path = "/v1/incidents"
    works = lambda node, key: ask(node, path, {"Authorization": f"Bearer {key.strip()}"})[0] == 200
    wait_until(lambda: all(works(node, printed) for node in nodes), READY_SECONDS, lambda: "the new key should work on every node")
    checks.that(all(works(node, old) for node in nodes), "in the grace of a rotation the old key works as the new one does")


def has_incidents(nodes, directory):
    return all({"north", "charlie"} <= {item["network"] for item in incidents(node, directory)} for node in nodes)


def incidents(node, directory):
    status, answer = ask(node, "/v1/incidents?limit=1000", header(directory, "map"))
    return answer["items"] if status == 200 else []


def add_exact_key(node, directory, secrets):
    """A key to look with: a map for everybody shows a city once enough people were heard of in it."""
    status, created = post(node, "/v1/keys", {"name": "a look", "scopes": ["exact"]}, header(directory, "admin"))
    if status != 201:
        raise AssertionError(f"a key should be created, but: {status} {created}")
    secrets.add("look", created["key"])
    (directory / "look.header").write_text(f"Authorization: Bearer {created['key']}\n")


def counted_near(node, directory, app):
    """What was reported in an app's city in the last hour."""
    provider, (lat, lon) = APPS[app]
    box = f"{lon - 1},{lat - 1},{lon + 1},{lat + 1}"
    status, answer = ask(node, f"/v1/heatmap?provider={provider}&window=1h&bbox={box}&exact=true", header(directory, "look"))
    if status != 200:
        raise AssertionError(f"the map should be read, but: {status} {answer}")
    return sum(cell["count"] for cell in answer["cells"])


def header(directory, name):
    """The header with a key, as its file says it."""
    return dict([(directory / f"{name}.header").read_text().strip().split(": ", 1)])


def ask(node, path, headers=None):
    with contextlib.closing(node.connect()) as connection:
        response, answer = exchange(connection, "GET", path, None, headers)
        return response.status, answer


def post(node, path, body, headers=None):
    with contextlib.closing(node.connect()) as connection:
        response, answer = exchange(connection, "POST", path, json.dumps(body), {"Content-Type": "application/json"} | (headers or {}))
        return response.status, answer


def parsed(text):
    """The JSON values that follow each other in a text."""
    values, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:]
    return values


# Secrets


def answers_about_keys(nodes, directory):
    """Answers to whoever shows a key that is not good, or shows a good one where it does not belong."""
    app, other = ((directory / f"{name}.key").read_text().strip() for name in ("app", "other"))
    flipped = app[:-8] + ("a" if app[-8] != "a" else "b") + app[-7:]
    lines = [
        ("/v1/incidents", [("Authorization", f"Bearer {flipped}")]),
        ("/v1/incidents", [("Authorization", f"Bearer {other}")]),
        ("/v1/incidents", [("Authorization", f"Bearer {app}x")]),
        ("/v1/incidents", [("Authorization", f"Basic {app}")]),
        ("/v1/incidents", [("Authorization", f"Bearer {app}"), ("Authorization", f"Bearer {other}")]),
        (f"/v1/incidents?key={app}", []),
        (f"/v1/incidents?key={flipped}", []),
        (f"/v1/{other}", [("Authorization", f"Bearer {other}")]),
        ("/v1/keys", [("Authorization", f"Bearer {app}"), ("Origin", "https://example.org")]),
        ("/v1/incidents", [("Authorization", f"Bearer {app}")]),
    ]
    return [raw(node, path, headers) for node in nodes for path, headers in lines]


def raw(node, path, headers):
    """The status of a GET, and all that was answered, as bytes."""
    with contextlib.closing(node.connect()) as connection:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, f"{response.headers}\n".encode() + response.read()


def shown_to_operators(node, directory, feed):
    """What a server shows whoever may see all."""
    node.start()
    paths = ["/v1/keys?limit=1000", "/v1/sources", "/v1/audit", "/metrics", "/v1/voids", "/readyz", f"/v1/sources/2/series?from={iso(feed.began)}"]
    headers = list(header(directory, "admin").items())
    wait_until(lambda: raw(node, "/v1/keys", headers)[0] == 200, READY_SECONDS, lambda: "the admin key should work")
    answers = [raw(node, path, headers) for path in paths]
    node.stop()
    return answers


def check_secrets(checks, secrets, answers, reader, nodes, places, seen):
    for what, all_of_it in answers.items():
        checks.equal(secrets.found_in(b"".join(text for _, text in all_of_it)), [], f"{what} hold no key")
    for node in nodes:
        checks.equal(secrets.found_in(node.log_path.read_bytes()), [], "the log of a node holds no key")
    for where in places:
        checks.equal(secrets.found_in_files(where), {}, "the store holds no key")
    checks.equal(secrets.found_in(b"\n".join(seen.seen)), [], f"the arguments of {len(seen.seen)} processes hold no key")
    checks.equal(secrets.found_in("\n".join(reader.typed)), [], "what was typed holds no key")
    errors = "\n".join(reader.errors)
    checks.equal(secrets.found_in(errors), [], "what was said on the standard error holds no key")
    printed = "\n".join(reader.printed)
    checks.equal(secrets.found_in(printed), ["map, rotated"], "of what was printed only what was to be a key is one")


def check_memory(checks, binary, directory):
    """Other processes of the same user see nothing of a server's memory."""
    home = directory / "home"
    home.mkdir()
    as_user = []
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
        as_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    environment = {"PATH": os.environ["PATH"]}
    other = Process([*as_user, "sleep", "60"], environment)
    node = Server(binary, home / "store", logs=directory)
    node.process = Process([*as_user, *node.process.command], node.process.environment)
    try:
        other.start()
        wait_until(lambda: is_open_to_its_user(other.running.pid), READY_SECONDS, lambda: "a process should be open to its user")
        node.start()
        checks.that(not is_open_to_its_user(node.process.running.pid), "a server's memory is closed to other processes of its user")
    finally:
        other.kill()
        node.kill()


if __name__ == "__main__":
    main()

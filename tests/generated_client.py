"""Does a client that was generated from openapi/openapi.json live on when a later server says a word that it does not know?

A generator makes a client of the committed document, whole: no call and no type is left out. The client sends reports to a real server,
each as the one plain type that `ReportBody` is, and reads its answers: as they are, and once more with every word that is open replaced by
one that does not exist yet. Each must be read. To show that this is worth something, a client of the same document with closed words
must fail.
"""

import argparse
import contextlib
import importlib
import json
import random
import subprocess
import sys
from pathlib import Path

import h3
import httpx

from checks import Checks
from past import CITIES, clock, quiet_past, report
from processes import wait_until
from server import REPORTER_KEY, ROOT, Server, ask, store_directory

OPEN = "x-extensible-enum"
NEW_WORD = "a_word_of_a_later_version"
REPORTS = 40
READY_SECONDS = 120
PUBLISHED_SECONDS = 60
CITY = CITIES[0]
# The generator leaves out lines and tiles, and says so; it must leave out nothing else.
LEFT_OUT = ["application/x-ndjson", "application/vnd.mapbox-vector-tile", "image/svg+xml"]
# Words of answers that a young incident has not yet.
NOT_YET = {"EndingType", "AttributionVerdict"}
# Words of answers that an incident has none of.
OF_OTHERS = {"AreaKind"}


def main():
    arguments = parse_arguments()
    checks = Checks()
    document = json.loads((ROOT / "openapi/openapi.json").read_text())
    with store_directory() as directory:
        sys.path.insert(0, directory)
        client = generated(checks, directory, "client_of_document", document)
        closed = generated(checks, directory, "client_of_closed_words", with_closed_words(document))
        past = quiet_past(arguments.binary, directory)
        with Server(arguments.binary, past, "--clock", clock(), environment={"GROUNDSWELL_REPORTER_KEY": REPORTER_KEY}) as server:
            server.start()
            check_reports(checks, client, server)
            await_incident(client, server)
            create_key(server)
            check_answers(checks, client, server, document)
            check_closed(checks, closed, server, document)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    return parser.parse_args()


def generated(checks, directory, name, document):
    """Generates a client of a document into a package of that name. Returns the package."""
    described, settings = Path(directory, f"{name}.json"), Path(directory, "generator.yml")
    described.write_text(json.dumps(document))
    settings.write_text("post_hooks: []\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--config", settings]
    done = subprocess.run([*command, "--path", described, "--output-path", Path(directory, name)], capture_output=True, text=True)
    said = done.stdout + done.stderr
    faults = [line for line in said.splitlines() if "WARNING" in line or "Unable" in line or "will not be generated" in line]
    unsupported = [line for line in said.splitlines() if "Unsupported content" in line]
    known = [line for line in unsupported if any(kind in line for kind in LEFT_OUT)]
    checks.that(done.returncode == 0 and len(faults) == len(known) == len(unsupported), f"{name} is generated whole", said)
    return importlib.import_module(name)


def with_closed_words(document):
    """The same document, with each list of open words as an enumeration."""
    if isinstance(document, dict):
        return {("enum" if key == OPEN else key): with_closed_words(value) for key, value in document.items()}
    return [with_closed_words(value) for value in document] if isinstance(document, list) else document


class Later(httpx.BaseTransport):
    """Passes requests on, and answers as a later server might: with words that do not exist yet."""

    def __init__(self, document):
        self.document = document
        self.wire = httpx.HTTPTransport()
        self.replaced = {}

    def handle_request(self, request):
        response = self.wire.handle_request(request)
        response.read()
        answer = response.json()
        schema = schema_of(self.document, request, response)
        for name, holder, key in list(open_words(self.document, schema, answer)):
            self.replaced[name] = self.replaced.get(name, 0) + 1
            holder[key] = NEW_WORD
        return httpx.Response(response.status_code, json=answer)


def schema_of(document, request, response):
    """The schema of an answer, by the path and the status."""
    parts = request.url.path.split("/")
    fits = lambda path: len(path) == len(parts) and all(one == other or one.startswith("{") for one, other in zip(path, parts))
    path = next(path for path in document["paths"] if fits(path.split("/")))
    content = document["paths"][path][request.method.lower()]["responses"][str(response.status_code)]["content"]
    return next(iter(content.values()))["schema"]


def open_words(document, schema, value):
    """Where open words stand in a value: the name of each one's schema, and what holds it under which key."""
    schema, _ = resolved(document, schema)
    for part in [*schema.get("allOf", []), *schema.get("oneOf", []), *schema.get("anyOf", [])]:
        yield from open_words(document, part, value)
    if isinstance(value, dict):
        inner = [(name, part) for name, part in schema.get("properties", {}).items() if name in value]
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        inner = [(n, schema["items"]) for n in range(len(value))]
    else:
        inner = []
    for key, part in inner:
        names = [name for choice in [part, *part.get("oneOf", [])] for name in [word_of(document, choice)] if name]
        if names and value[key] is not None:
            yield names[0], value, key
        else:
            yield from open_words(document, part, value[key])


def word_of(document, schema):
    """The name of an open word's schema; none where it is no open word."""
    described, name = resolved(document, schema)
    return name if OPEN in described else None


def resolved(document, schema):
    """What a schema refers to, and its name where it has one."""
    if "$ref" not in schema:
        return schema, None
    name = schema["$ref"].rsplit("/", 1)[1]
    return document["components"]["schemas"][name], name


def connected(package, server, transport=None):
    arguments = {"transport": transport} if transport else {}
    return package.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=30, httpx_args=arguments)


def call(package, tag, name):
    return importlib.import_module(f"{package.__name__}.api.{tag}.{name}").sync


def check_reports(checks, package, server):
    """A report is built as the plain type that it is, in both ways to say whose and where, and counts."""
    models = importlib.import_module(f"{package.__name__}.models")
    client = connected(package, server)
    at = {"lat": CITY[0], "lon": CITY[1], "accuracy_m": 35.0}
    cell = {"cell": h3.latlng_to_cell(*CITY, 8)}
    for number, (whose, where) in enumerate([({"provider": "alpha"}, at), ({"plmn": "00101"}, cell)]):
        body = models.ReportBody(symptom="no_service", reporter_id=f"phone-{number}", **whose, **where)
        answer = call(package, "reports", "submit_report")(client=client, body=body)
        checks.equal(getattr(answer, "outcome", answer), "counted", f"a report by {', '.join(whose | where)} counts")
    draw = random.Random(11)
    bodies = [models.ReportBody.from_dict(report(draw, "charlie", CITY)) for _ in range(REPORTS)]
    answer = call(package, "reports", "submit_reports")(client=client, body=bodies)
    checks.equal(getattr(answer, "counted", answer), REPORTS, f"{REPORTS} in a batch count")


def await_incident(package, server):
    client = connected(package, server)
    list_incidents = call(package, "incidents", "list_incidents")
    is_there = lambda: getattr(list_incidents(client=client, provider="charlie"), "items", [])
    wait_until(is_there, READY_SECONDS + PUBLISHED_SECONDS, lambda: f"an incident should be published:\n{server.log_end()}")


def create_key(server):
    """Somebody who runs the server creates a source and a key of it, so that lists of them hold words."""
    with contextlib.closing(server.connect()) as connection:
        for path, body in [("/v1/sources", {"name": "app"}), ("/v1/keys", {"name": "release 1", "source": 1, "scopes": ["report"]})]:
            status, answer = ask(connection, "POST", path, json.dumps(body), {"Content-Type": "application/json"})
            if status != 201:
                sys.exit(f"POST {path} should work, but was answered {status}: {answer}")


def questions(package, server, client):
    """Calls whose answers hold words, each by what it asks."""
    asked = lambda tag, name, *arguments, **more: call(package, tag, name)(*arguments, client=client, **more)
    incident = server.get("/v1/incidents", provider="charlie")["items"][0]["id"]
    models = importlib.import_module(f"{package.__name__}.models")
    repeated = models.ReportBody(symptom="no_service", reporter_id="phone-0", provider="alpha", lat=CITY[0], lon=CITY[1])
    nowhere = models.ReportBody(symptom="no_service", reporter_id="phone-0", provider="nobody", lat=CITY[0], lon=CITY[1])
    return {
        "the incidents": lambda: asked("incidents", "list_incidents"),
        "the incidents as a map": lambda: asked("incidents", "incidents_geojson"),
        "one incident": lambda: asked("incidents", "incident", incident),
        "the explanation of a cell": lambda: asked("incidents", "explain_cell", h3.latlng_to_cell(*CITY, 7), provider="charlie"),
        "the spikes": lambda: asked("incidents", "list_spikes"),
        "the providers": lambda: asked("providers", "list_providers"),
        "one provider": lambda: asked("providers", "provider", "charlie"),
        "the answer to a report": lambda: asked("reports", "submit_report", body=repeated),
        "the answer to a batch": lambda: asked("reports", "submit_reports", body=[repeated, nowhere]),
        "a problem": lambda: asked("reports", "submit_report", body=nowhere),
        "the keys": lambda: asked("access", "list_keys"),
        "what operators did": lambda: asked("access", "list_audit"),
    }


def check_answers(checks, package, server, document):
    """Every answer is read as it is, and with new words."""
    later = Later(document)
    as_it_is, with_new_words = (questions(package, server, connected(package, server, transport)) for transport in (None, later))
    for what, ask in as_it_is.items():
        checks.that(is_read(ask), f"{what} can be read")
        before = sum(later.replaced.values())
        checks.that(is_read(with_new_words[what]), f"{what} can be read with {sum(later.replaced.values()) - before} new words")
    words = {name for name, schema in document["components"]["schemas"].items() if OPEN in schema}
    checks.equal(words - set(later.replaced) - NOT_YET - OF_OTHERS, set(), f"of {len(words)} kinds of words all were replaced that a young incident has")


def check_closed(checks, package, server, document):
    """A client of closed words fails at the same answers: so the check above would notice them."""
    asked = questions(package, server, connected(package, server, Later(document)))
    checks.that(not is_read(asked["the incidents"]), "a client of closed words fails at a new one")


def is_read(ask):
    """Whether an answer could be read, into a type of its own."""
    try:
        return hasattr(ask(), "to_dict")
    except (ValueError, KeyError, TypeError) as error:
        print(f"not read: {error!r}")
        return False


if __name__ == "__main__":
    main()

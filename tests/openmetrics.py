"""Reads /metrics as strict parsers do, in each of its formats, once every family has something to say.

python3 tests/openmetrics.py BINARY
"""

import contextlib
import json
import math
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from checks import Checks
from server import Server, ask, store_directory

OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
REPORT = {"provider": "alpha", "symptom": "no_service", "lat": 43.65, "lon": -79.38, "reporter_id": "r"}


def main():
    checks = Checks()
    with store_directory() as directory, Server(sys.argv[1], f"{directory}/store") as server:
        server.start()
        cause_traffic(server)
        open_text = read(checks, server, PROMETHEUS_3, OPEN_METRICS)
        old_text = read(checks, server, "text/plain;version=0.0.4;q=1,*/*;q=0.1", PROMETHEUS)
        read(checks, server, None, OPEN_METRICS)
        compare(checks, open_text, old_text)
    checks.close()


def cause_traffic(server):
    """Sends what is counted, what is not, and what is refused: by the API, by the router and by the HTTP parser."""
    with contextlib.closing(server.connect()) as connection:
        for target, body in [("/v1/reports", REPORT), ("/v1/reports", REPORT), ("/v1/reports", {}), ("/v1/reports", REPORT | {"provider": "nobody"}), ("/v1/reports/batch", [REPORT])]:
            ask(connection, "POST", target, json.dumps(body), {"Content-Type": "application/json"})
        for target in ["/v1/heatmap?provider=alpha", "/v1/providers", "/v1/nothing\\", "/metrics"]:
            connection.request("GET", target)
            connection.getresponse().read()
    with contextlib.closing(server.connect()) as connection:
        connection.putrequest("GET", "/", skip_host=True)
        connection.endheaders()
        connection.getresponse().read()


def read(checks, server, accept, expected):
    with contextlib.closing(server.connect()) as connection:
        connection.request("GET", "/metrics?cachebuster=1", headers={"Accept": accept} if accept else {})
        response = connection.getresponse()
        text = response.read().decode()
    checks.equal((response.status, response.headers["Content-Type"]), (200, expected), f"Accept: {accept} is answered by that format")
    return text


def compare(checks, open_text, old_text):
    try:
        families, old_families = list(open_metrics(open_text)), list(prometheus(old_text))
    except ValueError as error:
        checks.that(False, "strict parsers read the metrics", str(error))
        return
    checks.that(len(families) > 10, "strict parsers read the metrics", f"only {len(families)} families")
    for family in families:
        checks.that(family.documentation and family.type != "unknown", f"{family.name} says what it is", family.type)
        checks.that(family.samples, f"{family.name} has samples")
    names = [family.name for family in families]
    checks.equal(len(names), len(set(names)), "each family is named once")
    checks.equal(kinds(old_families), kinds(families), "both formats have the same families of the same kinds")
    checks.equal(set(samples(old_families)) ^ set(samples(families)), set(), "both formats have the same samples")
    values = samples(families)
    answered = ("groundswell_requests_total", (("route", "/v1/reports"), ("status", "202")))
    checks.equal(values.get(answered), 2.0, "two reports were taken")
    refused = ("groundswell_requests_total", (("route", "unknown"), ("status", "400")))
    checks.equal(values.get(refused), 1.0, "what is no HTTP is counted too")
    checks.that(all(math.isfinite(value) for value in values.values()), "every value is a finite number")


def kinds(families):
    """The kind of each family."""
    return {family.name: family.type for family in families}


def samples(families):
    """The value of each sample, by its name and labels."""
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families for sample in family.samples}


if __name__ == "__main__":
    main()

"""Servers of benchmarks, and questions to them."""

import http.client
import sys
import time

KEY = "the reporter key of a benchmark, which is no secret"
POLL_SECONDS = 0.2
READY_SECONDS = 600


def await_ready(port, probe):
    """Returns once a probe is answered 200; ends the script where it is not in time."""
    for _ in range(round(READY_SECONDS / POLL_SECONDS)):
        if ask(http.client.HTTPConnection("127.0.0.1", port), probe)[0] == 200:
            return
        time.sleep(POLL_SECONDS)
    sys.exit(f"{probe} should be answered 200 within {READY_SECONDS} s")


def ask(connection, target, encoding="identity"):
    """The status and the body of a GET."""
    connection.request("GET", target, headers={"Accept-Encoding": encoding})
    response = connection.getresponse()
    return response.status, response.read()

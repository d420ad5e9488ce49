"""Does `groundswell-lab demo` tell 8 July 2022 as it was?

Runs it, faster than people would, and holds its account against what is on record: Rogers flagged within ten minutes of 04:44 in Toronto, its
brands joined, Interac with its cause, Bell and Telus not flagged, flaps within one incident, one end, and the lead over the first
official word. Meanwhile asks the API what it says.
"""

import argparse
import contextlib
import http.client
import json
import re
import subprocess
import sys
import threading

from checks import Checks
from processes import Process
from server import store_directory

# Faster, a busy machine falls behind the clock, and incidents come apart or end late.
SPEED = 90
SECONDS = 420


def main():
    arguments = parse_arguments()
    checks = Checks()
    with store_directory() as directory:
        demo = Process([arguments.binary, "demo", "--listen", "127.0.0.1:0", "--speed", arguments.speed])
        demo.start(stdout=subprocess.PIPE, stderr=open(f"{directory}/log", "w"), cwd=directory)
        stop = threading.Timer(SECONDS, demo.kill)
        stop.start()
        lines, seen = [], None
        for line in demo.running.stdout:
            lines.append(line.rstrip())
            if seen is None and " fido joins" in line:
                seen = ask(lines)
        code = demo.running.wait()
        stop.cancel()
    account = "\n".join(lines)
    checks.equal(code, 0, "it ends by itself, and well")
    first = next((line for line in lines if re.search(r"INCIDENT .* of rogers,", line)), "")
    minute = re.match(r"Fri 04:(\d\d):", first)
    checks.that(minute and 44 <= int(minute[1]) <= 54, "Rogers is flagged within ten minutes of 04:44", first or account[-2_000:])
    for brand in ["fido", "chatr"]:
        checks.that(re.search(rf" rogers +{brand} joins", account), f"{brand} joins the same incident")
    for carrier in ["bell", "telus"]:
        checks.that(f"of {carrier}" not in account, f"{carrier} is not flagged")
        checks.equal(account.count(f"{carrier} is blamed, and healthy"), 1, "but said to be blamed, once")
    checks.that(re.search(r"INCIDENT .* of interac,.* depends on rogers", account) or "interac   it depends on rogers" in account, "Interac fails, and its cause is named")
    of_rogers = [line for line in lines if re.match(r"\S+ \S+  rogers ", line)]
    count = lambda text: sum(text in line for line in of_rogers)
    checks.equal(count("INCIDENT"), 1, "it is one incident")
    checks.that(count("CONFIRMED again") >= 1, "which flaps", account)
    checks.equal(count("OVER:"), 1, "and is told to be over once")
    checks.that(of_rogers and re.match("Sat 0[5-9]|Sat 1[0-2]", next(line for line in of_rogers if "OVER:" in line)), "on Saturday morning")
    checks.that(re.search(r"crowd +was 4 h \d\d min ahead of it", account), "the crowd was four hours ahead of the first official word")
    summary = account[account.index("What came of it:") :] if "What came of it:" in account else ""
    checks.that(re.search(r"began +Fri 04:4\d:\d\d; really Fri 04:44:00, and told \d min after that", summary), "the summary says when it was told, and when it really began", summary)
    checks.that(re.search(rf"revisions, {count('CONFIRMED again')} flaps", summary), "and how often it flapped", summary)
    checks.that(seen and "fido" in seen["providers"] and seen["network"] == "rogers", "meanwhile the API says the same", str(seen))
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell-lab to test, e.g. target/debug/groundswell-lab")
    parser.add_argument("--speed", type=int, default=SPEED, help=f"how many times as fast as time; {SPEED} unless said otherwise")
    return parser.parse_args()


def ask(lines):
    """The incident that the API has of Rogers; where the server is, the account says."""
    address = next((match[1] for line in lines if (match := re.search(r"http://(\S+?)/v1/incidents ", line))), None)
    if address is None:
        sys.exit("the account should name the address of the API")
    with contextlib.closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        connection.request("GET", "/v1/incidents?network=rogers&state=possible,confirmed,recovering")
        response = connection.getresponse()
        items = json.loads(response.read())["items"]
    return items[0] if items else None


if __name__ == "__main__":
    main()

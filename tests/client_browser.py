"""Does the JavaScript client do in a real browser what it does in Node: its queue in IndexedDB, two pages of one origin, beacons?

A page is served from one origin and reports to a server on another, through a network that is cut, with a key that is bound to the page's
origin. The browser is killed in the middle. Each report must count once, and what was reported must have come to an end.
"""

import argparse
import itertools
import urllib.parse

from checks import Checks
from client import CLIENT, KeyMaker, Wire, named
from counted_once import check_counts, counts_now
from crowd import Reports, cell_of, provider_of
from pages import Browser, Pages, insist_on_chromium
from processes import wait_until
from server import ROOT, Server, store_directory

PAGE = ROOT / "tests" / "client_page.html"
SOON_SECONDS = 60


def main():
    arguments = parse_arguments()
    insist_on_chromium()
    checks = Checks()
    with store_directory() as directory:
        pages = Pages(PAGE, CLIENT)
        keys = KeyMaker(arguments.binary, f"{directory}/store", origin=pages.origin).make()
        with Server(arguments.binary, f"{directory}/store", "--auth", "keys", "--anonymous", "read") as server, Browser(f"{directory}/profile", "--disable-gpu") as browser:
            wire = Wire()
            wire.lead_to(server.start().port)
            story = Story(checks, Reports(1), server, wire, pages, browser, keys["browser"])
            story.survives_a_kill()
            story.shares_a_queue()
            story.leaves_by_beacon()
            check_counts(checks, server, range(story.given), "in the end")
            checks.equal(pages.faults(), [], "no page failed")
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    return parser.parse_args()


class Story:
    """What happens to pages, one after the other."""

    def __init__(self, checks, reports, server, wire, pages, browser, key):
        self.checks, self.reports, self.server, self.wire = checks, reports, server, wire
        self.pages, self.browser, self.key = pages, browser, key
        self.given = 0
        self.names = (f"page-{n}" for n in itertools.count(1))

    def open(self, show=None, **more):
        """Opens a page: in a browser of its own, unless another shows it. Returns its name, and how many reports it found."""
        name = next(self.names)
        query = {"server": f"http://127.0.0.1:{self.wire.port}", "key": self.key, "page": name} | more
        (show or self.browser.open)(f"{self.pages.origin}/?{urllib.parse.urlencode(query)}")
        self.until(lambda: self.pages.heard(name, "started"), "a page should start")
        return name, self.pages.heard(name, "started")[0]["waiting"]

    def give(self, page, count):
        """Lets a page report. Returns the numbers of the reports, once it has taken them."""
        numbers = range(self.given, self.given + count)
        self.given += count
        for number in numbers:
            self.pages.tell(page, report=named(self.reports, number))
        self.until(lambda: {str(number) for number in numbers} <= {event["id"] for event in self.pages.heard(page, "taken")}, "reports should be taken")
        return numbers

    def until(self, condition, what):
        wait_until(condition, SOON_SECONDS, lambda: f"{what}; pages said {self.pages.said[-5:]}; the log of the server ends:\n{self.server.log_end()}")

    def until_settled(self, numbers):
        self.until(lambda: all(str(number) in self.pages.outcomes() for number in numbers), "reports should come to an end")
        return [self.pages.outcomes()[str(number)] for number in numbers]

    def survives_a_kill(self):
        """What waits is there after the browser was killed, and is sent once the network is back."""
        self.wire.lead_to(None)
        page, found = self.open()
        self.checks.equal(found, 0, "the queue is empty at first")
        numbers = self.give(page, 3)
        self.until(lambda: self.pages.heard(page, "waiting"), "the page should notice that there is no network")
        self.browser.kill()
        page, found = self.open()
        self.checks.equal(found, 3, "three reports wait after the browser was killed")
        self.wire.lead_to(self.server.port)
        self.pages.tell(page, online=True)
        self.checks.equal(self.until_settled(numbers), [["counted"]] * 3, "they count once the network is back")
        self.browser.kill()

    def shares_a_queue(self):
        """Two pages of one origin send each report once."""
        outer, _ = self.open()
        inner, _ = self.open(lambda address: self.pages.tell(outer, frame=address))
        names = [outer, inner]
        numbers = [number for _ in range(5) for name in names for number in self.give(name, 1)]
        self.checks.equal(self.until_settled(numbers), [["counted"]] * 10, "two pages send each report once")
        self.browser.kill()

    def leaves_by_beacon(self):
        """What a page cannot send before it goes, a beacon does; it is sent again, and counts once."""
        page, _ = self.open(mute="1")
        [number] = self.give(page, 1)
        is_there = lambda: counts_now(self.server).get((provider_of(number), cell_of(number)), 0)
        before = is_there()
        self.pages.tell(page, leave=True)
        self.until(lambda: is_there() == before + 1, "a beacon should bring the report")
        self.browser.kill()
        _, found = self.open()
        self.checks.equal(found, 1, "the report waits although a beacon brought it")
        self.checks.equal(self.until_settled([number]), [["duplicate"]], "sent again, it is a duplicate")
        self.browser.kill()


if __name__ == "__main__":
    main()

"""Counts checks, says at once which failed, and closes with one line."""

import sys

from processes import leave_on_sigterm


class Checks:
    def __init__(self):
        leave_on_sigterm()
        self.passed = 0
        self.failed = 0

    def that(self, holds, claim, fault=""):
        """Counts a claim that must hold; `fault` says what was found instead."""
        if holds:
            self.passed += 1
            print(f"ok      {claim}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {claim}" + (f": {fault}" if fault else ""), flush=True)
        return holds

    def equal(self, got, expected, claim):
        """Counts a claim that two values are equal."""
        return self.that(got == expected, claim, f"expected {expected!r}, got {got!r}")

    def same_counts(self, got, expected, claim):
        """Counts a claim that two tables of counts are equal; shows where they first differ."""
        differing = sorted(key for key in got.keys() | expected.keys() if got.get(key, 0) != expected.get(key, 0))
        shown = "; ".join(f"{key}: expected {expected.get(key, 0)}, got {got.get(key, 0)}" for key in differing[:5])
        return self.that(not differing, claim, f"{len(differing)} differ, the first: {shown}")

    def close(self):
        """Prints the closing line, and ends the script."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)

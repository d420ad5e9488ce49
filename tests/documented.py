"""Commands as the documents have them: read out of their blocks, and run by a shell as a reader would run them."""

import re
import subprocess

from server import ROOT

OPERATING = ROOT / "docs" / "operating.md"
COMMAND_SECONDS = 60
# What a reader sees of curl is enough to tell what went wrong; a script wants the status, too.
PRELUDE = """
set -euo pipefail
umask "$(cat .umask 2> /dev/null || umask)"
trap 'env -0 > .environment; umask > .umask' EXIT
curl() { command curl --silent --show-error --fail-with-body "$@"; }
"""


def block(script, name=None):
    """The block of commands that a document says this script runs; of several, that of a name."""
    mark = f"<!-- tests/{script} runs these{f': {name}' if name else ''} -->"
    found = re.search(rf"{re.escape(mark)}\n```sh\n(.*?)```\n", OPERATING.read_text(), re.DOTALL)
    if not found:
        raise LookupError(f"docs/operating.md should have a block of commands behind {mark}")
    return found[1]


class Reader:
    """Somebody who runs commands of a document in a directory, one block after the other, and sees what they print.

    `changes` are texts of the documents and what they are here: names of machines, dates. A later block finds what earlier ones exported, and their
    umask, as in one shell.
    """

    def __init__(self, directory, environment, changes=(), prelude=""):
        self.directory, self.environment, self.changes = directory, dict(environment), list(changes)
        self.prelude = PRELUDE + prelude
        # What was typed, printed and said, for those who search it.
        self.typed, self.printed, self.errors = [], [], []

    def run(self, commands):
        """Runs commands, all of which must succeed; returns what they printed to the standard output."""
        done = self.try_to(commands)
        if done.returncode != 0:
            raise AssertionError(f"these should succeed, but ended with {done.returncode}:\n{self.typed[-1]}\n{done.stdout}{done.stderr}")
        return done.stdout

    def try_to(self, commands):
        """Runs commands, however they end."""
        for document, here in self.changes:
            commands = commands.replace(document, here)
        self.typed.append(commands)
        script = ["bash", "-c", self.prelude + commands]
        shell = {"cwd": self.directory, "env": self.environment, "stdin": subprocess.DEVNULL}
        done = subprocess.run(script, **shell, capture_output=True, text=True, timeout=COMMAND_SECONDS)
        left = (self.directory / ".environment").read_text().split("\0")
        self.environment = dict(variable.split("=", 1) for variable in left if "=" in variable)
        self.printed.append(done.stdout)
        self.errors.append(done.stderr)
        return done

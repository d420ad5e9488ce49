"""Does the archive of `make dist` hold all that an operator needs, and does what it holds work?

Packs the program twice, unpacks it, checks the sums, starts the server by the example settings, and sends it a report.
"""

import argparse
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from checks import Checks
from crowd import post
from processes import Process
from server import ROOT, Server

PAPERS = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "SHA256SUMS", "operating.md", "security.md"]
HELD = sorted([*PAPERS, "Caddyfile", "groundswell", "groundswell.service", "groundswell.toml"])
REPORT = {"provider": "alpha", "symptom": "no_service", "lat": 43.6532, "lon": -79.3832, "reporter_id": "somebody"}


def main():
    arguments = parse_arguments()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="groundswell-") as directory:
        archive = packed(arguments.binary, Path(directory, "one"))
        again = packed(arguments.binary, Path(directory, "again"))
        checks.that(archive.read_bytes() == again.read_bytes(), "packed twice, it is the same to the byte")
        sums = subprocess.run(["sha256sum", "--check", f"{archive.name}.sha256"], cwd=archive.parent, capture_output=True, text=True)
        checks.equal(sums.returncode, 0, "the sum beside the archive is the archive's")
        with tarfile.open(archive) as tar:
            tar.extractall(directory, filter="data")
        folder = Path(directory, archive.name.removesuffix(".tar.gz"))
        checks.equal(sorted(path.name for path in folder.iterdir()), HELD, "it holds the program and what an operator needs")
        sums = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
        checks.equal((sums.returncode, sums.stdout.count(": OK")), (0, len(HELD) - 1), "the sums are those of all other files")
        check_unit(checks, folder)
        check_settings(checks, folder, directory)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to pack, e.g. target/debug/groundswell")
    return parser.parse_args()


def packed(binary, output):
    """The archive that is made of a program."""
    done = subprocess.run([ROOT / "packaging/archive.sh", Path(binary).resolve(), output], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def check_unit(checks, folder):
    """The unit starts what is in the archive, by settings that are in it."""
    unit = (folder / "groundswell.service").read_text()
    program, *words = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1].split()
    checks.equal((Path(program).name, words[:2]), ("groundswell", ["serve", "--config"]), "the unit serves by a file of settings")
    checks.equal(Path(words[2]).name, "groundswell.toml", "that file is in the archive")
    if verify := shutil.which("systemd-analyze"):
        here = folder / "here.service"
        here.write_text(unit.replace(program, str(folder / "groundswell")))
        done = subprocess.run([verify, "verify", here], capture_output=True, text=True)
        checks.equal((done.returncode, done.stdout + done.stderr), (0, ""), "systemd finds no fault with the unit")
    else:
        print("systemd is not on this machine: the unit was read, and judged by nobody")


def check_settings(checks, folder, directory):
    """The example's settings are all known; with a place of this test's own, they make a server that takes reports."""
    examples = re.sub(r"^# (?=\w+ = )", "", (folder / "groundswell.toml").read_text(), flags=re.MULTILINE)
    (folder / "all.toml").write_text(examples)
    done = subprocess.run([folder / "groundswell", "serve", "--config", folder / "all.toml"], capture_output=True, text=True)
    checks.that("/etc/groundswell/" in done.stderr and "unknown" not in done.stderr, "every setting of the example is one", done.stderr)
    with Server(folder / "groundswell", f"{directory}/store", "--config", str(folder / "groundswell.toml")) as server:
        server.start()
        checks.equal(post(server.connect(), [REPORT]), ["counted"], "a server by the example's settings counts a report")
        checks.equal(server.stop(), 0, "it stops on SIGTERM with exit code 0")


if __name__ == "__main__":
    main()

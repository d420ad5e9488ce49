"""The sets of streams with known outages that scripts run on: a small one, which the laboratory makes, and detbench where it is there.

The small one is made by `groundswell-lab simulate set`, once for each build of the laboratory, below target/sets.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE = ROOT / "target" / "sets"
LAB = "groundswell-lab"
SMALL, DETBENCH = "small", "detbench"
SHOWN = {SMALL: "the small simulated set", DETBENCH: "detbench"}


def add_argument(parser):
    """Lets a script be told on which sets it runs."""
    parser.add_argument("--sets", nargs="+", choices=[SMALL, DETBENCH], metavar="SET",
                        help=f"run on these only, of {SMALL} and {DETBENCH}; on all that are there when not given")


def chosen(arguments):
    """The names and folders of the sets to run on. Prints which, and which is not there."""
    wanted = arguments.sets or [SMALL, DETBENCH]
    folders = {}
    if SMALL in wanted:
        folders[SMALL] = small_set(lab_beside(arguments.binary))
    if DETBENCH in wanted:
        if (shared() / DETBENCH).is_dir():
            folders[DETBENCH] = shared() / DETBENCH
        elif arguments.sets:
            shared_data()
    missing = "" if DETBENCH in folders or DETBENCH not in wanted else f"; {DETBENCH} is not in {shared()}"
    print(f"runs on {' and '.join(SHOWN[name] for name in folders)}{missing}", flush=True)
    return folders


def small_set(lab):
    """The folder of the small set, made unless this very laboratory has made it before."""
    folder = MADE / hashlib.sha256(Path(lab).read_bytes()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    MADE.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=MADE))
    done = subprocess.run([lab, "simulate", "set", "--out", fresh], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the small set should be made, but: {done.stderr}")
    for old in MADE.iterdir():
        if old != folder and not old.name.startswith("new-"):
            shutil.rmtree(old, ignore_errors=True)
    try:
        fresh.rename(folder)
    except OSError:
        # Another script has made it meanwhile.
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def lab_beside(binary):
    """The laboratory that was built with a program."""
    lab = Path(binary).resolve().with_name(LAB)
    if not lab.exists():
        sys.exit(f"there is no {lab}: build it by cargo build --workspace --bins")
    return lab


def shared():
    return Path(os.environ.get("GROUNDSWELL_SHARED", ROOT.parent / "shared"))


def shared_data():
    """Where the shared data is, for scripts that cannot do without."""
    if not (shared() / DETBENCH).is_dir():
        sys.exit(f"there is no {DETBENCH} in {shared()}: point GROUNDSWELL_SHARED at the folder with the shared data, by default ../shared")
    return shared()

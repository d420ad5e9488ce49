"""Where a key must not be: looks for keys in texts, in files, in a Redis, and among the arguments of all processes of this machine."""

import contextlib
import os
import subprocess
import threading
from pathlib import Path

POLL_SECONDS = 0.005
# What precedes the secret of a key: gsk_, its id, and _.
PUBLIC = len("gsk_12345678_")


class Secrets:
    """Keys that are known here and must be known nowhere else. A half of a secret is one, too."""

    def __init__(self):
        self.parts = {}

    def add(self, name, key):
        """A key, by a name that may be shown."""
        secret = key.strip()[PUBLIC:]
        half = len(secret) // 2
        self.parts |= {secret[:half].encode(): name, secret[half:].encode(): name}

    def found_in(self, data):
        """The names of those that stand in text or bytes."""
        data = data if isinstance(data, bytes) else data.encode(errors="replace")
        return sorted({name for part, name in self.parts.items() if part in data})

    def found_in_files(self, directory):
        """The same in all files of a directory, by file."""
        found = {path: self.found_in(path.read_bytes()) for path in sorted(Path(directory).rglob("*")) if path.is_file()}
        return {str(path): names for path, names in found.items() if names}


class Arguments:
    """The arguments of every process that runs during a `with` block, for as long as they can be seen by others."""

    def __init__(self):
        self.seen = set()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def watch(self):
        while not self.ended.wait(POLL_SECONDS):
            for process in os.listdir("/proc"):
                if process.isdigit():
                    with contextlib.suppress(OSError):
                        self.seen.add(Path("/proc", process, "cmdline").read_bytes())


def is_open_to_its_user(pid):
    """Whether other processes of the user whose process it is may read its memory and its environment. Where this script is root's, of user 65534."""
    as_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    return subprocess.run([*as_user, "cat", f"/proc/{pid}/environ"], capture_output=True).returncode == 0

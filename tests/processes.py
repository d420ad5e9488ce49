"""Processes that do not outlive the script which starts them, and waiting for what they do."""

import functools
import math
import shutil
import signal
import subprocess
import sys
import time

POLL_SECONDS = 0.02
STOP_SECONDS = 30


class Process:
    """One command, started and ended as often as the caller likes."""

    def __init__(self, command, environment=None):
        self.command = [str(part) for part in command]
        self.environment = environment
        self.running = None

    def start(self, **options):
        """Starts it. From the main thread only: it ends with the thread that starts it."""
        options = {"stdin": subprocess.DEVNULL} | options
        self.running = subprocess.Popen([*leash(), *self.command], env=self.environment, text=True, **options)

    def is_running(self):
        return self.running is not None and self.running.poll() is None

    def kill(self):
        """Kills it (SIGKILL), at whatever it is doing."""
        if self.is_running():
            self.running.kill()
            self.running.wait()
        self.close()

    def stop(self):
        """Asks it to stop (SIGTERM), and returns its exit code."""
        self.running.terminate()
        try:
            code = self.running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = f"none within {STOP_SECONDS} s"
        self.kill()
        return code

    def close(self):
        for pipe in [self.running.stdin, self.running.stdout] if self.running else []:
            if pipe:
                pipe.close()


@functools.cache
def leash():
    """What to put before a command so that it ends with this script even where that is killed; nothing where no such thing is known."""
    words = ["setpriv", "--pdeathsig", "KILL"]
    can = shutil.which(words[0]) and subprocess.run([*words, "true"], capture_output=True).returncode == 0
    return words if can else []


def leave_on_sigterm():
    """Lets SIGTERM end the script by way of its `with` blocks, which stop what they started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped by SIGTERM"))


def seconds_until(condition, seconds):
    """After how many seconds a condition held; infinity where it does not within `seconds`."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + seconds:
            return math.inf
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def wait_until(condition, seconds, what):
    """After how many seconds a condition held; where it does not in time, ends the script with what `what()` then says."""
    took = seconds_until(condition, seconds)
    if took == math.inf:
        sys.exit(f"not within {seconds} s: {what()}")
    return took

"""Runs services of docker-compose.yml as processes on this machine: each has a loopback address of its own, as it would on a network.

What the file says is run as it stands, with the names of services, the ports that they listen on and their own loopback
exchanged for what they are here.
"""

import collections
import os
import re
import resource
import subprocess
import sys
import threading
from pathlib import Path

from compose import seconds
from processes import Process, wait_until
from redis_servers import free_port

REDIS_PORT = 6379
# Where images find their volume.
VOLUME = "/data"
# However long the file would wait for a service with much data: here is none.
HEALTHY_SECONDS = 60
JOB_SECONDS = 120
PROBE_SECONDS = 10
LOG_LINES = 40


class Network:
    """The addresses of services, and ports that are free on this machine."""

    def __init__(self, prefix, api_port):
        self.prefix = prefix
        self.redis_port, self.api_port = free_port(), free_port()
        self.ports = {REDIS_PORT: self.redis_port, api_port: self.api_port}
        self.addresses = {}

    def join(self, name, service):
        """Gives a service the address that the file fixes, or the next."""
        networks = service["networks"]
        fixed = [entry["ipv4_address"] for entry in networks.values() if entry] if isinstance(networks, dict) else []
        self.addresses[name] = fixed[0] if fixed else f"{self.prefix}.{101 + len(self.addresses)}"

    def local(self, text, name):
        """A text of the file as it must read on this machine, for one of the services."""
        for other, address in self.addresses.items():
            text = re.sub(rf"(?<![\w-]){re.escape(other)}(?=:\d)", address, text)
        text = text.replace("0.0.0.0", self.addresses[name]).replace("127.0.0.1", self.addresses[name])
        return re.sub(r"(?<=[:/])\d+\b", lambda found: str(self.ports.get(int(found[0]), found[0])), text)


class Container:
    """One service as a process, started and stopped as often as the caller likes, always on the same volume."""

    def __init__(self, name, service, image, network, volume, binary):
        network.join(name, service)
        self.name, self.service, self.network, self.volume, self.binary = name, service, network, Path(volume), binary
        own_image = image if "build" in service else None
        self.user = service.get("user") or own_image.user
        self.file_environment = (own_image.environment if own_image else {}) | service.get("environment", {})
        self.file_command = own_image.command(service.get("command")) if own_image else service["command"]
        self.writes_nothing = service.get("read_only") and not service.get("volumes")
        self.process = self.reader = None
        self.log = collections.deque(maxlen=LOG_LINES)

    @property
    def address(self):
        return self.network.addresses[self.name]

    def environment(self):
        """Exactly what the file says, and where programs are."""
        local = {key: self.network.local(value, self.name) for key, value in self.file_environment.items()}
        at_home = {key: str(self.volume) if value == VOLUME else value for key, value in local.items()}
        return {"PATH": os.environ["PATH"]} | at_home

    def command(self, words=None):
        """The file's command as it runs here. A Redis listens, and redis-cli asks, where the container would by itself."""
        program, *arguments = [self.network.local(word, self.name) for word in words or self.file_command]
        port = str(self.network.redis_port)
        match program:
            case "groundswell":
                return [str(self.binary), *arguments]
            case "redis-server":
                # The image knows no protected mode, either.
                place = ["--port", port, "--bind", self.address, "--bind-source-addr", self.address, "--protected-mode", "no"]
                return [program, *arguments, *place]
            case "redis-cli":
                return [program, "-h", self.address, "-p", port, *arguments]
        return [program, *arguments]

    def start(self, **changes):
        """Starts it without waiting for it, with changes to its environment if there are any."""
        self.volume.mkdir(parents=True, exist_ok=True)
        self.process = Process(self.command(), self.environment() | changes)
        options = self.user_options()
        if self.writes_nothing:
            # Stands for the read-only file system: no file takes a single byte.
            options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        self.log.clear()
        self.process.start(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.volume, **options)
        self.reader = threading.Thread(target=self.log.extend, args=(self.process.running.stdout,), daemon=True)
        self.reader.start()

    def user_options(self):
        """Who runs it: the user of the file where this script may choose, else the user of the script."""
        if os.geteuid() != 0:
            return {}
        user, group = map(int, self.user.split(":"))
        for path in [self.volume, *self.volume.rglob("*")]:
            os.chown(path, user, group)
        return {"user": user, "group": group, "extra_groups": []}

    def is_healthy(self):
        """What the file's own health check says."""
        kind, *words = self.service["healthcheck"]["test"]
        assert kind == "CMD", f"{self.name}: only CMD is known here, but the health check is {kind}"
        environment = self.environment()
        return subprocess.run(self.command(words), env=environment, capture_output=True, timeout=PROBE_SECONDS).returncode == 0

    def await_health(self):
        """Returns once it is healthy; where it never will be, ends the script."""
        said = lambda: f"{self.name} should be healthy; its log ends:\n{self.log_end()}"
        wait_until(lambda: self.is_healthy() or not self.is_running(), HEALTHY_SECONDS, said)
        if not self.is_running():
            self.kill()
            sys.exit(f"{self.name} ended with exit code {self.exit_code()}; {said()}")

    def await_end(self):
        """Waits for a job to end by itself, and returns its exit code."""
        wait_until(lambda: not self.is_running(), JOB_SECONDS, lambda: f"{self.name} should end; its log ends:\n{self.log_end()}")
        self.kill()
        return self.exit_code()

    def stop(self):
        """Asks it to stop, and returns its exit code if it does in the time that the file gives it."""
        self.process.running.terminate()
        grace = seconds(self.service["stop_grace_period"])
        try:
            return self.process.running.wait(grace)
        except subprocess.TimeoutExpired:
            return f"none within {grace} s"
        finally:
            self.kill()

    def is_running(self):
        return self.process is not None and self.process.is_running()

    def exit_code(self):
        return self.process.running.returncode

    def kill(self):
        if self.is_running():
            self.process.running.kill()
            self.process.running.wait()
        if self.process:
            # What it has written is read to the end, before the pipe is closed.
            self.reader.join(PROBE_SECONDS)
            self.process.close()

    def ask_redis(self, *command):
        """What redis-cli prints for a command to this Redis."""
        done = subprocess.run(self.command(["redis-cli", "-e", *command]), capture_output=True, text=True, timeout=PROBE_SECONDS)
        if done.returncode != 0:
            said = f"{done.stdout}{done.stderr}; its log ends:\n{self.log_end()}"
            sys.exit(f"{self.name}: redis-cli {' '.join(command)} should work, but said {said}")
        return done.stdout.strip()

    def log_end(self):
        return "".join(self.log)

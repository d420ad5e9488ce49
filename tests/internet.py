"""Do five commands lead from nothing to the first report of an app, on the internet? Needs no container engine.

The commands are those of docs/operating.md. The services of docker-compose.yml's profile `internet` run as processes with the
file's own commands and environment, behind Debian's Caddy by packaging/Caddyfile; the certificate is one that Caddy signs itself.
Then: who calls is told apart by what the proxy says, and by nothing that he says himself; no key is needed to report, and no way leads
around the proxy's rules.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

from checks import Checks
from compose import Composition
from containers import Container
from documented import Reader, block
from image import Image
from processes import Process, wait_until
from redis_servers import free_port
from server import ROOT, store_directory
from topology import VARIABLES, Machine, every, output

CADDYFILE = ROOT / "packaging" / "Caddyfile"
INTERNET = {"internet-redis", "internet-api", "internet-proxy"}
DOMAIN = "reports.example.org"
# As processes of one machine call each other.
NEAR = "127.0.0.1"
REPORT = {"provider": "rogers", "symptom": "no_service", "lat": 43.65, "lon": -79.38, "accuracy_m": 35}
# Of an address without a key, here: enough to try, few enough to use up.
A_MINUTE = 20
START_SECONDS = 30
ANSWER_SECONDS = 10
# What is said at the store, nodes know after so long.
KNOWN_SECONDS = 2


def main():
    arguments = parse_arguments()
    checks = Checks()
    image = Image()
    composition = Composition(VARIABLES | {"GROUNDSWELL_DOMAIN": DOMAIN})
    check_compose_file(checks, composition, arguments.binary)
    with store_directory() as name:
        directory = Path(name)
        os.chmod(directory, 0o755)
        check_caddyfile(checks, directory)
        machine = Machine(image, Path(shutil.copy(arguments.binary, directory)), directory)
        run_documented(checks, machine)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    return parser.parse_args()


def check_compose_file(checks, composition, binary):
    with_profile = composition.services("internet")
    services = {name: with_profile[name] for name in INTERNET}
    node, proxy = services["internet-api"], services["internet-proxy"]
    known = set(re.findall(r"\[env: (GROUNDSWELL_\w+)", output(binary, "serve", "--help")))
    unknown = node["environment"].keys() - known
    checks.that(not unknown, "every variable of the node is a setting of groundswell serve", str(unknown))
    checks.equal(node["environment"]["GROUNDSWELL_AUTH"], "keys", "keys say who may call")
    checks.equal(node["environment"]["GROUNDSWELL_ANONYMOUS"], "report", "everybody may report")
    checks.that("GROUNDSWELL_FRESH_IDS" not in node["environment"], "no brake on new ids blinds detection behind carrier NAT")
    address = proxy["networks"]["internet"]["ipv4_address"]
    checks.equal(node["environment"]["GROUNDSWELL_TRUST_PROXY"], address, "the node believes the proxy's fixed address, and no other")
    checks.equal({name for name in INTERNET if "ports" in services[name]}, {"internet-proxy"}, "nothing but the proxy is published")
    checks.equal({port.split(":")[0].split("/")[0] for port in proxy["ports"]}, {"80", "443"}, "on the ports of HTTP and HTTPS")
    privileges = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    every(checks, services, lambda each: privileges.items() <= each.items(), "no service can write to its root, or gains a privilege")
    checks.equal(proxy["cap_add"], ["NET_BIND_SERVICE"], "but for the one right that the proxy's program asks for")
    mounted = [volume for volume in proxy["volumes"] if volume.startswith(".")]
    checks.equal(mounted, [f"./{CADDYFILE.relative_to(ROOT)}:/etc/caddy/Caddyfile:ro"], "the proxy reads the Caddyfile of this project")
    used = set(re.findall(r"\{\$(\w+)", CADDYFILE.read_text()))
    checks.equal(used, proxy["environment"].keys(), "and is given every variable that it names")
    checks.equal(proxy["environment"]["GROUNDSWELL_DOMAIN"], DOMAIN, "the domain among them")
    checks.that(composition.data["networks"]["internet"]["enable_ipv6"], "callers by IPv6 keep their addresses")
    checks.that(composition.data["networks"]["internet-redis"]["internal"], "only the node reaches Redis")


# The Caddyfile


def check_caddyfile(checks, directory):
    done = subprocess.run(["caddy", "fmt", CADDYFILE], capture_output=True, text=True)
    checks.equal(done.stdout, CADDYFILE.read_text(), "the Caddyfile is as Caddy would write it")
    config = adapted(directory, DOMAIN, "internet-api:8080")
    servers = config["apps"]["http"]["servers"].values()
    checks.equal([server["listen"] for server in servers], [[":443"]], "it serves HTTPS, and what comes by HTTP is led there")
    checks.that(all("logs" not in server for server in servers), "no access is logged")
    fields = config["logging"]["logs"]["default"]["encoder"]["fields"]
    checks.that({"request>uri", "request>remote_ip", "request>headers"} <= fields.keys(), "an error's log has no address and no key", str(fields))
    checks.that(config["admin"]["disabled"], "nobody reconfigures it")
    policies = config["apps"].get("tls", {}).get("automation", {}).get("policies", [])
    checks.that(not any("internal" in str(policy) for policy in policies), "a name of the internet gets a certificate of an authority")
    upstreams = re.findall(r'"dial": "([^"]+)"', json.dumps(config))
    checks.equal(upstreams, ["internet-api:8080"], "all goes to the node")
    checks.that("trusted_proxies" not in json.dumps(config), "and nobody before the proxy is believed")


def adapted(directory, domain, upstream):
    """What Caddy makes of the Caddyfile, as JSON."""
    environment = os.environ | {"GROUNDSWELL_DOMAIN": domain, "GROUNDSWELL_UPSTREAM": upstream} | homes(directory)
    done = subprocess.run(["caddy", "adapt", "--config", CADDYFILE, "--adapter", "caddyfile"], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def homes(directory):
    """Where Caddy keeps what it makes."""
    return {"XDG_DATA_HOME": str(directory / "proxy-data"), "XDG_CONFIG_HOME": str(directory / "proxy-config")}


class Proxy:
    """Caddy by the Caddyfile, on an address and ports of this machine."""

    def __init__(self, directory, address, upstream):
        self.directory, self.address = directory, address
        self.port, self.http_port = free_port(), free_port()
        config = adapted(directory, "localhost", upstream)
        web = config["apps"]["http"]
        web["http_port"], web["https_port"] = self.http_port, self.port
        for server in web["servers"].values():
            server["listen"] = [f"{address}:{self.port}"]
        file = directory / "caddy.json"
        file.write_text(json.dumps(config))
        self.log_path = directory / "proxy.log"
        self.process = Process(["caddy", "run", "--config", file], os.environ | homes(directory))

    @property
    def authority(self):
        """What vouches for its certificate."""
        return self.directory / "proxy-data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process.start(stdout=log, stderr=log)
        wait_until(self.listens, START_SECONDS, lambda: f"Caddy should listen; its log ends:\n{self.log_path.read_text()[-2_000:]}")

    def listens(self):
        if not self.authority.exists():
            return False
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, headers=None, source=NEAR):
        """Sends one request from an address of this machine; returns status, headers and text of the answer."""
        context = ssl.create_default_context(cafile=str(self.authority))
        raw = socket.create_connection((self.address, self.port), ANSWER_SECONDS, (source, 0))
        connection = http.client.HTTPSConnection("localhost", context=context)
        connection.sock = context.wrap_socket(raw, server_hostname="localhost")
        with contextlib.closing(connection):
            content = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body and json.dumps(body), content | (headers or {}))
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()


# The five commands


def run_documented(checks, machine):
    services = {name: each for name, each in machine.services(INTERNET, "internet").items() if name != "internet-proxy"}
    with machine.containers("internet", services) as containers, contextlib.ExitStack() as stack:
        redis, node = containers["internet-redis"], containers["internet-api"]
        upstream = node.network.local("internet-api:8080", "internet-api")
        proxy = Proxy(machine.directory, f"{machine.prefix}.2", upstream)
        stack.callback(proxy.process.kill)
        here = {"GROUNDSWELL_TRUST_PROXY": NEAR, "GROUNDSWELL_REPORTS_PER_MINUTE": str(A_MINUTE)}
        reader = reader_of(machine.directory, node, proxy)
        commands = block("internet.py")
        checks.that(commands in (ROOT / "README.md").read_text(), "README.md has the five commands of docs/operating.md")
        prepare, first, up, app, report = commands.splitlines()

        reader.run(prepare)
        written = (machine.directory / ".env").read_text()
        checks.that(re.fullmatch(r"GROUNDSWELL_DOMAIN=localhost\nGROUNDSWELL_REPORTER_KEY=[0-9a-f]{64}\n", written), "1: domain and reporter key are in .env")
        # Compose reads it; here the harness has set another.
        redis.start()
        redis.await_health()
        node.start(**here)
        wait_until(lambda: not node.is_running(), START_SECONDS, lambda: f"without an admin key it should not start:\n{node.log_end()}")
        node.kill()
        checks.that("groundswell keys create" in node.log_end(), "a start without an admin key says the one command", node.log_end())
        reader.run(first)
        checks.that(is_key_file(machine.directory / "admin.key"), "2: the admin key is in its file, alone, and readable by its owner only")
        checks.that(up.startswith("docker compose --profile internet up"), "3: Compose starts all")
        node.start(**here)
        node.await_health()
        proxy.start()
        reader.run(app)
        checks.that(is_key_file(machine.directory / "app.key"), "4: the app's key is in its file, made beside the running node")
        wait_until(lambda: knows_app(proxy, machine.directory), KNOWN_SECONDS, lambda: "the node should know the app's key")
        answer = json.loads(reader.run(report))
        checks.equal(answer["outcome"], "counted", "5: the first report of the app counts")

        check_callers(checks, proxy, machine.directory)
        check_around(checks, proxy, node)
        said = reader.printed + reader.errors + [node.log_end(), proxy.log_path.read_text()]
        keys = [(machine.directory / f"{name}.key").read_text().strip() for name in ("admin", "app")]
        checks.that(not any(key in text for key in keys for text in said), "no key was printed or logged")
        checks.equal(node.stop(), 0, "the node stops in the time it has, with exit code 0")


def knows_app(proxy, directory):
    return proxy.ask("GET", "/v1/providers", headers={"Authorization": f"Bearer {(directory / 'app.key').read_text().strip()}"})[0] != 401


def reader_of(directory, node, proxy):
    """Somebody at the machine: `docker compose run` and `exec` lead to the node's program with the node's environment."""
    tools = directory / "tools"
    tools.mkdir()
    variables = [f"{name}={value}" for name, value in node.environment().items()]
    lines = "\n".join(f"  {quoted(variable)} \\" for variable in variables)
    shim = f"""#!/bin/bash
# docker compose run --rm -T internet-api WORDS | docker compose exec -T internet-api groundswell WORDS
[ "$1" = compose ] || exit 64
if [ "$2 $3 $4 $5" = "run --rm -T internet-api" ]; then shift 5
elif [ "$2 $3 $4 $5" = "exec -T internet-api groundswell" ]; then shift 5
else exit 64; fi
exec env -i \\
{lines}
  {quoted(str(node.binary))} "$@"
"""
    (tools / "docker").write_text(shim)
    (tools / "docker").chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(directory)}
    lead = f'curl() {{ command curl --silent --show-error --fail-with-body --cacert {proxy.authority} --connect-to "::{proxy.address}:{proxy.port}" "$@"; }}\n'
    return Reader(directory, environment, [(DOMAIN, "localhost")], prelude=lead)


def quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"


def is_key_file(path):
    return bool(re.fullmatch(r"gsk_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}\n", path.read_text())) and path.stat().st_mode & 0o077 == 0


def check_callers(checks, proxy, directory):
    """Limits by address, as the proxy tells them; whatever callers say of themselves."""
    phone, other = "127.9.9.1", "127.9.9.2"
    report = lambda n, **how: proxy.ask("POST", "/v1/reports", REPORT | {"reporter_id": f"phone {n}"}, **how)
    statuses = [report(n, source=phone)[0] for n in range(A_MINUTE)]
    checks.equal(set(statuses), {202}, f"an address without a key reports {A_MINUTE} times")
    forged = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7", "X-Real-IP": "203.0.113.7"}
    status, headers, text = report(A_MINUTE, source=phone, headers=forged)
    said = json.loads(text)
    checks.equal((status, said["code"]), (429, "rate_limited"), "then it is refused, whoever it says that it is")
    checks.that(int(headers["Retry-After"]) > 0, "and told when to come again")
    checks.equal(report(A_MINUTE + 1, source=other)[0], 202, "another address has its own limit")
    key = (directory / "app.key").read_text().strip()
    with_key = report(A_MINUTE + 2, source=phone, headers={"Authorization": f"Bearer {key}"})
    checks.equal(with_key[0], 202, "and so has the app, from the same address")
    status, _, text = proxy.ask("GET", "/readyz", source=other)
    checks.that(status == 200 and "trust-proxy" not in text, "the node finds no fault with the proxy", text)


def check_around(checks, proxy, node):
    """What the internet must not reach."""
    for method, path in [("GET", "/metrics"), ("GET", "/v1/keys"), ("POST", "/v1/sources"), ("GET", "/v1/audit")]:
        status = proxy.ask(method, path, {} if method == "POST" else None)[0]
        checks.equal(status, 401, f"{method} {path} needs a key")
    connection = http.client.HTTPConnection(proxy.address, proxy.http_port, timeout=ANSWER_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/v1/providers", headers={"Host": "localhost"})
        response = connection.getresponse()
        checks.that(response.status in (301, 308) and response.headers["Location"].startswith("https://"), "HTTP leads to HTTPS", str(response.status))
    node.kill()
    proxy.ask("GET", "/v1/providers?key=gsk_secret")
    checks.that("gsk_secret" not in proxy.log_path.read_text(), "where the node is away, the proxy's log has no key of an address")
    node.start(GROUNDSWELL_TRUST_PROXY=NEAR)
    node.await_health()


if __name__ == "__main__":
    main()

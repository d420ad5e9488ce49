"""Is what docker-compose.yml and the Dockerfile say right, and does it run? Needs no container engine.

The files are checked against the Compose specification's schema, and against each other and the code. Then
every service of docker-compose.yml runs as a process with the file's own command and environment, in the order that the
file asks for: a report to one node is on the other's map, and is still there after everything was stopped and started again.
What only a container engine can show: whether the images can be had, and whether the build ends well.
"""

import argparse
import contextlib
import http.client
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from datetime import datetime, timezone
from pathlib import Path

from checks import Checks
from compose import COMPOSE_FILE, Composition, MissingVariable, depends_on, seconds
from containers import VOLUME, Container, Network
from image import DOCKERFILE, Image, is_ignored
from processes import seconds_until, wait_until
from server import ROOT, ask, store_directory

VARIABLES = {"GROUNDSWELL_REPORTER_KEY": "the reporter key of this check, which is no secret"}
ALONE = {"redis", "api-1", "api-2"}
CLUSTER_REDIS = {f"cluster-redis-{n}" for n in range(1, 7)}
CLUSTER = CLUSTER_REDIS | {"cluster-init", "cluster-api-1", "cluster-api-2"}
# What an answered report rests on, wherever it is stored.
DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
# What the image's last stage has of libraries: the C library, and the one that unwinds the stack.
LIBRARIES = {"linux-vdso.so.1", "libgcc_s.so.1", "libm.so.6", "libc.so.6"}
FRESH_SECONDS = 2.5
REFUSE_SECONDS = 10
ANSWER_SECONDS = 10


def main():
    arguments = parse_arguments()
    checks = Checks()
    image = Image()
    check_dockerfile(checks, image, arguments.binary)
    check_what_the_build_sees(checks, image)
    check_compose_file(checks, image, arguments.binary)
    with store_directory() as directory:
        # The services run as the users that the files name.
        os.chmod(directory, 0o755)
        machine = Machine(image, Path(shutil.copy(arguments.binary, directory)), Path(directory))
        run_image_alone(checks, machine)
        run_alone(checks, machine)
        run_cluster(checks, machine)
        run_cluster_init_on_remains(checks, machine)
    checks.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the groundswell to test, e.g. target/debug/groundswell")
    return parser.parse_args()


# The Dockerfile


def check_dockerfile(checks, image, binary):
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    package = manifest["package"] | manifest["workspace"]["package"]
    builder, final = image.bases
    codename = re.fullmatch(rf"rust:{re.escape(package['rust-version'])}-(\w+)", builder)
    checks.that(codename, f"the builder is the Rust that Cargo.toml names, {package['rust-version']}, on a named Debian", builder)
    checks.equal(final, f"debian:{codename and codename[1]}-slim", "the final image is the builder's Debian, without a toolchain")
    checks.that(re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.user or ""), "the final image's user is a number, and not root", image.user)
    made = re.search(r"--owner=(\d+) --group=(\d+) (\S+)$", image.last("RUN") or "")
    store = image.environment.get("GROUNDSWELL_STORE")
    checks.equal(made and made.groups(), (*(image.user or "").split(":"), store), "that user owns the directory of the embedded store")
    checks.equal(image.environment.get("GROUNDSWELL_LISTEN"), f"0.0.0.0:{image.port}", "the port that it exposes is the one it listens on")
    expected = {"title": package["name"].capitalize(), "licenses": package["license"], "description": package["description"]}
    labels = {name.rpartition(".")[2]: text for name, text in image.labels.items()}
    checks.equal(labels, expected, "title, licence and description are those of Cargo.toml")
    linked = set(re.findall(r"^\s*(\S+\.so\S*)", output("ldd", binary), re.MULTILINE))
    foreign = {name for name in linked - LIBRARIES if "ld-linux" not in name}
    checks.that(linked and not foreign, "the binary links only what the final image has", str(foreign))


def check_what_the_build_sees(checks, image):
    """Lays out what the build copies, and lets cargo judge whether that is all it needs."""
    copied = [(source, target) for stage in image.stages for source, target in image.copies(stage)]
    missing = [source for source, _ in copied if not (ROOT / source).exists()]
    checks.that(copied and not missing, f"everything that the Dockerfile copies is there: {len(copied)} files and folders", str(missing))
    ignored = [source for source, _ in copied if is_ignored(source)]
    checks.that(not ignored, "nothing that it copies is kept out by .dockerignore", str(ignored))
    heavy = [path for path in ("target", ".git", ".env", "groundswell-data", "tests/run.py") if not is_ignored(path)]
    checks.that(not heavy, "what it does not need, secrets above all, is kept out by .dockerignore", str(heavy))
    checks.that(".env" in (ROOT / ".gitignore").read_text().split(), "and .env is kept out of the repository")

    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
    # Always the same place, so that cargo finds its own work again.
    context = target / "tmp" / "image-context"
    shutil.rmtree(context, ignore_errors=True)
    for source, destination in image.copies(image.stages[0]):
        lay_out(ROOT / source, context / destination / ("" if (ROOT / source).is_dir() else source))
    build = next(value for name, value in image.stages[0] if name == "RUN")
    checks.that("cargo build --locked --profile dist" in build, "the build is a release of exactly the locked dependencies", build)
    command = [os.environ.get("CARGO", "cargo"), "check", "--quiet", "--locked"]
    done = subprocess.run(command, cwd=context, env=os.environ | {"CARGO_TARGET_DIR": str(target)}, capture_output=True, text=True)
    checks.that(done.returncode == 0, "cargo compiles from what the Dockerfile copies, and nothing else", done.stderr[-2_000:])
    shutil.rmtree(context)


def lay_out(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)


# docker-compose.yml


def check_compose_file(checks, image, binary):
    schema = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    valid, said = judge(*schema, COMPOSE_FILE)
    checks.that(valid, "docker-compose.yml is valid by the Compose specification's schema", said)
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as misspelt:
        misspelt.write(COMPOSE_FILE.read_text().replace("depends_on:", "depend_on:", 1))
        misspelt.flush()
        checks.that(not judge(*schema, misspelt.name)[0], "and would not be if a key were misspelt")
    try:
        Composition({})
        said = "nothing"
    except MissingVariable as missing:
        said = str(missing)
    checks.that("openssl rand" in said and "keep it" in said, "without a reporter key Compose says how to make one", said)
    composition = Composition(VARIABLES)
    checks.that("version" not in composition.data, "it names no version of the file, which Compose no longer reads")
    checks.equal(set(composition.services()), ALONE, "without a profile, one Redis and two nodes start")
    checks.equal(set(composition.services("cluster")), ALONE | CLUSTER, "with the profile cluster, a Cluster and its two nodes start too")
    check_nodes(checks, composition.services("cluster"), image, binary)
    check_redis(checks, composition.services("cluster"))
    check_what_they_share(checks, composition)


def check_nodes(checks, services, image, binary):
    nodes = {name: service for name, service in services.items() if "build" in service}
    known = set(re.findall(r"\[env: (GROUNDSWELL_\w+)", output(binary, "serve", "--help")))
    used = image.environment.keys() | {variable for node in nodes.values() for variable in node["environment"]}
    checks.that(not used - known, "every variable of a node is a setting of groundswell serve", str(used - known))
    every(checks, nodes, lambda node: node["environment"]["GROUNDSWELL_AUTH"] == "open", "every node is told that everybody may call")
    every(checks, nodes, lambda node: "user" not in node, "every node runs as the image's user")
    probe = f"/dev/tcp/127.0.0.1/{image.port}; printf 'GET /readyz HTTP/1.0"
    every(checks, nodes, lambda node: probe in node["healthcheck"]["test"][-1], "every node is healthy when its /readyz says so")
    stop_within = re.search(r"STOP_WITHIN: Duration = Duration::from_secs\((\d+)\)", (ROOT / "src/config.rs").read_text())
    in_time = lambda node: stop_within and seconds(node["stop_grace_period"]) > int(stop_within[1])
    every(checks, nodes, in_time, "every node has longer to stop than it takes for itself")
    ready = Composition(VARIABLES | {"GROUNDSWELL_IMAGE": "example.org/groundswell:1"}).services("cluster")
    checks.equal({ready[name]["image"] for name in nodes}, {"example.org/groundswell:1"}, "every node runs the ready image that GROUNDSWELL_IMAGE names")
    keys = {node["environment"]["GROUNDSWELL_REPORTER_KEY"] for node in nodes.values()}
    checks.equal(keys, set(VARIABLES.values()), "all nodes share the reporter key")
    ports = [port.split(":") for node in nodes.values() for port in node["ports"]]
    checks.equal({inside for *_, inside in ports}, {str(image.port)}, "every published port leads to the image's port")
    checks.equal([outside for _, outside, _ in ports], ["8080", "8081", "8082", "8083"], "each node has a port of its own on the host")
    checks.equal({host for host, *_ in ports}, {"127.0.0.1"}, "only this machine reaches them, unless Compose is told otherwise")
    checks.equal({name for name in services if "ports" in services[name]}, set(nodes), "nothing but the nodes is published")


def check_redis(checks, services):
    images = {service["image"] for service in services.values() if "build" not in service}
    version = re.fullmatch(r"redis:(\d+)[\d.]*-\w+", " ".join(images))
    checks.that(version and int(version[1]) >= 7, "all that is not a node is one image: Redis 7 or later, on a named Debian", str(images))
    redis = {name: services[name] for name in ["redis", *sorted(CLUSTER_REDIS)]}
    options = lambda words: {option.removeprefix("--"): value for option, value in zip(words[1::2], words[2::2])}
    durable = lambda server: DURABLE.items() <= options(server["command"]).items()
    every(checks, redis, durable, "every Redis syncs its append-only file before it answers, and evicts nothing")


def check_what_they_share(checks, composition):
    services, data = composition.services("cluster"), composition.data
    privileges = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    confined = lambda each: privileges.items() <= each.items()
    every(checks, services, confined, "no service can write to its root, has a capability, or gains one")
    restarts = {name: each["restart"] for name, each in services.items()}
    stays = dict.fromkeys(services, "unless-stopped")
    checks.equal(restarts, stays | {"cluster-init": "no"}, "every service starts again by itself, but for the job that makes the Cluster")
    meets = lambda each: all(can_be_met(services[other], how["condition"]) for other, how in depends_on(each).items())
    every(checks, services, meets, "what a service waits for can come true")
    # Files of this folder, which are mounted too, are no volumes.
    volumes = [volume.split(":") for service in data["services"].values() for volume in service.get("volumes", []) if not volume.startswith(".")]
    checks.equal(sorted(name for name, _ in volumes), sorted(data["volumes"]), "every volume is declared, and belongs to one service")
    paths = {volume.split(":")[1] for service in services.values() for volume in service.get("volumes", [])}
    checks.equal(paths, {VOLUME}, "and lies where the images keep their data")
    networks = {network for service in data["services"].values() for network in service["networks"]}
    checks.equal(networks, set(data["networks"]), "every network is declared, and used")
    fixed = [ipaddress.ip_address(services[name]["networks"]["cluster"]["ipv4_address"]) for name in sorted(CLUSTER_REDIS)]
    subnet = ipaddress.ip_network(data["networks"]["cluster"]["ipam"]["config"][0]["subnet"])
    distinct = len(set(fixed)) == 6 and all(address in subnet for address in fixed)
    checks.that(distinct, f"the Cluster's six addresses lie in {subnet}", str(fixed))
    told = services["cluster-init"]["environment"]["NODES"].split()
    checks.equal(told, [f"{address}:6379" for address in fixed], "and cluster-init makes those a Cluster")


def every(checks, services, holds, claim):
    """Counts a claim that must hold of every service."""
    faulty = [name for name, service in services.items() if not holds(service)]
    checks.that(not faulty, claim, f"not so of {', '.join(faulty)}")


def can_be_met(service, condition):
    """Whether a service can ever be what another waits for."""
    match condition:
        case "service_healthy":
            return "healthcheck" in service
        case "service_completed_successfully":
            return service.get("restart") == "no"
    return False


# The same as processes


class Machine:
    """Where services run: on loopback addresses, and in a directory."""

    def __init__(self, image, binary, directory):
        self.image, self.binary, self.directory = image, binary, directory
        # Its own loopback network, as several of these scripts may run.
        self.prefix = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}"

    @contextlib.contextmanager
    def containers(self, folder, services):
        """The services as containers that are not started yet, by name, in the order of their start. None outlives the `with` block."""
        network = Network(self.prefix, self.image.port)
        volumes = self.directory / folder
        made = {name: Container(name, each, self.image, network, volumes / name, self.binary) for name, each in services.items()}
        try:
            yield made
        finally:
            for container in made.values():
                container.kill()

    def services(self, names, profile=None):
        """Some services of docker-compose.yml, in the order of their start."""
        services = Composition(VARIABLES | {"GROUNDSWELL_CLUSTER_NET": self.prefix}).services(profile)
        return {name: service for name, service in services.items() if name in names}


def up(containers):
    """Starts every service once that for which it waits has come true, and returns when all that stay are healthy."""
    began = time.monotonic()
    for container in containers.values():
        for name, how in depends_on(container.service).items():
            await_condition(containers[name], how["condition"])
        container.start()
    for container in containers.values():
        if "healthcheck" in container.service:
            container.await_health()
    print(f"{', '.join(containers)}: all were up after {time.monotonic() - began:.1f} s")


def await_condition(container, condition):
    if condition == "service_healthy":
        container.await_health()
    elif (code := container.await_end()) != 0:
        sys.exit(f"{container.name} should end with exit code 0, but did with {code}; its log ends:\n{container.log_end()}")


def down(checks, containers, what):
    """Stops every service that still runs, the last first."""
    codes = {name: container.stop() for name, container in reversed(containers.items()) if container.is_running()}
    checks.equal(codes, dict.fromkeys(codes, 0), f"{what}: whatever runs ({len(codes)}) stops in the time it has, with exit code 0")


def run_image_alone(checks, machine):
    """What the Dockerfile's first lines say to run: the embedded store in a volume."""
    service = {"build": ".", "read_only": True, "volumes": ["groundswell-data:/data"], "networks": ["default"], "stop_grace_period": "40s"}
    with machine.containers("image", {"image": service}) as containers:
        node = containers["image"]
        # As it stands in the file: here it is exchanged for a loopback address, which anybody may listen on.
        node.start(GROUNDSWELL_LISTEN=machine.image.environment["GROUNDSWELL_LISTEN"])
        ended = seconds_until(lambda: not node.is_running(), REFUSE_SECONDS)
        node.kill()
        refused = ended <= REFUSE_SECONDS and node.exit_code() != 0 and "--auth open" in node.log_end()
        checks.that(refused, "the image alone: refuses to listen on all addresses until somebody says who may call", node.log_end())
        node.start(GROUNDSWELL_AUTH="open")
        wait_until(lambda: is_ready(node, "/readyz?for=ingest"), ANSWER_SECONDS, lambda: f"the image should be ready:\n{node.log_end()}")
        checks.equal(post(node, report())[1]["outcome"], "counted", "the image alone: keeps a report in its volume, as its own user")
        down(checks, containers, "the image alone")


def run_alone(checks, machine):
    """docker compose up."""
    with machine.containers("alone", machine.services(ALONE)) as containers:
        up(containers)
        check_durable(checks, [containers["redis"]], "one Redis")
        nodes = [containers["api-1"], containers["api-2"]]
        sent = check_shared(checks, nodes, "one Redis")
        down(checks, containers, "one Redis")
        up(containers)
        check_kept(checks, nodes, sent, "one Redis")
        down(checks, containers, "one Redis, started again")


def run_cluster(checks, machine):
    """docker compose --profile cluster up cluster-api-1 cluster-api-2."""
    with machine.containers("cluster", machine.services(CLUSTER, "cluster")) as containers:
        up(containers)
        redis = [containers[name] for name in sorted(CLUSTER_REDIS)]
        check_durable(checks, redis, "Cluster")
        check_whole(checks, redis, "Cluster")
        before = members(redis[0])
        init = containers["cluster-init"]
        init.start()
        checks.equal(init.await_end(), 0, "Cluster: to make it again ends with exit code 0")
        checks.equal(members(redis[0]), before, "Cluster: and changes nothing")
        nodes = [containers["cluster-api-1"], containers["cluster-api-2"]]
        sent = check_shared(checks, nodes, "Cluster")
        waited = any("cmdstat_wait:" in server.ask_redis("INFO", "commandstats") for server in redis)
        checks.that(waited, "Cluster: the nodes waited for a replica, as GROUNDSWELL_MIN_REPLICAS says")
        down(checks, containers, "Cluster")
        up(containers)
        checks.equal(members(redis[0]).keys(), before.keys(), "Cluster, started again: the six are the same")
        check_kept(checks, nodes, sent, "Cluster")
        down(checks, containers, "Cluster, started again")


def run_cluster_init_on_remains(checks, machine):
    """What cluster-init does where it was stopped half-way, and where there is data."""
    services = machine.services(CLUSTER_REDIS | {"cluster-init"}, "cluster")
    with machine.containers("half-made", services) as containers:
        first, second, *others = start_redis(containers)
        first.ask_redis("CLUSTER", "ADDSLOTSRANGE", "0", "5460")
        second.ask_redis("CLUSTER", "MEET", first.address, str(first.network.redis_port))
        init = containers["cluster-init"]
        init.start()
        checks.equal(init.await_end(), 0, "half a Cluster without a key: cluster-init ends with exit code 0")
        check_whole(checks, [first, second, *others], "half a Cluster without a key")
    with machine.containers("in-pieces", services) as containers:
        first, *others = start_redis(containers)
        first.ask_redis("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        takes_keys = lambda: "cluster_state:ok" in first.ask_redis("CLUSTER", "INFO")
        wait_until(takes_keys, ANSWER_SECONDS, lambda: "a node with all slots should take keys")
        first.ask_redis("SET", "precious", "1")
        init = containers["cluster-init"]
        init.start(WAIT_SECONDS="2")
        failed = init.await_end() != 0 and "made anew only" in init.log_end()
        checks.that(failed, "pieces that hold data: cluster-init fails, and says so", init.log_end())
        checks.equal(first.ask_redis("GET", "precious"), "1", "pieces that hold data: and they still hold it")


def start_redis(containers):
    """Starts the nodes of a Cluster that is still to be made."""
    redis = {name: containers[name] for name in sorted(CLUSTER_REDIS)}
    up(redis)
    return redis.values()


def check_durable(checks, redis, what):
    said = [server.ask_redis("CONFIG", "GET", *DURABLE).split() for server in redis]
    got = [dict(zip(words[::2], words[1::2])) for words in said]
    checks.equal(got, [DURABLE] * len(redis), f"{what}: every Redis is as durable as it was told to be")


def check_whole(checks, redis, what):
    roles = sorted((flags, bool(slots)) for flags, _, slots in members(redis[0]).values())
    checks.equal(roles, [("master", True)] * 3 + [("slave", False)] * 3, f"{what}: three masters with slots, three replicas")
    masters = {master for _, master, _ in members(redis[0]).values()} - {"-"}
    checks.equal(len(masters), 3, f"{what}: each master has a replica")


def members(redis):
    """What a node of a Cluster says of all: by id, whether master or replica, of whom, and with which slots."""
    lines = [line.split() for line in redis.ask_redis("CLUSTER", "NODES").splitlines()]
    return {line[0]: (line[2].removeprefix("myself,"), line[3], tuple(line[8:])) for line in lines}


# What they answer


def check_shared(checks, nodes, what):
    """A report to one node is seen by the other. Returns the report."""
    one, other = nodes
    for node in nodes:
        ready = {target: is_ready(node, target) for target in ("/readyz", "/readyz?for=ingest")}
        checks.that(all(ready.values()), f"{what}: {node.name} is ready to answer and to record", str(ready))
        check_confined(checks, node, what)
    checks.equal(total(other), 0, f"{what}: the map of {other.name} begins empty")
    sent = report()
    status, answer = post(one, sent)
    took = seconds_until(lambda: total(other) == 1, FRESH_SECONDS)
    checks.equal((status, answer.get("outcome")), (202, "counted"), f"{what}: {one.name} counts a report")
    print(f"{what}: the other node showed it after {took:.2f} s")
    checks.that(took <= FRESH_SECONDS, f"{what}: {other.name} shows it within {FRESH_SECONDS} s", f"its map counts {total(other)}")
    checks.equal(post(other, sent)[1].get("outcome"), "duplicate", f"{what}: {other.name} knows it as a duplicate")
    return sent


def check_kept(checks, nodes, sent, what):
    for node in nodes:
        took = seconds_until(lambda: total(node) == 1, FRESH_SECONDS)
        checks.that(took <= FRESH_SECONDS, f"{what}, started again: {node.name} shows the report", f"its map counts {total(node)}")
        outcome = post(node, sent)[1].get("outcome")
        checks.equal(outcome, "duplicate", f"{what}, started again: {node.name} still knows it as a duplicate")


def check_confined(checks, node, what):
    status = dict(line.split(":", 1) for line in Path(f"/proc/{node.process.running.pid}/status").read_text().splitlines())
    expected = node.user.split(":")[0] if os.geteuid() == 0 else str(os.getuid())
    limit = re.search(r"^Max file size +(\d+)", Path(f"/proc/{node.process.running.pid}/limits").read_text(), re.MULTILINE)
    confined = set(status["Uid"].split()) == {expected} and limit and limit[1] == "0"
    checks.that(confined, f"{what}: {node.name} runs as user {expected}, and writes to no file", f"{status['Uid']}, {limit and limit[0]}")


def report():
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    place = {"lat": 43.6532, "lon": -79.3832, "accuracy_m": 35}
    return {"provider": "rogers", "symptom": "no_service", "observed_at": now, "reporter_id": "one phone", **place}


def post(node, sent):
    return ask_node(node, "POST", "/v1/reports", json.dumps(sent), {"Content-Type": "application/json"})


def total(node):
    status, answer = ask_node(node, "GET", "/v1/heatmap?provider=rogers&window=1h")
    return answer["total"] if status == 200 else f"{status}: {answer}"


def is_ready(node, target):
    with contextlib.suppress(OSError):
        return ask_node(node, "GET", target)[0] == 200
    return False


def ask_node(node, *request):
    with contextlib.closing(http.client.HTTPConnection(node.address, node.network.api_port, timeout=ANSWER_SECONDS)) as connection:
        return ask(connection, *request)


# Programs


def judge(program, *arguments):
    """Whether a tool beside this Python is content, and what it says."""
    done = subprocess.run([Path(sys.executable).parent / program, *arguments], capture_output=True, text=True)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def output(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()

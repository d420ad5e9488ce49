"""What docker-compose.yml says, read as Compose reads it: with variables in their places, and services of a profile."""

import re

import yaml

from server import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
# $$ is a dollar; ${NAME}, ${NAME:-default}, ${NAME:?what to do}.
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class MissingVariable(Exception):
    """A variable that the file asks for and nobody has set; says what the file says about it."""


class Composition:
    """The file, with the variables of one who starts it."""

    def __init__(self, variables):
        self.data = interpolated(yaml.safe_load(COMPOSE_FILE.read_text()), variables)

    def services(self, profile=None):
        """What starts with a profile, or with none: each after all that it depends on."""
        wanted = lambda service: not service.get("profiles") or profile in service["profiles"]
        services = {name: service for name, service in self.data["services"].items() if wanted(service)}
        ordered = {}
        while len(ordered) < len(services):
            ready = [name for name in services if name not in ordered and depends_on(services[name]).keys() <= ordered.keys()]
            if not ready:
                raise ValueError(f"these wait for each other, or for what does not start with them: {services.keys() - ordered.keys()}")
            ordered |= {name: services[name] for name in ready}
        return ordered


def interpolated(value, variables):
    """The value with every variable replaced."""
    match value:
        case dict():
            return {key: interpolated(each, variables) for key, each in value.items()}
        case list():
            return [interpolated(each, variables) for each in value]
        case str():
            return VARIABLE.sub(lambda found: replacement(found, variables), value)
    return value


def replacement(found, variables):
    if found["dollar"]:
        return "$"
    set_to = variables.get(found["name"])
    if not set_to and found["kind"] == "?":
        raise MissingVariable(found["rest"])
    return set_to or found["rest"] or ""


def depends_on(service):
    """The services that one waits for, and how."""
    return service.get("depends_on", {})


def seconds(duration):
    """A duration such as 40s or 1m30s."""
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", duration))

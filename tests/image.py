"""What the Dockerfile and .dockerignore say, read once."""

import json
from fnmatch import fnmatch
from pathlib import PurePath

from dockerfile_parse import DockerfileParser

from server import ROOT

DOCKERFILE = ROOT / "Dockerfile"


class Image:
    """The stages of the build, and what the last one leaves for a container."""

    def __init__(self):
        with open(DOCKERFILE, "rb") as file:
            parser = DockerfileParser(fileobj=file)
            instructions = [(each["instruction"], each["value"]) for each in parser.structure if each["instruction"] != "COMMENT"]
            self.bases, self.labels, self.environment = parser.parent_images, parser.labels, parser.envs
        starts = [n for n, (name, _) in enumerate(instructions) if name == "FROM"]
        self.stages = [instructions[start:end] for start, end in zip(starts, [*starts[1:], None])]

    def last(self, name):
        """The value of the last such instruction of the final stage, or none."""
        return next((value for instruction, value in reversed(self.stages[-1]) if instruction == name), None)

    @property
    def user(self):
        return self.last("USER")

    @property
    def port(self):
        return int(self.last("EXPOSE"))

    def command(self, arguments=None):
        """The words that a container runs: the entrypoint, and what follows it."""
        return json.loads(self.last("ENTRYPOINT")) + (arguments or json.loads(self.last("CMD")))

    def copies(self, stage):
        """What a stage copies from the context, as pairs of a source and a target."""
        values = [value.split() for name, value in stage if name in ("COPY", "ADD") and "--from=" not in value]
        words = [[word for word in each if not word.startswith("--")] for each in values]
        return [(source, each[-1]) for each in words for source in each[:-1]]


def is_ignored(path):
    """Whether .dockerignore keeps a path out of the context: the last pattern that fits it, or a folder above it, decides."""
    lines = [line.strip() for line in (ROOT / ".dockerignore").read_text().splitlines()]
    ignored = False
    for pattern in (line for line in lines if line and not line.startswith("#")):
        above = [str(part) for part in [PurePath(path), *PurePath(path).parents][:-1]]
        if any(fits(part, pattern.removeprefix("!")) for part in above):
            ignored = not pattern.startswith("!")
    return ignored


def fits(path, pattern):
    """A star stays within one folder."""
    parts, patterns = PurePath(path).parts, PurePath(pattern).parts
    return len(parts) == len(patterns) and all(map(fnmatch, parts, patterns))

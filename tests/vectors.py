"""The request and answer vectors of clients/vectors: reads and writes them, puts a server into the state that they name, and asks it."""

import contextlib
import json
import re
import socket
from datetime import datetime, timedelta, timezone

from server import ANSWER_SECONDS, ROOT

FOLDER = ROOT / "clients" / "vectors"
SCHEMA = FOLDER / "schema.json"
WIDTH = 100
# What an answer of a vector shows of its headers, where they are there.
SHOWN_HEADERS = ["Content-Type", "Retry-After", "WWW-Authenticate", "Allow"]
PLACEHOLDER = re.compile(r"\{\{(?:(now)(?:([+-]\d+)([hm]))?|key:(\w+))\}\}")
MINUTES = {"m": 1, "h": 60}


def files():
    """The content of each file, by its path."""
    return {path: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json")) if path != SCHEMA}


def dumped(value):
    """A value as JSON, as wide as a page: what fits stands on one line."""
    return lines_of(value, 0) + "\n"


def lines_of(value, indent):
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(line) + indent <= WIDTH and not has_vectors(value):
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {lines_of(part, indent + len(key) + 6)}" for key, part in value.items()]
        # What follows a key is as deep as the key.
        parts = [f"{inner}{json.dumps(key)}: {lines_of(part, indent + 2)}" if "\n" in old else old for old, (key, part) in zip(parts, value.items())]
    else:
        parts = [inner + lines_of(part, indent + 2) for part in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(parts) + f"\n{' ' * indent}{closing}"


def has_vectors(value):
    """Whether this is a file, its list or a vector: each part of which begins a line."""
    return isinstance(value, dict) and ("vectors" in value or "client" in value) or isinstance(value, list) and any(map(has_vectors, value))


class Filling:
    """What the placeholders of a vector stand for at one instant."""

    def __init__(self, now, keys):
        self.now = datetime.fromtimestamp(now, timezone.utc)
        self.keys = keys

    def fill(self, value):
        """The value with placeholders replaced, and what is repeated written out."""
        match value:
            case {"repeat": str(text), "times": times}:
                return text * times
            case {"repeat": item, "times": times}:
                return [self.fill(item)] * times
            case dict():
                return {key: self.fill(part) for key, part in value.items()}
            case list():
                return [self.fill(part) for part in value]
            case str():
                return PLACEHOLDER.sub(self.replacement, value)
        return value

    def replacement(self, found):
        if found[4]:
            return self.keys[found[4]]
        at = self.now + timedelta(minutes=int(found[2] or 0) * MINUTES[found[3] or "m"])
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def bytes_of(request, port):
    """A request as it goes over the wire."""
    if "raw" in request:
        return request["raw"].encode()
    if "body" in request:
        body = json.dumps(request["body"])
    else:
        body = request.get("text", "\n".join(map(json.dumps, request.get("lines", []))))
    sent = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body.encode())), "Connection": "close"}
    lines = [f"{request['method']} {request['path']} HTTP/1.1"]
    for name, values in (sent | request["headers"]).items():
        lines += [f"{name}: {value}" for value in (values if isinstance(values, list) else [values])]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def asked(port, request):
    """Sends a request. Returns the answer: its status, headers and the JSON of its body."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)) as connection:
        sending = memoryview(bytes_of(request, port))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # A server may answer before it has read a body that is too large.
            connection.sendall(sending[:65_536])
            connection.settimeout(ANSWER_SECONDS)
            if is_quiet(connection):
                connection.sendall(sending[65_536:])
        return answer_of(connection)


def is_quiet(connection):
    """Whether nothing has come yet."""
    connection.setblocking(False)
    try:
        return not connection.recv(1, socket.MSG_PEEK) and False
    except BlockingIOError:
        return True
    finally:
        connection.settimeout(ANSWER_SECONDS)


def answer_of(connection):
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while not is_whole(received) and (some := connection.recv(65_536)):
            received += some
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = {name.title(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {"status": int(status_line.split()[1]), "headers": headers, "body": json.loads(body) if body else None}


def is_whole(received):
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: *(\d+)\r?$", head, re.M)
    return bool(end and length and int(length[1]) <= len(body))


def shown(answer):
    """An answer as a vector shows it."""
    headers = {name: answer["headers"][title] for name in SHOWN_HEADERS if (title := name.title()) in answer["headers"]}
    return {"status": answer["status"], "headers": headers} | ({"body": answer["body"]} if answer["body"] is not None else {})


def with_varying_of(answer, other, varies):
    """An answer with what differs from time to time taken from another. Where one of them has no such place, it stays as it is."""
    copy = json.loads(json.dumps(answer))
    for path in varies:
        *holders, last = (int(part) if part.isdigit() else part for part in path.split("."))
        target, source = copy, other
        with contextlib.suppress(KeyError, IndexError, TypeError):
            for part in holders:
                target, source = target[part], source[part]
            target[last], _ = source[last], target[last]
    return copy

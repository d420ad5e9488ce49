"""What a schema cannot say: which providers there are, and what time it is.

Of the requests that fit the schema, every other one is given a provider that exists and a time that is near, so that it
gets past the door. Those refused for a reason that no schema can state are no failures; each such reason stands here.
"""

import json
import os
import time
from datetime import datetime, timezone

import schemathesis
import schemathesis.engine.observations
from schemathesis.core.failures import ServerError
from schemathesis.openapi.checks import RejectedPositiveData

PROVIDERS = ["alpha", "bravo", "charlie", "alfa"]
NETWORKS = ["north", "charlie"]
PLMNS = ["00101", "001002"]
CELLS = ["882a100d6dfffff", "872a100d6ffffff", "822a17fffffffff", "8a2a1072b59ffff"]
AREAS = ["CA", "CA-ON", "US-NY", "GB"]
HOUR_S = 3600

# (code, field, why a schema cannot refuse it first); the field is None where any will do.
REFUSED_BY_MEANING = [
    ("unknown_provider", None, "the catalogue is data of the running server"),
    ("too_old", None, "depends on the time of asking"),
    ("in_future", None, "depends on the time of asking"),
    ("out_of_retention", None, "depends on the time of asking"),
    ("too_many_cells", None, "depends on what was reported"),
    ("missing_field", "provider", "a parameter cannot be said to be needed where another one is missing"),
    ("invalid_value", "network", "a parameter cannot be said to exclude another one, here provider"),
    ("invalid_value", "bbox", "a parameter cannot be said to exclude another one, here cell; nor can south be said to lie below north"),
    ("invalid_value", "from", "a parameter cannot be said to be earlier than another one"),
    ("invalid_value", "to", "a parameter cannot be said to be later than another one"),
    ("invalid_value", "area", "not every code of the right form is one of an area whose borders are known"),
    ("invalid_value", "within", "not every code of the right form is one of a country of which the borders of subdivisions are known"),
    ("invalid_value", "kind", "a parameter cannot be said to exclude another one, here within; nor to need another one, here by"),
    ("invalid_value", "tz", "no pattern says which time zones there are"),
    ("missing_field", "source", "a field cannot be said to be needed where another one holds `report`"),
    ("invalid_value", "scopes", "a field cannot be said to have fewer values where another one, here origins, is there"),
    ("invalid_value", "origins", "no pattern says what an origin is"),
    ("invalid_value", "expires_at", "depends on the time of asking"),
    ("invalid_value", "id", "of a key that exists, and was neither revoked nor rotated"),
    ("invalid_value", "name", "a schema counts blanks at the ends, and control characters; and no two sources have one name"),
    ("invalid_value", "contact", "a schema counts blanks at the ends, and control characters"),
    ("forbidden", "provider", "depends on the key"),
    ("invalid_value", "reason", "a schema counts blanks at the ends"),
    ("invalid_value", "source", "a schema counts blanks at the ends"),
    ("invalid_value", "text", "a schema counts blanks at the ends"),
    ("invalid_value", "step", "that points are not too many depends on three parameters"),
    ("invalid_value", "z", "an address in tiles.json is followed as it stands, with {z} for a number"),
    ("invalid_value", "x", "how many tiles there are depends on the zoom"),
    ("invalid_value", "y", "how many tiles there are depends on the zoom"),
    ("invalid_value", "region", "how many tiles there are depends on the zoom"),
    ("invalid_value", "incident", "a parameter cannot be said to exclude another one, here region; and not every incident has a place yet"),
    ("not_found", "incident", "of an incident that is there"),
    ("invalid_value", "fields", "which columns there are depends on the format, and no pattern says that each stands once"),
    ("invalid_value", "updated_since", "a parameter cannot be said to be earlier than another one"),
    ("invalid_value", "cursor", "opaque: only what an earlier answer gave is one"),
    *(("unknown_parameter", name, "a parameter cannot be said to exclude another one, here by") for name in ("cell", "bbox", "area", "late", "fields")),
    *(("unknown_parameter", name, "a parameter cannot be said to need another one, here by") for name in ("tz", "kind", "within")),
    ("invalid_value", "cell", "not every index of the right form and length is a cell of the grid"),
]


path_of_address = schemathesis.engine.observations._same_origin_path


def path_of_address_if_it_is_one(value, origin):
    """It looks for addresses in answers, and ends at one that is none: problems say again what was sent."""
    try:
        return path_of_address(value, origin)
    except ValueError:
        return None


schemathesis.engine.observations._same_origin_path = path_of_address_if_it_is_one


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """Lines are sent as they are."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives every other valid request values that exist."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for report in reports_of(case):
        complete(report, len(json.dumps(report, default=str)))
    number = sum(json.dumps([case.query, case.body], default=str).encode())
    if number % 2:
        return
    if isinstance(case.query, dict):
        make_real(case.query, number)
    if "/incidents/" in case.path:
        case.path_parameters["id"] = os.environ["INCIDENT"]
    for report in reports_of(case):
        make_real(report, number)


def reports_of(case):
    """The objects of a body that is one, or a list of them."""
    return [report for report in (case.body if isinstance(case.body, list) else [case.body]) if isinstance(report, dict)]


def complete(body, number):
    """Leaves a report one way to say whose and one to say where, or gives it one: its schema is one flat object and cannot say that."""
    if "symptom" not in body:
        return
    given = [name for name in ("provider", "plmn", "cell", "lat", "lon") if body.get(name) is not None]
    if "provider" in given and "plmn" in given:
        del body[("provider", "plmn")[number % 2]]
    elif not {"provider", "plmn"} & set(given):
        body["provider"] = PROVIDERS[number % len(PROVIDERS)]
    if "cell" in given:
        body.pop("lat", None), body.pop("lon", None)
    elif not {"lat", "lon"} <= set(given):
        body |= {"lat": 40.71, "lon": -74.01}


def make_real(values, number):
    """Replaces what is there by what exists; adds nothing, but leaves only one of two that exclude each other."""
    for ours, other in [("provider", "network"), ("provider", "plmn"), ("cell", "bbox"), ("resolution", "zoom")]:
        if values.get(ours) is not None and values.get(other) is not None:
            del values[(ours, other)[number // 2 % 2]]
    for name, existing in [("provider", PROVIDERS), ("network", NETWORKS), ("plmn", PLMNS), ("cell", CELLS), ("area", AREAS)]:
        if values.get(name) is not None:
            values[name] = existing[number % len(existing)]
    now = int(time.time())
    for name, ago in [("observed_at", number % 47 * HOUR_S), ("sent_at", number % 47 * 60), ("said_at", HOUR_S), ("known_at", 60), ("to", 60), ("from", HOUR_S)]:
        if values.get(name) is not None:
            values[name] = datetime.fromtimestamp(now - ago, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure is one: not where valid data were refused for what only the running server can know.

    Nor where detection has not come to the present: each void that was asked for here lets it begin anew.
    """
    if isinstance(failure, ServerError) and response.status_code == 503:
        return json.loads(response.content)["code"] != "catching_up"
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    problem = json.loads(response.content)
    fields = {error["field"] for error in problem.get("errors") or []}
    return not any(problem["code"] == code and (field is None or field in fields) for code, field, _ in REFUSED_BY_MEANING)

"""Gives the requests a token, and real ids where the document asks for any text.

`run.py` puts what exists on the server into the variable `CONNECTIONS_API_WORLD`, as JSON.
"""

import copy
import itertools
import json
import os
import threading

import schemathesis
from schemathesis.core.parameters import ParameterLocation

WORLD = json.loads(os.environ["CONNECTIONS_API_WORLD"])
BASE = "/api/v1"
LOCK = threading.Lock()
TOKENS = itertools.cycle(WORLD["tokens"])
COUNTS = {}


@schemathesis.auth()
class Tokens:
    """Each request has another token, so that the limit of requests of one token hides no answer."""

    def get(self, case, context):
        with LOCK:
            return next(TOKENS)

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def kept(label, name):
    """Returns the id of something that no request removes."""
    return WORLD["paths"].get(f"{label.split(' ')[1]} {name}") or WORLD["paths"].get(name)


def spare(label):
    """Returns the parameters of something that the operation removes, or `None` if nothing is left to remove."""
    with LOCK:
        spares = WORLD["spares"].get(label)
        return spares.pop(0) if spares else None


def turn(label):
    """Returns the number of requests to the operation before this one."""
    with LOCK:
        COUNTS[label] = COUNTS.get(label, -1) + 1
        return COUNTS[label]


@schemathesis.hook
def before_call(context, case, kwargs):
    method, path = case.method.upper(), case.path.removeprefix(BASE)
    label = f"{method} {path}"
    meta = case.meta
    number = turn(label)
    is_negative = {} if meta is None else {place: info.mode.is_negative for place, info in meta.components.items()}

    def may_set(place):
        return not is_negative.get(place, False)

    # Every fourth request keeps the names that were generated, which exist nowhere.
    if case.path_parameters and may_set(ParameterLocation.PATH) and number % 4 != 3:
        removes = method == "DELETE" and label in WORLD["spares"]
        known = spare(label) if removes else {name: kept(label, name) for name in case.path_parameters}
        if known:
            case.path_parameters.update({name: value for name, value in known.items() if value})
    bodies = WORLD["bodies"].get(label)
    is_whole = meta is None or not meta.generation.mode.is_negative
    if bodies and is_whole and may_set(ParameterLocation.BODY) and number % 2 == 0:
        case.body = copy.deepcopy(bodies[number // 2 % len(bodies)])
    queries = WORLD["queries"].get(label)
    if queries and is_whole and number % 2 == 0:
        case.query = dict(queries[number // 2 % len(queries)])
    # A token without an owner acts for `local`, to whom everything here belongs.
    if case.query and may_set(ParameterLocation.QUERY) and number % 3 != 2:
        case.query.pop("owner", None)
    # The page says its own origin; every other one is refused.
    if label == "POST /page-tokens" and number % 2 == 0 and is_whole:
        case.headers["Origin"] = WORLD["origin"]
    # With the number of the present step, the request would wait for the next one.
    if label == "GET /setups/{id}" and case.query and str(case.query.get("after", "")).isdigit():
        case.query["after"] = "x"

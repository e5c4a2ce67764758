"""What `/openapi.json` says of every operation alike: errors, headers, keys and tags."""

from collections.abc import Callable, Mapping
from typing import Any

from recibo.api.errors import ERRORS
from recibo.api.idempotency import HEADER, LONGEST_KEY, REPLAYED
from recibo.outbound import catalogue

Operation = dict[str, Any]
Schema = dict[str, Any]
READS = frozenset({"get"})
ERROR = {"$ref": "#/components/schemas/ErrorAnswer"}


def header(description: str, kind: str = "string") -> Schema:
    """A header of an answer."""
    return {"description": description, "schema": {"type": kind}}


RATES: Mapping[str, Schema] = {
    "RateLimit-Limit": header("Requests a minute that the token may make.", "integer"),
    "RateLimit-Remaining": header("How many of them are left.", "integer"),
    "RateLimit-Reset": header("Seconds until counting begins anew.", "integer"),
}
HEADERS: Mapping[int, Mapping[str, Schema]] = {
    401: {"WWW-Authenticate": header("`Bearer`")},
    429: {**RATES, "Retry-After": header("Seconds to wait.", "integer")},
    503: {"Retry-After": header("Seconds to wait.", "integer")},
}
ETAG = {"ETag": header("Changes whenever the answer does.")}
AGAIN = {REPLAYED: header("`true`: this is the answer from before.")}

#: Which errors an operation may answer: by its method, its place and what it takes.
MAY_ANSWER: Mapping[int, Callable[[str, Operation], bool]] = {
    400: lambda _method, told: "requestBody" in told,
    401: lambda _method, _told: True,
    403: lambda method, _told: method not in READS,
    404: lambda _method, told: any(one["in"] == "path" for one in told["parameters"]),
    409: lambda method, _told: method not in READS,
    413: lambda _method, told: "requestBody" in told,
    422: lambda _method, told: bool(told["parameters"]) or "requestBody" in told,
    429: lambda _method, _told: True,
    503: lambda _method, _told: True,
}
KEY_PARAMETER: Schema = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "Sent again under the same key within 24 hours, it is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
}
TAG_PARAMETER: Schema = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The `ETag` of an answer that you have: 304 if it is still the same.",
    "schema": {"type": "string"},
}


def completed(schema: Schema) -> Schema:
    """The schema with what holds for every operation."""
    for operations in schema["paths"].values():
        for method, told in operations.items():
            complete(method, told)
    catalogue.described(schema)
    return schema


def complete(method: str, told: Operation) -> None:
    """One operation with its errors and headers."""
    if method in READS:
        told["parameters"].append(TAG_PARAMETER)
        told["responses"][304] = {"description": "Not Modified", "headers": {**RATES, **ETAG}}
    else:
        told["parameters"].append(KEY_PARAMETER)
    errors = {status: error(status) for status, may in MAY_ANSWER.items() if may(method, told)}
    answers = {status: one for status, one in told["responses"].items() if int(status) < 400}
    for status, one in answers.items():
        if int(status) < 300:
            one["headers"] = {**RATES, **(ETAG if method in READS else AGAIN)}
    told["responses"] = {str(status): one for status, one in sorted({**answers, **errors}.items())}


def error(status: int) -> Schema:
    """An error as an answer."""
    _code, sentence = ERRORS[status]
    return {
        "description": str(sentence),
        "headers": {**HEADERS.get(status, RATES)},
        "content": {"application/json": {"schema": ERROR}},
    }

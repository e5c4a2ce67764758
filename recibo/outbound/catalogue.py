"""The catalogue of messages as a page of the documentation, and as webhooks of the API's own.

python -m recibo.outbound.catalogue > docs/events.md
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from recibo.outbound.payloads import CATALOGUE, SHAPES, STATUSES, VERSION, Message

#: Where schemas stand in the page, and in the description of the API.
PAGE = "#/$defs/{name}"
API = "#/components/schemas/Told{name}"

INTRODUCTION = f"""\
# Messages to your applications

Made by `python -m recibo.outbound.catalogue` from the code. How to get them, verify them and answer
them is told in [outbound](outbound.md).

A message is a JSON object, below 20 kB:

| field | |
|---|---|
| `type` | a word of the catalogue below |
| `timestamp` | when it happened here, ISO 8601 in UTC |
| `id` | the header `webhook-id`: the same over all tries and in `GET /api/changes`. Remember it |
| `version` | {VERSION}: of the shape of `data` |
| `data` | what it is about: `status` as it was then, all else as known when the message is sent |

Fields and types are added over time; those there are keep their name and meaning within a
version. Ignore what you do not know. `previous_status` is what it was before, `null` for what is
new. A state that lasted no longer than a moment may be passed over: a sale that is paid at once has
no `.created`.
"""


def page() -> str:
    """The page, in Markdown."""
    return "\n".join([INTRODUCTION, *kinds(), "", *shapes(), *schema_of_page()]) + "\n"


def kinds() -> Iterator[str]:
    """A table of the types."""
    yield "## The catalogue\n"
    yield "| type | when | `data` |"
    yield "|---|---|---|"
    for kind, one in CATALOGUE.items():
        name = one.shape.__name__
        yield f"| `{kind}` | {one.meaning} | [{name}](#{name.lower()}) |"


def shapes() -> Iterator[str]:
    """A table of the fields of each shape."""
    for shape in SHAPES:
        yield f"## {shape.__name__}\n"
        yield f"{first_line(shape)}\n"
        yield "| field | is |"
        yield "|---|---|"
        schema = schemas(PAGE)[shape.__name__]
        for field in structs.fields(shape):
            yield f"| `{field.name}` | {written(schema['properties'][field.name])} |"
        if statuses := STATUSES.get(shape):
            yield f"\n`status`: {', '.join(f'`{status}`' for status in statuses)}."
        yield ""


def schema_of_page() -> Iterator[str]:
    """The whole as JSON Schema."""
    yield "## JSON Schema\n"
    yield "```json"
    yield json.dumps(schema(), indent=1, ensure_ascii=False)
    yield "```"


def first_line(shape: type[Struct]) -> str:
    """What a shape is."""
    return (shape.__doc__ or "").splitlines()[0]


def written(field: dict[str, Any]) -> str:
    """A field's type as people read it."""
    if "anyOf" in field:
        return " or ".join(written(one) for one in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if name in NAMES else nested(name)
    kind = str(field["type"])
    if "pattern" in field:
        return "amount, such as `1500.00`"
    return {"date-time": "time"}.get(field.get("format", ""), kind)


#: Shapes that have a section of their own.
NAMES = {shape.__name__ for shape in SHAPES}


def nested(name: str) -> str:
    """A small object, by its fields."""
    fields = schemas(PAGE)[name]["properties"]
    inner = ", ".join(f"`{field}`" for field in fields)
    return f"object with {inner}"


def schemas(template: str) -> dict[str, Any]:
    """The JSON Schema of every shape, by its name."""
    _, found = msgspec.json.schema_components(SHAPES, ref_template=template)
    return found


def envelope(kind: str, template: str) -> dict[str, Any]:
    """The JSON Schema of the messages of one type."""
    _, found = msgspec.json.schema_components([Message], ref_template=template)
    [whole] = found.values()
    data = {"$ref": template.format(name=CATALOGUE[kind].shape.__name__)}
    return {
        **whole,
        "title": kind,
        "description": CATALOGUE[kind].meaning,
        "properties": {**whole["properties"], "type": {"const": kind}, "data": data},
    }


def schema() -> dict[str, Any]:
    """The JSON Schema of any message."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A message of Recibo",
        "oneOf": [envelope(kind, PAGE) for kind in CATALOGUE],
        "$defs": schemas(PAGE),
    }


def described(schema: dict[str, Any]) -> None:
    """Have the description of an API show the messages as what it sends itself (OpenAPI 3.1)."""
    schema["webhooks"] = {kind: {"post": operation(kind)} for kind in CATALOGUE}
    shapes = {f"Told{name}": shape for name, shape in schemas(API).items()}
    schema["components"]["schemas"].update(shapes)


def operation(kind: str) -> dict[str, Any]:
    """One type of message, as a request that we make."""
    return {
        "summary": kind,
        "description": CATALOGUE[kind].meaning,
        "tags": ["messages to your applications"],
        "requestBody": {"content": {"application/json": {"schema": envelope(kind, API)}}},
        "responses": {"2XX": {"description": "It arrived. Anything else: it is sent again."}},
    }


if __name__ == "__main__":
    sys.stdout.write(page())

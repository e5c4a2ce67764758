"""The page and the API's description say what is sent, and stay true."""

import json
import re
import runpy
from pathlib import Path

import msgspec
import pytest
from django.test import Client

from recibo.billing.models import OrderStatus
from recibo.outbound import catalogue, telling
from recibo.outbound.models import PublishedChange
from recibo.outbound.payloads import CATALOGUE, ORDER_STATUSES, encoded
from tests.api.conftest import sold

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_code_says() -> None:
    kept = (ROOT / "docs" / "events.md").read_text()
    assert kept == catalogue.page(), "python -m recibo.outbound.catalogue > docs/events.md"


@pytest.mark.filterwarnings("ignore:'recibo.outbound.catalogue' found in sys.modules")
def test_the_command_that_the_page_names_makes_it(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("recibo.outbound.catalogue", run_name="__main__")
    assert capsys.readouterr().out == catalogue.page()


def test_every_type_has_a_line_and_every_link_a_section() -> None:
    page = catalogue.page()
    for kind in CATALOGUE:
        assert f"| `{kind}` |" in page
    sections = {line.removeprefix("## ").lower() for line in page.splitlines() if line[:3] == "## "}
    assert set(re.findall(r"\(#(\w+)\)", page)) <= sections


def test_the_statuses_are_those_of_billing() -> None:
    assert tuple(OrderStatus.values) == ORDER_STATUSES


def test_the_schema_refers_to_nothing_that_is_not_there() -> None:
    schema = catalogue.schema()
    text = json.dumps(schema)
    names = set(re.findall(r'"#/\$defs/(\w+)"', text))
    assert names <= set(schema["$defs"])
    assert len(schema["oneOf"]) == len(CATALOGUE)


@pytest.mark.django_db
def test_what_is_sent_has_the_fields_of_the_schema_and_no_others() -> None:
    sold(1)
    schemas = catalogue.schemas(catalogue.PAGE)
    for change in PublishedChange.objects.all():
        message = json.loads(encoded(telling.message_of(change)))
        shape = schemas[CATALOGUE[change.type].shape.__name__]
        assert set(message) == {"type", "timestamp", "id", "version", "data"}
        assert set(message["data"]) == set(shape["properties"])
        assert msgspec.convert(message["data"], CATALOGUE[change.type].shape)


@pytest.mark.django_db
def test_the_description_of_the_api_has_every_message() -> None:
    told = Client().get("/openapi.json").json()
    assert set(told["webhooks"]) == set(CATALOGUE)
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(told)))
    assert names <= set(told["components"]["schemas"])

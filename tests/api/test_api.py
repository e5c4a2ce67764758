"""The documentation, which needs neither a token nor the internet."""

import json
import re
from contextlib import closing
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from recibo.api import tokens

OPERATIONS = [
    "GET /api/alerts",
    "GET /api/audit",
    "GET /api/charges",
    "GET /api/coverage",
    "GET /api/events",
    "GET /api/events/stats",
    "GET /api/events/{event_id}",
    "POST /api/events/{event_id}/replay",
    "GET /api/exports/{export_id}",
    "GET /api/exports/{export_id}/file",
    "GET /api/integration-calls",
    "GET /api/messages",
    "GET /api/orders",
    "POST /api/orders",
    "GET /api/orders/{name}",
    "POST /api/orders/{name}/cancel",
    "GET /api/payment-checks",
    "POST /api/payment-checks/{check_id}/run",
    "GET /api/provisioning",
    "GET /api/provisioning/stats",
    "POST /api/provisioning/{order}/resync",
    "POST /api/admin/process-provisioning",
    "GET /api/refusals",
    "GET /api/{gateway}/customers",
    "GET /api/{gateway}/customers/stats",
    "GET /api/{gateway}/customers/{customer_id}",
    "PUT /api/{gateway}/customers/{customer_id}",
    "GET /api/{gateway}/customers/{customer_id}/events",
    "POST /api/{gateway}/customers/{customer_id}/notes",
    "POST /api/{gateway}/customers/{customer_id}/tags",
    "DELETE /api/{gateway}/customers/{customer_id}/tags",
    "GET /api/{gateway}/customers/{customer_id}/transactions",
    "POST /api/{gateway}/export",
    "GET /api/{gateway}/subscriptions",
    "GET /api/{gateway}/subscriptions/{subscriber_code}",
    "POST /api/{gateway}/subscriptions/{subscriber_code}/cancel",
    "POST /api/{gateway}/subscriptions/{subscriber_code}/reactivate",
    "GET /api/{gateway}/sync",
    "POST /api/{gateway}/sync",
]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """What `/openapi.json` answers."""
    return json.loads(Client().get("/openapi.json").content)


def operations(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation, by its method and address."""
    return {
        f"{method.upper()} {path}": one
        for path, methods in schema["paths"].items()
        for method, one in methods.items()
    }


def test_the_schema_has_every_address_and_says_how_to_prove_oneself(schema):
    assert set(OPERATIONS) <= set(operations(schema))
    [scheme] = schema["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all(one["security"] for one in operations(schema).values())


def test_errors_are_documented_where_they_can_be_had(schema):
    told = operations(schema)
    listing = ["200", "304", "401", "422", "429", "503"]
    assert list(told["GET /api/charges"]["responses"]) == listing
    detail = ["200", "304", "401", "404", "422", "429", "503"]
    assert list(told["GET /api/events/{event_id}"]["responses"]) == detail
    write = ["202", "400", "401", "403", "404", "409", "413", "422", "429", "503"]
    assert list(told["POST /api/events/{event_id}/replay"]["responses"]) == write


def test_operations_go_by_names_that_a_generated_client_can_use(schema):
    names = [one["operationId"] for one in operations(schema).values()]
    assert len(set(names)) == len(names)
    assert {"charges_listed", "customers_correct", "events_replay"} <= set(names)


@pytest.mark.django_db  # a request may close a connection that is kept
def test_the_pages_of_the_documentation_come_from_this_server():
    page = Client().get("/doc").content.decode()
    links = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert any("swagger-ui-bundle.js" in link for link in links)
    for link in links:
        assert link.startswith("/")
        with closing(Client().get(link)) as response:
            assert response.status_code == 200, link
            assert int(response["Content-Length"]) > 0


@pytest.mark.django_db(transaction=True)
def test_the_api_answers_under_asgi():
    headers = {"authorization": f"Bearer {tokens.create('async')}"}
    response = async_to_sync(AsyncClient().get)("/api/events", headers=headers)
    assert response.json() == {
        "items": [],
        "count": 0,
        "count_is_estimate": False,
        "next_cursor": None,
    }


@pytest.mark.django_db  # a request may close a connection that is kept
def test_the_root_leads_to_the_console():
    response = Client().get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/console/")

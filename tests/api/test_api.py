"""The documentation, which needs neither a token nor the internet."""

import re
from contextlib import closing

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from recibo.api import tokens

ADDRESSES = {
    "/api/alerts",
    "/api/integration-calls",
    "/api/events",
    "/api/events/stats",
    "/api/events/{event_id}",
    "/api/events/{event_id}/replay",
    "/api/orders",
    "/api/orders/{name}",
    "/api/charges",
    "/api/refusals",
    "/api/{gateway}/customers",
    "/api/{gateway}/customers/stats",
    "/api/{gateway}/customers/{customer_id}",
    "/api/{gateway}/customers/{customer_id}/events",
    "/api/{gateway}/customers/{customer_id}/transactions",
    "/api/{gateway}/subscriptions",
    "/api/{gateway}/subscriptions/{subscriber_code}",
}


@pytest.mark.django_db  # a request may close a connection that is kept
def test_the_schema_has_every_address_and_says_how_to_prove_oneself():
    schema = Client().get("/openapi.json").json()
    assert set(schema["paths"]) == ADDRESSES
    [scheme] = schema["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    operations = [one for path in schema["paths"].values() for one in path.values()]
    assert all(one["security"] for one in operations)


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
    assert response.json() == {"items": [], "count": 0, "count_is_estimate": False}


@pytest.mark.django_db  # a request may close a connection that is kept
def test_the_root_leads_to_the_console():
    response = Client().get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/console/")

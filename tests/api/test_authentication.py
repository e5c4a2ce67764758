"""Who may do what: nobody without a token, no writes with one that may only read."""

import re

import pytest
from django.test import Client

from recibo.inbox.models import Event, Status
from tests.api.conftest import bearer, told
from tests.api.test_api import OPERATIONS

pytestmark = pytest.mark.django_db

ADDRESSES = [
    one.replace("{gateway}", "all").replace("{name}", "HP1").replace("{order}", "HP1")
    for one in OPERATIONS
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_without_a_token_nothing_is_told(address):
    method, path = address.split()
    response = Client().generic(method, re.sub(r"{\w+}", "1", path))
    assert response.status_code == 401
    assert response.json()["error"] == "unauthorized"
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer wrong", "Basic x", "Bearer é\x00"])
def test_a_wrong_token_is_no_token(header):
    response = Client(headers={"authorization": header}).get("/api/events")
    assert response.status_code == 401


def test_a_token_that_may_only_read_reads(reader):
    assert reader.get("/api/events").status_code == 200


def test_a_token_that_may_only_read_changes_nothing(reader):
    event = told("purchase-approved", 1)
    Event.objects.update(status=Status.FAILED, next_attempt_at=None)
    response = reader.generic("POST", f"/api/events/{event.pk}/replay")
    assert response.status_code == 403
    assert response.json()["error"] == "forbidden"
    event.refresh_from_db()
    assert event.status == Status.FAILED


@pytest.mark.parametrize("address", [one for one in ADDRESSES if not one.startswith("GET")])
def test_no_write_is_for_a_token_that_may_only_read(reader, address):
    method, path = address.split()
    response = reader.generic(method, re.sub(r"{\w+}", "1", path))
    assert (response.status_code, response.json()["error"]) == (403, "forbidden")


def test_a_session_of_the_console_is_no_token(admin_client):
    assert admin_client.get("/api/events").status_code == 401


def test_the_scheme_may_be_written_in_small_letters(client):
    token = client.defaults["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    assert bearer(token).get("/api/events").status_code == 200
    response = Client(headers={"authorization": f"bearer {token}"}).get("/api/events")
    assert response.status_code == 200

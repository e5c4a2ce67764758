"""Every error has one shape, and none has a trace."""

import logging

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from recibo.inbox import queries

pytestmark = pytest.mark.django_db


def shape(response) -> str:
    """The code, once the shape was looked at."""
    assert response.headers["Content-Type"].startswith("application/json")
    answer = response.json()
    assert answer["message"]
    assert set(answer) <= {"error", "message", "fields"}
    return answer["error"]


def test_an_address_that_is_not_there(client):
    response = client.get("/api/nothing")
    assert (response.status_code, shape(response)) == (404, "not_found")


def test_a_method_that_is_not_taken(client):
    response = client.delete("/api/events")
    assert (response.status_code, shape(response)) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET"


def test_a_body_that_is_not_json(client):
    response = client.post("/api/events/1/replay", b"{", "application/json")
    assert (response.status_code, shape(response)) == (400, "bad_request")


def test_a_body_of_another_type(client):
    response = client.post("/api/events/1/replay", {"with_messages": "perhaps"}, "application/json")
    assert (response.status_code, shape(response)) == (422, "invalid")
    assert list(response.json()["fields"]) == ["with_messages"]


def test_a_body_that_is_too_large(client):
    response = client.post("/api/events/1/replay", b" " * 3_000_000, "application/json")
    assert (response.status_code, shape(response)) == (413, "payload_too_large")


def test_our_own_bug_is_logged_and_not_told(client, monkeypatch, caplog):
    def broken(**conditions):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(queries, "listed", broken)
    with caplog.at_level(logging.ERROR):
        response = client.get("/api/events")
    assert (response.status_code, shape(response)) == (500, "internal_error")
    assert b"secret" not in response.content
    assert "the secret of the house" in caplog.text


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_lost_database_asks_to_try_again(client, monkeypatch, error):
    def lost(**conditions):
        raise error("gone")

    monkeypatch.setattr(queries, "listed", lost)
    response = client.get("/api/events")
    assert (response.status_code, shape(response)) == (503, "unavailable")
    assert response.headers["Retry-After"]


def test_a_page_that_is_not_there_is_a_page():
    response = Client().get("/nothing")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")

"""How often a token may ask: counted by the minute, told in headers, refused with 429."""

import pytest

from recibo.api import rates

pytestmark = pytest.mark.django_db
NOON = 1_774_353_600.0


@pytest.fixture(autouse=True)
def _clock(monkeypatch, settings):
    """Fifteen seconds into a minute of its own; three requests are allowed."""
    monkeypatch.setattr(rates, "COUNTS", rates.Counts())
    monkeypatch.setattr(rates.time, "time", lambda: NOON + 15)
    settings.RECIBO_API_RATE = 3


def told(response) -> list[str]:
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    return [response.headers[name] for name in names]


def test_every_answer_says_what_is_left(client):
    assert told(client.get("/api/charges")) == ["3", "2", "45"]
    assert told(client.get("/api/events/999")) == ["3", "1", "45"]


def test_one_request_too_many_is_refused_and_says_when_to_come_again(client):
    for _ in range(3):
        assert client.get("/api/charges").status_code == 200
    response = client.get("/api/charges")
    assert (response.status_code, response.json()["error"]) == (429, "too_many_requests")
    assert told(response) == ["3", "0", "45"]
    assert response.headers["Retry-After"] == "45"


def test_the_next_minute_begins_anew(client, monkeypatch):
    for _ in range(4):
        client.get("/api/charges")
    monkeypatch.setattr(rates.time, "time", lambda: NOON + 60)
    assert told(client.get("/api/charges")) == ["3", "2", "60"]
    assert len(rates.COUNTS.used) == 1


def test_each_token_has_its_own_share(client, reader):
    for _ in range(4):
        client.get("/api/charges")
    assert reader.get("/api/charges").status_code == 200


def test_a_write_with_a_key_counts_once(client):
    response = client.post("/api/orders", headers={"idempotency-key": "1"})
    assert told(response)[1] == "2"


def test_without_a_limit_nothing_is_counted(client, settings):
    settings.RECIBO_API_RATE = 0
    response = client.get("/api/charges")
    assert response.status_code == 200
    assert "RateLimit-Limit" not in response.headers
    assert not rates.COUNTS.used

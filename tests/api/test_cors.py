"""Pages of other sites may call the API only where they are named."""

import pytest
from django.test import Client

SHOP = "https://shop.example.com"
ASKING = {
    "origin": SHOP,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,idempotency-key",
}

pytestmark = pytest.mark.django_db  # a request may close a connection that is kept


def test_nobody_is_named_unless_somebody_is(client):
    response = client.get("/api/charges", headers={"origin": SHOP})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_a_site_that_is_named_may_call(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    response = client.get("/api/charges", headers={"origin": SHOP})
    assert response.headers["Access-Control-Allow-Origin"] == SHOP
    assert "RateLimit-Remaining" in response.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_its_browser_may_ask_first(settings):
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    response = Client().options("/api/orders", headers=ASKING)
    assert response.status_code == 200
    assert "idempotency-key" in response.headers["Access-Control-Allow-Headers"]


def test_another_site_may_not(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    response = client.get("/api/charges", headers={"origin": "https://evil.example.com"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_the_console_is_for_no_other_site(settings):
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    response = Client().get("/console/login/", headers={"origin": SHOP})
    assert "Access-Control-Allow-Origin" not in response.headers

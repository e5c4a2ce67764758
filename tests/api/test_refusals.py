"""`/api/refusals`: who was turned away, and why."""

import pytest

from recibo.gateways.errors import Refused
from recibo.inbox.refusals import Refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def _refused():
    refusals = Refusals()
    refusals.record("hotmart", "default", Refused.SIGNATURE_MISSING, "192.0.2.1", b"\xffhello")
    refusals.flush()
    refusals.record("hotmart", "default", Refused.OTHER_ACCOUNT, "192.0.2.2")
    refusals.record("hotmart", "default", Refused.OTHER_ACCOUNT, "192.0.2.2")
    refusals.flush()


@pytest.mark.usefixtures("_refused")
def test_a_refusal_says_why_in_plain_words(client):
    answer = client.get("/api/refusals").json()
    assert answer["count"] == 2
    newest, oldest = answer["items"]
    assert (newest["reason"], newest["times"]) == ("other_account", 2)
    assert newest["explanation"].startswith("The token belongs to another account")
    assert (oldest["gateway"], oldest["account"]) == ("hotmart", "default")
    assert oldest["remote_address"] == "192.0.2.1"
    assert oldest["excerpt"] == "\ufffdhello"


@pytest.mark.usefixtures("_refused")
def test_refusals_are_narrowed(client):
    found = client.get("/api/refusals", {"reason": "signature_missing"}).json()["items"]
    assert [item["remote_address"] for item in found] == ["192.0.2.1"]
    assert client.get("/api/refusals", {"gateway": "elsewhere"}).json()["count"] == 0
    assert client.get("/api/refusals", {"since": "2999-01-01"}).json()["count"] == 0

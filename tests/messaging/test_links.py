"""Links that let a buyer in: good for what they were made for, and for as long."""

import base64
import re
import time
from datetime import timedelta

import pytest
from django.core import signing

from recibo.messaging import links
from recibo.messaging.links import ExpiredLinkError, OptOut

ADDRESS = "ana.souza@example.com"


@pytest.fixture(autouse=True)
def _public(settings):
    settings.RECIBO_PUBLIC_URL = "https://recibo.example.com"


def token_of(url: str) -> str:
    return url.rpartition("/")[2]


def pass_by(monkeypatch: pytest.MonkeyPatch, span: timedelta) -> None:
    """Let time go by."""
    later = time.time() + span.total_seconds()
    monkeypatch.setattr(time, "time", lambda: later)


def test_an_order_is_found_by_its_link():
    url = links.order_url(17)
    assert url.startswith("https://recibo.example.com/pedido/")
    assert links.order_of(token_of(url)) == 17


def test_an_address_is_found_by_its_link():
    url = links.unsubscribe_url(ADDRESS, "email")
    assert url.startswith("https://recibo.example.com/descadastro/")
    found = links.address_of(token_of(url))
    assert found is not None
    assert (found.channel, found.address) == ("email", ADDRESS)


def test_messengers_take_the_whole_link():
    """Letters, digits and what never ends an address in a text."""
    for url in (links.order_url(17), links.unsubscribe_url("+5511987654321", "whatsapp")):
        assert re.fullmatch(r"[\w.-]+\w|[\w.-]+-", token_of(url))


def test_a_link_tells_nobody_the_address():
    token = token_of(links.unsubscribe_url(ADDRESS, "email"))
    assert b"ana" not in base64.urlsafe_b64decode(token + "==")


@pytest.mark.parametrize(
    "forged",
    ["", "17", "17.1xVHTU.AAAA", "...", "ç", "18{rest}", "{token}A", "{token:.20}"],
)
def test_a_forged_order_is_none(forged):
    token = token_of(links.order_url(17))
    assert links.order_of(forged.format(token=token, rest=token[2:])) is None


def test_no_letter_of_a_token_can_be_changed():
    order = token_of(links.order_url(17))
    address = token_of(links.unsubscribe_url(ADDRESS, "email"))
    for place in range(len(order) - 1):  # the last letter holds bits that do not count
        assert links.order_of(changed(order, place)) is None
    for place in range(len(address) - 1):
        assert links.address_of(changed(address, place)) is None


def changed(token: str, place: int) -> str:
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


@pytest.mark.parametrize("forged", ["", "A", "AAAA", "ç", "A" * 64, "a.b", "%%%"])
def test_a_forged_address_is_none(forged):
    assert links.address_of(forged) is None


def test_a_link_is_good_for_its_purpose_only():
    order = token_of(links.order_url(17))
    address = token_of(links.unsubscribe_url(ADDRESS, "email"))
    assert links.address_of(order) is None
    assert links.order_of(address) is None
    assert links.order_of(signing.TimestampSigner(sep=".").sign("17")) is None


def test_an_order_can_be_seen_for_ninety_days(monkeypatch):
    token = token_of(links.order_url(17))
    pass_by(monkeypatch, timedelta(days=89))
    assert links.order_of(token) == 17
    pass_by(monkeypatch, timedelta(days=2))
    with pytest.raises(ExpiredLinkError):
        links.order_of(token)


def test_reminders_can_be_ended_for_two_years(monkeypatch):
    token = token_of(links.unsubscribe_url(ADDRESS, "email"))
    pass_by(monkeypatch, timedelta(days=729))
    assert isinstance(links.address_of(token), OptOut)
    pass_by(monkeypatch, timedelta(days=3))
    with pytest.raises(ExpiredLinkError):
        links.address_of(token)


def test_a_message_that_is_tried_again_reads_the_same(monkeypatch):
    noon = time.time() // links.DAY * links.DAY + links.DAY / 2
    monkeypatch.setattr(time, "time", lambda: noon)
    first = (links.order_url(17), links.unsubscribe_url(ADDRESS, "email"))
    pass_by(monkeypatch, timedelta(hours=5))
    assert (links.order_url(17), links.unsubscribe_url(ADDRESS, "email")) == first


def test_links_outlive_a_change_of_the_secret_key(settings):
    settings.SECRET_KEY = "old-key-of-the-tests"
    order = token_of(links.order_url(17))
    address = token_of(links.unsubscribe_url(ADDRESS, "email"))
    settings.SECRET_KEY = "new-key-of-the-tests"
    assert links.order_of(order) is None
    assert links.address_of(address) is None
    settings.SECRET_KEY_FALLBACKS = ["old-key-of-the-tests"]
    assert links.order_of(order) == 17
    assert links.address_of(address) is not None


def test_without_a_public_address_there_are_no_links(settings):
    settings.RECIBO_PUBLIC_URL = ""
    assert links.order_url(17) == ""
    assert links.unsubscribe_url(ADDRESS, "email") == ""

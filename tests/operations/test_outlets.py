"""How the ways out stand, tried on real servers."""

from dataclasses import replace
from typing import Any

import pytest

from recibo.access.configuration import DefaultApplication
from recibo.messaging.configuration import Mail, Security, WhatsApp
from recibo.operations import outlets
from recibo.operations.checks import State
from tests.access.seller_application import SECRET, SellerApplication
from tests.access.troubled_server import serving
from tests.messaging.mail_server import nobody_listening, receiving

pytestmark = pytest.mark.django_db

MAIL = Mail(provider="smtp", sender="loja@example.com", host="127.0.0.1", security=Security.NONE)


def test_without_mail_nobody_is_told() -> None:
    assert outlets.mail(None).state is State.WARNING


def test_a_mail_server_is_tried() -> None:
    with receiving() as server:
        assert outlets.mail(replace(MAIL, port=server.port)).state is State.OK
        assert server.accepted == []


def test_a_mail_server_that_refuses_us_is_broken() -> None:
    with receiving(has_login=True, username="loja", password="right") as server:
        wrong = replace(MAIL, port=server.port, username="loja", password="wrong")
        found = outlets.mail(wrong)
    assert found.state is State.BROKEN
    assert "SMTP_PASSWORD" in found.sentence
    assert "wrong" not in found.sentence


def test_a_mail_server_that_is_not_there_is_broken() -> None:
    found = outlets.mail(replace(MAIL, port=nobody_listening()))
    assert (found.state, "SMTP_PORT" in found.sentence) == (State.BROKEN, True)


def test_a_service_needs_no_try() -> None:
    assert outlets.mail(replace(MAIL, provider="resend")).state is State.OK


def test_whatsapp_by_evolution_comes_with_a_warning_in_words(settings: Any) -> None:
    assert outlets.whatsapp().state is State.UNUSED
    settings.RECIBO_WHATSAPP = WhatsApp(provider="evolution", url="", token="t", sender="loja")
    assert "Evolution" in outlets.whatsapp().sentence


def states(*, has_tables: bool = True) -> list[State]:
    return [one.state for one in outlets.application_checks(has_tables=has_tables)]


def test_the_application_is_asked_whether_it_knows_us(settings: Any) -> None:
    assert states() == [State.UNUSED]
    with serving(SellerApplication()) as application:
        settings.RECIBO_APPLICATION = known = DefaultApplication(
            provider="http", url=application.url, secret=SECRET
        )
        assert states(has_tables=False) == [State.OK]
        settings.RECIBO_APPLICATION = replace(
            known, secret="whsec_d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc="
        )
        assert states() == [State.BROKEN]
    assert states() == [State.WARNING]

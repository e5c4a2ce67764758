"""The buyer's pages over HTTP: whom they let in, what they tell, what they keep to themselves."""

import re
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from recibo.access.models import Stage
from recibo.billing.models import OrderStatus
from recibo.gateways.facts import ChargeStatus
from recibo.messaging import links
from recibo.messaging.configuration import Seller
from recibo.messaging.models import Suppression
from recibo.reconciliation.models import PaymentCheck
from tests.buyer.conftest import EMAIL, Buy, collect, path_of
from tests.messaging.letters import BOLETO, PIX

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(headers={"accept-language": "pt-BR"}, enforce_csrf_checks=True)


def text_of(answer) -> str:
    return answer.content.decode()


def opt_out_path(address: str = EMAIL, channel: str = "email") -> str:
    url = links.unsubscribe_url(address, channel)
    return url.removeprefix("https://recibo.example.com")


def test_a_buyer_sees_what_he_bought(client, buy: Buy):
    order = buy(OrderStatus.PAID, ChargeStatus.PAID, (Stage.QUEUED,), installments=1)
    answer = client.get(path_of(order))

    assert answer.status_code == 200
    for known in (order.reference, order.product, "R$ 1.297,90", "Pix", "a***@p***.com"):
        assert known in text_of(answer)
    assert "01/04/2026 às 12:32" in text_of(answer)  # paid, in São Paulo
    assert "Pagamento confirmado!" in text_of(answer)
    assert "Estamos criando o seu acesso" in text_of(answer)


def test_nothing_else_of_a_person_is_shown(client, buy: Buy):
    seen = text_of(client.get(path_of(buy(OrderStatus.PAID, ChargeStatus.PAID))))
    for hidden in (EMAIL, "souza", "Ana", "987654321", "12345678909", "provedor"):
        assert hidden not in seen


def test_a_page_takes_a_fixed_number_of_queries(client, buy: Buy, django_assert_num_queries):
    order = buy(OrderStatus.PAID, ChargeStatus.PAID, (Stage.QUEUED, Stage.COMPLETED))
    for _ in range(3):
        collect(order, ChargeStatus.FAILED)
    with django_assert_num_queries(3):
        client.get(path_of(order))


def test_nobody_else_keeps_the_page(client, buy: Buy):
    headers = client.get(path_of(buy())).headers

    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert "Set-Cookie" not in headers


def test_the_page_runs_and_loads_nothing_but_our_own_files(client, buy: Buy):
    policy = client.get(path_of(buy())).headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "img-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_logo_may_be_loaded_from_where_it_is(client, buy: Buy, settings):
    settings.RECIBO_SELLER = Seller(name="Escola", logo_url="https://cdn.example.com/a/logo.png")
    answer = client.get(path_of(buy()))

    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' https://cdn.example.com;" in policy
    assert '<img src="https://cdn.example.com/a/logo.png" alt="Escola"' in text_of(answer)


@pytest.mark.parametrize(
    ("accepted", "query", "language", "words"),
    [
        ("pt-BR", "", "pt-BR", "Falta só o pagamento"),
        ("en-US,en;q=0.9", "", "en", "Only the payment is left"),
        ("pt-BR", "?lang=en", "en", "Only the payment is left"),
        ("en", "?lang=pt-BR", "pt-BR", "Falta só o pagamento"),
        ("en", "?lang=pt", "pt-BR", "Falta só o pagamento"),
        ("en", "?lang=tlh", "en", "Only the payment is left"),
    ],
)
def test_the_page_speaks_the_language_of_its_reader(
    client, buy: Buy, accepted, query, language, words
):
    path = path_of(buy()) + query
    answer = client.get(path, headers={"accept-language": accepted})

    assert words in text_of(answer)
    assert f'<html lang="{language}">' in text_of(answer)
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_pix_can_be_paid_from_the_page(client, buy: Buy):
    order = buy(payment_code=PIX, payment_url="https://pay.example.com/qr")
    seen = text_of(client.get(path_of(order)))

    assert f">{PIX}</p>" in seen
    assert "Pix copia e cola" in seen
    assert 'href="https://pay.example.com/qr"' in seen
    assert "boleto" not in seen


def test_a_boleto_can_be_paid_from_the_page(client, buy: Buy):
    later = timezone.now() + timedelta(days=3)
    order = buy(payment_code=BOLETO, payment_method="boleto", expires_at=later)
    seen = text_of(client.get(path_of(order)))

    assert f">{BOLETO}</p>" in seen
    assert "linha digitável" in seen
    assert "Válido até" in seen
    assert "copia e cola" not in seen


def test_what_expired_or_is_paid_is_no_longer_to_be_paid(client, buy: Buy):
    before = timezone.now() - timedelta(minutes=1)
    expired = buy(payment_code=PIX, expires_at=before)
    paid = buy(OrderStatus.PAID, ChargeStatus.PAID, payment_code=PIX)
    for order in (expired, paid):
        assert PIX not in text_of(client.get(path_of(order)))


def test_what_is_late_can_still_be_paid(client, buy: Buy):
    before = timezone.now() - timedelta(days=2)
    late = buy(
        charge=ChargeStatus.OVERDUE,
        payment_code=BOLETO,
        payment_method="boleto",
        expires_at=before,
    )
    assert f">{BOLETO}</p>" in text_of(client.get(path_of(late)))


def test_a_script_in_place_of_an_address_is_no_link(client, buy: Buy):
    for code in (PIX, ""):
        order = buy(payment_code=code, payment_url="javascript:alert(1)")
        assert "javascript" not in text_of(client.get(path_of(order)))


def test_what_a_gateway_tells_cannot_become_html(client, buy: Buy):
    order = buy(payment_code="<script>alert(1)</script>")
    order.product = order.reference = "<img src=x onerror=alert(1)>"
    order.save()
    seen = text_of(client.get(path_of(order)))

    assert "<img" not in seen
    assert "<script>" not in seen


def test_a_part_that_was_returned_is_told(client, buy: Buy):
    order = buy(
        OrderStatus.ACTIVE,
        ChargeStatus.PARTIALLY_REFUNDED,
        (Stage.COMPLETED,),
        refunded_amount=Decimal(100),
    )
    assert "R$ 100,00" in text_of(client.get(path_of(order)))


def test_an_order_of_nobody_known_is_shown_too(client, buy: Buy):
    order = buy(charge=None)
    order.customer = None
    order.product = ""
    order.save()
    answer = client.get(path_of(order))

    assert answer.status_code == 200
    assert "None" not in text_of(answer)


@pytest.mark.parametrize(
    ("status", "stages", "seconds"),
    [
        (OrderStatus.PAID, (Stage.CREATING_USER,), "10"),
        (OrderStatus.PAID, (Stage.FAILED_AT_EMAIL,), "10"),
        (OrderStatus.ACTIVE, (Stage.COMPLETED,), None),
        (OrderStatus.REFUNDED, (Stage.COMPLETED,), None),
        (OrderStatus.EXPIRED, (), None),
    ],
)
def test_the_page_looks_again_by_itself_while_something_is_under_way(
    client, buy: Buy, status, stages, seconds
):
    seen = text_of(client.get(path_of(buy(status, ChargeStatus.PAID, stages))))
    found = re.search(r'http-equiv="refresh" content="(\d+)"', seen)
    assert (found[1] if found else None) == seconds


@pytest.mark.parametrize("path", ["/pedido/17", "/pedido/17.1xVHTU.AAAA", "/descadastro/AAAA"])
def test_a_forged_address_is_answered_kindly(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert "Abra de novo o link do e-mail" in text_of(answer)
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_an_order_that_is_gone_is_not_found(client):
    path = links.order_url(987_654).removeprefix("https://recibo.example.com")
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("days", [91, 1000])
def test_an_expired_address_says_what_to_do(client, buy: Buy, monkeypatch, days):
    path, later = path_of(buy()), time.time() + days * links.DAY
    monkeypatch.setattr(time, "time", lambda: later)
    answer = client.get(path, headers={"accept-language": "en"})

    assert answer.status_code == 410
    assert "contact whoever sold you the product" in text_of(answer)
    assert "HP16" not in text_of(answer)


def test_an_expired_end_of_reminders_is_gone(client, monkeypatch):
    path, later = opt_out_path(), time.time() + 732 * links.DAY
    monkeypatch.setattr(time, "time", lambda: later)

    assert client.post(path).status_code == 410
    assert not Suppression.objects.exists()


def test_the_page_of_an_order_takes_no_writes(client, buy: Buy):
    assert client.post(path_of(buy())).status_code in {403, 405}


def test_opening_the_link_ends_nothing(client):
    for method in (client.get, client.head):
        answer = method(opt_out_path())
        assert answer.status_code == 200
    assert not Suppression.objects.exists()


def test_one_click_ends_reminders(client):
    """As mail programs do it: RFC 8058, without a cookie or a form of ours."""
    body = {"List-Unsubscribe": "One-Click"}
    answer = client.post(opt_out_path(), body)

    assert answer.status_code == 200
    assert "sem mais lembretes" in text_of(answer)
    assert "a***@p***.com" in text_of(answer)
    assert EMAIL not in text_of(answer)
    [kept] = Suppression.objects.all()
    assert (kept.channel, kept.address, kept.reason) == ("email", EMAIL, "opted_out")


def test_ending_reminders_twice_is_ending_them_once(client):
    for _ in range(2):
        assert client.post(opt_out_path()).status_code == 200
    assert Suppression.objects.count() == 1


def test_reminders_end_for_one_way_of_being_reached(client):
    client.post(opt_out_path())
    answer = client.post(opt_out_path("+5511987654321", "whatsapp"))

    assert "+55 *** 21" in text_of(answer)
    assert set(Suppression.objects.values_list("channel", "address")) == {
        ("email", EMAIL),
        ("whatsapp", "+5511987654321"),
    }


@pytest.mark.parametrize("name", ["pages.css", "copy.js", "icon.svg"])
def test_our_own_files_are_served_as_in_an_installation(client, name):
    assert client.get(f"/static/buyer/{name}").status_code == 200


def test_whoever_looks_at_an_unpaid_order_has_the_gateway_asked(client, buy: Buy):
    order = buy(OrderStatus.PENDING, ChargeStatus.PENDING)
    later = timezone.now() + timedelta(hours=4)
    check = PaymentCheck.objects.create(
        order=order,
        account=order.account,
        next_attempt_at=later,
        interval_seconds=60,
        give_up_at=later,
        created_at=timezone.now(),
    )
    client.get(path_of(order))
    check.refresh_from_db()
    assert check.next_attempt_at <= timezone.now()

    asked = timezone.now()
    PaymentCheck.objects.update(next_attempt_at=later, last_check_at=asked)
    client.get(path_of(order))
    check.refresh_from_db()
    assert check.next_attempt_at == later, "it was asked within the minute"

"""The buyer's pages in a real browser, as wide as a phone."""

import pytest

from recibo.access.models import AccessState, Stage
from recibo.billing.models import OrderStatus
from recibo.buyer.standing import Situation
from recibo.gateways.facts import ChargeStatus
from recibo.messaging import links
from recibo.messaging.models import Suppression
from tests.browser import Chromium, overflowing
from tests.buyer.conftest import EMAIL, Buy, path_of
from tests.messaging.letters import BOLETO, PIX

PAID, ACTIVE = OrderStatus.PAID, OrderStatus.ACTIVE
#: By situation: what ``bought`` makes it of.
ORDERS = {
    "awaiting-pix": ((), {"payment_code": PIX, "payment_url": "https://pay.example.com/qr"}),
    "awaiting-boleto": ((), {"payment_code": BOLETO, "payment_method": "boleto"}),
    "awaiting-link": ((), {"payment_url": "https://pay.example.com/checkout"}),
    "reviewing": ((OrderStatus.PENDING, ChargeStatus.AUTHORIZED), {"payment_method": "card"}),
    "refused": ((OrderStatus.PENDING, ChargeStatus.FAILED), {"payment_method": "card"}),
    "creating": ((PAID, ChargeStatus.PAID, (Stage.CREATING_USER,)), {"installments": 12}),
    "sending": ((PAID, ChargeStatus.PAID, (Stage.SENDING_CREDENTIALS,)), {}),
    "ready": ((ACTIVE, ChargeStatus.PAID, (Stage.COMPLETED,)), {}),
    "confirmed": ((PAID, ChargeStatus.PAID), {}),
    "delayed": ((PAID, ChargeStatus.PAID, (Stage.FAILED_PERMANENT,)), {}),
    "blocked": ((ACTIVE, ChargeStatus.PAID, (Stage.COMPLETED,), AccessState.BLOCKED), {}),
    "refunded": ((OrderStatus.REFUNDED, ChargeStatus.REFUNDED), {"refunded_amount": 1297}),
    "charged_back": ((OrderStatus.CHARGED_BACK, ChargeStatus.CHARGED_BACK), {}),
    "cancelled": ((OrderStatus.CANCELLED, ChargeStatus.CANCELLED), {}),
    "expired": ((OrderStatus.EXPIRED, ChargeStatus.EXPIRED), {}),
}


def test_every_situation_is_looked_at():
    assert {name.partition("-")[0] for name in ORDERS} == set(Situation)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ORDERS)
def test_a_phone_shows_it_without_scrolling_sideways(
    live_server, browser: Chromium, buy: Buy, name
):
    positional, told = ORDERS[name]
    url = f"{live_server.url}{path_of(buy(*positional, **told))}"
    is_dark = len(name) % 2 == 0
    seen = browser.visit(overflowing, url=url, dark=is_dark, name=f"page-{name}")

    assert seen.status == 200
    assert seen.value == []
    assert seen.complaints == []
    assert all(asked.startswith(live_server.url) for asked in seen.asked)
    assert any(asked.endswith("/buyer/pages.css") for asked in seen.asked)


@pytest.mark.django_db(transaction=True)
def test_the_seller_colours_the_button(live_server, browser: Chromium, buy: Buy):
    url = f"{live_server.url}{path_of(buy(payment_code=PIX))}"
    colour = "() => getComputedStyle(document.querySelector('.button')).backgroundColor"
    assert browser.visit(lambda page: page.evaluate(colour), url=url).value == "rgb(124, 58, 237)"


@pytest.mark.django_db(transaction=True)
def test_one_tap_copies_the_code(live_server, browser: Chromium, buy: Buy):
    url = f"{live_server.url}{path_of(buy(payment_code=PIX))}"

    def copied(page):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copiar código").click()
        page.get_by_role("button", name="Copiado!").wait_for()
        return page.evaluate("() => navigator.clipboard.readText()")

    seen = browser.visit(copied, url=url)
    assert seen.value == PIX
    assert seen.complaints == []


@pytest.mark.django_db(transaction=True)
def test_without_scripts_the_code_is_there_to_be_selected(live_server, browser: Chromium, buy: Buy):
    url = f"{live_server.url}{path_of(buy(payment_code=PIX))}"

    def told(page):
        return page.locator("#payment-code").inner_text(), page.locator("[data-copy]").is_visible()

    assert browser.visit(told, url=url, scripts=False).value == (PIX, False)


@pytest.mark.django_db(transaction=True)
def test_the_language_changes_with_a_tap(live_server, browser: Chromium, buy: Buy):
    url = f"{live_server.url}{path_of(buy())}"

    def told(page):
        page.get_by_role("link", name="English").click()
        page.wait_for_url("**?lang=en")
        return page.locator("h1").inner_text()

    assert browser.visit(told, url=url).value == "Only the payment is left"


@pytest.mark.django_db(transaction=True)
def test_a_tap_ends_reminders(live_server, browser: Chromium, db):
    url = links.unsubscribe_url(EMAIL, "email").replace(
        "https://recibo.example.com", live_server.url
    )

    def ended(page):
        found = overflowing(page)
        page.get_by_role("button", name="Não quero mais receber").click()
        page.get_by_role("heading", name="sem mais lembretes").wait_for()
        return found + overflowing(page)

    seen = browser.visit(ended, url=url, name="page-unsubscribe", width=320)
    assert seen.value == []
    assert seen.complaints == []
    assert Suppression.objects.filter(address=EMAIL, reason="opted_out").exists()


@pytest.mark.django_db(transaction=True)
def test_a_broken_link_fits_a_phone_too(live_server, browser: Chromium, db):
    seen = browser.visit(overflowing, url=f"{live_server.url}/pedido/17.x.y", name="page-forged")
    assert seen.status == 404
    assert seen.value == []

"""Where an order stands, in the one word that the page begins with."""

import pytest

from recibo.access.models import AccessState, Provisioning, Stage
from recibo.billing.models import Charge, Order, OrderStatus
from recibo.buyer import standing
from recibo.buyer.page import TONES
from recibo.buyer.standing import Situation as S  # noqa: N817
from recibo.buyer.words import WORDS
from recibo.gateways.facts import ChargeStatus
from tests.buyer.conftest import Buy

PAID, ACTIVE = OrderStatus.PAID, OrderStatus.ACTIVE


def situation_of(order: Order) -> S:
    charge = standing.telling(list(order.charges.all()))
    return standing.situation(order, charge, order.provisionings.all())


@pytest.mark.parametrize(
    ("charge", "situation"),
    [
        (None, S.AWAITING),
        (ChargeStatus.PENDING, S.AWAITING),
        (ChargeStatus.OVERDUE, S.AWAITING),
        (ChargeStatus.AUTHORIZED, S.REVIEWING),
        (ChargeStatus.FAILED, S.REFUSED),
    ],
)
def test_an_order_that_is_not_paid_stands_as_its_charge(buy: Buy, charge, situation):
    assert situation_of(buy(OrderStatus.PENDING, charge)) is situation


@pytest.mark.parametrize(
    ("status", "situation"),
    [
        (OrderStatus.REFUNDED, S.REFUNDED),
        (OrderStatus.CHARGED_BACK, S.CHARGED_BACK),
        (OrderStatus.CANCELLED, S.CANCELLED),
        (OrderStatus.EXPIRED, S.EXPIRED),
    ],
)
def test_an_order_that_is_over_says_so_whatever_was_given(buy: Buy, status, situation):
    order = buy(status, ChargeStatus.REFUNDED, (Stage.COMPLETED, Stage.QUEUED))
    assert situation_of(order) is situation


@pytest.mark.parametrize(
    ("stages", "situation"),
    [
        ((Stage.QUEUED,), S.CREATING),
        ((Stage.CREATING_USER,), S.CREATING),
        ((Stage.FAILED_AT_USER,), S.CREATING),
        ((Stage.SENDING_CREDENTIALS,), S.SENDING),
        ((Stage.FAILED_AT_EMAIL,), S.SENDING),
        ((Stage.COMPLETED,), S.READY),
        ((Stage.FAILED_PERMANENT,), S.DELAYED),
        ((Stage.COMPLETED, Stage.SENDING_CREDENTIALS), S.SENDING),
        ((Stage.SENDING_CREDENTIALS, Stage.CREATING_USER), S.CREATING),
        ((Stage.COMPLETED, Stage.FAILED_PERMANENT), S.DELAYED),
        ((), S.CONFIRMED),
    ],
)
def test_a_paid_order_stands_as_the_access_that_is_furthest_behind(buy: Buy, stages, situation):
    assert situation_of(buy(PAID, ChargeStatus.PAID, stages)) is situation


def test_access_that_was_taken_is_suspended(buy: Buy):
    order = buy(ACTIVE, ChargeStatus.PAID, (Stage.COMPLETED,), AccessState.BLOCKED)
    assert situation_of(order) is S.BLOCKED


def test_a_product_that_gives_no_access_is_confirmed_and_nothing_more(buy: Buy):
    assert situation_of(buy(ACTIVE, ChargeStatus.PAID, (Stage.COMPLETED,), None)) is S.CONFIRMED


def test_the_charge_that_was_paid_is_told_before_a_newer_attempt():
    paid, refused = Charge(pk=1, status="paid"), Charge(pk=2, status="failed")
    assert standing.telling([paid, refused]) is paid
    assert standing.telling([Charge(pk=1, status="expired"), refused]) is refused
    assert standing.telling([]) is None


def test_every_stage_and_every_situation_has_its_place():
    for stage in Stage:
        access = None
        assert standing.given(Provisioning(stage=stage, access=access)) in set(S)
    for words in WORDS.values():
        assert set(words.situations) == set(S)
        assert set(words.step_states) == {standing.DONE, standing.NOW, standing.LATER, "stuck"}
    assert set(TONES) <= set(S)


def test_the_page_looks_again_only_while_something_is_under_way():
    assert set(standing.RELOADS) == {S.AWAITING, S.REVIEWING, S.CREATING, S.SENDING, S.DELAYED}
    for situation in standing.RELOADS:
        assert {"now", "stuck"} & set(standing.STEPS[situation])

"""The seller's applications hear of access: given once, taken, and given back."""

from recibo.access import actions
from recibo.access.models import Access
from recibo.gateways.facts import ChargeStatus
from recibo.outbound.models import PublishedChange
from recibo.outbound.telling import message_of
from tests.shop import Shop
from tests.shop import shop as shop


def published() -> list[str]:
    """What was told, in its order."""
    return list(PublishedChange.objects.order_by("pk").values_list("type", flat=True))


def message(kind: str):
    """The one message of a type."""
    return message_of(PublishedChange.objects.get(type=kind))


def test_it_is_heard_once_that_access_was_granted_and_that_the_order_is_active(
    shop: Shop,
) -> None:
    shop.tell("purchase-approved")
    shop.work()
    assert published()[-2:] == ["access.granted", "order.active"]
    granted, active = message("access.granted").data, message("order.active").data
    assert granted.access_id == f"acc_{Access.objects.get().key}"
    assert granted.order.reference == shop.order.reference
    assert granted.customer.email == shop.order.customer.email
    assert (active.status, active.previous_status) == ("active", "paid")
    actions.renew(shop.order, actor="tests")  # new credentials are no news
    shop.work()
    assert published().count("access.granted") == 1
    assert published().count("order.active") == 1


def test_an_access_is_told_of_with_what_filters_go_by(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.work()
    granted = PublishedChange.objects.get(type="access.granted")
    assert (granted.gateway, granted.account) == ("hotmart", "default")
    assert granted.product_id == shop.order.product_id != ""


def test_nobody_hears_of_an_access_that_could_not_be_given(shop: Shop) -> None:
    shop.application.trouble(times=1)
    shop.tell("purchase-approved")
    shop.work()
    assert "access.granted" not in published()
    assert "order.active" not in published()
    shop.come()
    shop.work()
    assert published()[-2:] == ["access.granted", "order.active"]


def test_an_access_that_was_taken_is_told_with_the_reason(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.work()
    shop.tell("purchase-refunded")
    shop.work()
    data = message("access.blocked").data
    assert data.status == "blocked"
    assert data.reason
    assert message("charge.refunded").data.status == ChargeStatus.REFUNDED

"""What changes make the buyer hear, told by a gateway and read in his mail."""

from datetime import timedelta

from django.utils import timezone

from recibo.billing.models import Charge
from recibo.inbox.models import Source
from recibo.messaging.models import Message, MessageStatus, Suppression
from tests.shop import Shop


def test_a_pix_that_waits_is_told_how_to_be_paid(shop: Shop) -> None:
    shop.tell("purchase-billet-printed-pix")
    shop.work()
    assert shop.kinds == ["payment_instructions"]
    assert Charge.objects.get().payment_code in shop.letter("payment_instructions")


def test_what_was_paid_meanwhile_needs_no_instructions(shop: Shop) -> None:
    shop.tell("purchase-billet-printed")
    shop.tell("purchase-approved")
    shop.work()
    assert "payment_instructions" not in shop.kinds
    skipped = Message.objects.get(kind="payment_instructions")
    assert skipped.status == MessageStatus.SKIPPED


def test_an_abandoned_cart_is_written_about_once_after_a_while(shop: Shop) -> None:
    shop.tell("cart-abandonment", number=1)
    shop.work()
    assert shop.kinds == []
    [message] = Message.objects.all()
    wait = message.next_attempt_at - timezone.now()
    assert timedelta(minutes=55) < wait <= timedelta(hours=1)

    email = message.customer.email

    def same_buyer(body: dict) -> None:
        body["data"]["buyer"]["email"] = email

    shop.tell("cart-abandonment", number=2, change=same_buyer)
    shop.come()
    shop.work()
    assert shop.kinds == ["cart_recovery"]


def test_a_purchase_stops_the_recovery(shop: Shop) -> None:
    shop.tell("cart-abandonment")
    cart = Message.objects.get()

    def same(body: dict) -> None:
        body["data"]["buyer"]["email"] = cart.customer.email
        body["data"]["product"]["id"] = int(cart.details["product_id"])

    shop.tell("purchase-approved", change=same)
    shop.come()
    shop.work()
    assert "cart_recovery" not in shop.kinds


def test_who_opted_out_gets_receipts_and_no_recovery(shop: Shop) -> None:
    shop.tell("cart-abandonment")
    cart = Message.objects.get()
    Suppression.objects.create(
        address=cart.customer.email, channel="email", reason="opted_out", at=timezone.now()
    )
    shop.tell(
        "purchase-approved",
        change=lambda body: body["data"]["buyer"].update(email=cart.customer.email),
    )
    shop.come()
    shop.work()
    assert "cart_recovery" not in shop.kinds
    assert "purchase_confirmation" in shop.kinds


def test_a_refund_is_told(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.tell("purchase-refunded")
    shop.work()
    assert "refund_notice" in shop.kinds


def test_a_late_payment_is_reminded_of(shop: Shop) -> None:
    shop.tell("purchase-delayed")
    shop.work()
    assert shop.kinds == ["payment_reminder"]


def test_a_simulation_only_says_what_it_would_do(shop: Shop) -> None:
    from recibo.inbox.models import Event

    shop.tell("purchase-approved", source=Source.SIMULATE)
    shop.work()
    assert shop.mail.accepted == []
    assert shop.application.asked == []
    result = Event.objects.get().result
    assert "would" in result
    assert f"confirm {Charge.objects.get().order.reference}" in result


def test_the_same_news_twice_is_told_once(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.tell("purchase-complete")
    shop.tell("purchase-approved")
    shop.work()
    assert sorted(shop.kinds) == ["purchase_confirmation", "welcome_credentials"]

"""Alerts open while a condition holds, once, and resolve by themselves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recibo.access.configuration import DefaultApplication
from recibo.access.models import Access, Provisioning, Stage
from recibo.accounts.models import Account
from recibo.billing.models import Order
from recibo.gateways.errors import Refused
from recibo.inbox.models import Source
from recibo.inbox.refusals import Refusals
from recibo.journal.models import Alert
from recibo.messaging.configuration import Mail, Seller
from recibo.messaging.models import Message
from recibo.operations.alerts import review
from recibo.processing.drain import drain
from recibo.reconciliation.models import Sync
from tests.inboxes import received
from tests.recordings import recorded

pytestmark = pytest.mark.django_db


def refused(times: int, reason: Refused = Refused.SIGNATURE_INVALID) -> None:
    refusals = Refusals()
    for _ in range(times):
        refusals.record("hotmart", "default", reason, "192.0.2.1")
    refusals.flush()


def test_webhooks_that_are_refused_again_and_again_are_an_alert():
    refused(3)
    review(timezone.now())
    review(timezone.now())
    alert = Alert.objects.get()
    assert "hotmart/default" in alert.text
    assert alert.resolved_at is None


def test_a_stranger_who_tries_once_is_none():
    refused(2)
    review(timezone.now())
    assert not Alert.objects.exists()


def test_what_is_wrong_with_the_address_is_none():
    refused(9, Refused.PAYLOAD_TOO_LARGE)
    review(timezone.now())
    assert not Alert.objects.exists()


def test_an_accepted_webhook_resolves_it():
    refused(3)
    review(timezone.now())
    later = timezone.now() + timedelta(seconds=1)
    received(recorded("hotmart/webhook-purchase-approved").body, at=later, source=Source.WEBHOOK)
    review(timezone.now())
    assert Alert.objects.get().resolved_at is not None


def test_it_opens_anew_when_it_comes_back():
    now = timezone.now()
    refused(3)
    review(now)
    review(now + timedelta(hours=2))
    assert Alert.objects.get().resolved_at is not None
    refused(3)
    review(timezone.now())
    assert Alert.objects.filter(resolved_at=None).count() == 1
    assert Alert.objects.count() == 2


def stuck_order(settings) -> Order:
    settings.RECIBO_APPLICATION = DefaultApplication(
        provider="http", url="http://127.0.0.1:1", secret="s"
    )
    received(recorded("hotmart/webhook-purchase-approved-single-pix"))
    drain()
    Provisioning.objects.update(
        stage=Stage.FAILED_PERMANENT, next_attempt_at=None, error="422 no such plan"
    )
    return Order.objects.get()


def test_access_that_could_not_be_given_is_an_alert_until_it_is(settings):
    order = stuck_order(settings)
    review(timezone.now())
    alert = Alert.objects.get(kind="access_not_given")
    assert order.reference in alert.text
    assert "422 no such plan" in alert.text
    Provisioning.objects.update(stage=Stage.COMPLETED)
    review(timezone.now())
    alert.refresh_from_db()
    assert alert.resolved_at is not None


def test_whoever_runs_the_shop_is_written_to_once(settings):
    settings.RECIBO_MAIL = Mail(provider="smtp", sender="loja@example.com", host="127.0.0.1")
    settings.RECIBO_SELLER = Seller(email="ana@example.com")
    stuck_order(settings)
    review(timezone.now())
    review(timezone.now())
    message = Message.objects.get(kind="alert")
    assert message.to == "ana@example.com"


def test_a_change_that_an_application_refuses_is_an_alert():
    Access.objects.create(
        customer_id=1, application="default", scope="plan:pro", error="RefusedError: 422"
    )
    review(timezone.now())
    assert "422" in Alert.objects.get(kind="access_not_taken").text


def test_a_channel_by_which_nothing_goes_is_an_alert():
    now = timezone.now()
    Message.objects.create(
        key="alert:one:email",
        channel="email",
        kind="alert",
        attempts=4,
        error="The server hangs up.",
        created_at=now - timedelta(minutes=30),
        next_attempt_at=now,
    )
    review(now)
    assert "hangs up" in Alert.objects.get(kind="messages_not_sent").text


def test_a_list_that_cannot_be_read_for_a_day_is_an_alert_until_it_is():
    now = timezone.now()
    account, _ = Account.objects.get_or_create(gateway="hotmart", name="default")
    standing = Sync.objects.create(
        account=account, kind="sales", until=now, started_at=now - timedelta(hours=23), error="403"
    )
    review(now)
    assert not Alert.objects.exists()
    review(now + timedelta(hours=2))
    alert = Alert.objects.get(kind="syncs_standing")
    assert "hotmart/default" in alert.text
    assert "403" in alert.text
    Sync.objects.filter(pk=standing.pk).update(until=None)
    review(now + timedelta(hours=2))
    alert.refresh_from_db()
    assert alert.resolved_at is not None

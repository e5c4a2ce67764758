"""Alerts open while a condition holds, once, and resolve by themselves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recibo.gateways.errors import Refused
from recibo.inbox.models import Source
from recibo.inbox.refusals import Refusals
from recibo.journal.models import Alert
from recibo.operations.alerts import review
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

"""Delivering a change to an endpoint: signed, tried again for about three days, and then given up.

Every change arrives at least once: who dies between the answer and our commit sends it again, under
the same id, by which the receiver knows it.
"""

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from recibo.accounts.encryption import SealedError
from recibo.outbound import signing, wire
from recibo.outbound.claiming import TABLE
from recibo.outbound.models import Attempt, Delivery, DeliveryStatus, Disabled, Endpoint
from recibo.outbound.payloads import encoded
from recibo.outbound.telling import GoneError, key_of, message_of
from recibo.outbound.wire import Answer
from recibo.work import draining

#: The receiver wants no more.
GONE = 410
#: The receiver is too busy: it is left alone, not only asked again for this one.
THROTTLED = {429, 502, 503, 504}
#: For so long, if it does not say.
REST = timedelta(seconds=5)
#: Nothing but failures for so long disables an endpoint.
LONGEST_FAILING = timedelta(days=5)
#: A wait is up to so much longer, so that what failed together does not come back together.
JITTER = 0.1

chance = random.SystemRandom()


def take(delivery_id: int) -> None:
    """Try one delivery, and write how it ended."""
    delivery = Delivery.objects.select_related("endpoint", "change").get(pk=delivery_id)
    if delivery.next_attempt_at is None or delivery.endpoint.disabled_at is not None:
        Delivery.objects.filter(pk=delivery_id).update(claimed_until=None)
        return
    try:
        settle(delivery, attempt(delivery))
    except GoneError as error:
        Delivery.objects.filter(pk=delivery_id).update(
            status=DeliveryStatus.FAILED,
            error=str(error),
            next_attempt_at=None,
            claimed_until=None,
        )


def attempt(delivery: Delivery) -> Answer:
    """Send it. No connection to the database is held meanwhile: a receiver may be slow.

    Raises GoneError.
    """
    body = encoded(message_of(delivery.change))
    try:
        secrets = signing.unsealed(delivery.endpoint.sealed_secrets)
    except SealedError as error:
        return Answer(error=f"Its secrets cannot be opened: {error}. Rotate them.")
    headers = signing.headers(secrets, key_of(delivery.change), body, timezone.now())
    connection.close()
    return wire.post(delivery.endpoint.url, headers, body)


@transaction.atomic
def settle(delivery: Delivery, answer: Answer) -> None:
    """Write how a try ended: on the delivery, unless somebody moved it meanwhile, and what it says
    of the endpoint.
    """
    now = timezone.now()
    Attempt.objects.create(
        delivery=delivery,
        at=now,
        status_code=answer.status,
        duration_ms=answer.duration_ms,
        error=answer.error,
        answer=answer.text,
    )
    same = Delivery.objects.filter(
        pk=delivery.pk, attempts=delivery.attempts, next_attempt_at=delivery.next_attempt_at
    )
    same.update(**outcome(delivery, answer, now))
    # Asked for again meanwhile: it stays due.
    Delivery.objects.filter(pk=delivery.pk).update(claimed_until=None)
    if answer.is_success:
        note_success(delivery.endpoint_id)
    else:
        note_failure(delivery.endpoint_id, answer, now)


def outcome(delivery: Delivery, answer: Answer, now: datetime) -> dict[str, object]:
    """What becomes of a delivery: arrived, tried again later, or given up."""
    attempts = delivery.attempts + 1
    tried = {
        "attempts": attempts,
        "status_code": answer.status,
        "error": answer.error,
        "next_attempt_at": None,
    }
    if answer.is_success:
        return {**tried, "status": DeliveryStatus.DELIVERED, "delivered_at": now}
    wait = wait_after(attempts, answer)
    if wait is None or answer.status == GONE:
        return {**tried, "status": DeliveryStatus.FAILED}
    return {**tried, "next_attempt_at": now + wait}


def wait_after(attempts: int, answer: Answer) -> timedelta | None:
    """How long to wait after so many tries; None: give up. A receiver may ask for more time."""
    delays = settings.RECIBO_OUTBOUND_DELAYS
    if attempts > len(delays):
        return None
    wait: timedelta = delays[attempts - 1] * (1 + chance.uniform(0, JITTER))
    return max(wait, answer.retry_after or timedelta(0))


def note_success(endpoint_id: int) -> None:
    """Something arrived: whatever was wrong is over."""
    troubled = Endpoint.objects.filter(pk=endpoint_id, failing_since__isnull=False)
    troubled.update(failing_since=None, error="", resting_until=None)


def note_failure(endpoint_id: int, answer: Answer, now: datetime) -> None:
    """Nothing arrived: since when, why, and whether the endpoint is left alone from now on."""
    endpoint = Endpoint.objects.filter(pk=endpoint_id)
    endpoint.update(
        failing_since=Coalesce(F("failing_since"), Value(now)),
        error=answer.error,
        **resting(answer, now),
    )
    still = endpoint.filter(disabled_at=None)
    if answer.status == GONE:
        still.update(disabled_at=now, disabled_reason=Disabled.GONE)
    else:
        lasting = still.filter(failing_since__lte=now - LONGEST_FAILING)
        lasting.update(disabled_at=now, disabled_reason=Disabled.FAILING)


def resting(answer: Answer, now: datetime) -> dict[str, datetime]:
    """Until when an endpoint that is too busy gets nothing at all."""
    if answer.status not in THROTTLED:
        return {}
    return {"resting_until": now + (answer.retry_after or REST)}


def broke(delivery_id: int, error: Exception) -> None:
    """What broke in a way that nobody foresaw is tried again like any failure."""
    delivery = Delivery.objects.select_related("endpoint").get(pk=delivery_id)
    answer = Answer(error=f"{type(error).__name__}: {error}")
    Delivery.objects.filter(pk=delivery_id).update(
        **outcome(delivery, answer, timezone.now()), claimed_until=None
    )


DELIVERIES = draining.Kind(TABLE, take, broke)

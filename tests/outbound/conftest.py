"""Endpoints that lead to receivers on this machine, and changes to tell them."""

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from recibo.outbound import actions, log, rounds, telling
from recibo.outbound.actions import Wish
from recibo.outbound.log import News
from recibo.outbound.models import Delivery, Endpoint, PublishedChange
from tests.outbound.receivers import Receiver, receiving

Connect = Callable[..., tuple[Endpoint, Receiver]]


def cart(number: int = 1) -> News:
    """A change that needs no rows but its own."""
    return News(
        type="cart.abandoned",
        subject="cart",
        id=number,
        data={"product": {"id": f"p{number}", "name": "Curso"}, "url": "", "event_id": None},
    )


def tell(*numbers: int) -> list[str]:
    """Publish such changes, each in a transaction of its own; what receivers know them by."""
    for number in numbers:
        log.publish([cart(number)])
    newest = PublishedChange.objects.order_by("-id")[: len(numbers)]
    return [telling.key_of(one) for one in reversed(newest)]


def go() -> None:
    """Deliver what is due until nothing is, and wait for who is under way."""
    rounds.deliver_due()
    wait(rounds.UNDER_WAY)


def come() -> None:
    """The time has come for whatever waits."""
    now = timezone.now()
    Endpoint.objects.update(resting_until=None)
    Delivery.objects.filter(next_attempt_at__gt=now).update(next_attempt_at=now)


@pytest.fixture
def connect(transactional_db: None, settings: Any) -> Iterator[Connect]:
    """Makes an endpoint with a receiver behind it."""
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = True
    settings.RECIBO_OUTBOUND_DELAYS = (timedelta(hours=1), timedelta(hours=2))
    with ExitStack() as stack:

        def connected(**fields: Any) -> tuple[Endpoint, Receiver]:
            receiver = stack.enter_context(receiving())
            endpoint, secret = actions.add(Wish(url=receiver.url, **fields), actor="tests")
            receiver.secret = secret
            return endpoint, receiver

        yield connected
    wait(rounds.UNDER_WAY)
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs cascade")

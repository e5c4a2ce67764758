"""A seller's shop in a test: sales told as a gateway tells them, an application, a mail server."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from recibo.access import reviewing, stages
from recibo.access.configuration import DefaultApplication
from recibo.access.models import Access, Provisioning
from recibo.accounts.models import Account
from recibo.automation.reactions import react
from recibo.billing.models import Order
from recibo.gateways.contract import RawRequest, Sale
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.messaging import sending
from recibo.messaging.configuration import Mail, Security, Seller
from recibo.messaging.models import Message
from recibo.processing.drain import drain
from tests.access.seller_application import SECRET, SellerApplication
from tests.access.troubled_server import serving
from tests.messaging.mail_server import MailServer, receiving

HOTMART = GATEWAYS["hotmart"]


class Shop:
    """What happens in it, one step after the other."""

    def __init__(self, application: SellerApplication, mail: MailServer) -> None:
        self.application = application
        self.mail = mail

    def tell(
        self,
        sample: str,
        *,
        number: int = 1,
        at: datetime | None = None,
        source: Source = Source.WEBHOOK,
        change: Callable[[dict], None] = lambda body: None,
    ) -> None:
        """Hotmart tells of a sale, and it is folded. ``change``: what is different about it."""
        sale = Sale(number=number, at=at or datetime.now(UTC))
        request = HOTMART.samples[sample](sale)
        body = json.loads(request.body)
        change(body)
        told = RawRequest(request.headers, json.dumps(body).encode(), request.query)
        store(Account.objects.get(gateway="hotmart", name=Account.DEFAULT), [told], source)
        drain()

    def work(self) -> None:
        """Everything that is due is done, until nothing is."""
        jobs = (
            sending.send_all,
            partial(stages.advance_all, react),
            partial(reviewing.review_all, react),
        )
        while sum(job() for job in jobs):
            pass

    def come(self) -> None:
        """The time has come for whatever waits."""
        now = timezone.now()
        for model in (Provisioning, Access, Message):
            model.objects.filter(next_attempt_at__gt=now).update(next_attempt_at=now)

    @property
    def order(self) -> Order:
        """The only order."""
        return Order.objects.get()

    @property
    def provisioning(self) -> Provisioning:
        """The only provisioning."""
        return Provisioning.objects.get()

    @property
    def kinds(self) -> list[str]:
        """Which messages went out, in their order."""
        subjects = {message.message_id: message.kind for message in Message.objects.all()}
        return [subjects[str(letter["message-id"])] for letter in self.mail.letters]

    def letter(self, kind: str) -> str:
        """The plain text of the one message of a kind."""
        [message] = Message.objects.filter(kind=kind)
        [accepted] = [
            one for one in self.mail.accepted if str(one.letter["message-id"]) == message.message_id
        ]
        return accepted.part("plain")


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> Iterator[Shop]:
    """A shop whose application and mail server run on this machine."""
    with serving(SellerApplication()) as application, receiving() as mail:
        settings.RECIBO_APPLICATION = DefaultApplication(
            provider="http", url=application.url, secret=SECRET
        )
        settings.RECIBO_MAIL = Mail(
            provider="smtp",
            sender="loja@example.com",
            host=mail.host,
            port=mail.port,
            security=Security.NONE,
            per_second=1000,
        )
        settings.RECIBO_SELLER = Seller(name="Loja da Ana", email="ana@example.com")
        settings.RECIBO_PUBLIC_URL = "https://loja.example.com"
        settings.RECIBO_PROVISIONING_DELAYS = (
            timedelta(minutes=5),
            timedelta(minutes=10),
            timedelta(minutes=20),
        )
        yield Shop(application, mail)
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs cascade")

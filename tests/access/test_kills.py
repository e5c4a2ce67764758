"""kill -9 between any two lines: one user, and credentials that work, told once.

They may come twice only under the same Message-ID: when the kill falls between the mail server's
acceptance and our commit.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.db import connection

from recibo.access.models import Access, Provisioning, Stage, UserAccount
from recibo.billing.models import Order
from recibo.messaging.models import Message
from tests.access.seller_application import SECRET
from tests.shop import Shop

#: Lines that one purchase takes from paid to told, more or less.
LINES = 1000
SEED = int(os.environ.get("RECIBO_TEST_SEED", "20261123"))
KILLS = int(os.environ.get("RECIBO_TEST_KILLS", "10"))


class Worker:
    """The process whose children are killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def work(self, *, kill_after: int = 0) -> bool:
        """Whether it lived to the end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{kill_after}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() == "0"


@pytest.fixture
def worker(shop: Shop) -> Iterator[Worker]:
    """A worker on the database, the application and the mail server of the test."""
    with started(shop) as process:
        yield Worker(process)


@contextmanager
def started(shop: Shop) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.access.killed"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "ACCESS_PROVIDER": "http",
            "ACCESS_URL": shop.application.url,
            "ACCESS_SECRET": SECRET,
            "SMTP_HOST": shop.mail.host,
            "SMTP_PORT": str(shop.mail.port),
            "SMTP_SECURE": "none",
            "SMTP_SENDER_EMAIL": "loja@example.com",
            "EMAIL_PER_SECOND": "1000",
        },
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def database_url() -> str:
    """The database of the tests."""
    kept = connection.settings_dict
    host = quote(kept["HOST"], safe="")
    port = f":{kept['PORT']}" if kept["PORT"] else ""
    secret = f":{quote(kept['PASSWORD'])}" if kept["PASSWORD"] else ""
    return f"postgresql://{kept['USER']}{secret}@{host}{port}/{kept['NAME']}"


def leases_run_out() -> None:
    """Thirty seconds later."""
    for model in (Provisioning, Access, Message, UserAccount):
        model.objects.update(claimed_until=None)


@pytest.mark.crash
def test_one_user_and_credentials_told_once_whenever_it_is_killed(
    shop: Shop, worker: Worker
) -> None:
    chance = random.Random(SEED)
    survived = 0
    for number in range(1, KILLS + 1):
        shop.tell("purchase-approved", number=number)
        survived += worker.work(kill_after=chance.randrange(1, LINES))
        if chance.random() < 0.3:  # and once more, on the way up again
            leases_run_out()
            worker.work(kill_after=chance.randrange(1, LINES))
        leases_run_out()
        shop.come()
        assert worker.work()

    assert survived < KILLS / 2, "most of them are to be killed on the way"
    assert {one.stage for one in Provisioning.objects.all()} == {Stage.COMPLETED}
    assert {one.status for one in Order.objects.all()} == {"active"}
    assert set(shop.application.created.values()) == {1}
    for account in shop.application.accounts.values():
        assert letters_with(shop, account.password), f"{account.email} cannot get in"
    assert_told_once(shop)


def letters_with(shop: Shop, password: str) -> set[str]:
    """The Message-IDs of the letters that tell a password."""
    return {
        str(one.letter["message-id"]) for one in shop.mail.accepted if password in one.part("plain")
    }


def assert_told_once(shop: Shop) -> None:
    """To each buyer one confirmation and one letter with credentials, by their Message-IDs."""
    told = {(one.recipients[0], str(one.letter["message-id"])) for one in shop.mail.accepted}
    times = Counter(recipient for recipient, _ in told)
    assert set(times.values()) == {2}


@pytest.mark.crash
def test_random_failures_and_kills_together(shop: Shop, worker: Worker) -> None:
    chance = random.Random(SEED + 1)
    for number in range(1, 6):
        way = chance.choice(["die", "status", "garbage"])
        shop.application.trouble(way=way, is_after=chance.random() < 0.5)
        shop.mail.at_data = chance.choice(["250 Taken", "451 Later", "250 Taken"])
        shop.tell("purchase-approved", number=number)
        worker.work(kill_after=chance.randrange(1, LINES))
        shop.mail.at_data = "250 Taken"
        for _ in range(3):
            leases_run_out()
            shop.come()
            worker.work(kill_after=chance.choice([0, 0, chance.randrange(1, LINES)]))
        leases_run_out()
        shop.application.troubles.clear()
        shop.come()
        assert worker.work()
    assert {one.stage for one in Provisioning.objects.all()} == {Stage.COMPLETED}
    assert set(shop.application.created.values()) == {1}
    assert_told_once(shop)

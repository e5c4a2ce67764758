"""From the wire to a buyer who is in: real processes, real mail, and a worker that is killed."""

import time
from collections import Counter
from datetime import UTC, datetime

import httpx
import pytest

from recibo.gateways.contract import Sale
from tests.acceptance.installation import HOTMART, TOKEN, Installation, eventually, running
from tests.access.seller_application import SECRET, SellerApplication
from tests.access.troubled_server import serving
from tests.messaging.mail_server import MailServer, receiving

BUYERS = 15


def settings(application: SellerApplication, mail: MailServer) -> dict[str, str]:
    return {
        "ACCESS_PROVIDER": "http",
        "ACCESS_URL": application.url,
        "ACCESS_SECRET": SECRET,
        "SMTP_HOST": mail.host,
        "SMTP_PORT": str(mail.port),
        "SMTP_SECURE": "none",
        "SMTP_SENDER_EMAIL": "loja@example.com",
        "EMAIL_PER_SECOND": "500",
        "RECIBO_PROVISIONING_DELAYS": "1s,1s,1s,1s,1s,1s",
        "RECIBO_MESSAGE_DELAYS": "1s,1s,1s,1s",
    }


def sell(installation: Installation, sample: str, number: int) -> None:
    sale = Sale(number=number, at=datetime.now(UTC))
    request = HOTMART.sign(HOTMART.samples[sample](sale), TOKEN)
    answer = httpx.post(
        f"{installation.url}/api/webhooks/hotmart", content=request.body, headers=request.headers
    )
    assert answer.status_code == 200


def given(installation: Installation) -> int:
    question = "select count(*) from access_provisioning where stage = 'completed'"
    return installation.count(question)


@pytest.mark.crash
def test_every_buyer_gets_in_once_though_the_worker_is_killed_again_and_again() -> None:
    with (
        serving(SellerApplication()) as application,
        receiving() as mail,
        running(**settings(application, mail)) as installation,
    ):
        application.trouble(times=5)
        application.trouble(way="die", times=3, is_after=True)
        for number in range(1, BUYERS + 1):
            sell(installation, "purchase-approved", number)
            if number % 6 == 0:
                installation.kill("worker")
                time.sleep(0.5)
        eventually(lambda: given(installation) == BUYERS, seconds=120)

        assert set(application.created.values()) == {1}
        assert len(application.accounts) == BUYERS
        told = {(one.recipients[0], str(one.letter["message-id"])) for one in mail.accepted}
        assert set(Counter(buyer for buyer, _ in told).values()) == {2}
        for account in application.accounts.values():
            assert any(account.password in one.part("plain") for one in mail.accepted)
        assert_no_password_lies_around(installation, application)


def assert_no_password_lies_around(
    installation: Installation, application: SellerApplication
) -> None:
    """Neither in what the processes said nor in the files of the database."""
    log = (installation.home / "up.log").read_bytes()
    passwords = [account.password.encode() for account in application.accounts.values()]
    assert not any(password in log for password in passwords)
    installation.count("select count(*) from (select pg_switch_wal()) x")
    for file in installation.home.rglob("*"):
        if file.is_file() and file.stat().st_size < 64 * 1024 * 1024:
            content = file.read_bytes()
            assert not any(password in content for password in passwords), file


@pytest.mark.crash
def test_a_refund_takes_access_away_and_the_buyers_page_says_so() -> None:
    with (
        serving(SellerApplication()) as application,
        receiving() as mail,
        running(**settings(application, mail)) as installation,
    ):
        sell(installation, "purchase-approved", 7)
        eventually(lambda: given(installation) == 1)
        link = next(word for word in mail.accepted[0].part("plain").split() if "/pedido/" in word)
        page = httpx.get(link)
        assert page.status_code == 200

        sell(installation, "purchase-refunded", 7)
        eventually(lambda: "blocked" in str(application.accounts))
        assert httpx.get(link).text != page.text

"""Calls to gateways: with a time limit, at the account's rate, each kept in the journal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from recibo.accounts.models import Account
from recibo.accounts.queries import api_url_of, credentials_of
from recibo.gateways.contract import Api
from recibo.gateways.errors import DeniedError
from recibo.gateways.registry import GATEWAYS
from recibo.journal.actions import About
from recibo.journal.transport import Recorded
from recibo.reconciliation import circuits
from recibo.reconciliation.access_tokens import SharedTokens
from recibo.reconciliation.errors import OutOfTurnsError
from recibo.work import limits

#: Seconds to wait for the connection, and for each part of an answer; ``gateways.http`` limits the
#: whole.
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: Seconds that a call waits for its turn; beyond it comes back later instead.
LONGEST_TURN = 5.0


@contextmanager
def api(
    account: Account,
    *,
    event_id: int | None = None,
    order_id: int | None = None,
    stage: str = "",
    by_hand: bool = False,
) -> Iterator[Api]:
    """The gateway's API as this account sees it.

    ``by_hand``: a person asks, who may try an API that counts as down. Raises DeniedError without
    credentials, RestingError while the gateway is left alone.
    """
    credentials = credentials_of(account)
    if not credentials:
        settings = ", ".join(GATEWAYS[account.gateway].credentials.values())
        raise DeniedError(f"No credentials for {account}: set {settings}")
    circuits.require_no_rest(account, by_hand=by_hand)
    about = About(str(account), event_id, order_id, stage)
    transport = Recorded(about, wait=lambda: take_turn(account))
    with httpx.Client(timeout=TIMEOUT, transport=transport, follow_redirects=False) as client:
        yield Api(client, api_url_of(account), credentials, SharedTokens(account))


def take_turn(account: Account) -> None:
    """Keep to the rate that the gateway allows the account. Raises OutOfTurnsError."""
    rate = GATEWAYS[account.gateway].calls_per_second
    seconds = limits.take(f"api:{account}", rate, longest=LONGEST_TURN)
    if seconds is None:
        raise OutOfTurnsError(f"{account} has used up its rate for now")
    time.sleep(seconds)

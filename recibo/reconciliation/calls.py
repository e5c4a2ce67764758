"""Calls to gateways: with a time limit, at the account's rate, each kept in the journal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from django.db import transaction

from recibo.accounts.models import Account
from recibo.accounts.queries import api_url_of, credentials_of
from recibo.gateways.contract import Api
from recibo.gateways.errors import DeniedError, UnavailableError
from recibo.gateways.registry import GATEWAYS
from recibo.journal.models import IntegrationCall
from recibo.work import limits

#: Seconds for one call, from the connection to the last byte of a part.
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: Seconds that a call waits for its turn; beyond it comes back later instead.
LONGEST_TURN = 5.0


class OutOfTurnsError(UnavailableError):
    """The account's rate is used up: nobody was asked, so it counts as no attempt."""


@contextmanager
def api(account: Account, *, event_id: int | None = None) -> Iterator[Api]:
    """The gateway's API as this account sees it. Raises DeniedError without credentials."""
    credentials = credentials_of(account)
    if not credentials:
        settings = ", ".join(GATEWAYS[account.gateway].credentials.values())
        raise DeniedError(f"No credentials for {account}: set {settings}")
    transport = Recorded(account, event_id)
    with httpx.Client(timeout=TIMEOUT, transport=transport, follow_redirects=False) as client:
        yield Api(client, api_url_of(account), credentials)


class Recorded(httpx.HTTPTransport):
    """Waits for the account's turn before each request and keeps a row of it after."""

    def __init__(self, account: Account, event_id: int | None) -> None:
        super().__init__()
        self.account = account
        self.event_id = event_id

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises OutOfTurnsError when its turn is too far off."""
        self.wait_for_turn()
        began = time.monotonic()
        try:
            response = super().handle_request(request)
        except httpx.HTTPError as error:
            self.keep(request, began, None, type(error).__name__)
            raise
        self.keep(request, began, response.status_code, "")
        return response

    def wait_for_turn(self) -> None:
        """Keep to the rate that the gateway allows the account."""
        seconds = limits.take(
            f"api:{self.account}",
            GATEWAYS[self.account.gateway].calls_per_second,
            longest=LONGEST_TURN,
        )
        if seconds is None:
            raise OutOfTurnsError(f"{self.account} has used up its rate for now")
        time.sleep(seconds)

    def keep(self, request: httpx.Request, began: float, status: int | None, error: str) -> None:
        """One row for one call. The query is left out: some gateways want their token there."""
        with transaction.atomic():
            IntegrationCall.objects.create(
                account=str(self.account),
                event_id=self.event_id,
                host=request.url.host,
                operation=f"{request.method} {request.url.path}"[:200],
                status_code=status,
                duration_ms=round((time.monotonic() - began) * 1000),
                error=error,
            )

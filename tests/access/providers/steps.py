"""What the tests of providers ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from recibo.access.providers.contract import Grant, Person, Step, Target

PASSWORD = "Correta-Bateria-Cavalo-7"

ANA = Person(email="ana.souza@example.com", name="Ana Souza", phone="+5531987654321")

CLUB = Grant(
    access_id="acc_1",
    product="Clube",
    product_id="P-1",
    plan="mensal",
    order="PED-1",
    valid_until=datetime(2026, 4, 10, 12, tzinfo=UTC),
)
COURSE = Grant(access_id="acc_2", product="Curso", product_id="P-2", plan="curso", order="PED-2")


def step(key: str = "acc_1_create_1", **more: Any) -> Step:
    """A step about Ana's club, unless said otherwise."""
    return Step(**{"key": key, "person": ANA, "grant": CLUB, **more})


@contextmanager
def reaching(url: str, secret: str, login_url: str = "", timeout: float = 0.5) -> Iterator[Target]:
    """The application at ``url``, with a patience that makes tests of slowness quick."""
    with httpx.Client(timeout=timeout, verify=False) as client:  # reading certificates takes long
        yield Target(client, url, secret, login_url)

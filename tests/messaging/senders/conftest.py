"""A message to send, and the rows that its sending leaves."""

from typing import Any, NamedTuple

import pytest

from recibo.journal import transport
from recibo.journal.actions import About
from recibo.messaging.senders import mail_apis, smtp
from recibo.messaging.senders.contract import Outgoing

ABOUT = About("email", order_id=17, stage="message.welcome_credentials")


class Row(NamedTuple):
    """A call as the journal would keep it."""

    about: About
    host: str
    operation: str
    status: int | None
    error: str


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """What would be kept of the calls."""
    rows: list[Row] = []

    def keep(about: About, *, began: float, **values: Any) -> None:
        rows.append(Row(about, **values))

    for module in (smtp, mail_apis, transport):
        monkeypatch.setattr(module, "keep_call", keep)
    return rows


def outgoing(**changes: Any) -> Outgoing:
    """A message of every field."""
    return Outgoing(
        **{
            "key": "welcome_credentials:access:9:email",
            "kind": "welcome_credentials",
            "language": "pt-br",
            "to": "ana.souza@example.com",
            "name": "Ana Souza",
            "text": "Olá, Ana. Seu acesso chegou.\n",
            "subject": "Seu acesso chegou: é só entrar",
            "html": "<p>Olá, Ana. Seu acesso chegou.</p>",
            "message_id": "<4f1c0e@escola.example.com>",
            **changes,
        }
    )

"""A gateway that exists in tests only: a token in a header, JSON with an id and an event."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from recibo.gateways import signatures
from recibo.gateways.contract import Api, Gateway, Identity, RawRequest
from recibo.gateways.errors import PayloadError, UnprovenError
from recibo.gateways.facts import EventType, Fact

TOKEN = b"x-acme-token"


class News(msgspec.Struct):
    id: str
    event: str = "paid"
    charge: str = ""


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    if request.headers.get(b"x-acme-bug") == b"verify":
        raise RuntimeError("a bug in verify")
    if b"x-acme-unproven" in request.headers:
        raise UnprovenError
    signatures.require_token(request.headers.get(TOKEN), secrets)


def identify(request: RawRequest) -> Identity:
    if request.headers.get(b"x-acme-bug") == b"identify":
        raise RuntimeError("a bug in identify")
    try:
        news = msgspec.json.decode(request.body, type=News)
    except msgspec.MsgspecError as error:
        raise PayloadError(str(error)) from error
    kind = EventType.CHARGE_PAID if news.event == "paid" else EventType.UNKNOWN
    return Identity(news.id, news.event, kind, news.charge)


def parse(request: RawRequest) -> list[Fact]:
    return []


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    return []


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    return replace(request, headers={**request.headers, TOKEN: secret})


ACME = Gateway(
    slug="acme",
    name="Acme",
    verify=verify,
    identify=identify,
    parse=parse,
    sign=sign,
    events={"paid": EventType.CHARGE_PAID},
    personal_fields=frozenset(),
    samples={},
    secret_settings=("ACME_TOKEN",),
    secret_headers=frozenset({TOKEN}),
    secret_parameters=frozenset({b"token"}),
    aliases=("acme-hook",),
    fetch=fetch,
)

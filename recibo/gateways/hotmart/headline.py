"""The little of any body that tells which news it is: read at the door, before all else."""

import hashlib

import msgspec
from msgspec import Struct

from recibo.gateways.hotmart.values import Code


class HeadlinePurchase(Struct):
    transaction: Code | None = None


class HeadlineData(Struct):
    purchase: HeadlinePurchase | None = None


class Headline(Struct):
    """The last three fields are of format 1.0.0."""

    id: Code | None = None
    event: Code | None = None
    data: HeadlineData | None = None
    hottok: str | None = None
    transaction: Code | None = None
    status: Code | None = None


HEADLINE = msgspec.json.Decoder(Headline)


def fingerprint(body: bytes) -> str:
    """An id for news that has none: the same bytes are the same news."""
    return "sha256:" + hashlib.sha256(body).hexdigest()

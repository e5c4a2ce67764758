"""The little of any resource that tells which news it is: read at the door, before all else."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from recibo.gateways.stone.charges import RESERVED
from recibo.gateways.stone.payload import Code, Moment


class HeadlineTransaction(Struct):
    status: Code | None = None


class HeadlineCharge(Struct):
    id: Code | None = None
    paid_amount: int | None = None
    paid_at: Moment = None
    last_transaction: HeadlineTransaction | None = None

    @property
    def is_reserved(self) -> bool:
        return bool(self.last_transaction and self.last_transaction.status in RESERVED)

    @property
    def was_paid(self) -> bool:
        is_refund = self.last_transaction and self.last_transaction.status == "refunded"
        return bool(self.paid_amount or self.paid_at or is_refund)


class Headline(HeadlineCharge):
    """A charge, an order, an invoice, a chargeback, or what holds none of them."""

    status: Code | None = None
    charge_id: Code | None = None  # of a chargeback
    charge: HeadlineCharge | None = None  # of an invoice, perhaps of a chargeback
    charges: list[HeadlineCharge] | None = None  # of an order

    @property
    def kind(self) -> str:
        """The start of the id, which says what the resource is: "ch", "or" …"""
        kind, separator, _ = (self.id or "").partition("_")
        return kind if separator else ""

    @property
    def told_charges(self) -> Sequence[HeadlineCharge]:
        """The charges that the resource is, or holds."""
        if self.kind == "ch":
            return [self]
        return self.charges or ([self.charge] if self.charge else [])

    @property
    def only_charge_id(self) -> str:
        """The charge that the news is about; "" if there is none, or more than one."""
        ids = {self.charge_id} if self.charge_id else {charge.id for charge in self.told_charges}
        return (ids.pop() or "") if len(ids) == 1 else ""


HEADLINE = msgspec.json.Decoder(Headline)

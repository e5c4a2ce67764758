"""What a fold changed: the values that ``automation`` turns into jobs."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Subject(StrEnum):
    """What changed."""

    ORDER = "order"
    CHARGE = "charge"
    SUBSCRIPTION = "subscription"
    CUSTOMER = "customer"
    BUYER = "buyer"  # known by a gateway's id only; ``id`` is the account
    CART = "cart"  # left at the checkout; ``id`` is the customer
    ACCESS = "access"  # to an application of the seller's


class Change(Struct, frozen=True, gc=False):
    """One change of state: ``before`` is "" for what is new."""

    subject: Subject
    id: int  # primary key of the row
    name: str  # what people call it: a reference, a code, an e-mail
    before: str
    after: str
    event_id: int  # the newest event that led to it
    details: Mapping[str, str] = {}  # what no row keeps: of a cart, what was in it

    @property
    def kind(self) -> str:
        """The word that the table of reactions knows it by, such as ``order.paid``."""
        return f"{self.subject}.{self.after}"

    def __str__(self) -> str:
        return f"{self.subject} {self.name}: {self.before or 'new'} → {self.after}"

"""Asking Hotmart about sales: one by its transaction, or all of a window of time.

Sources: "Sales history", "Sales participants", "Sales commissions" and "Subscription
transactions", Hotmart developers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

from recibo.gateways.contract import Api, Listed, RawRequest
from recibo.gateways.errors import ApiError, NotFoundError, PayloadError, UnavailableError
from recibo.gateways.hotmart import answers, buyers, pages, sales
from recibo.gateways.hotmart.pages import Page, Place
from recibo.gateways.hotmart.records import USERS
from recibo.gateways.hotmart.subjects import normal
from recibo.gateways.hotmart.subscriptions_api import subscription_of
from recibo.gateways.hotmart.values import Code, Moment, decode, moment
from recibo.gateways.hotmart.words import PAID_ONCE, STATUSES

HISTORY = "/sales/history"
#: What else is told of a sale, by its place in our answer.
DETAILS = {"users": "/sales/users", "commissions": "/sales/commissions"}
RECURRENCES = "/subscriptions/transactions"

#: Without them Hotmart lists what is approved or complete, and nothing else.
ALL_STATUSES = (
    *("APPROVED", "BLOCKED", "CANCELLED", "CHARGEBACK", "COMPLETE", "EXPIRED", "NO_FUNDS"),
    *("OVERDUE", "PARTIALLY_REFUNDED", "PRE_ORDER", "PRINTED_BILLET", "PROCESSING_TRANSACTION"),
    *("PROTESTED", "REFUNDED", "STARTED", "UNDER_ANALISYS", "WAITING_PAYMENT"),
)
#: Days of a window of sales.
WINDOW = 30
#: Pages of each detail that are read for one page of sales; beyond them sales go without.
DETAIL_PAGES = 5
#: Lines of an order with bumps that are asked for: C1, C2, …
MOST_LINES = 20

TRANSACTION = re.compile(r"[A-Za-z0-9]{4,40}", re.ASCII)
#: A seller's own reference is none: Hotmart knows sales by its own numbers only.
ORDER = re.compile(r"HP[0-9]{8,20}", re.ASCII)
EMAIL = re.compile(r"[^\s@]{1,128}@[^\s@]{1,190}")


class KeyPurchase(Struct):
    transaction: Code | None = None
    status: Code | None = None
    order_date: Moment = None
    is_subscription: bool | None = None


class Key(Struct):
    """The little of an item by which lists are joined."""

    transaction: Code | None = None
    purchase: KeyPurchase = msgspec.field(default_factory=KeyPurchase)


KEY = msgspec.json.Decoder(Key)


class Found(Struct):
    """An item of a list: its bytes, and what it is about."""

    key: Key
    item: Raw

    @property
    def transaction(self) -> str:
        """Of which sale it tells; "" if it does not say."""
        return self.key.purchase.transaction or self.key.transaction or ""


class Joined(Struct, omit_defaults=True):
    """A sale and what other lists tell of it, each as Hotmart wrote it."""

    sale: Raw
    users: Raw | None = None
    commissions: Raw | None = None
    recurrence: Raw | None = None


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    """The sale and, if one of its kind is paid, the subscription that it belongs to.

    Raises UnavailableError, NotFoundError, DeniedError.
    """
    if not TRANSACTION.fullmatch(charge_id):
        raise NotFoundError("not a transaction of Hotmart's")
    if not (found := with_transaction(api, charge_id)):
        raise NotFoundError("Hotmart knows no such transaction")
    return found


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    """The sale of that transaction, and the lines C1, C2, … of an order with bumps.

    Raises UnavailableError, DeniedError.
    """
    if not ORDER.fullmatch(reference):
        return []
    found = with_transaction(api, reference)
    for number in range(1, MOST_LINES + 1):
        line = with_transaction(api, f"{reference}C{number}")
        if not line:
            break
        found += line
    return found


def with_transaction(api: Api, transaction: str) -> list[RawRequest]:
    """The sale of a transaction, whatever its status; [] if there is none."""
    asked = {"transaction": transaction}
    told = [one for one in page_of(api, HISTORY, asked)[1] if one.transaction == transaction]
    if not any(is_paid(one) for one in told):
        return joined(told, {})
    details = {name: keyed(page_of(api, path, asked)[1]) for name, path in DETAILS.items()}
    if not any(one.key.purchase.is_subscription for one in told):
        return joined(told, details)
    return [*joined(told, {**details, **recurrences(api, asked)}), *subscription_of(api, asked)]


def is_paid(sale: Found) -> bool:
    """Whether a sale was paid at some time: only then anybody shares in it."""
    return STATUSES.get(sale.key.purchase.status or "") in PAID_ONCE


def list_sales(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """The sales that were ordered in a time, whatever became of them, with buyers and shares.

    Hotmart cannot list what changed: a refund is found by listing the time of its order again.
    Raises UnavailableError, DeniedError, and ApiError (400) for a cursor that was kept too long.
    """
    end = pages.milliseconds(until)
    place = pages.at(cursor, since, WINDOW)
    if place.start >= end:
        return Listed(())
    place, page = window(api, place, end)
    found = found_in(page)
    tokens = {HISTORY: page.next_token} if page.next_token else {}
    details = {**details_of(api, found), **recurrences_of(api, found)}
    return Listed(joined(found, details), pages.after(place, end, parts=1, tokens=tokens))


def window(api: Api, place: Place, end: int) -> tuple[Place, Page]:
    """The page at a place, or that of a narrower window where this one is too slow."""
    try:
        return place, pages.ask(api, HISTORY, filters(place, end), place.tokens.get(HISTORY, ""))
    except UnavailableError as error:
        place = pages.narrower(place, error)
    return place, pages.ask(api, HISTORY, filters(place, end))


def filters(place: Place, end: int) -> dict[str, Any]:
    """What is asked of a window. Whether Hotmart counts its end in is not said: it does no harm."""
    return {
        "start_date": place.start,
        "end_date": place.end(end),
        "transaction_status": ALL_STATUSES,
    }


def details_of(api: Api, found: Sequence[Found]) -> dict[str, dict[str, Raw]]:
    """What other lists tell of the sales of a page.

    They are asked for the time of these sales and not for the same page: a list of those sales
    only that somebody shares in has other pages.
    """
    span = span_of(one.key.purchase for one in found)
    if span is None:
        return {}
    asked = {"start_date": span[0], "end_date": span[1], "transaction_status": ALL_STATUSES}
    return {name: every(api, path, asked) for name, path in DETAILS.items()}


def span_of(purchases: Iterable[KeyPurchase]) -> tuple[int, int] | None:
    """From the first order to just after the last, in milliseconds; None without a date."""
    dates = [at for one in purchases if (at := ordered_at(one))]
    if not dates:
        return None
    return pages.milliseconds(min(dates)), pages.milliseconds(max(dates)) + 1


def recurrences_of(api: Api, found: Sequence[Found]) -> dict[str, dict[str, Raw]]:
    """To which subscriptions the sales of a page belong."""
    members = (one.key.purchase for one in found if one.key.purchase.is_subscription)
    if (span := span_of(members)) is None:
        return {}
    return recurrences(api, {"transaction_date": span[0], "end_transaction_date": span[1]})


def ordered_at(purchase: KeyPurchase) -> datetime | None:
    """When a sale was ordered; None if that cannot be read."""
    try:
        return moment(purchase.order_date, "order_date")
    except PayloadError:
        return None


def recurrences(api: Api, parameters: Mapping[str, Any]) -> dict[str, dict[str, Raw]]:
    """The transactions of subscriptions. A sale of today may be missing: the list is a day old."""
    return {"recurrence": every(api, RECURRENCES, parameters)}


def every(api: Api, path: str, parameters: Mapping[str, Any]) -> dict[str, Raw]:
    """What a list of details tells, by the transactions that it is about."""
    found: dict[str, Raw] = {}
    token = ""
    for _ in range(DETAIL_PAGES):
        page, listed = page_of(api, path, parameters, token)
        found |= keyed(listed)
        if not (token := page.next_token):
            break
    return found


def page_of(
    api: Api, path: str, parameters: Mapping[str, Any], token: str = ""
) -> tuple[Page, list[Found]]:
    """A page and the items on it. Of a detail that Hotmart refuses, an empty one: it is no sale.

    Raises UnavailableError; for the sales themselves any ApiError.
    """
    try:
        page = pages.ask(api, path, parameters, token)
    except ApiError as error:
        if path == HISTORY or isinstance(error, UnavailableError):
            raise
        page = Page()
    return page, found_in(page)


def found_in(page: Page) -> list[Found]:
    """The items of a page."""
    return [Found(key_of(item), item) for item in page.items]


def key_of(item: Raw) -> Key:
    """What an item is about; nothing for one that cannot be read, which is kept all the same."""
    try:
        return decode(KEY, item)
    except PayloadError:
        return Key()


def keyed(found: Iterable[Found]) -> dict[str, Raw]:
    """Items by their transaction."""
    return {one.transaction: one.item for one in found if one.transaction}


def joined(found: Iterable[Found], details: Mapping[str, Mapping[str, Raw]]) -> list[RawRequest]:
    """An answer for each sale."""
    return [
        answers.told(sales.RESOURCE, msgspec.json.encode(Joined(one.item, **about(one, details))))
        for one in found
    ]


def about(sale: Found, details: Mapping[str, Mapping[str, Raw]]) -> dict[str, Raw]:
    """What the details tell of one sale."""
    return {
        name: listed[sale.transaction]
        for name, listed in details.items()
        if sale.transaction in listed
    }


def fetch_customer(api: Api, gateway_id: str) -> RawRequest:
    """The buyer with that e-mail, which is the only name that Hotmart looks buyers up by.

    Raises UnavailableError, NotFoundError, DeniedError.
    """
    if not EMAIL.fullmatch(gateway_id):
        raise NotFoundError("Hotmart finds buyers by their e-mail only")
    asked = {"buyer_email": gateway_id, "transaction_status": ALL_STATUSES}
    for item in pages.ask(api, DETAILS["users"], asked).items:
        answer = answers.told(buyers.RESOURCE, bytes(item))
        if is_about(answer, gateway_id):
            return answer
    raise NotFoundError("Hotmart knows no such buyer")


def is_about(answer: RawRequest, email: str) -> bool:
    """Whether the buyer of a sale has that e-mail."""
    try:
        buyer = buyers.buyer_in(decode(USERS, answer.body).users or ())
    except PayloadError:
        return False
    return buyer is not None and normal(buyer.email or "") == normal(email)

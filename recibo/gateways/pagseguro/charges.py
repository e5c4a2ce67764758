"""How a charge stands, which charges an order has, and which sales there were.

Source: "Consultas", PagSeguro developers v1. v4 has no search of any kind: it is asked by ids.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from recibo.gateways.contract import Api, Listed, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.pagseguro import calls, documents, listed, notices, windows
from recibo.gateways.pagseguro.documents import TRANSACTIONS, Listing, Page, Row
from recibo.gateways.pagseguro.reading import charge_id as bare
from recibo.gateways.pagseguro.resources import is_unknown, read, transaction

Parameters = Mapping[str, str | int]

#: Of several transactions with one reference: the paid ones, what became of paid ones, what may
#: still be paid, and the rest.
PLACES = ("3", "4", "5", "9", "6", "8", "11", "2", "1", "0", "7")
SEARCH_ORDER = {status: place for place, status in enumerate(PLACES)}

PAGE_SIZE = 100
LONGEST_REFERENCE = 200
#: The error of a page beyond the last one.
BEYOND = "13020"

#: Ids that v4 answers for.
ORDER = re.compile(r"ORDE_[0-9A-Za-z-]{1,64}")
CHARGE = re.compile(r"CHAR_[0-9A-Za-z-]{1,64}")
PIX_CODE = "PagBank answers for the order of a Pix code, ORDE_, not for the code itself"


# One charge


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    """The charge of this id, or an order with all of its charges (ORDE_).

    Without CHAR_ an id can be of either generation. The legacy one is asked first where it can be:
    it tells the buyer, the fee and when each change was.
    """
    code = bare(charge_id)
    if notices.CODE.fullmatch(code):
        return [by_code(api, code)]
    if ORDER.fullmatch(charge_id) or CHARGE.fullmatch(charge_id):
        return [read(api, charge_id)]
    reason = PIX_CODE if charge_id.startswith("QRCO_") else "PagSeguro has no charge of such an id"
    raise NotFoundError(reason)


def by_code(api: Api, code: str) -> RawRequest:
    """A charge from whichever generation knows it.

    One that denies us is passed over; but where it was the one to be asked first, it may well be
    the one that knows.
    """
    errors: list[ApiError] = []
    for ask in ways(api):
        try:
            return ask(api, code)
        except ApiError as error:
            if not isinstance(error, DeniedError) and not is_unknown(error):
                raise
            errors.append(error)
    if isinstance(errors[0], DeniedError):
        raise errors[0]
    raise NotFoundError(f"PagSeguro has no charge {code}", status=404)


def ways(api: Api) -> list[Callable[[Api, str], RawRequest]]:
    """How a charge can be asked for with the credentials that we have."""
    return [transaction, v4_charge] if calls.has_legacy(api) else [v4_charge]


def v4_charge(api: Api, code: str) -> RawRequest:
    """The v4 charge of a code, which is its id without CHAR_."""
    return read(api, f"CHAR_{code}")


# The charges of an order


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    """Every charge of a reference; where the seller gave none, the reference is an id.

    v4 knows no search: without the account's e-mail a seller's own reference finds nothing, and
    nobody is asked.
    """
    if not 0 < len(reference) <= LONGEST_REFERENCE:
        return []
    is_searched = calls.has_legacy(api) and not ORDER.fullmatch(reference)
    found = search_by_reference(api, reference) if is_searched else []
    return found or by_id(api, reference)


def by_id(api: Api, reference: str) -> list[RawRequest]:
    """What stands under this id; [] for a reference that is none."""
    try:
        return fetch_charge(api, reference)
    except NotFoundError:
        return []


def search_by_reference(api: Api, reference: str) -> list[RawRequest]:
    """All transactions of one reference, each read in full; the one that matters most first.

    Every attempt of a buyer makes one; [] means none yet, not that nothing was paid. References
    compare as they are.
    """
    found = rows_by_reference(api, {"reference": reference})
    ours = {row.code: row for row in found if row.reference in {"", reference}}
    sales = [row for row in ours.values() if listed.is_sale(row)]
    ranked = sorted(sales, key=lambda row: SEARCH_ORDER.get(row.status, len(SEARCH_ORDER)))
    return [in_full(api, row.code) for row in ranked]


def rows_by_reference(api: Api, reference: Parameters) -> list[Row]:
    """The rows of the plain search; where PagSeguro wants dates with it, as far as they reach."""
    try:
        return list(rows(api, reference))
    except ApiError as error:
        if error.status != 400:
            raise
    now = datetime.now(UTC)
    spans = windows.spans(now - windows.FARTHEST, now)
    return [row for span in spans for row in rows(api, {**reference, **span.parameters()})]


def rows(api: Api, parameters: Parameters) -> Iterator[Row]:
    """The rows of all pages. How many pages there are, each page says anew."""
    number = pages = 1
    while number <= min(pages, windows.MOST_PAGES):
        found = search_page(api, {**parameters, "page": number, "maxPageResults": PAGE_SIZE})
        yield from found.rows
        number, pages = number + 1, found.pages


def in_full(api: Api, code: str) -> RawRequest:
    """A transaction that a search lists, so that it is there. Raises UnavailableError otherwise."""
    try:
        return transaction(api, code)
    except NotFoundError as error:
        message = f"PagSeguro lists {code} and does not show it yet"
        raise UnavailableError(message, status=error.status) from error


# Sales


def list_sales(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """What was sold, by when it was made, at most 179 days back; rows that ``fetch`` completes."""
    place = windows.place_of(cursor) if cursor else windows.first(since, until)
    if place is None:
        return Listed([])
    page = page_at(api, "/v2/transactions", TRANSACTIONS, place.parameters(), place.page)
    return Listed(listed.transactions(page.rows), windows.cursor_after(place, page.pages))


def page_at(api: Api, path: str, listing: Listing, parameters: Parameters, number: int) -> Page:
    """A page of a list by time. One that has gone since the last page was read is empty."""
    asked = {**parameters, "page": number, "maxPageResults": PAGE_SIZE}
    try:
        return search_page(api, asked, path, listing)
    except ApiError as error:
        if number > 1 and BEYOND in calls.error_codes(error):
            return Page([], 0)
        raise


def search_page(
    api: Api,
    parameters: Parameters,
    path: str = "/v2/transactions",
    listing: Listing = TRANSACTIONS,
) -> Page:
    """One page. What is no page of a search is no answer, and never "not paid"."""
    body = calls.call_legacy(api, path, parameters)
    calls.require_root(body, listing.root)
    try:
        return documents.page(body, listing)
    except PayloadError as error:
        raise UnavailableError(f"A search could not be read: {error}") from error

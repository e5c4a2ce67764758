"""PagSeguro's XML: by its bytes, from direct children, and nothing that entities could do.

Source: "Consultas", PagSeguro developers v1, and its SDKs for Java, PHP and Ruby.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]

from recibo.gateways.errors import PayloadError
from recibo.gateways.pagseguro.reading import missing, moment, reais

COUNT = re.compile(r"[0-9]{1,4}")
LONGEST_TEXT = 500


class Row(NamedTuple):
    """A transaction or a subscription as a search lists it. It lacks the buyer, and often more."""

    code: str
    status: str
    type: str
    reference: str
    body: bytes  # the row, as a document of its own


class Page(NamedTuple):
    """One page of a search. The counts it gives of its rows can be wrong, so they are not read."""

    rows: list[Row]
    pages: int


class Listing(NamedTuple):
    """What a search answers: its root, and where the rows are in it."""

    root: str
    rows: str


TRANSACTIONS = Listing("transactionSearchResult", "transactions/transaction")
PRE_APPROVALS = Listing("preApprovalSearchResult", "preApprovals/preApproval")


def document(body: bytes, tag: str) -> Element:
    """The root of an answer, by its bytes: what encoding they are in, its declaration says.

    Raises PayloadError: no XML, cut short, another root; or with a DOCTYPE, which no answer of
    PagSeguro has and attacks by entities need.
    """
    root = parsed(body)
    if root.tag != tag:
        raise PayloadError(f"pagseguro: <{root.tag[:40]}> instead of <{tag}>")
    return root


def parsed(body: bytes) -> Element:
    """The root of any XML. Raises PayloadError."""
    parser = DefusedXMLParser(encoding=undeclared_encoding(body), forbid_dtd=True)
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:  # refusals of defusedxml: ValueError
        raise PayloadError(f"pagseguro: no readable XML ({type(error).__name__})") from error
    return root


def undeclared_encoding(body: bytes) -> str | None:
    """Of XML that declares none: UTF-8, or else what PagSeguro writes; None where it declares."""
    if body.lstrip().startswith((b"<?xml", b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        body.decode()
    except UnicodeDecodeError:
        return "iso-8859-1"
    return "utf-8"


def text(element: Element, path: str) -> str:
    """The text at ``path``, down from direct children only; "" where there is none.

    ``type``, ``status`` and ``code`` are found nested in five more places.
    """
    found = (element.findtext(path) or "").strip()
    if len(found) > LONGEST_TEXT:
        raise PayloadError(f"pagseguro: {path} is too long")
    return found


def required(element: Element, path: str) -> str:
    """As ``text``. Raises PayloadError where there is none."""
    return text(element, path) or missing(path)


def money(element: Element, path: str) -> Decimal | None:
    """An amount, None where there is none. Raises PayloadError."""
    found = text(element, path)
    return reais(found, path) if found else None


def last_event_at(element: Element) -> datetime:
    """When the state that is told began. Raises PayloadError."""
    path = "lastEventDate" if text(element, "lastEventDate") else "date"
    return moment(required(element, path), path)


def page(body: bytes, listing: Listing) -> Page:
    """One page of a search, in whatever order its elements come. Raises PayloadError."""
    root = document(body, listing.root)
    total = text(root, "totalPages")
    return Page(list(rows(root, listing)), int(total) if COUNT.fullmatch(total) else 1)


def rows(root: Element, listing: Listing) -> Iterator[Row]:
    """What a page lists. An abandoned checkout has no status, and is no transaction."""
    for element in root.findall(listing.rows):
        if status := text(element, "status"):
            yield Row(
                code=required(element, "code"),
                status=status,
                type=text(element, "type"),
                reference=text(element, "reference"),
                body=alone(element),
            )


def alone(element: Element) -> bytes:
    """A part of an answer as a document of its own, in the encoding that PagSeguro writes."""
    element.tail = None
    body: bytes = tostring(element, encoding="iso-8859-1")
    return body


def errors(root: Element) -> str:
    """What an ``<errors>`` says, in one line. Codes can be text."""
    told = [f"{text(error, 'code')} {text(error, 'message')}" for error in root.findall("error")]
    return "; ".join(dict.fromkeys(told))[:LONGEST_TEXT]

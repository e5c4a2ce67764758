"""PagSeguro's XML: by its bytes, from direct children, and nothing that entities could do.

Source: "Consultas", PagSeguro developers v1, and its SDKs for Java, PHP and Ruby.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]

from recibo.gateways.errors import PayloadError
from recibo.gateways.pagseguro.reading import missing, moment, reais

COUNT = re.compile(r"[0-9]{1,4}")
LONGEST_TEXT = 500


class Row(NamedTuple):
    """A transaction as a search lists it. It lacks the buyer, and can lack the reference."""

    code: str
    status: str
    type: str
    reference: str


class Page(NamedTuple):
    """One page of a search. The counts it gives of its rows can be wrong, so they are not read."""

    rows: list[Row]
    pages: int


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


def page(body: bytes) -> Page:
    """One page of a search, in whatever order its elements come. Raises PayloadError."""
    root = document(body, "transactionSearchResult")
    total = text(root, "totalPages")
    return Page(list(rows(root)), int(total) if COUNT.fullmatch(total) else 1)


def rows(root: Element) -> Iterator[Row]:
    """The transactions of a page. An abandoned checkout has no status, and is none."""
    for transaction in root.findall("transactions/transaction"):
        if status := text(transaction, "status"):
            yield Row(
                code=required(transaction, "code"),
                status=status,
                type=text(transaction, "type"),
                reference=text(transaction, "reference"),
            )


def errors(root: Element) -> str:
    """What an ``<errors>`` says, in one line. Codes can be text."""
    told = [f"{text(error, 'code')} {text(error, 'message')}" for error in root.findall("error")]
    return "; ".join(dict.fromkeys(told))[:LONGEST_TEXT]

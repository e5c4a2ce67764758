"""Asaas's webhook, version 3 of its API: bytes in, facts out.

Source: docs.asaas.com, "Eventos para cobranças", "Eventos para assinaturas", and the event list of
its webhook settings. What is assumed where the documentation is silent is said in
docs/gateways/asaas.md.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from recibo.gateways import signatures
from recibo.gateways.asaas import answers
from recibo.gateways.asaas.dates import moment
from recibo.gateways.asaas.payloads import HEADLINE, NOTICE, Notice, whole
from recibo.gateways.asaas.payments import payment_facts
from recibo.gateways.asaas.subscriptions import subscription_facts
from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError
from recibo.gateways.facts import EventType, Fact

#: Not ``access_token``: that one proves us to the API.
TOKEN_HEADER = b"asaas-access-token"

PAYMENT_EVENTS = {
    "PAYMENT_CREATED": EventType.CHARGE_CREATED,
    "PAYMENT_UPDATED": EventType.CHARGE_UPDATED,  # due date or value
    "PAYMENT_AWAITING_RISK_ANALYSIS": EventType.CHARGE_UPDATED,
    "PAYMENT_APPROVED_BY_RISK_ANALYSIS": EventType.CHARGE_UPDATED,  # CONFIRMED follows
    "PAYMENT_REPROVED_BY_RISK_ANALYSIS": EventType.CHARGE_FAILED,
    "PAYMENT_AUTHORIZED": EventType.CHARGE_AUTHORIZED,
    "PAYMENT_CONFIRMED": EventType.CHARGE_PAID,
    # The same sale once more after CONFIRMED, but for Pix and cash the only news of it.
    "PAYMENT_RECEIVED": EventType.CHARGE_PAID,
    "PAYMENT_CREDIT_CARD_CAPTURE_REFUSED": EventType.CHARGE_FAILED,
    "PAYMENT_ANTICIPATED": EventType.CHARGE_UPDATED,
    "PAYMENT_OVERDUE": EventType.CHARGE_OVERDUE,  # it can still be paid
    "PAYMENT_DELETED": EventType.CHARGE_CANCELLED,
    "PAYMENT_RESTORED": EventType.CHARGE_UPDATED,
    "PAYMENT_REFUND_IN_PROGRESS": EventType.CHARGE_UPDATED,  # still paid
    "PAYMENT_REFUNDED": EventType.CHARGE_REFUNDED,
    "PAYMENT_PARTIALLY_REFUNDED": EventType.CHARGE_PARTIALLY_REFUNDED,
    "PAYMENT_REFUND_DENIED": EventType.CHARGE_UPDATED,
    "PAYMENT_RECEIVED_IN_CASH_UNDONE": EventType.CHARGE_UPDATED,
    "PAYMENT_CHARGEBACK_REQUESTED": EventType.CHARGE_DISPUTED,
    "PAYMENT_CHARGEBACK_DISPUTE": EventType.CHARGE_DISPUTED,
    "PAYMENT_AWAITING_CHARGEBACK_REVERSAL": EventType.CHARGE_PAID,  # the dispute is won
    "PAYMENT_DUNNING_REQUESTED": EventType.CHARGE_UPDATED,
    "PAYMENT_DUNNING_RECEIVED": EventType.CHARGE_PAID,
    "PAYMENT_BANK_SLIP_CANCELLED": EventType.CHARGE_UPDATED,
}
SUBSCRIPTION_EVENTS = {
    "SUBSCRIPTION_CREATED": EventType.SUBSCRIPTION_CREATED,
    "SUBSCRIPTION_UPDATED": EventType.SUBSCRIPTION_PLAN_CHANGED,  # or its date, or it runs again
    "SUBSCRIPTION_INACTIVATED": EventType.SUBSCRIPTION_CANCELLED,  # no new charges: a pause
    "SUBSCRIPTION_DELETED": EventType.SUBSCRIPTION_CANCELLED,
}
EVENTS = PAYMENT_EVENTS | SUBSCRIPTION_EVENTS

#: Beginnings of events that change no charge and no subscription -> what they tell of.
IGNORED = {
    "PAYMENT_BANK_SLIP_VIEWED": "a buyer who looked",
    "PAYMENT_CHECKOUT_VIEWED": "a buyer who looked",
    "PAYMENT_SPLIT_": "the shares of others",
    "SUBSCRIPTION_SPLIT_": "the shares of others",
    "CHECKOUT_": "a checkout; its payment has events of its own",
    "INVOICE_": "a tax invoice",
    "TRANSFER_": "a transfer between accounts",
    "INTERNAL_TRANSFER_": "a transfer between accounts",
    "BILL_": "a bill that the seller pays",
    "RECEIVABLE_ANTICIPATION_": "an advance of receivables",
    "MOBILE_PHONE_RECHARGE_": "a phone's credit",
    "ACCOUNT_STATUS_": "the seller's account",
    "BALANCE_VALUE_": "the seller's balance",
    "ACCESS_TOKEN_": "the keys of the API",
    "PIX_AUTOMATIC_RECURRING_": "an automatic Pix; its payment has events of its own",
}

#: Of buyers in the API's answers and of bank accounts in other families of events.
PERSONAL_FIELDS = frozenset(
    {
        *("name", "email", "additionalEmails", "phone", "mobilePhone", "cpfCnpj", "company"),
        *("address", "addressNumber", "complement", "province", "postalCode", "city", "cityName"),
        *("observations", "ownerName", "ownerBirthDate", "pixAddressKey", "bankAccount"),
        *("creditCardNumber", "number"),
        "creditCardToken",  # not personal but secret: it pays
    }
)

Read = Callable[[Notice, EventType, datetime], list[Fact]]

#: What reads an event.
READERS: dict[str, Read] = {
    **dict.fromkeys(PAYMENT_EVENTS, payment_facts),
    **dict.fromkeys(SUBSCRIPTION_EVENTS, subscription_facts),
}


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless the seller's token came along.

    The token itself is the proof: nothing is computed from the body.
    """
    signatures.require_token(request.headers.get(TOKEN_HEADER), secrets)


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    """The request as a genuine delivery."""
    headers = {**request.headers, TOKEN_HEADER: secret, b"content-type": b"application/json"}
    return replace(request, headers=headers)


def identify(request: RawRequest) -> Identity:
    """Which news this is. Raises PayloadError."""
    if resource := resource_of(request):
        return answers.IDENTITIES[resource](request)
    headline = whole(HEADLINE, request.body)
    return Identity(
        event_id=headline.id or fingerprint(request.body),
        gateway_event=headline.event,
        event_type=EVENTS.get(headline.event, EventType.UNKNOWN),
        charge_id=headline.payment.id if headline.payment else "",
    )


def parse(request: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    if resource := resource_of(request):
        return answers.FACTS[resource](request)
    notice = whole(NOTICE, request.body)
    if (read := READERS.get(notice.event)) is None:
        raise IgnoredError(reason(notice.event))
    if (told_at := moment(notice.date_created, "dateCreated")) is None:
        raise PayloadError("asaas: dateCreated is missing")
    return read(notice, EVENTS[notice.event], told_at)


def resource_of(request: RawRequest) -> str:
    """What an answer that we asked for is about; "" for a webhook. Raises PayloadError."""
    if ANSWER not in request.headers:
        return ""
    resource = request.headers[ANSWER].decode("latin-1")
    if resource not in answers.FACTS:
        raise PayloadError("asaas: the answer is of no kind that is asked for")
    return resource


def reason(event: str) -> str:
    """Why an event is kept and nothing is done."""
    for beginning, subject in IGNORED.items():
        if event.startswith(beginning):
            return f"Asaas event {event} tells of {subject}; it is kept"
    return f"Asaas event {event} is not known to this version; it is kept"


def fingerprint(body: bytes) -> str:
    """An id for news that has none: the same bytes are the same news."""
    return "sha256:" + hashlib.sha256(body).hexdigest()

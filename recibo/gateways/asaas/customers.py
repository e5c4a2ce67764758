"""Who a buyer is: the API's answer, for webhooks carry no more than an id."""

import hashlib
from datetime import datetime

from recibo.gateways.asaas.dates import moment
from recibo.gateways.asaas.payloads import CUSTOMER, Customer, whole
from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import CustomerFact, EventType, Fact, LeadFact

#: What the answer is, and where it says when it was read.
RESOURCE = "customer"
READ_AT = b"x-recibo-at"


def customer_identity(answer: RawRequest) -> Identity:
    """The same details read twice are one event; the digest shows none of them."""
    customer = fact_of(whole(CUSTOMER, answer.body))
    details = f"{customer.email}\n{customer.name}\n{customer.phone}\n{customer.document}"
    digest = hashlib.sha256(details.encode()).hexdigest()
    return Identity(
        event_id=f"{RESOURCE}/{customer.gateway_id}/{digest[:32]}",
        gateway_event=RESOURCE,
        event_type=EventType.UNKNOWN,  # a buyer has no type of event
    )


def customer_facts(answer: RawRequest) -> list[Fact]:
    """The buyer, as he was when we asked. Raises PayloadError."""
    customer = whole(CUSTOMER, answer.body)
    return [LeadFact(occurred_at=read_at(answer, customer), customer=fact_of(customer))]


def read_at(answer: RawRequest, customer: Customer) -> datetime:
    """When we asked, else when the gateway first knew the buyer. Raises PayloadError."""
    noted = answer.headers.get(READ_AT, b"").decode("latin-1")
    at = moment(noted, "at") or moment(customer.date_created, "dateCreated")
    if at is None:
        raise PayloadError("asaas: dateCreated is missing")
    return at


def fact_of(customer: Customer) -> CustomerFact:
    """The buyer; without an e-mail where the seller entered none."""
    return CustomerFact(
        email=(customer.email or "").strip().lower(),
        name=customer.name or "",
        phone=customer.mobile_phone or customer.phone or "",
        document=customer.cpf_cnpj or "",
        gateway_id=customer.id,
    )

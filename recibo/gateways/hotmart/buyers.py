"""Who a buyer is: only the participants of a sale have phones and documents."""

import hashlib
from collections.abc import Iterable, Sequence

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.facts import CustomerFact, EventType, Fact, LeadFact
from recibo.gateways.hotmart.answers import digest, read_at
from recibo.gateways.hotmart.records import NO_PERSON, USERS, Document, Participant, Person
from recibo.gateways.hotmart.subjects import normal
from recibo.gateways.hotmart.values import missing, whole

RESOURCE = "buyer"
ROLE = "BUYER"
#: The documents by which Brazil knows people, before any other.
DOCUMENTS = ("CPF", "CNPJ")


def buyer_identity(answer: RawRequest) -> Identity:
    """The same details read twice are one event; its id shows none of them."""
    person = buyer_of(answer)
    email = hashlib.sha256(normal(person.email or "").encode()).hexdigest()
    return Identity(
        event_id=f"buyer/{email[:32]}/{digest(person)}",
        gateway_event=RESOURCE,
        event_type=EventType.UNKNOWN,  # a buyer has no type of event
    )


def buyer_facts(answer: RawRequest) -> list[Fact]:
    """The buyer, as he was when we asked. Raises PayloadError."""
    person = buyer_of(answer)
    email = normal(person.email or "") or missing("email")
    at = read_at(answer) or missing("at")
    return [LeadFact(occurred_at=at, customer=completed(email, "", person))]


def buyer_of(answer: RawRequest) -> Person:
    """The buyer among the participants of a sale. Raises PayloadError."""
    return buyer_in(whole(USERS, answer.body).users or ()) or missing("users")


def buyer_in(participants: Iterable[Participant]) -> Person | None:
    """Who bought, among those who took part."""
    buyers = (one.user for one in participants if (one.role or "").upper() == ROLE)
    return next((user for user in buyers if user), None)


def completed(email: str, name: str, found: Person | None) -> CustomerFact:
    """The buyer, with what the participants tell of him."""
    person = found or NO_PERSON
    return CustomerFact(
        email=email,
        name=name or person.name or "",
        phone=person.cellphone or person.phone or "",
        document=document(person.documents or ()),
    )


def document(documents: Sequence[Document]) -> str:
    """CPF or CNPJ, else whichever there is."""
    values = {(one.type or "").upper(): one.value for one in documents if one.value}
    known = [values[name] for name in DOCUMENTS if name in values]
    return next(iter([*known, *values.values()]), "") or ""

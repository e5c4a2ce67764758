"""An order as its buyer's page shows it: words and steps, and nothing personal beyond them."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from msgspec import Struct

from recibo.billing.models import Charge, Order
from recibo.buyer import standing
from recibo.buyer.masking import masked_email
from recibo.buyer.standing import Situation
from recibo.buyer.words import WORDS, Said
from recibo.gateways.facts import ChargeStatus
from recibo.messaging import wording
from recibo.messaging.blocks import is_web_address
from recibo.messaging.rendering import PIX_CODE

#: A boleto's line has 47 digits, one of a utility 48, its bar code 44 (FEBRABAN).
BOLETO_DIGITS = 44
#: What the mark beside the headline looks like.
TONES = {
    Situation.AWAITING: "wait",
    Situation.REVIEWING: "wait",
    Situation.REFUSED: "stop",
    Situation.CREATING: "good",
    Situation.SENDING: "good",
    Situation.READY: "good",
    Situation.CONFIRMED: "good",
    Situation.DELAYED: "wait",
    Situation.BLOCKED: "stop",
}


class Step(Struct, frozen=True):
    """One stage of the way. ``state`` is one of ``standing``'s; ``spoken`` says it in words."""

    label: str
    state: str
    spoken: str


class Payment(Struct, frozen=True):
    """How to pay, as far as the gateway told."""

    text: str
    code: str
    label: str  # of the code
    url: str
    button: str
    due: str


class Page(Struct, frozen=True):
    """What the template shows. "" or none is left out."""

    situation: Situation
    said: Said
    tone: str
    steps: Sequence[Step]
    payment: Payment | None
    facts: Sequence[tuple[str, str]]
    reload: int | None  # seconds


def page_of(order: Order, language: str) -> Page:
    """The page of an order that ``queries.order_shown`` gave."""
    charge = standing.telling(list(order.charges.all()))
    situation = standing.situation(order, charge, order.provisionings.all())
    return Page(
        situation=situation,
        said=WORDS[language].situations[situation],
        tone=TONES.get(situation, "calm"),
        steps=steps(situation, language),
        payment=payment(order, charge, language) if situation in standing.PAYABLE else None,
        facts=[fact for fact in facts(order, charge, language) if fact[1]],
        reload=standing.RELOADS.get(situation),
    )


def steps(situation: Situation, language: str) -> Sequence[Step]:
    """The picture of the way; none where the order left it."""
    words = WORDS[language]
    states = standing.STEPS.get(situation, ())
    return [
        Step(label, state, words.step_states[state])
        for label, state in zip(words.steps, states, strict=False)
    ]


def payment(order: Order, charge: Charge | None, language: str) -> Payment | None:
    """How to pay; none where nobody told, or the time for it is over."""
    if charge is None:
        return without_code(order.payment_url, language)
    if has_lapsed(charge):
        return None
    url = charge.payment_url or order.payment_url
    if not charge.payment_code:
        return without_code(url, language)
    due = moment(charge.expires_at, language)
    return with_code(charge.payment_code, url, due, language)


def has_lapsed(charge: Charge) -> bool:
    """Whether the time to pay is over. A late charge can still be paid: it is merely overdue."""
    if charge.expires_at is None or charge.status == ChargeStatus.OVERDUE:
        return False
    return charge.expires_at < timezone.now()


def without_code(url: str, language: str) -> Payment | None:
    """A link is all there is to pay by."""
    if not is_web_address(url):
        return None
    return Payment("", "", "", url, WORDS[language].pay, "")


def with_code(code: str, url: str, due: str, language: str) -> Payment:
    """A Pix code, a boleto's line, or a code of some other kind."""
    words = WORDS[language]
    url = url if is_web_address(url) else ""
    if code.startswith(PIX_CODE):
        return Payment(words.pix, code, words.pix_label, url, words.pay_pix, due)
    if sum(letter.isdigit() for letter in code) >= BOLETO_DIGITS:
        return Payment(words.boleto, code, words.boleto_label, url, words.pay_boleto, due)
    return Payment(words.other, code, words.other_label, url, words.pay, due)


def facts(order: Order, charge: Charge | None, language: str) -> Sequence[tuple[str, str]]:
    """What the buyer knows already, to recognise the order by."""
    words = WORDS[language]
    returned = sum(one.refunded_amount for one in order.charges.all())
    return (
        (words.order, order.reference),
        (words.product, order.product),
        (words.amount, wording.money(order.amount, order.currency, language)),
        (
            words.refunded,
            wording.money(returned, order.currency, language) if returned else "",
        ),
        (words.method, method(charge, language)),
        (words.ordered, moment(order.created_at, language)),
        (words.paid, moment(order.paid_at, language)),
        (words.email, masked_email(order.customer.person.email) if order.customer else ""),
    )


def method(charge: Charge | None, language: str) -> str:
    """How it is paid, in words; "" if nobody told."""
    if charge is None:
        return ""
    return wording.payment_method(charge.payment_method, language, charge.installments)


def moment(at: datetime | None, language: str) -> str:
    """A time in the installation's zone; "" for none."""
    return wording.moment(at, language, ZoneInfo(settings.TIME_ZONE)) if at else ""

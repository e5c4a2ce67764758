"""People who bought nothing just now: they left the checkout, or use what they have."""

from recibo.gateways.facts import Fact, LeadFact
from recibo.gateways.hotmart.panel import refuse_panel_test
from recibo.gateways.hotmart.payload import CART, CLUB, NO_OFFER, Buyer, Notice, Product
from recibo.gateways.hotmart.subjects import customer_fact, product_fact
from recibo.gateways.hotmart.values import decode, missing


def cart_facts(notice: Notice) -> list[Fact]:
    """Somebody left the checkout. Repeated for the same person within hours."""
    data = decode(CART, notice.data)
    offer = (data.offer or NO_OFFER).code
    return lead_facts(notice, data.buyer, data.product, offer=offer, left_cart=True)


def club_facts(notice: Notice) -> list[Fact]:
    """Somebody entered the members area for the first time, or finished a module."""
    data = decode(CLUB, notice.data)
    detail = data.module.name if data.module else None
    return lead_facts(notice, data.user, data.product, detail=detail)


def lead_facts(
    notice: Notice,
    buyer: Buyer,
    product: Product,
    *,
    offer: str | None = None,
    detail: str | None = None,
    left_cart: bool = False,
) -> list[Fact]:
    """The one fact of an event without a charge. Raises PayloadError without an e-mail."""
    refuse_panel_test(product, buyer.email)
    return [
        LeadFact(
            occurred_at=notice.created_at,
            customer=customer_fact(buyer) or missing("email"),
            product=product_fact(product, offer),
            detail=detail or "",
            left_cart=left_cart,
        )
    ]

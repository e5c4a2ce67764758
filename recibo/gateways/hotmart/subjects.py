"""Whom and what an event is about: the buyer and the product, which all of them name."""

from recibo.gateways.facts import CustomerFact, ProductFact
from recibo.gateways.hotmart.payload import Buyer, Phone, Product, Subscriber


def customer_fact(buyer: Buyer) -> CustomerFact | None:
    """Who bought; None without an e-mail, by which Hotmart's buyers are known."""
    if not (email := normal(buyer.email)):
        return None
    return CustomerFact(
        email=email,
        name=buyer.name or "",
        phone=buyer.phone or checkout_phone(buyer),
        document=buyer.document or "",
    )


def checkout_phone(buyer: Buyer) -> str:
    """The phone behind its code: an area's or a country's, Hotmart does not say which."""
    code = buyer.checkout_phone_code or ""
    if not buyer.checkout_phone or len(code) > 3:  # the panel sends 999999999
        return buyer.checkout_phone or ""
    return code + buyer.checkout_phone


def subscriber_fact(subscriber: Subscriber) -> CustomerFact | None:
    """Who subscribed; None without an e-mail."""
    if not (email := normal(subscriber.email)):
        return None
    phone = subscriber_phone(subscriber.phone) if subscriber.phone else ""
    return CustomerFact(email=email, name=subscriber.name or "", phone=phone)


def subscriber_phone(phone: Phone) -> str:
    """The mobile phone with its area code, else the other one; often both are empty."""
    if phone.cell:
        return (phone.ddd_cell or "") + phone.cell
    return (phone.ddd_phone or "") + phone.phone if phone.phone else ""


def normal(email: str) -> str:
    """An address as we compare it: Hotmart's events differ in the case of letters."""
    return email.strip().lower()


def product_fact(product: Product, offer: str | None = None) -> ProductFact:
    """What was sold."""
    return ProductFact(id=str(product.id), name=product.name or "", offer=offer or "")

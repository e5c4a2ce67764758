"""Orders as a buyer may come upon them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from recibo.access.models import Access, AccessState, Provisioning, Stage
from recibo.accounts.models import Account
from recibo.billing.models import Charge, Customer, Order, OrderStatus
from recibo.gateways.facts import ChargeStatus
from recibo.messaging import links
from tests.browser import Chromium, chromium
from tests.messaging.letters import SELLER

AT = datetime(2026, 4, 1, 15, 30, tzinfo=UTC)
EMAIL = "ana.souza@provedor.example.com"

Buy = Callable[..., Order]


@pytest.fixture(autouse=True)
def _installation(settings: Any) -> None:
    settings.RECIBO_PUBLIC_URL = "https://recibo.example.com"
    settings.RECIBO_SELLER = SELLER


@pytest.fixture
def buy(db: None) -> Buy:
    return bought


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    with chromium() as running:
        yield running


def bought(
    status: OrderStatus = OrderStatus.PENDING,
    charge: ChargeStatus | None = ChargeStatus.PENDING,
    stages: tuple[Stage, ...] = (),
    state: AccessState | None = AccessState.ACTIVE,
    **told: Any,
) -> Order:
    """An order with one charge (none: no charge is known), and a provisioning for each stage.

    ``state``: of their access; none: the products give none. ``told``: fields of the charge.
    """
    customer, _ = Customer.objects.get_or_create(
        email=EMAIL,
        defaults={
            "name": "Ana Souza",
            "name_at": AT,
            "phone": "+5511987654321",
            "phone_at": AT,
            "document": "12345678909",
            "document_at": AT,
            "created_at": AT,
        },
    )
    account = Account.objects.get(gateway="hotmart", name=Account.DEFAULT)
    number = Order.objects.count() + 1
    order = Order.objects.create(
        account=account,
        reference=f"HP1601547928{number}",
        status=status,
        customer=customer,
        amount=Decimal("1297.9"),
        currency="BRL",
        paid_amount=Decimal(0),
        product="Violão do Zero ao Palco: Turma 12",
        created_at=AT,
        paid_at=None if status == OrderStatus.PENDING else AT + timedelta(minutes=2),
    )
    if charge is not None:
        collect(order, charge, **told)
    access = accessed(customer, state) if stages and state is not None else None
    for place, stage in enumerate(stages):
        Provisioning.objects.create(
            order=order, product_id=str(place), stage=stage, stage_at=AT, created_at=AT,
            access=access,
        )  # fmt: skip
    return order


def collect(order: Order, status: ChargeStatus, **told: Any) -> Charge:
    """An attempt to collect for an order."""
    usual: dict[str, Any] = {
        "gateway_charge_id": f"{order.reference}-{order.charges.count()}",
        "customer": order.customer,
        "status_at": AT,
        "amount": order.amount,
        "currency": order.currency,
        "refunded_amount": Decimal(0),
        "payment_method": "pix",
        "created_at": AT,
    }
    return Charge.objects.create(
        account=order.account, order=order, status=status, **{**usual, **told}
    )


def accessed(customer: Customer, state: AccessState) -> Access:
    """What the customer may use."""
    access, _ = Access.objects.get_or_create(
        customer=customer, application="default", scope="plan:gold", defaults={"state": state}
    )
    return access


def path_of(order: Order) -> str:
    """The address of the buyer's page, without the host."""
    return links.order_url(order.pk).removeprefix("https://recibo.example.com")

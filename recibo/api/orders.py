"""`/api/orders`: what buyers bought."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Status

from recibo.accounts.models import Account
from recibo.accounts.queries import find
from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import OrderFilters, Text
from recibo.api.paging import Page, page
from recibo.api.schemas import Awaited, OrderDetail, OrderRequest, OrderRow
from recibo.billing import queries
from recibo.billing.models import Order, OrderStatus
from recibo.gateways.facts import Money, OrderFact, OrderStatement
from recibo.inbox.own import Statement
from recibo.processing.actions import state

router = Router(tags=["orders"])


@router.get("", response={200: Page[OrderRow], **ANSWERS}, summary="List orders")
def listed(request: HttpRequest, filters: Query[OrderFilters]) -> dict[str, Any]:
    return page(queries.orders(**filters.conditions()), filters)


@router.post("", response={201: OrderDetail, 202: Awaited, **ANSWERS}, summary="Register an order")
def register(request: HttpRequest, wish: OrderRequest) -> Any:
    """An order that awaits payment: it is watched until it is paid, by whichever way that is told.

    The same order again changes nothing. 202: it is being worked on, ask for it in a moment.
    """
    account = account_of(wish)
    earlier = queries.statements(account, wish.reference)
    statement = Statement(
        reference=wish.reference,
        status=OrderStatement.AWAITED,
        occurred_at=timezone.now(),
        amount=Money(wish.amount, wish.currency),
        customer=wish.customer.fact() if wish.customer else None,
        product=wish.product_fact(),
        turn=len(earlier),
    )
    if earlier and says_the_same(earlier[0], statement):
        known = queries.orders(reference=wish.reference).filter(account=account).first()
        if known is not None and buyer_of(known) == buyer_of(wish):
            return Status(201, known)
    return told(account, statement, actor=actor_of(request), status=201)


def says_the_same(fact: OrderFact, statement: Statement) -> bool:
    """Whether a statement repeats the last one, but for the buyer."""
    mine = (statement.status, statement.amount, statement.product)
    return (fact.status, fact.amount, fact.product) == mine


def buyer_of(order: Order | OrderRequest) -> str:
    """The e-mail of whoever is to pay; "" if nobody said."""
    return order.customer.email.lower() if order.customer else ""


@router.post(
    "/{name}/cancel",
    response={200: OrderDetail, 202: Awaited, **ANSWERS},
    summary="Cancel an order",
)
def cancel(request: HttpRequest, name: Path[Text]) -> Any:
    """It is no longer expected to be paid: nobody asks the gateway about it any more.

    Should it be paid all the same, it is paid.
    """
    if (order := meant(name)) is None:
        raise ApiError(404)
    if order.status == OrderStatus.CANCELLED:
        return order
    if order.status != OrderStatus.PENDING:
        raise ApiError(
            409, _("The order is %s: only one that awaits payment can be cancelled.") % order.status
        )
    statement = Statement(
        reference=order.reference,
        status=OrderStatement.CANCELLED,
        occurred_at=timezone.now(),
        turn=len(queries.statements(order.account, order.reference)),
    )
    return told(order.account, statement, actor=actor_of(request), status=200)


def meant(name: str) -> Order | None:
    """The order to change. Raises ApiError where a number names two."""
    try:
        return queries.order_meant(name)
    except queries.AmbiguousError:
        sentence = _(
            "%(name)s is the id of one order and the reference of another: say id:%(name)s,"
            " or the id of the other."
        )
        raise ApiError(409, sentence % {"name": name}) from None


def account_of(wish: OrderRequest) -> Account:
    """The account that collects for an order. Raises ApiError."""
    if (account := find(wish.gateway, wish.account)) is None:
        raise ApiError(422, _("There is no such account."))
    return account


def told(account: Account, statement: Statement, *, actor: str, status: int) -> Any:
    """The order as it is after a statement about it."""
    state(account, statement, actor=actor)
    found = queries.orders(reference=statement.reference).filter(account=account).first()
    if found is None:
        return Status(202, {"reference": statement.reference, "status": "pending"})
    return Status(status, found)


@router.get("/{name}", response={200: OrderDetail, **ANSWERS}, summary="Show an order")
def detail(request: HttpRequest, name: Path[Text]) -> Order:
    """By id, else by reference, else by a charge's id; with its charges and its whole timeline."""
    if (order := queries.order_named(name)) is None:
        raise ApiError(404)
    return order

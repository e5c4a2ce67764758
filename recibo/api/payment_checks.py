"""`/api/payment-checks`: unpaid orders, and how far we are in asking whether they are paid."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import PaymentCheckFilters, order_id
from recibo.api.paging import Page, page
from recibo.api.schemas import PaymentCheckRow, Queued
from recibo.journal.actions import audit
from recibo.reconciliation import payment_checks, queries
from recibo.reconciliation.models import PaymentCheck

router = Router(tags=["payment checks"])


@router.get("", response={200: Page[PaymentCheckRow], **ANSWERS}, summary="List payment checks")
def listed(request: HttpRequest, filters: Query[PaymentCheckFilters]) -> dict[str, Any]:
    """Orders that await payment, when their gateway was asked and when it is asked again."""
    return page(queries.payment_checks(**order_id(filters.conditions())), filters)


@router.post("/{int:check_id}/run", response={202: Queued, **ANSWERS}, summary="Ask now")
def run(request: HttpRequest, check_id: int) -> Status[Any]:
    """The gateway is asked in a moment, unless it was within the last minute."""
    if (check := queries.payment_checks().filter(pk=check_id).first()) is None:
        raise ApiError(404)
    if check.status not in PaymentCheck.OPEN:
        raise ApiError(409, _("This check has ended: %s") % check.reason)
    if reason := payment_checks.obstacle(check.account):
        raise ApiError(409, reason)
    if payment_checks.ask_soon(check):
        audit(actor_of(request), "payment_check.run", f"payment_check:{check.pk}")
    return Status(202, {"id": check.pk, "status": check.status})

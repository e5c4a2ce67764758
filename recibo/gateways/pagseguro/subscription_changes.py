"""Changing subscriptions: in both generations what they can, and how they stand after it.

Source: "Cancelar", "Ativar" and "Alterar assinatura", PagBank developers; "Pagamento recorrente",
PagSeguro developers v1, and PagSeguro's SDKs for Java and PHP.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import ApiError, GatewayError, NotFoundError
from recibo.gateways.facts import SubscriptionFact, SubscriptionStatus
from recibo.gateways.pagseguro import calls, notices, resources, webhook

V4_ID = re.compile(r"SUBS_[0-9A-Za-z-]{1,64}")

#: Of a change: nothing is left to cancel, or to take up again.
ENDED = {SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED}
RUNNING = {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIAL}

#: Errors of the XML API that say that a subscription is not of the kind that was asked about.
NOT_OF_THIS_KIND = "17008"

ONLY_V4 = "only the subscriptions of PagBank's recurring payments (SUBS_) can be changed so"

#: Asks for a change of the subscription of a code. Each sets a state, so asking twice is harmless,
#: and none carries a key: with the same one, PagBank would repeat its answer of the last time.
Way = Callable[[Api, str], object]
Check = Callable[[SubscriptionFact], bool]


def cancel_subscription(api: Api, code: str) -> list[RawRequest]:
    """End it for good: neither generation takes up a cancelled one again."""
    if V4_ID.fullmatch(code):
        return changed(api, code, [partial(put_v4, action="/cancel")], is_ended)
    return changed(api, code, [cancel_newer, cancel_older], is_ended)


def reactivate_subscription(api: Api, code: str) -> list[RawRequest]:
    """Take up one that was suspended. Raises ApiError for a cancelled one."""
    way = partial(put_v4, action="/activate") if V4_ID.fullmatch(code) else activate_newer
    return changed(api, code, [way], is_running)


def change_due_day(api: Api, code: str, day: int) -> list[RawRequest]:
    """Collect on another day. Raises ApiError for one of the XML API."""
    wish = {"best_invoice_date": {"day": day}}
    return changed(api, require_v4(code), [partial(put_v4, json=wish)], never)


def change_plan(api: Api, code: str, plan_id: str) -> list[RawRequest]:
    """Collect by another plan, PLAN_. Raises ApiError for one of the XML API."""
    wish = {"plan": {"id": plan_id}}
    ways = [partial(put_v4, json=wish)]
    return changed(api, require_v4(code), ways, lambda fact: fact.plan_id == plan_id)


def is_ended(fact: SubscriptionFact) -> bool:
    return fact.status in ENDED


def is_running(fact: SubscriptionFact) -> bool:
    return fact.status in RUNNING


def never(_fact: SubscriptionFact) -> bool:
    """Of what no answer tells: a refusal is one."""
    return False


def changed(api: Api, code: str, ways: Sequence[Way], stands: Check) -> list[RawRequest]:
    """Have it changed and read how it stands: the answers to changes are empty.

    A refusal is none where it ``stands`` as was wanted: it stood so already. Raises ApiError with
    PagSeguro's reason, NotFoundError.
    """
    if not V4_ID.fullmatch(code) and not notices.CODE.fullmatch(code):
        raise NotFoundError("PagSeguro has no subscription of such a code")
    refusal = refusal_of(api, code, ways)
    state = read(api, code)
    if refusal is None or holds(state, stands):
        return [state]
    words = calls.words_of(refusal) or unsaid(refusal)
    raise calls.refused(refusal, f"PagSeguro refuses: {words}") from refusal


def unsaid(refusal: ApiError) -> str:
    """What a refusal without words means."""
    is_of_no_kind = isinstance(refusal, NotFoundError)
    return "this kind of subscription cannot be changed so" if is_of_no_kind else str(refusal)


def refusal_of(api: Api, code: str, ways: Sequence[Way]) -> ApiError | None:
    """Why it was refused by the way that this kind of subscription is changed by; None: it was not.

    Raises UnavailableError, DeniedError.
    """
    refusal: ApiError | None = None
    for way in ways:
        try:
            way(api, code)
        except ApiError as error:
            if type(error) not in {ApiError, NotFoundError}:
                raise
            refusal = error
            if not is_another_kind(error):
                return refusal
        else:
            return None
    return refusal


def is_another_kind(error: ApiError) -> bool:
    """Whether the way knows no subscription of this code, and another one may."""
    return error.status == 404 or NOT_OF_THIS_KIND in calls.error_codes(error)


def holds(state: RawRequest, stands: Check) -> bool:
    """Whether the subscription that was read is as wanted."""
    try:
        facts = webhook.parse(state)
    except GatewayError:
        return False
    return any(isinstance(fact, SubscriptionFact) and stands(fact) for fact in facts)


def read(api: Api, code: str) -> RawRequest:
    """How a subscription of either generation stands now."""
    way = resources.read if V4_ID.fullmatch(code) else resources.pre_approval
    return way(api, code)


def require_v4(code: str) -> str:
    """Raises ApiError for what can be a subscription of the XML API."""
    if notices.CODE.fullmatch(code):
        raise ApiError(f"PagSeguro: {ONLY_V4}")
    return code


# The ways


def put_v4(api: Api, code: str, action: str = "", json: Mapping[str, Any] | None = None) -> None:
    """Change one of PagBank's recurring payments."""
    path, host = f"/subscriptions/{quote(code, safe='')}{action}", calls.hosts(api).subscriptions
    more = {"json": json} if json else {}
    calls.call_v4(api, path, host, method="PUT", **more)


def cancel_newer(api: Api, code: str) -> None:
    """Cancel one that was made by the newer XML API, in the seller's own page."""
    put_newer(api, code, "cancel")


def cancel_older(api: Api, code: str) -> None:
    """Cancel one that was made on PagSeguro's page. It does so by GET."""
    calls.call_legacy(api, f"/v2/pre-approvals/cancel/{quote(code, safe='')}")


def activate_newer(api: Api, code: str) -> None:
    """Take up a suspended one. Those of the older kind cannot be suspended either."""
    put_newer(api, code, "status", json={"status": "ACTIVE"})


def put_newer(api: Api, code: str, action: str, **more: Any) -> None:
    path = f"/pre-approvals/{quote(code, safe='')}/{action}"
    calls.call_legacy(api, path, method="PUT", headers=resources.NEWER, **more)

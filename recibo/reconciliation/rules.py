"""What the seller decided about polling: for an account, else for all, else in the environment."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from msgspec import Struct

from recibo.accounts.models import Account
from recibo.billing.models import Order
from recibo.journal.actions import audit
from recibo.reconciliation import intervals
from recibo.reconciliation.intervals import Rule
from recibo.reconciliation.models import PollingRule


class Polling(Struct, frozen=True):
    """How orders are followed, and which."""

    rule: Rule
    products: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    def covers(self, order: Order) -> bool:
        """Whether the order is to be followed."""
        return (
            (not self.products or order.product_id in self.products)
            and (self.since is None or order.created_at >= self.since)
            and (self.until is None or order.created_at < self.until)
        )


#: The rules as they were read, by account; None: the one for all.
Rules = Mapping[int | None, PollingRule]


def read() -> Rules:
    """Every rule. One statement."""
    return {rule.account_id: rule for rule in PollingRule.objects.all()}


def of(account_id: int, rules: Rules) -> Polling:
    """How an account's orders are followed."""
    own = [rule for rule in (rules.get(account_id), rules.get(None)) if rule]
    written = first(rule.delays for rule in own)
    give_up = first(rule.give_up for rule in own)
    min_age = next((rule.min_age for rule in own if rule.min_age is not None), None)
    return Polling(
        rule=Rule(
            waits=intervals.parse(written) if written else settings.RECIBO_PAYMENT_CHECK_DELAYS,
            give_up=give_up or settings.RECIBO_PAYMENT_CHECK_GIVE_UP,
            min_age=settings.RECIBO_PAYMENT_CHECK_MIN_AGE if min_age is None else min_age,
        ),
        products=frozenset(first(rule.products for rule in own) or ()),
        since=first(rule.since for rule in own),
        until=first(rule.until for rule in own),
    )


def first(values: Iterable[Any]) -> Any:
    """The first value that says something; None if none does."""
    return next((value for value in values if value), None)


@transaction.atomic
def change(account: Account | None, actor: str, **decided: Any) -> PollingRule:
    """Decide anew what is given: columns of ``PollingRule``; the rest stays.

    Raises ValueError for delays that cannot be read.
    """
    if decided.get("delays"):
        intervals.parse(decided["delays"])
    rule, _ = PollingRule.objects.select_for_update().get_or_create(account=account)
    before = {name: shown(getattr(rule, name)) for name in decided}
    for name, value in decided.items():
        setattr(rule, name, value)
    rule.save()
    after = {name: shown(value) for name, value in decided.items()}
    audit(actor, "polling.rule", f"account:{account or 'all'}", before=before, after=after)
    return rule


@transaction.atomic
def drop(account: Account | None, actor: str) -> bool:
    """Forget a rule. Gives whether there was one."""
    count, _ = PollingRule.objects.filter(account=account).delete()
    if count:
        audit(actor, "polling.rule", f"account:{account or 'all'}", after={"dropped": True})
    return bool(count)


def shown(value: Any) -> Any:
    """A value as the audit keeps it."""
    return str(value) if isinstance(value, datetime | timedelta) else value

"""Conditions that a person should know of. Each is a question; what it finds is an open alert."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from recibo.accounts.models import Account
from recibo.gateways.errors import Refused
from recibo.inbox.models import Event, Refusal, Source
from recibo.journal.models import Alert

#: A token that is refused now and then is a stranger; so many in an hour are the gateway itself.
REFUSALS = 3
HOUR = timedelta(hours=1)
UNPROVEN = (
    Refused.NOT_CONFIGURED,
    Refused.OTHER_ACCOUNT,
    Refused.SIGNATURE_INVALID,
    Refused.SIGNATURE_MISSING,
)


class Found(NamedTuple):
    """A condition that holds."""

    key: str
    text: str


def refused_tokens(now: datetime) -> Iterator[Found]:
    """Accounts whose webhooks are refused, with nothing accepted since.

    Gateways stop sending after a while of refusals: Asaas after fifteen.
    """
    recent = Refusal.objects.filter(last_at__gte=now - HOUR, reason__in=UNPROVEN)
    for row in recent.values("gateway", "account").annotate(n=Sum("times"), last=Max("last_at")):
        if row["n"] >= REFUSALS and not accepted_since(row):
            name = f"{row['gateway']}/{row['account']}"
            sentence = _(
                "Webhooks of %(name)s are refused (%(n)s in the last hour): the gateway will stop"
                " sending. Compare the secret set there with the one set here; see"
                " GET /api/refusals."
            )
            yield Found(name, sentence % {"name": name, "n": row["n"]})


def accepted_since(row: Mapping[str, Any]) -> bool:
    """Whether a webhook of the account was accepted after its last refusal."""
    account = Account.objects.filter(gateway=row["gateway"], name=row["account"]).first()
    if account is None:
        return True
    later = Event.objects.filter(account=account, received_at__gte=row["last"])
    return later.filter(source=Source.WEBHOOK).exists()


#: By the kind of alert.
CONDITIONS: dict[str, Callable[[datetime], Iterator[Found]]] = {
    "webhooks_refused": refused_tokens,
}


def review(now: datetime) -> None:
    """Open an alert for every condition that holds, resolve those that no longer do."""
    for kind, condition in CONDITIONS.items():
        settle(kind, list(condition(now)), now)


def settle(kind: str, found: list[Found], now: datetime) -> None:
    """Bring the alerts of one kind in line with what was found."""
    keys = {f"{kind}:{one.key}": one.text for one in found}
    with transaction.atomic():
        is_open = Alert.objects.select_for_update().filter(kind=kind, resolved_at=None)
        for alert in is_open:
            if (text := keys.pop(alert.key, None)) is None:
                alert.resolved_at = now
            else:
                alert.text, alert.seen_at = text, now
            alert.save()
        Alert.objects.bulk_create(
            [Alert(key=k, kind=kind, text=t, opened_at=now, seen_at=now) for k, t in keys.items()],
            ignore_conflicts=True,
        )

"""Conditions that a person should know of. Each is a question; what it finds is an open alert."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Q, Sum
from django.utils.translation import gettext as _

from recibo.access import queries
from recibo.access.models import Access, Stage
from recibo.accounts.models import Account
from recibo.billing.models import OrderStatus
from recibo.gateways.errors import Refused
from recibo.inbox.models import Event, Refusal, Source
from recibo.journal.models import Alert
from recibo.messaging.actions import Wish, queue
from recibo.messaging.kinds import Kind
from recibo.messaging.models import Message, MessageStatus
from recibo.outbound.models import Disabled, Endpoint
from recibo.reconciliation import circuits, coverage, syncing

#: A token that is refused now and then is a stranger; so many in an hour are the gateway itself.
REFUSALS = 3
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAY = timedelta(days=1)
#: Alerts of one kind at a time: beyond it a person looks at the list anyhow.
MOST_FOUND = 50
#: A mail server may be away for a while before anybody has to know.
PATIENCE = timedelta(minutes=10)
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


def apis_down(now: datetime) -> Iterator[Found]:  # noqa: ARG001  # as every condition
    """Accounts whose API fails again and again, so that it is left alone for a while."""
    for circuit in circuits.down():
        sentence = _(
            "The API of %(name)s fails (%(error)s): unpaid orders are not followed and"
            " nothing is synchronised until it works. It is tried again every few minutes; see"
            " GET /api/integration-calls."
        )
        yield Found(
            str(circuit.account), sentence % {"name": circuit.account, "error": circuit.error}
        )


def lists_standing(now: datetime) -> Iterator[Found]:
    """Lists of sales or subscriptions that cannot be read to their ends for a day."""
    for one in syncing.standing_since(now - DAY):
        sentence = _(
            "The list of %(kind)s of %(name)s cannot be read (%(error)s): what no webhook told is"
            " not found. Mend the cause, then run `recibo sync %(gateway)s`."
        )
        facts = {
            "kind": one.kind,
            "name": one.account,
            "error": one.error,
            "gateway": one.account.gateway,
        }
        yield Found(f"{one.account}:{one.kind}", sentence % facts)


def missed_webhooks(now: datetime) -> Iterator[Found]:
    """Accounts of which polling finds what webhooks should have told."""
    for one in coverage.missed(now):
        sentence = _(
            "Webhooks of %(name)s do not arrive: of its last %(total)s payments polling had to"
            " find %(found)s. Compare address and secret at the gateway; `recibo doctor` helps."
        )
        facts = {"name": one.account, "total": one.told + one.found, "found": one.found}
        yield Found(str(one.account), sentence % facts)


def not_given(now: datetime) -> Iterator[Found]:  # noqa: ARG001
    """Paid orders whose access could not be given: by itself it is not tried again."""
    stuck = queries.provisionings().exclude(stage=Stage.COMPLETED).filter(next_attempt_at=None)
    paid = stuck.filter(order__status__in=(OrderStatus.PAID, OrderStatus.ACTIVE))
    for one in paid[:MOST_FOUND]:
        sentence = _(
            "Order %(order)s is paid and its buyer has no access (%(error)s). Mend the cause, then"
            " run `recibo provisioning resync %(order)s`."
        )
        facts = {"order": one.order.reference, "error": one.error}
        yield Found(str(one.order_id), sentence % facts)


def not_taken(now: datetime) -> Iterator[Found]:  # noqa: ARG001
    """Accesses that an application should block or restore, and does not."""
    tries = len(settings.RECIBO_PROVISIONING_DELAYS)
    refused = Q(next_attempt_at=None) | Q(attempts__gt=tries)
    for one in Access.objects.exclude(error="").filter(refused).order_by("pk")[:MOST_FOUND]:
        sentence = _(
            "Application %(application)s does not take a change of access %(access)s"
            " (%(product)s): %(error)s"
        )
        facts = {
            "application": one.application,
            "access": one.pk,
            "product": one.product,
            "error": one.error,
        }
        yield Found(str(one.pk), sentence % facts)


def not_sent(now: datetime) -> Iterator[Found]:
    """Channels by which nothing goes, though it was tried for a while, or until it was given up."""
    waiting = Q(next_attempt_at__isnull=False, attempts__gt=1, created_at__lt=now - PATIENCE)
    given_up = Q(status=MessageStatus.FAILED, created_at__gte=now - DAY)
    by_channel = Message.objects.filter(waiting | given_up).order_by().values("channel")
    for row in by_channel.annotate(n=Count("pk"), error=Max("error")):
        sentence = _("%(n)s messages by %(channel)s cannot be sent (%(error)s).")
        yield Found(row["channel"], sentence % row)


def endpoints_lost(now: datetime) -> Iterator[Found]:  # noqa: ARG001
    """Endpoints that are told of nothing any more, though nobody disabled them."""
    for one in Endpoint.objects.filter(disabled_reason__in=(Disabled.GONE, Disabled.FAILING)):
        sentence = _(
            "%(url)s gets no more webhooks (%(error)s). Mend it, then run"
            " `recibo endpoints enable %(id)s` and replay what it missed."
        )
        yield Found(str(one.pk), sentence % {"url": one.url, "error": one.error, "id": one.pk})


#: By the kind of alert.
CONDITIONS: dict[str, Callable[[datetime], Iterator[Found]]] = {
    "webhooks_refused": refused_tokens,
    "api_down": apis_down,
    "syncs_standing": lists_standing,
    "webhooks_missed": missed_webhooks,
    "access_not_given": not_given,
    "access_not_taken": not_taken,
    "messages_not_sent": not_sent,
    "endpoint_lost": endpoints_lost,
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
        tell(keys, now)


def tell(opened: Mapping[str, str], now: datetime) -> None:
    """Write to whoever runs the shop about alerts that were opened."""
    if address := settings.RECIBO_SELLER.email:
        queue(
            Wish(
                kind=Kind.ALERT,
                subject=f"{key}:{now.isoformat()}",
                to=address,
                details={"title": _("Recibo needs you"), "lines": [text]},
            )
            for key, text in opened.items()
        )

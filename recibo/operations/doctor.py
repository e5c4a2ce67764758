"""The gateways' own side of our webhooks: does each still send, and what to do where it does not.

Gateways stop sending after a while of refusals or failures, and some keep what waits for a few
days only. So each is asked; where its API can, it is made to send again; else a sentence says where
to click. What was missed meanwhile is read from its lists.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Min, QuerySet, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from recibo.accounts import queries
from recibo.accounts.encryption import SealedError
from recibo.accounts.models import Account
from recibo.gateways.contract import Gateway, WebhookQueue
from recibo.gateways.errors import GatewayError, Refused
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Refusal
from recibo.journal.actions import audit
from recibo.reconciliation import calls, syncing
from recibo.reconciliation.models import Circuit

DAY = timedelta(days=1)
#: A spell: so many refusals or 503 of ours in an hour; strangers who knock once are none.
SPELL, SPELL_TIME = 3, timedelta(hours=1)
#: Nobody is examined by itself more often than this.
REST = timedelta(hours=1)
#: What the gateway itself may have sent.
SENT = (
    Refused.NOT_CONFIGURED,
    Refused.OTHER_ACCOUNT,
    Refused.SIGNATURE_INVALID,
    Refused.SIGNATURE_MISSING,
    Refused.SIGNATURE_EXPIRED,
    Refused.UNAVAILABLE,
)

#: Where each gateway shows how its webhooks stand.
PLACES: Mapping[str, Promise] = {
    "appmax": gettext_lazy(
        "In AppMax's panel open Configurações > Apphooks (of an application: its webhook settings)"
        " and see that %(address)s?token=… stands there and is active."
    ),
    "asaas": gettext_lazy(
        "In Asaas's panel open Integrações > Webhooks, choose the webhook of %(address)s and switch"
        " its queue on again."
    ),
    "hotmart": gettext_lazy(
        "In Hotmart's panel open Ferramentas > Webhook (API e notificações) and see that the"
        " configuration of %(address)s is active; its history can send again what failed."
    ),
    "mercadopago": gettext_lazy(
        "In Mercado Pago open Suas integrações, your application, Webhooks > Configurar"
        " notificações, and see that %(address)s stands there; its history shows what failed."
    ),
    "pagseguro": gettext_lazy(
        "In PagBank open Vendas > Integrações > Notificação de transações and see that %(address)s"
        " stands there."
    ),
    "stone": gettext_lazy(
        "In Pagar.me's dashboard open Configurações > Webhooks and see that %(address)s is active;"
        " what failed can be sent again there."
    ),
}


class Queue(Struct, frozen=True):
    """How one address stands at the gateway."""

    url: str
    is_ours: bool
    is_sending: bool
    problem: str
    waiting: int | None
    was_resumed: bool = False


class Diagnosis(Struct, frozen=True):
    """How one account's webhooks stand, and what a person has to do."""

    account: str
    refused: int  # in the last day
    queues: tuple[Queue, ...] = ()
    advice: tuple[str, ...] = ()  # [] where nothing has to be done
    is_syncing: bool = False

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be done."""
        return not self.advice


def rounds(*, mend: bool, actor: str) -> Iterator[Diagnosis]:
    """Every account that is in use, one after the other."""
    for account in queries.listed():
        if account.connected_at and not account.disabled_at:
            yield examine(account, mend=mend, actor=actor)


def examine(
    account: Account, *, mend: bool, actor: str, read: Callable[[Account], bool] | None = None
) -> Diagnosis:
    """How an account's webhooks stand. ``mend``: have the gateway send again and read the gap.

    ``read`` begins to read it, and tells whether; else every list is read.
    """
    now = timezone.now()
    refused = refusals_of(account, now - DAY)
    queues, advice = queues_of(account, mend=mend)
    can_sync = mend and not syncing.obstacle(account)
    is_syncing = can_sync and (read or read_all)(account)
    if mend:
        Circuit.objects.update_or_create(account=account, defaults={"examined_at": now})
        resumed = [queue.url for queue in queues if queue.was_resumed]
        audit(actor, "account.examine", f"account:{account}", after={"resumed": resumed})
    return Diagnosis(
        account=str(account),
        refused=refused,
        queues=tuple(queues),
        advice=(*advice, *advice_on_refusals(account, refused), *silence(queues, account)),
        is_syncing=is_syncing,
    )


def read_all(account: Account) -> bool:
    """Read every list of an account."""
    return bool(syncing.start(account))


# The gateway's side


def queues_of(account: Account, *, mend: bool) -> tuple[list[Queue], list[str]]:
    """How each address stands, and what is to be done where the gateway cannot be asked."""
    gateway = GATEWAYS[account.gateway]
    found: list[Queue] = []
    try:
        for queue in asked(account, gateway, mend=mend):
            found = [*found, queue]  # what was found before an error stays
    except (GatewayError, SealedError) as error:
        sentence = _("%(gateway)s could not be asked how its webhooks stand (%(error)s). %(place)s")
        facts = {"gateway": gateway.name, "error": error, "place": place_of(account)}
        return found, [sentence % facts]
    return found, []


def asked(account: Account, gateway: Gateway, *, mend: bool) -> Iterator[Queue]:
    """What the gateway says of each queue. Raises GatewayError, SealedError."""
    if gateway.webhook_queues is None:
        return
    with calls.api(account, stage="doctor") as api:
        for queue in gateway.webhook_queues(api):
            resume = gateway.resume_webhooks if mend and is_ours(queue, account) else None
            if resume and is_held(queue):
                resume(api, queue)
            yield described(queue, account, was_resumed=bool(resume and is_held(queue)))


def described(queue: WebhookQueue, account: Account, *, was_resumed: bool) -> Queue:
    """A queue as it is told."""
    return Queue(
        url=bare(queue.url),
        is_ours=is_ours(queue, account),
        is_sending=queue.is_sending or was_resumed,
        problem=queue.problem,
        waiting=queue.waiting,
        was_resumed=was_resumed,
    )


def bare(url: str) -> str:
    """An address without what may be secret in it: its query, and who logs in."""
    scheme, mark, rest = url.partition("?")[0].partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def is_held(queue: WebhookQueue) -> bool:
    """Whether something holds it back."""
    return not queue.is_sending or bool(queue.waiting)


def is_ours(queue: WebhookQueue, account: Account) -> bool:
    """Whether a queue sends to one of this account's addresses; one host may be known by several
    names.
    """
    address = bare(queue.url).rstrip("/")
    gateway = GATEWAYS[account.gateway]
    return any(address.endswith(ours) for ours in queries.paths_of(gateway, account.name))


# What to do


def silence(queues: list[Queue], account: Account) -> Iterator[str]:
    """What to do about addresses that nothing is sent to."""
    gateway = GATEWAYS[account.gateway]
    if gateway.webhook_queues is not None and queues and not any(one.is_ours for one in queues):
        sentence = _("%(gateway)s has no webhook to this account's address. %(place)s")
        yield sentence % {"gateway": gateway.name, "place": place_of(account)}
    for queue in queues:
        if queue.is_ours and not queue.is_sending:
            sentence = _("%(gateway)s has stopped sending (%(problem)s). %(remedy)s")
            remedy = _("`recibo doctor --mend` switches it on.")
            remedy = remedy if gateway.resume_webhooks else place_of(account)
            facts = {"gateway": gateway.name, "problem": queue.problem, "remedy": remedy}
            yield sentence % facts


def advice_on_refusals(account: Account, refused: int) -> Iterator[str]:
    """What to do where we refused what the gateway may have sent."""
    if refused < SPELL:
        return
    sentence = _(
        "%(count)s requests were refused in the last day: see GET /api/refusals. %(place)s"
    )
    yield sentence % {"count": refused, "place": place_of(account)}


def place_of(account: Account) -> str:
    """Where to click."""
    address = queries.address_of(account)
    return str(PLACES.get(account.gateway, "")) % {"address": address}


def refusals_of(account: Account, since: datetime) -> int:
    """How many requests to this account were refused since, that it may have sent itself."""
    return refusals(account, since).aggregate(times=Sum("times"))["times"] or 0


def refusals(account: Account, since: datetime) -> QuerySet[Refusal]:
    """The requests to this account that were refused since, and that it may have sent itself."""
    mine = Refusal.objects.filter(gateway=account.gateway, account=account.name)
    return mine.filter(last_at__gte=since, reason__in=SENT)


# By itself


def examine_after_spells(now: datetime) -> list[Diagnosis]:
    """Examine and mend every account whose requests were refused, or answered 503, lately."""
    rested = Circuit.objects.filter(examined_at__gt=now - REST).values("account")
    accounts = Account.objects.filter(disabled_at=None, gateway__in=GATEWAYS).exclude(pk__in=rested)
    return [
        examine(account, mend=True, actor="schedule", read=partial(read_gap, now=now))
        for account in accounts
        if refusals_of(account, now - SPELL_TIME) >= SPELL
    ]


def read_gap(account: Account, *, now: datetime) -> bool:
    """Read an account's sales since its first refusal of the day. Gives whether they are read.

    Anybody can have requests refused, so one of them must at least read as the gateway's own, or
    have been answered 503 by us.
    """
    found = refusals(account, now - DAY)
    was_named = Circuit.objects.filter(account=account, named_at__gte=now - SPELL_TIME).exists()
    if not was_named and not found.filter(reason=Refused.UNAVAILABLE).exists():
        return False
    first = found.aggregate(first=Min("first_at"))["first"]
    return syncing.start_gap(account, first or now)

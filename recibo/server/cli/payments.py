"""``recibo payments``: unpaid orders, and asking the gateways about them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, gateway_named, session
from recibo.server.cli.times import moment

if TYPE_CHECKING:
    from recibo.accounts.models import Account
    from recibo.reconciliation.coverage import Coverage
    from recibo.reconciliation.models import PaymentCheck, PollingRule

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Follow unpaid orders: ask the gateways, decide how often, see how payments are learned.",
)

GatewayOption = Annotated[str, typer.Option("--gateway", help="Only this gateway: hotmart …")]
AccountOption = Annotated[str, typer.Option("--account", help="The account of the gateway.")]
#: Days that coverage goes back, unless it is told.
USUAL = timedelta(days=30)


# Asking


@app.command()
def check(
    due: Annotated[bool, typer.Option("--due", help="All whose time has come; the usual.")] = False,
    order: Annotated[str, typer.Option("--order", help="Only this order: id or reference.")] = "",
    is_json: JsonOption = False,
) -> None:
    """Ask the gateways about unpaid orders now, and process what they answer."""
    if due and order:
        raise CommandError(_("Choose --due or --order, not both."))
    with session():
        from recibo.processing.drain import drain

        ids = [asked_now(order)] if order else poll_due()
        drain()
        rows = [fields_of(one) for one in checks(ids)]
    if is_json:
        output.as_json({"checked": len(ids), "items": rows})
        return
    if rows:
        told = columns()
        output.table(tuple(told.values()), [[row[name] for name in told] for row in rows])
    output.say(_("%s checked") % len(ids))


def poll_due() -> list[int]:
    """Ask about every order whose time has come. Gives the checks."""
    from django.utils import timezone

    from recibo.reconciliation import polling
    from recibo.reconciliation.models import PaymentCheck

    began = timezone.now()
    waiting = PaymentCheck.objects.filter(next_attempt_at__lte=began).count()
    with output.progress(_("Asking"), waiting) as advance:
        while taken := polling.poll_due():
            advance(taken)
    asked = PaymentCheck.objects.filter(last_check_at__gte=began)
    return list(asked.values_list("pk", flat=True))


def asked_now(name: str) -> int:
    """Ask about one order, whether or not its time has come. Raises CommandError."""
    from recibo.billing.queries import order_named
    from recibo.reconciliation import payment_checks, polling
    from recibo.reconciliation.models import PaymentCheck
    from recibo.work import lease

    if (order := order_named(name)) is None:
        raise CommandError(_("There is no order %r.") % name)
    one = PaymentCheck.objects.select_related("account").filter(order=order).first()
    if one is None or one.status not in PaymentCheck.OPEN:
        sentence = _("Order %(order)s is not followed: %(why)s")
        raise CommandError(sentence % {"order": order, "why": one.reason if one else order.status})
    if reason := payment_checks.obstacle(one.account):
        raise CommandError(reason)
    try:
        with lease.alone(polling.TABLE, one.pk):
            polling.poll(one.pk, by_hand=True)
    except lease.BusyError:
        raise CommandError(_("A worker is asking about it: try again in a moment.")) from None
    return one.pk


def checks(ids: list[int]) -> "list[PaymentCheck]":
    """The checks as they are now."""
    from recibo.reconciliation import queries

    return list(queries.payment_checks().filter(pk__in=ids))


#: What is told of a check, beside its order, gateway and account.
FIELDS = (
    "id",
    "status",
    "attempts",
    "last_check_at",
    "interval_seconds",
    "last_error",
    "reason",
    "give_up_at",
)


def fields_of(one: "PaymentCheck") -> dict[str, Any]:
    """A check as it is told: the fields that the API has too."""
    return {
        **{name: getattr(one, name) for name in FIELDS},
        "next_check_at": one.next_attempt_at,
        "order": one.order.reference,
        "gateway": one.account.gateway,
        "account": one.account.name,
    }


def columns() -> dict[str, str]:
    """The fields that a table shows, and their titles."""
    return {
        "order": _("Order"),
        "gateway": _("Gateway"),
        "status": _("Status"),
        "attempts": _("Attempts"),
        "next_check_at": _("Next check"),
        "last_error": _("Error"),
        "reason": _("Reason"),
    }


@app.command(name="list")
def list_checks(
    status: Annotated[
        str, typer.Option(help="pending, processing, paid, cancelled or expired.")
    ] = "",
    gateway: GatewayOption = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    is_json: JsonOption = False,
) -> None:
    """List the orders that are or were followed, newest first."""
    slug = gateway_named(gateway).slug if gateway else ""
    with session():
        from recibo.reconciliation import queries

        found = queries.payment_checks(status=status, gateway=slug)
        rows, count = [fields_of(one) for one in found[:limit]], found.count()
    if is_json:
        output.as_json({"items": rows, "count": count})
        return
    told = columns()
    output.table(tuple(told.values()), [[row[name] for name in told] for row in rows])
    output.say(_("%(shown)s of %(count)s checks") % {"shown": len(rows), "count": count})


# Deciding


@app.command()
def rule(
    gateway: Annotated[str, typer.Argument(help="The gateway; without one: all of them.")] = "",
    account: AccountOption = "default",
    delays: Annotated[
        str, typer.Option(help="15m,30m,1h … or linear:30m or exponential:15m..24h.")
    ] = "",
    give_up: Annotated[str, typer.Option("--give-up", help="Stop after: 30d.")] = "",
    min_age: Annotated[str, typer.Option("--min-age", help="Not before: 10m.")] = "",
    product: Annotated[
        list[str] | None, typer.Option("--product", help="Only these products, by id.")
    ] = None,
    since: Annotated[str, typer.Option(help="Only orders made since: 2026-04-01, 7d.")] = "",
    until: Annotated[str, typer.Option(help="Only orders made before.")] = "",
    drop: Annotated[bool, typer.Option("--drop", help="Forget the rule.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Decide how unpaid orders are followed, of one account or of all; without options: show it."""
    decided: dict[str, Any] = {
        "delays": delays,
        "give_up": span("--give-up", give_up),
        "min_age": span("--min-age", min_age),
        "products": product,
        "since": moment("--since", since),
        "until": moment("--until", until),
    }
    decided = {name: value for name, value in decided.items() if value}
    with session():
        whose = account_named(gateway, account) if gateway else None
        rows = [rule_fields(one) for one in decide(whose, decided, drop=drop)]
    if is_json:
        output.as_json(rows)
    else:
        output.table(tuple(rule_columns().values()), [list(row.values()) for row in rows])


def decide(whose: "Account | None", decided: dict[str, Any], *, drop: bool) -> "list[PollingRule]":
    """Write a rule, or forget it. Gives every rule that there is. Raises CommandError."""
    from recibo.reconciliation import rules
    from recibo.reconciliation.models import PollingRule

    try:
        if drop:
            rules.drop(whose, actor())
        elif decided:
            rules.change(whose, actor(), **decided)
    except ValueError as error:
        raise CommandError(f"--delays {error}.") from None
    return list(PollingRule.objects.select_related("account").order_by("pk"))


def rule_fields(one: "PollingRule") -> dict[str, Any]:
    """A rule as it is told."""
    return {
        "account": str(one.account or "all"),
        "delays": one.delays,
        "give_up": str(one.give_up or ""),
        "min_age": str(one.min_age or ""),
        "products": ", ".join(one.products),
        "since": one.since,
        "until": one.until,
    }


def rule_columns() -> dict[str, str]:
    """The titles of a rule's fields."""
    return {
        "account": _("Account"),
        "delays": _("Waits"),
        "give_up": _("Gives up after"),
        "min_age": _("Not before"),
        "products": _("Products"),
        "since": _("Made since"),
        "until": _("Made before"),
    }


def span(option: str, text: str) -> timedelta | None:
    """A span of time; None for "". Raises SettingError, which names ``option``."""
    from recibo.server.values import duration

    return duration(option, text) if text else None


def account_named(gateway: str, name: str) -> "Account":
    """The account of that name. Raises CommandError."""
    from recibo.accounts.queries import find

    slug = gateway_named(gateway).slug
    if (found := find(slug, name)) is None:
        sentence = _("There is no account %(name)r of %(gateway)s; see `recibo accounts list`.")
        raise CommandError(sentence % {"name": name, "gateway": slug})
    return found


# How payments are learned


@app.command()
def coverage(
    gateway: GatewayOption = "",
    since: Annotated[str, typer.Option("--since", help="Paid since: 2026-04-01, 30d.")] = "",
    until: Annotated[str, typer.Option("--until", help="Paid before.")] = "",
    is_json: JsonOption = False,
) -> None:
    """Show by account and day how payments were learned first: by webhook, by poll, by sync …"""
    slug = gateway_named(gateway).slug if gateway else ""
    with session():
        from django.utils import timezone

        from recibo.reconciliation.coverage import coverage as covered

        end: datetime = moment("--until", until) or timezone.now()
        days = covered(moment("--since", since) or end - USUAL, end, gateway=slug)
        rows = [coverage_fields(day) for day in days]
    if is_json:
        output.as_json(rows)
        return
    titles = (_("Day"), _("Account"), _("Payments"), _("Learned first"))
    output.table(titles, [row_of(day) for day in days])


def coverage_fields(day: "Coverage") -> dict[str, Any]:
    """A day as scripts read it: the fields that the API has too."""
    told = {"gateway": day.gateway, "account": day.account, "day": day.day.isoformat()}
    return {**told, "ways": day.ways, "total": day.total, "by_webhook": day.by_webhook}


def row_of(day: "Coverage") -> tuple[str, str, int, str]:
    """A day as a person reads it: "97 % by webhook, 3 % by poll"."""
    shares = sorted(day.ways.items(), key=lambda pair: -pair[1])
    names = ways()
    text = ", ".join(f"{count / day.total:.0%} {names.get(way, way)}" for way, count in shares)
    return day.day.isoformat(), f"{day.gateway}/{day.account}", day.total, text


def ways() -> dict[str, str]:
    """How a payment can be learned, in words."""
    return {
        "webhook": _("by webhook"),
        "poll": _("by poll"),
        "sync": _("by sync"),
        "import": _("by import"),
        "person": _("by a person"),
    }

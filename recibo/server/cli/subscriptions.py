"""``recibo subscriptions``: looking at them, and having gateways change them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, gateway_named, session

if TYPE_CHECKING:
    from recibo.billing.models import Subscription
    from recibo.reconciliation.subscriptions import Wish

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Look at subscriptions; have their gateways cancel, reactivate or change them.",
)

Code = Annotated[str, typer.Argument(help="The gateway's code of it, see `list`.")]
GatewayOption = Annotated[str, typer.Option("--gateway", help="Only this gateway: hotmart …")]
AccountOption = Annotated[str, typer.Option("--account", help="Only this account of the gateway.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


# Looking


@app.command(name="list")
def list_subscriptions(
    status: Annotated[str, typer.Option(help="active, past_due, cancelled …")] = "",
    gateway: GatewayOption = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    is_json: JsonOption = False,
) -> None:
    """List subscriptions, newest first."""
    slug = gateway_named(gateway).slug if gateway else ""
    with session():
        from recibo.billing import queries

        found = queries.subscriptions(status=known_status(status), gateway=slug)
        rows, count = [fields_of(one) for one in found[:limit]], found.count()
    if is_json:
        output.as_json({"items": rows, "count": count})
        return
    told = columns()
    output.table(tuple(told.values()), [[shown(row[name]) for name in told] for row in rows])
    output.say(_("%(shown)s of %(count)s subscriptions") % {"shown": len(rows), "count": count})


def known_status(status: str) -> str:
    """The status, if there is such a one. Raises CommandError."""
    from recibo.gateways.facts import SubscriptionStatus

    known = [one.value for one in SubscriptionStatus]
    if status and status not in known:
        sentence = _("There is no status %(status)r. There are: %(known)s.")
        raise CommandError(sentence % {"status": status, "known": ", ".join(known)})
    return status


def fields_of(subscription: "Subscription") -> dict[str, Any]:
    """A subscription as the API tells it."""
    from recibo.api.schemas import SubscriptionRow

    return SubscriptionRow.from_orm(subscription).model_dump()


def columns() -> dict[str, str]:
    """The fields that a table shows, and their titles."""
    return {
        "subscriber_code": _("Code"),
        "gateway": _("Gateway"),
        "account": _("Account"),
        "status": _("Status"),
        "customer": _("Customer"),
        "plan": _("Plan"),
        "price": _("Price"),
        "next_billing_at": _("Next charge"),
    }


def shown(value: Any) -> Any:
    """A field as a person reads it: of a customer the e-mail."""
    return value["email"] if isinstance(value, dict) else value


@app.command()
def show(
    code: Code,
    gateway: GatewayOption = "",
    account: AccountOption = "",
    is_json: JsonOption = False,
) -> None:
    """Show a subscription as it stands."""
    with session():
        row = fields_of(found(code, gateway, account))
    tell(row, is_json=is_json)


def found(code: str, gateway: str, account: str) -> "Subscription":
    """The one that is meant. Raises CommandError: there is none, or several."""
    from recibo.billing import queries

    slug = gateway_named(gateway).slug if gateway else ""
    rows = queries.subscriptions(gateway=slug, code=code)
    several = list(rows.filter(account__name=account)[:2] if account else rows[:2])
    if not code or not several:
        raise CommandError(
            _("There is no subscription %r; see `recibo subscriptions list`.") % code
        )
    if len(several) > 1:
        raise CommandError(
            _("Several accounts have this subscription: say --gateway or --account.")
        )
    return several[0]


def tell(row: dict[str, Any], *, is_json: bool) -> None:
    """Print a subscription: a line for each field."""
    if is_json:
        output.as_json(row)
        return
    output.table((_("Field"), _("Value")), [(name, shown(value)) for name, value in row.items()])


# Changing


@app.command()
def cancel(
    code: Code,
    gateway: GatewayOption = "",
    account: AccountOption = "",
    yes: YesOption = False,
    is_json: JsonOption = False,
) -> None:
    """Have the gateway cancel a subscription now."""
    with session():
        from recibo.reconciliation.subscriptions import CANCEL

        question = _("Have %(gateway)s cancel %(code)s of %(customer)s?")
        row = changed(found(code, gateway, account), CANCEL, question, yes=yes)
    tell(row, is_json=is_json)


@app.command()
def reactivate(
    code: Code,
    gateway: GatewayOption = "",
    account: AccountOption = "",
    yes: YesOption = False,
    is_json: JsonOption = False,
) -> None:
    """Have the gateway take up a subscription again."""
    with session():
        from recibo.reconciliation.subscriptions import REACTIVATE

        question = _("Have %(gateway)s take up %(code)s of %(customer)s again?")
        row = changed(found(code, gateway, account), REACTIVATE, question, yes=yes)
    tell(row, is_json=is_json)


@app.command()
def due_day(
    code: Code,
    day: Annotated[int, typer.Argument(min=1, max=28, help="The day of the month.")],
    gateway: GatewayOption = "",
    account: AccountOption = "",
    yes: YesOption = False,
    is_json: JsonOption = False,
) -> None:
    """Have the gateway collect on another day of the month."""
    with session():
        from recibo.reconciliation import subscriptions

        question = _("Have %(gateway)s collect %(code)s of %(customer)s on day %(day)s?")
        wish = subscriptions.due_day(day)
        row = changed(found(code, gateway, account), wish, question, yes=yes)
    tell(row, is_json=is_json)


@app.command()
def plan(
    code: Code,
    plan_id: Annotated[str, typer.Argument(help="The gateway's id of the plan.")],
    gateway: GatewayOption = "",
    account: AccountOption = "",
    yes: YesOption = False,
    is_json: JsonOption = False,
) -> None:
    """Have the gateway move a subscription to another plan."""
    with session():
        from recibo.reconciliation import subscriptions

        question = _("Have %(gateway)s move %(code)s of %(customer)s to the plan %(plan_id)s?")
        wish = subscriptions.plan(plan_id)
        row = changed(found(code, gateway, account), wish, question, yes=yes)
    tell(row, is_json=is_json)


def changed(
    subscription: "Subscription", wish: "Wish", question: str, *, yes: bool
) -> dict[str, Any]:
    """The subscription after a change that was agreed to. Raises CommandError, typer.Exit."""
    from recibo.processing.actions import change_subscription
    from recibo.reconciliation.change_errors import ChangeError
    from recibo.reconciliation.subscriptions import possible

    try:
        possible(subscription, wish)
        if not (yes or agreed(subscription, wish, question)):
            raise typer.Exit(1)
        is_folded = change_subscription(subscription, wish, actor=actor())
    except ChangeError as error:
        raise CommandError(str(error)) from None
    if not is_folded:
        output.complain(_("The gateway answered, and its answer is still being worked on."))
    return fields_of(subscription)


def agreed(subscription: "Subscription", wish: "Wish", question: str) -> bool:
    """Whether a person agrees, who is told what may surprise."""
    from recibo.gateways.registry import GATEWAYS
    from recibo.reconciliation.advice import before

    account = subscription.account
    if note := before(account.gateway, wish.verb):
        output.complain(note)
    told = {
        "gateway": GATEWAYS[account.gateway].name,
        "code": output.printable(subscription.code),
        "customer": output.printable(str(subscription.customer or "?")),
        **wish.asked,
    }
    return typer.confirm(question % told, err=True)

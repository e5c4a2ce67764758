"""``recibo endpoints``: the seller's own applications that are told of changes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, session
from recibo.server.cli.times import moment

if TYPE_CHECKING:
    from recibo.outbound.models import Endpoint

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Tell your own applications of changes, by signed webhooks.",
)

Value = TypeVar("Value")
IdArgument = Annotated[int, typer.Argument(help="Its id, see `list`.", metavar="ID")]
FIELDS = (
    "id",
    "url",
    "description",
    "events",
    "gateways",
    "accounts",
    "products",
    "is_ordered",
    "concurrency",
    "per_second",
    "disabled_reason",
    "disabled_at",
    "failing_since",
    "error",
)


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Its address, https://…")],
    events: Annotated[
        str, typer.Option(help="Types, separated by commas: order.paid,access.*; else all.")
    ] = "",
    gateway: Annotated[list[str], typer.Option(help="Only of this one; may be repeated.")] = [],  # noqa: B006
    account: Annotated[list[str], typer.Option(help="Only of gateway/name.")] = [],  # noqa: B006
    product: Annotated[list[str], typer.Option(help="Only the gateway's id of it.")] = [],  # noqa: B006
    description: Annotated[str, typer.Option(help="What you call it.")] = "",
    ordered: Annotated[
        bool, typer.Option("--ordered", help="What is told of one charge, one after the other.")
    ] = False,
    concurrency: Annotated[int, typer.Option(help="Deliveries at the same time.")] = 4,
    per_second: Annotated[
        float | None, typer.Option(help="At most so many a second; else as many as there are.")
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """Add an endpoint and print its secret, and only it. It cannot be shown again."""
    with session():
        from recibo.outbound import actions

        wish = actions.Wish(
            url=url,
            description=description,
            events=events.split(","),
            gateways=gateway,
            accounts=account,
            products=product,
            is_ordered=ordered,
            concurrency=concurrency,
            per_second=per_second,
        )
        endpoint, secret = done(lambda: actions.add(wish, actor=actor()))
        if is_json:
            output.as_json({"id": endpoint.pk, "secret": secret})
        else:
            output.complain(_("Endpoint %s is there. Its secret:") % endpoint.pk)
            output.say(secret)


@app.command(name="list")
def list_endpoints(is_json: JsonOption = False) -> None:
    """List the endpoints, what each wants, and how it stands with it."""
    with session():
        from recibo.outbound import queries

        endpoints = list(queries.endpoints())
        if is_json:
            output.as_json([shown(one) for one in endpoints])
            return
        rows = [
            (one.pk, one.url, ", ".join(one.events) or "*", queries.state(one), one.error)
            for one in endpoints
        ]
        output.table(("Id", _("Address"), _("Events"), _("State"), _("Error")), rows)


def shown(endpoint: "Endpoint") -> dict[str, object]:
    """An endpoint for scripts."""
    from recibo.outbound import queries

    fields = {name: getattr(endpoint, name) for name in FIELDS}
    fields["ordered"] = fields.pop("is_ordered")
    return {**fields, "state": queries.state(endpoint)}


@app.command()
def disable(endpoint: IdArgument) -> None:
    """Tell it of nothing more. What is on its way waits until it is enabled."""
    with session():
        from recibo.outbound import actions

        actions.disable(found(endpoint), actor=actor())
    output.say(_("Endpoint %s is disabled.") % endpoint)


@app.command()
def enable(endpoint: IdArgument) -> None:
    """Tell it again. What it missed: `recibo endpoints replay ID --since …`."""
    with session():
        from recibo.outbound import actions

        actions.enable(found(endpoint), actor=actor())
    output.say(_("Endpoint %s is enabled.") % endpoint)


@app.command()
def remove(endpoint: IdArgument) -> None:
    """Forget an endpoint, and all that went to it."""
    with session():
        from recibo.outbound import actions

        actions.remove(found(endpoint), actor=actor())
    output.say(_("Endpoint %s is removed.") % endpoint)


@app.command()
def rotate(
    endpoint: IdArgument,
    keep: Annotated[
        str, typer.Option(help="For so long the old secret signs too: 2h, 7d; 0s: not at all.")
    ] = "24h",
) -> None:
    """Make a new secret and print it, and only it. It cannot be shown again."""
    with session():
        from recibo.outbound import actions
        from recibo.server.values import duration

        secret = actions.rotate(found(endpoint), actor=actor(), keep=duration("--keep", keep))
    output.say(secret)


@app.command(name="test")
def try_out(endpoint: IdArgument, is_json: JsonOption = False) -> None:
    """Send `endpoint.test` now and print what came back; 1 if it did not arrive."""
    with session():
        from recibo.outbound import actions

        one = found(endpoint)
        answer = done(lambda: actions.test(one))
    if is_json:
        told = {"status_code": answer.status, "duration_ms": answer.duration_ms}
        output.as_json({**told, "error": answer.error, "answer": answer.text})
    else:
        facts = {"status": answer.status or answer.error, "ms": answer.duration_ms}
        output.say(_("%(status)s, in %(ms)s ms") % facts)
        output.say(output.printable(answer.text))
    if not answer.is_success:
        raise typer.Exit(1)


@app.command()
def deliveries(
    endpoint: IdArgument,
    status: Annotated[str, typer.Option(help="pending, delivered or failed.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    is_json: JsonOption = False,
) -> None:
    """List what went, or is to go, to an endpoint; the newest first."""
    with session():
        from recibo.outbound import queries, telling

        rows = [
            {
                "id": one.pk,
                "message_id": telling.key_of(one.change),
                "type": one.change.type,
                "status": one.status,
                "attempts": one.attempts,
                "status_code": one.status_code,
                "next_attempt_at": one.next_attempt_at,
                "error": one.error,
            }
            for one in queries.deliveries(found(endpoint), status=status)[:limit]
        ]
    if is_json:
        output.as_json(rows)
        return
    titles = ("Id", _("Message"), _("Event"), _("Status"), _("Tries"), _("Answer"), _("Next"))
    output.table((*titles, _("Error")), [list(row.values()) for row in rows])


@app.command()
def replay(
    endpoint: IdArgument,
    delivery: Annotated[int | None, typer.Option(help="This one; see `deliveries`.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All that was given up, or waits to be tried again.")
    ] = False,
    since: Annotated[str, typer.Option(help="All of a time: 2026-04-01, 2h.")] = "",
    until: Annotated[str, typer.Option(help="Not included; else now.")] = "",
) -> None:
    """Deliver again, under the same ids; of a time also what was missed."""
    if [delivery is not None, failed, bool(since)].count(True) != 1:
        raise CommandError(_("Say one of --delivery, --failed and --since."))
    with session():
        from recibo.outbound import actions

        one = found(endpoint)
        if delivery is not None:
            count = replay_one(one, delivery)
        elif begin := moment("--since", since):
            end = moment("--until", until) or datetime.now(UTC)
            count = actions.replay_time(one, begin, end, actor=actor())
        else:
            count = actions.replay_failed(one, actor=actor())
    output.say(_("Deliveries begun again: %s") % count)


def replay_one(endpoint: "Endpoint", delivery_id: int) -> int:
    """Deliver one again; 0: it is being sent. Raises CommandError."""
    from recibo.outbound import actions, queries

    if (delivery := queries.delivery(endpoint, delivery_id)) is None:
        raise CommandError(_("There is no delivery %s to this endpoint.") % delivery_id)
    return int(actions.replay(delivery, actor=actor()))


def found(endpoint_id: int) -> "Endpoint":
    """The endpoint. Raises CommandError."""
    from recibo.outbound import queries

    if (endpoint := queries.endpoints().filter(pk=endpoint_id).first()) is None:
        sentence = _("There is no endpoint %s; see `recibo endpoints list`.")
        raise CommandError(sentence % endpoint_id)
    return endpoint


def done(act: Callable[[], Value]) -> Value:
    """What an action gives. Raises CommandError with what it says."""
    from recibo.outbound.actions import EndpointError

    try:
        return act()
    except EndpointError as error:
        raise CommandError(str(error)) from None

"""``recibo sync``: bringing over what a gateway lists."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import gateway_named, session
from recibo.server.cli.times import moment

if TYPE_CHECKING:
    from recibo.accounts.models import Account
    from recibo.reconciliation.models import Sync
    from recibo.reconciliation.reports import Report

#: Seconds between looks at what a worker is reading.
PAUSE = 0.5


def sync(
    gateway: Annotated[str, typer.Argument(help="The gateway: hotmart …")],
    since: Annotated[
        str,
        typer.Option(help="From then on: 2026-04-01, 7d. Else from where the last run ended."),
    ] = "",
    account: Annotated[
        str, typer.Option("--account", help="Only this account of the gateway.")
    ] = "",
    is_json: JsonOption = False,
) -> None:
    """Read sales and subscriptions from the gateway's lists; say what was found and mended.

    Safe to repeat: a second run changes nothing. One that was interrupted goes on where it stood.
    Exit code 1 if a list could not be read to its end.
    """
    slug = gateway_named(gateway).slug
    with session():
        from recibo.processing.drain import drain
        from recibo.reconciliation import syncing
        from recibo.reconciliation.models import Sync
        from recibo.reconciliation.reports import report

        begun = {
            one: syncing.start(one, since=moment("--since", since)) for one in ready(slug, account)
        }
        ids = [started.pk for syncs in begun.values() for started in syncs]
        follow(ids)
        drain()
        reports = [report(one, list(Sync.objects.filter(account=one))) for one in begun]
    tell(reports, is_json=is_json)
    if any(one.errors for one in reports):
        raise typer.Exit(1)


def ready(slug: str, name: str) -> "list[Account]":
    """The accounts to read. Raises CommandError where there is none."""
    from recibo.accounts.queries import listed
    from recibo.reconciliation import syncing

    found = [one for one in listed() if one.gateway == slug and name in {"", one.name}]
    if not found:
        sentence = _("There is no account %(name)r of %(gateway)s; see `recibo accounts list`.")
        raise CommandError(sentence % {"name": name, "gateway": slug})
    obstacles = {one: syncing.obstacle(one) for one in found}
    if all(obstacles.values()):
        raise CommandError(next(iter(obstacles.values())))
    return [one for one, obstacle in obstacles.items() if not obstacle]


def follow(ids: list[int]) -> None:
    """Read these lists in this process, and see what a worker reads of them, to their ends.

    One that has to wait for its gateway is left to the worker.
    """
    from recibo.processing.drain import drain
    from recibo.reconciliation import syncing

    with output.progress(_("Reading"), None) as advance:
        seen = 0
        while standing := going_on(ids):
            if not syncing.sync_due():
                time.sleep(PAUSE)
            drain()
            found = sum(one.found for one in standing)
            advance(max(0, found - seen))
            seen = max(found, seen)


def going_on(ids: list[int]) -> "list[Sync]":
    """Those of these lists that are being read now."""
    from django.utils import timezone

    from recibo.reconciliation.models import Sync

    return list(Sync.objects.filter(pk__in=ids, next_attempt_at__lte=timezone.now()))


def tell(reports: "list[Report]", *, is_json: bool) -> None:
    """What was found and mended."""
    from msgspec import to_builtins

    if is_json:
        output.as_json([to_builtins(one) for one in reports])
        return
    rows: list[list[Any]] = [
        [f"{one.gateway}/{one.account}", *(getattr(one, name) for name in columns())]
        for one in reports
    ]
    output.table((_("Account"), *columns().values()), rows)
    for one in reports:
        for error in one.errors:
            output.complain(f"{one.gateway}/{one.account}: {error}")


def columns() -> dict[str, str]:
    """The numbers of a report, and their titles."""
    return {
        "found": _("Found"),
        "new": _("New"),
        "changed": _("Changed"),
        "charges": _("New charges"),
        "subscriptions": _("New subscriptions"),
        "customers": _("New customers"),
        "paid": _("Paid, not known before"),
        "failed": _("Unreadable"),
    }

"""``recibo events``: what came in, how it went, and what can be done about it."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, gateway_named, session
from recibo.server.cli.times import moment

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from recibo.inbox.models import Event, EventBody
    from recibo.processing.fold import Outcome

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Look at events, process them again, archive them.",
)

GatewayOption = Annotated[str, typer.Option("--gateway", help="Only this gateway: hotmart …")]
SinceOption = Annotated[
    str, typer.Option("--since", help="Received since: 2026-04-01, 2026-04-01T18:30, 2h, 7d.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]

#: Events that are worked on together.
BATCH = 500
#: Changes that a preview shows one by one.
SHOWN = 20
#: What is told of an event, beside its gateway and account.
FIELDS = (
    "id",
    "gateway_event_id",
    "gateway_charge_id",
    "source",
    "event_type",
    "gateway_event",
    "status",
    "attempts",
    "duplicates",
    "received_at",
    "processed_at",
    "next_attempt_at",
    "error",
    "result",
)


def batches(ids: Sequence[int]) -> Iterator[list[int]]:
    """The ids, a batch at a time."""
    rest = iter(ids)
    while batch := list(islice(rest, BATCH)):
        yield batch


# Looking


@app.command()
def stats(gateway: GatewayOption = "", is_json: JsonOption = False) -> None:
    """Count events by status, of all gateways or of one."""
    slug = gateway_named(gateway).slug if gateway else ""
    with session():
        from recibo.inbox import queries

        counts = queries.stats(gateway=slug)
    if is_json:
        output.as_json(counts)
    else:
        output.table((_("Status"), _("Events")), list(counts.items()))


@app.command(name="list")
def list_events(
    status: Annotated[
        str, typer.Option(help="pending, processing, processed, ignored or failed.")
    ] = "",
    gateway: GatewayOption = "",
    event_type: Annotated[str, typer.Option("--type", help="Such as charge.paid.")] = "",
    since: SinceOption = "",
    search: Annotated[str, typer.Option(help="An id of the event or of its charge.")] = "",
    limit: LimitOption = 20,
    is_json: JsonOption = False,
) -> None:
    """List events, newest first."""
    with session():
        from recibo.inbox import queries

        found = queries.listed(
            status=known_status(status),
            gateway=gateway_named(gateway).slug if gateway else "",
            event_type=event_type,
            since=moment("--since", since),
            search=search,
        )
        rows, count = [fields_of(event) for event in found[:limit]], found.count()
    if is_json:
        output.as_json({"items": rows, "count": count})
        return
    told = columns()
    noted = [(*[row[name] for name in told], row["error"] or row["result"]) for row in rows]
    output.table((*told.values(), _("Outcome")), noted)
    output.say(_("%(shown)s of %(count)s events") % {"shown": len(rows), "count": count})


def columns() -> dict[str, str]:
    """The fields that a list shows, and their titles."""
    return {
        "id": _("Id"),
        "received_at": _("Received at"),
        "gateway": _("Gateway"),
        "source": _("Source"),
        "gateway_event": _("Gateway event"),
        "status": _("Status"),
        "attempts": _("Attempts"),
    }


def known_status(status: str) -> str:
    """The status, if there is such a one. Raises CommandError."""
    from recibo.inbox.models import Status

    if status and status not in Status.values:
        sentence = _("There is no status %(status)r. There are: %(known)s.")
        raise CommandError(sentence % {"status": status, "known": ", ".join(Status.values)})
    return status


def fields_of(event: "Event") -> dict[str, Any]:
    """An event as it is told: the fields that the API has too."""
    account = {"gateway": event.account.gateway, "account": event.account.name}
    return {**{name: getattr(event, name) for name in FIELDS}, **account}


@app.command()
def show(
    event_id: Annotated[int, typer.Argument(metavar="ID", help="See `recibo events list`.")],
    raw: Annotated[bool, typer.Option("--raw", help="Only its bytes, as they came.")] = False,
    is_json: JsonOption = False,
) -> None:
    """Show one event: how it went, its bytes, the facts in them."""
    with session():
        from recibo.inbox import queries

        event = queries.with_body(event_id)
        if event is None:
            raise CommandError(_("There is no event %s; see `recibo events list`.") % event_id)
        body = queries.body_of(event)
        if raw:
            write_raw(event_id, body)
        elif is_json:
            output.as_json({**fields_of(event), **contents(event, body)})
        else:
            describe(fields_of(event), contents(event, body))


def write_raw(event_id: int, body: "EventBody | None") -> None:
    """Write the bytes of an event. Raises CommandError if they are archived."""
    if body is None:
        sentence = _(
            "The bytes of event %s were cleaned away: `recibo events restore DIR` brings "
            "archived ones back."
        )
        raise CommandError(sentence % event_id)
    sys.stdout.buffer.write(bytes(body.body))


def contents(event: "Event", body: "EventBody | None") -> dict[str, Any]:
    """The request, readable, and the facts in it; ``unread``: why there are none."""
    from recibo.inbox import queries

    facts, unread = facts_in(event.pk)
    if body is None:
        return {"headers": None, "body": None, "facts": facts, "unread": unread}
    text = bytes(body.body).decode(errors="replace")
    return {"headers": queries.headers_of(body), "body": text, "facts": facts, "unread": unread}


def facts_in(event_id: int) -> tuple[list[dict[str, Any]], str]:
    """What the bytes tell as they are understood today, or why they tell nothing."""
    from msgspec import to_builtins

    from recibo.processing.drain import read
    from recibo.processing.fold import parse

    [pending] = read([event_id])
    try:
        facts = parse(pending)
    except Exception as error:  # noqa: BLE001  # an event that breaks its parser is shown as well
        return [], str(error)
    return [{"fact": type(fact).__name__, **to_builtins(fact)} for fact in facts], ""


def describe(fields: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Show an event to a person."""
    output.table((_("Event"), ""), [(name, value) for name, value in fields.items() if value != ""])
    output.table((_("Header"), ""), list((request["headers"] or {}).items()))
    output.say(output.printable(pretty(request["body"] or "")))
    output.say()
    for fact in request["facts"]:
        told = [(name, value) for name, value in fact.items() if value not in ("", None, [], {})]
        output.table((_("Fact"), ""), [(name, pretty(value)) for name, value in told])
    if request["unread"]:
        output.say(_("No facts: %s") % request["unread"])


def pretty(value: Any) -> str:
    """JSON with line breaks; what is no JSON as it is."""
    try:
        loaded = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    is_nested = isinstance(loaded, dict | list)
    return json.dumps(loaded, ensure_ascii=False, indent=2) if is_nested else str(value)


# Processing


@app.command()
def process() -> None:
    """Process everything that is due now, in this process, workers or not."""
    with session():
        from recibo.inbox import queries
        from recibo.processing.drain import process_due

        total = 0
        with output.progress(_("Processing"), queries.stats()["pending"]) as advance:
            while settled := process_due():
                total += settled
                advance(settled)
    output.say(_("Processed %s events") % total)


@app.command(name="retry-failed")
def retry_failed(limit: LimitOption = 100, is_json: JsonOption = False) -> None:
    """Queue failed events again, oldest first, while they have tries left (5 in all)."""
    with session():
        from recibo.processing import actions, retries

        found = list(retries.retryable(limit).values_list("pk", flat=True))
        if not is_json:
            output.say(f"Found {len(found)} failed events")  # in every language: scripts read it
        queued = 0
        with output.progress(_("Queueing"), len(found)) as advance:
            for batch in batches(found):
                queued += actions.requeue(batch, actor=actor())
                advance(len(batch))
    if is_json:
        output.as_json({"found": len(found), "queued": queued})
    elif found:
        sentence = _("Queued %s again; a worker or `recibo events process` takes them")
        output.say(sentence % queued)


@app.command()
def replay(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="See `recibo events list`.")
    ] = None,
    gateway: GatewayOption = "",
    since: SinceOption = "",
    with_messages: Annotated[
        bool,
        typer.Option("--with-messages", help="Act on what changes: access, messages, webhooks."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Process events again from their stored bytes; says first what would change, and asks.

    State is brought up to date and nobody is told, unless --with-messages.
    """
    with session():
        from recibo.processing import actions

        chosen = with_bytes(chosen_ids(ids or [], gateway, since))
        foretell(preview(chosen))
        if not chosen or not (yes or typer.confirm(question(len(chosen), told=with_messages))):
            raise typer.Exit(0 if not chosen else 1)
        queued = 0
        with output.progress(_("Queueing"), len(chosen)) as advance:
            for batch in batches(chosen):
                queued += actions.replay(batch, with_messages=with_messages, actor=actor())
                advance(len(batch))
    output.say(_("Queued %s events; a worker or `recibo events process` takes them") % queued)


def chosen_ids(ids: Sequence[int], gateway: str, since: str) -> list[int]:
    """The events that were named, or that match, oldest first. Raises CommandError."""
    from recibo.inbox import queries

    if bool(ids) == bool(gateway or since):
        sentence = _("Name events by their ids, or choose them by --gateway and --since.")
        raise CommandError(sentence)
    slug = gateway_named(gateway).slug if gateway else ""
    matching = queries.listed(gateway=slug, since=moment("--since", since))
    return named(matching, ids) if ids else ordered(matching)


def named(events: "QuerySet[Event]", ids: Sequence[int]) -> list[int]:
    """Those ids, if all exist. Raises CommandError."""
    found = ordered(events.filter(pk__in=ids))
    if missing := sorted(set(ids) - set(found)):
        raise CommandError(_("There is no event %s.") % ", ".join(map(str, missing)))
    return found


def ordered(events: "QuerySet[Event]") -> list[int]:
    """The ids, oldest first."""
    return list(events.order_by("pk").values_list("pk", flat=True))


def with_bytes(ids: Sequence[int]) -> list[int]:
    """The ids of events whose bytes are here; says how many are left out."""
    from recibo.inbox.models import EventBody

    kept: list[int] = []
    for batch in batches(ids):
        bodies = EventBody.objects.filter(event__in=batch).order_by("event")
        kept += bodies.values_list("event", flat=True)
    if archived := len(ids) - len(kept):
        sentence = _(
            "%s events are left out: their bytes were cleaned away "
            "(`recibo events restore DIR` brings archived ones back)."
        )
        output.complain(sentence % archived)
    return kept


def preview(ids: Sequence[int]) -> "list[Outcome]":
    """What a replay would come to, event by event; nothing is changed."""
    from recibo.processing import actions

    outcomes: list[Outcome] = []
    with output.progress(_("Looking ahead"), len(ids)) as advance:
        for batch in batches(ids):
            outcomes += actions.preview(batch)
            advance(len(batch))
    return outcomes


def foretell(outcomes: "Sequence[Outcome]") -> None:
    """Say what would change."""
    from recibo.processing.fold import summary

    unchanged = Counter(one.result == summary([]) for one in outcomes)[True]
    changing = [one for one in outcomes if one.result != summary([])]
    if changing:
        rows = [(one.id, one.status, one.error or one.result) for one in changing[:SHOWN]]
        output.table((_("Event"), _("Would be"), _("What would change")), rows)
    if len(changing) > SHOWN:
        output.say(_("… and %s more like these") % (len(changing) - SHOWN))
    facts = {"all": len(outcomes), "changing": len(changing), "unchanged": unchanged}
    sentence = _("%(all)s events: %(changing)s with an effect, %(unchanged)s without")
    output.say(sentence % facts)


def question(count: int, *, told: bool) -> str:
    """What to ask before a replay."""
    if told:
        return _("Process %s events again and act on what changes?") % count
    return _("Process %s events again and tell nobody?") % count


# Keeping


@app.command()
def clean(
    days: Annotated[int, typer.Option(min=0, help="Older than so many days; 0: all.")] = 30,
    archive: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep them there, as compressed files.")
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """Remove the bytes of events that were processed or ignored long ago.

    The events themselves stay: they are the guard against repeats. With --archive the bytes are
    in files on disk first, which `recibo events restore DIR` reads back.
    """
    with session():
        from recibo.operations import retention

        with output.progress(_("Cleaning"), retention.cleanable(days)) as advance:
            count = retention.clean(days, archive, advance=advance)
    if is_json:
        output.as_json({"cleaned": count})
    else:
        output.say(cleaned(count, archive))


def cleaned(count: int, archive: Path | None) -> str:
    """What was cleaned, and where it is now."""
    if archive is None:
        return _("Cleaned %s events") % count
    return _("Cleaned %(count)s events, kept in %(place)s") % {"count": count, "place": archive}


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="As in `clean --archive`.")],
    is_json: JsonOption = False,
) -> None:
    """Bring archived bytes back to the events that lack them. Exit code 1 if some are damaged."""
    with session():
        from msgspec import to_builtins

        from recibo.operations import retention

        files = retention.archived(folder)
        if not files:
            sentence = _("There are no archives (%(pattern)s) in %(place)s.")
            facts = {"pattern": f"*{retention.SUFFIX}", "place": folder}
            raise CommandError(sentence % facts)
        with output.progress(_("Restoring"), len(files)) as advance:
            result = retention.restore(files, advance=advance)
    if is_json:
        output.as_json(to_builtins(result))
    else:
        sentence = _(
            "Restored %(restored)s events; %(present)s had their bytes, "
            "%(unknown)s are not known here, %(damaged)s lines are damaged"
        )
        output.say(sentence % to_builtins(result))
    if result.damaged:
        raise typer.Exit(1)

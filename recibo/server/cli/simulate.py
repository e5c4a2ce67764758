"""``recibo simulate``: webhooks as a gateway would send them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import gateway_named, set_up

if TYPE_CHECKING:
    from recibo.gateways.contract import Gateway
    from recibo.operations.simulation import Simulation, Tally

DEFAULT_URL = "http://127.0.0.1:8000"


def simulate(
    gateway: Annotated[str, typer.Argument(help="Which gateway to play: hotmart …")] = "",
    event: Annotated[
        str, typer.Argument(help="What happened: purchase-approved, PURCHASE_APPROVED …")
    ] = "",
    count: Annotated[int, typer.Option(min=1, help="How many sales.")] = 1,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="At most so many a second; else at full speed.")
    ] = None,
    url: Annotated[
        str, typer.Option(help=f"The server; if not given RECIBO_PUBLIC_URL, else {DEFAULT_URL}.")
    ] = "",
    reference: Annotated[
        str,
        typer.Option(help="The gateway's id of the sale: several runs tell its several events."),
    ] = "",
    live: Annotated[
        bool,
        typer.Option("--live", help="Not marked as a simulation: granted, told and counted."),
    ] = False,
    list_samples: Annotated[
        bool, typer.Option("--list", help="List what can be simulated.")
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """Send realistic, correctly signed webhooks, as a gateway would.

    Every run tells of new sales, unless --reference names one. Simulations are stored, processed
    and shown, but grant nothing, write to nobody and are not revenue; --live ones do and are.
    """
    set_up()
    if list_samples:
        show_samples(gateway, is_json=is_json)
        return
    if not gateway or not event:
        raise CommandError(_("Name a gateway and an event; `recibo simulate --list` lists them."))
    if reference and count > 1:
        raise CommandError(_("--reference names one sale: leave --count out."))
    chosen = prepared(gateway_named(gateway), event, url, is_live=live)
    tally = send(chosen, count, rate, reference)
    report(tally, chosen, is_json=is_json)


def show_samples(name: str, *, is_json: bool) -> None:
    """List what can be simulated, of one gateway or of all."""
    from recibo.gateways.registry import GATEWAYS
    from recibo.operations.simulation import listed

    gateways: Iterable[Gateway] = [gateway_named(name)] if name else GATEWAYS.values()
    rows = [(gateway.slug, *sample) for gateway in gateways for sample in listed(gateway)]
    columns = ("gateway", "event", "gateway_event", "event_type")
    if is_json:
        output.as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        titles = (_("Gateway"), _("Event"), _("The gateway's word"), _("What it is"))
        output.table(titles, rows)


def prepared(gateway: "Gateway", event: str, url: str, *, is_live: bool) -> "Simulation":
    """What to send where. Raises CommandError."""
    from recibo.accounts.queries import simulation_secret
    from recibo.operations import simulation

    try:
        sample = simulation.sample_of(gateway, event)
    except simulation.UnknownSampleError as error:
        raise CommandError(str(error)) from None
    return simulation.Simulation(
        gateway=gateway,
        sample=sample,
        url=simulation.address(base(url), gateway.slug),
        secret=secret_of(gateway, is_live=is_live),
        proof=simulation_secret(gateway.slug),
        is_live=is_live,
    )


def base(url: str) -> str:
    """The server to send to. Raises CommandError."""
    from django.conf import settings

    chosen = url or settings.RECIBO_PUBLIC_URL or DEFAULT_URL
    if not is_address(chosen):
        sentence = _("--url must read like %(example)s, not %(url)r.")
        raise CommandError(sentence % {"example": DEFAULT_URL, "url": chosen})
    return chosen


def is_address(url: str) -> bool:
    """Whether something can be sent there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port
        return False


def secret_of(gateway: "Gateway", *, is_live: bool) -> bytes:
    """What signs: the gateway's own secret if one is set, else one for simulations only."""
    from django.conf import settings

    from recibo.accounts.queries import secret_settings, simulation_secret

    secrets: tuple[bytes, ...] = settings.RECIBO_WEBHOOK_SECRETS.get(gateway.slug, ())
    if is_live and gateway.secret_settings and not secrets:
        sentence = _(
            "--live needs the real secret: set %s here and on the server, or leave --live out."
        )
        raise CommandError(sentence % secret_settings(gateway))
    return secrets[0] if secrets else simulation_secret(gateway.slug)


def send(chosen: "Simulation", count: int, rate: float | None, reference: str) -> "Tally":
    """Send, with a progress bar. Raises CommandError if nobody is there."""
    from recibo.operations import simulation

    with output.progress(_("Sending"), count) as advance:
        try:
            return simulation.run(
                chosen, simulation.sales(count, reference), rate=rate, answered=lambda: advance(1)
            )
        except simulation.UnreachableError as error:
            reason = " ".join((str(error), _("Is `recibo up` running?")))
    output.complain(reason)
    raise typer.Exit(1)


def report(tally: "Tally", chosen: "Simulation", *, is_json: bool) -> None:
    """Say how it went; exit code 1 unless every webhook was accepted."""
    from recibo.accounts.queries import secret_settings
    from recibo.operations.simulation import summary

    if is_json:
        output.as_json(summary(tally))
    else:
        tell(tally)
    if "401" in tally.answers:
        sentence = _(
            "401: the server does not know this signature. Run both with the same RECIBO_HOME, or "
            "with the same RECIBO_SECRET_KEY and %s."
        )
        output.complain(sentence % secret_settings(chosen.gateway))
    if not tally.is_clean:
        raise typer.Exit(1)


def tell(tally: "Tally") -> None:
    """Counts of answers, then how fast they came."""
    for answer, count in tally.answers.most_common():
        output.say(f"{answer}: {count}")
    sentence = _(
        "%(seconds)s s, %(rate)s a second, half of them within %(p50)s ms (p50), "
        "99%% within %(p99)s ms (p99)"
    )
    facts = {
        "seconds": number(tally.seconds, 1),
        "rate": number(tally.rate, 0),
        "p50": number(tally.wait(50) * 1000, 1),
        "p99": number(tally.wait(99) * 1000, 1),
    }
    output.say(sentence % facts)


def number(value: float, places: int) -> str:
    """A number with the commas and points of the seller's language."""
    from django.utils.formats import number_format

    return number_format(f"{value:.{places}f}", places, force_grouping=True)

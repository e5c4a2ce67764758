"""The command line: ``recibo --help``. Commands import Django only when they run."""

import typer

from recibo.server.cli import (
    access,
    accounts,
    analytics,
    doctor,
    endpoints,
    events,
    exports,
    importing,
    payments,
    provisioning,
    running,
    simulate,
    subscriptions,
    sync,
    tokens,
)
from recibo.server.cli.errors import Commands

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,  # it prints the values of variables, and those are secrets
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Receives every payment event of your gateways once, never loses one. "
        "`recibo up` starts everything; `recibo simulate hotmart purchase-approved` sends a sale."
    ),
)
for command in (running.up, running.web, running.worker, running.migrate, running.check):
    app.command()(command)
app.command()(simulate.simulate)
app.command()(sync.sync)
app.command()(exports.export)
app.command("import")(importing.import_history)
app.command()(doctor.doctor)
app.add_typer(access.app, name="access")
app.add_typer(accounts.app, name="accounts")
app.add_typer(analytics.app, name="analytics")
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(events.app, name="events")
app.add_typer(payments.app, name="payments")
app.add_typer(provisioning.app, name="provisioning")
app.add_typer(subscriptions.app, name="subscriptions")
app.add_typer(tokens.app, name="token")


def main() -> None:
    """Run the command that the arguments of this process name."""
    app(prog_name="recibo")

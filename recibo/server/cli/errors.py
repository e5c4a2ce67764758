"""What goes wrong, as its user reads it: a sentence that says how to mend it, an exit code."""

from typing import Any

import typer
from typer.core import TyperGroup

from recibo.server.cli import output
from recibo.server.cli.language import translated as _

MISTAKE = 2
INTERRUPTED = 130


class CommandError(Exception):
    """The command cannot do that. The message says why and how to mend it."""


class Commands(TyperGroup):
    """Commands whose expected errors are a sentence instead of a trace."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            if (sentence := explained(error)) is None:
                raise
            output.complain(sentence)
            raise typer.Exit(MISTAKE) from error


def explained(error: Exception) -> str | None:
    """What to say about an error; None for a bug of ours, whose trace is worth more."""
    import psycopg
    from django.db import InterfaceError, OperationalError

    from recibo.server.embedded import EmbeddedError
    from recibo.server.values import SettingError

    if isinstance(error, CommandError | EmbeddedError | SettingError):
        return str(error)
    lost = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    return unreachable(error) if isinstance(error, lost) else None


def unreachable(error: Exception) -> str:
    """The database does not answer, or no longer."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    sentence = _(
        "The database cannot be used: %s. Check that PostgreSQL runs and that "
        "DATABASE_URL names a database of it (leave DATABASE_URL out for the embedded one)."
    )
    return sentence % reason.rstrip(".")

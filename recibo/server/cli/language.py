"""What commands say, in RECIBO_LANGUAGE. Some of it is said before Django is set up, or instead."""

import functools
import gettext
from pathlib import Path

LOCALE = Path(__file__).parents[2] / "locale"


def translated(sentence: str) -> str:
    """The sentence in the seller's language; mark it in the code as ``_("…")``.

    Raises SettingError if RECIBO_LANGUAGE is none.
    """
    return catalogue().gettext(sentence)


@functools.cache
def catalogue() -> gettext.NullTranslations:
    """All sentences in the seller's language; without a catalogue they stay English.

    Raises SettingError.
    """
    from recibo.server.environment import collect
    from recibo.server.values import language

    # The whole environment would make a secret key, and who is refused a port leaves nothing.
    chosen = language(collect().get("RECIBO_LANGUAGE", "pt-br"))
    return gettext.translation("django", LOCALE, [chosen.replace("-", "_")], fallback=True)

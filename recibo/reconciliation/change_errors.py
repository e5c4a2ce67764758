"""Why a subscription was not changed, for whoever waits for the answer."""

import re
from contextlib import suppress
from datetime import timedelta

from django.utils.translation import gettext as _

from recibo.accounts.encryption import SealedError, opened
from recibo.accounts.models import Account
from recibo.accounts.queries import credentials_of
from recibo.gateways.errors import DeniedError, GatewayError, NotFoundError, UnavailableError
from recibo.gateways.registry import GATEWAYS
from recibo.reconciliation.errors import OutOfTurnsError, RestingError
from recibo.reconciliation.models import AccountToken
from recibo.reconciliation.obstacles import mending

#: When to try again where the gateway does not say.
SOON = timedelta(seconds=30)
#: How much of a gateway's words is told. Characters.
LONGEST_WORDS = 300
#: Shorter ones are no secrets, and hiding them would garble words.
SHORTEST_SECRET = 6

#: Which call was refused, as messages of gateways begin: the journal has it.
CALL = re.compile(r"^[A-Z]+ /\S*: \d{3}(: )?")
BEARER = re.compile(r"(?i)\b(bearer|basic) +\S+")


class ChangeError(Exception):
    """The subscription was not changed. The message is for people, in their language.

    ChangeError
    ├── NotSupportedError  it cannot be asked for: a person has to mend something, or do it by hand
    ├── RefusedError       the gateway says no
    ├── BusyError          somebody else is changing it at this moment
    └── LaterError         the gateway does not answer: asking again may help
    """


class NotSupportedError(ChangeError):
    """It cannot be asked for; nobody was asked."""


class RefusedError(ChangeError):
    """The gateway says no, and why."""


class BusyError(ChangeError):
    """Somebody else is changing this subscription at this moment."""


class LaterError(ChangeError):
    """No answer, or no turn left. Whether it was carried out is not known; repeating is safe."""

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        super().__init__(message)


def meaning(error: GatewayError, account: Account) -> ChangeError:
    """An error of the gateway's, for whoever waits for the answer."""
    if isinstance(error, RestingError):
        sentence = _("The gateway asked us to wait: try again in a moment.")
        return LaterError(sentence, retry_after=error.wait)
    if isinstance(error, OutOfTurnsError):
        sentence = _("Too many calls to %s at this moment: try again shortly.")
        return LaterError(sentence % account, retry_after=error.wait)
    told = {
        "gateway": GATEWAYS[account.gateway].name,
        "words": words_of(error, account),
        "credentials": mending(account),
    }
    if isinstance(error, UnavailableError):
        sentence = _(
            "%(gateway)s gave no answer (%(words)s). It may have been done all the same: look how"
            " the subscription stands, then ask again."
        )
        return LaterError(sentence % told, retry_after=error.retry_after or SOON)
    return RefusedError(refusal(error) % told)


def refusal(error: GatewayError) -> str:
    """The sentence that tells a refusal."""
    if isinstance(error, DeniedError):
        return _(
            "%(gateway)s does not let us in (%(words)s). Mend the credentials: %(credentials)s"
        )
    if isinstance(error, NotFoundError):
        return _("%(gateway)s knows no such subscription (%(words)s).")
    return _("%(gateway)s says no: %(words)s")


def words_of(error: GatewayError, account: Account) -> str:
    """The gateway's own words, in short, without what is secret."""
    words = CALL.sub("", str(error)) or str(error)
    for secret in sorted(secrets_of(account), key=len, reverse=True):
        words = words.replace(secret, "…")
    return BEARER.sub("…", words)[:LONGEST_WORDS].rstrip(".")


def secrets_of(account: Account) -> set[str]:
    """What a gateway may have been told in confidence, and say back."""
    found = set(credentials_of(account).values())
    for token in AccountToken.objects.filter(account=account):
        with suppress(SealedError):
            found.add(opened(bytes(token.sealed_token), str))
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}

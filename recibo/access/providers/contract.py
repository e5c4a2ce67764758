"""What a provider of user accounts is: a record of functions over HTTP, each safe to repeat."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import httpx


class Credentials(StrEnum):
    """How a buyer of ours gets in for the first time."""

    PASSWORD = "password"  # noqa: S105  # one that we generate and tell him
    LINK = "link"  # the application gives a link at which he sets his own


@dataclass(frozen=True, slots=True)
class Target:
    """An application as a provider's functions see it: a ready client, an address, a secret.

    ``client`` has a timeout and keeps a row of every call. ``login_url``: where people log in, and
    where the setting of a password ends; "" where nobody said.
    """

    client: "httpx.Client"
    url: str
    secret: str = field(repr=False)
    login_url: str = ""


class Person(Struct, frozen=True, kw_only=True):
    """Whom access is given to. ``phone`` is E.164 or ""."""

    email: str
    name: str = ""
    phone: str = ""


class Grant(Struct, frozen=True, kw_only=True):
    """What is given or taken. ``access_id`` names it for good."""

    access_id: str
    product: str = ""
    product_id: str = ""
    plan: str = ""
    order: str = ""  # the reference
    valid_until: datetime | None = None  # UTC; none: as long as nothing changes


class User(Struct, frozen=True, kw_only=True):
    """A user as the application has it now.

    ``is_ours``: it was made by this step, in this try or an earlier one, so that ``password`` (if
    one was given) is the user's; False: he had it before and keeps his own.
    """

    user_id: str
    is_ours: bool = True
    #: At which he sets his password; "" where there is none.
    password_url: str = ""
    login_url: str = ""

    def __repr__(self) -> str:
        return f"User({self.user_id})"  # never the link, which lets anybody in


class Step(Struct, frozen=True, kw_only=True):
    """One step of ours, named the same over all its tries: the receiver's idempotency key."""

    key: str
    person: Person
    grant: Grant
    user_id: str = ""  # once it is known
    password: str | None = None  # to be set; none: the application lets him set his own
    #: The person has other access there that stands: the log-in itself is not to be touched.
    has_other_access: bool = False

    def __repr__(self) -> str:
        return f"Step({self.key})"  # never the password


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One way to give user accounts.

    All raise UnavailableError (try again later), DeniedError (our secret is wrong), RefusedError
    (the application takes this never).
    """

    slug: str
    name: str
    #: What it does unless the seller says otherwise.
    credentials: Credentials
    #: Makes the user with this access, or gives it to the user who is there. Looks first.
    create: Callable[[Target, Step], User]
    #: Takes this access away; of a user who has no other, the log-in too.
    block: Callable[[Target, Step], None]
    #: Gives it back.
    unblock: Callable[[Target, Step], None]
    #: Sets a new password, or gives a new link.
    reset: Callable[[Target, Step], User]
    #: Proves that address and secret work.
    ping: Callable[[Target], None]

"""The admin API of Supabase Auth.

Sources: supabase/auth, internal/api (admin.go, mail.go, errors.go) and internal/models/user.go;
supabase.com/docs, "Understanding API keys".
"""

import uuid
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from recibo.access.errors import AccessError, DeniedError, RefusedError, UnavailableError
from recibo.access.providers.client import Answer, ask, failure
from recibo.access.providers.contract import Target

#: Users asked for at a time, and how often: so many may have an address like the one looked for.
PAGE = 50
PAGES = 40
#: Begins a key of the newer kind, which is not a token: with it alone, no bearer is sent at first.
SECRET_KEY = "sb_secret_"  # noqa: S105  # how one begins
#: Keys of the newer kind that turned out to be wanted as a bearer too.
WANTED_TWICE: set[str] = set()
#: What is said where no key was taken, and where one was missed that is a token.
UNPROVEN = {401, 403}
NO_TOKEN = {"bad_jwt", "no_authorization"}
#: Code of an error -> what to mend.
HINTS = {
    "no_authorization": "the key was not taken; use the service_role key or an sb_secret_ key",
    "bad_jwt": "the key was not taken; use the service_role key or an sb_secret_ key",
    "not_admin": "this is not a service key; use the service_role key or an sb_secret_ key",
    "weak_password": "the project's password rules refuse it; loosen them, or let links be sent",
    "email_exists": "the address is taken, and no user with it is listed: look at its identities",
    "unexpected_failure": "if it stays so, the project's own database refuses the user: look at the"
    " triggers on auth.users",
}

T = TypeVar("T")


class Account(Struct):
    """A user there."""

    id: str
    email: str | None = None
    app_metadata: dict[str, Any] | None = None
    banned_until: str | None = None
    deleted_at: str | None = None

    @property
    def noted(self) -> dict[str, Any]:
        """What we noted of him."""
        return table((self.app_metadata or {}).get("recibo"))

    def is_at(self, email: str) -> bool:
        """He is the one who logs in with that address: not deleted, not of a company's log-in."""
        is_foreign = str((self.app_metadata or {}).get("provider")).startswith("sso:")
        return (self.email or "").lower() == email and not self.deleted_at and not is_foreign


class Page(Struct):
    users: list[Account]


class Link(Struct):
    action_link: str
    redirect_to: str = ""


class Problem(Struct):
    """An error's body, in either of its two forms."""

    code: int | str = ""
    error_code: str = ""


class Change(Struct, omit_defaults=True):
    """What is written of a user; nothing else of him changes."""

    app_metadata: dict[str, Any] = field(default_factory=dict)
    ban_duration: str = ""
    password: str = ""


def write(target: Target, account: Account, change: Change) -> Account:
    """The user as he is after a change."""
    path = f"admin/users/{account.id}"
    return read(call(target, "change", "PUT", path, content=encoded(change)), Account, "change")


def find_by_id(target: Target, user_id: str) -> Account | None:
    """The user with that id; none if he is deleted, or if the id is of another application's."""
    if not is_uuid(user_id):
        return None
    answer = ask_as_admin(target, "read", "GET", f"admin/users/{user_id}")
    if answer.status == 404 and code_of(answer):
        return None
    if not answer.is_success:
        raise refusal(answer, "read")
    account = read(answer, Account, "read")
    return None if account.deleted_at else account


def find_by_email(target: Target, email: str) -> Account | None:
    """The user who has exactly that address.

    ``filter`` gives all who have it somewhere in their address or name, and reads _ and % in it as
    wildcards.
    """
    return next((one for one in like(target, email) if one.is_at(email)), None)


def like(target: Target, email: str) -> Iterator[Account]:
    """All users who have something like that address, a page at a time."""
    for page in range(1, PAGES + 1):
        parameters = {"filter": email, "page": page, "per_page": PAGE}
        answer = call(target, "look up", "GET", "admin/users", params=parameters)
        if not (users := read(answer, Page, "look up").users):
            return
        yield from users


def call(target: Target, what: str, method: str, path: str, **request: Any) -> Answer:
    """A 2xx answer. Raises what another stands for."""
    answer = ask_as_admin(target, what, method, path, **request)
    if not answer.is_success:
        raise refusal(answer, what)
    return answer


def ask_as_admin(target: Target, what: str, method: str, path: str, **request: Any) -> Answer:
    """An answer, whatever its status, to a call with our key.

    A key of the newer kind is not a token and belongs in ``apikey`` alone, says the documentation;
    some projects want it as a bearer too (supabase/supabase issue 48288).
    """
    key = target.secret.strip()
    url = f"{base_url(target.url)}/auth/v1/{path}"
    is_bearer = not key.startswith(SECRET_KEY) or key in WANTED_TWICE
    answer = ask(target, f"Supabase, {what}", method, url, headers=keys(key, is_bearer), **request)
    if is_bearer or answer.status not in UNPROVEN or code_of(answer) not in NO_TOKEN:
        return answer
    answer = ask(target, f"Supabase, {what}", method, url, headers=keys(key, True), **request)
    if answer.status not in UNPROVEN:
        WANTED_TWICE.add(key)
    return answer


def keys(key: str, is_bearer: bool) -> dict[str, str]:
    """The headers that prove who we are. Raises DeniedError for what cannot be a key."""
    if not key or not key.isascii() or not key.isprintable():
        raise DeniedError("The secret of the application cannot be a key of Supabase")
    bearer = {"authorization": f"Bearer {key}"} if is_bearer else {}
    return {"apikey": key, "content-type": "application/json", **bearer}


def base_url(url: str) -> str:
    """The project's address, also where somebody gave that of its Auth."""
    return url.rstrip("/").removesuffix("/auth/v1")


def refusal(answer: Answer, what: str) -> AccessError:
    """The error that an answer stands for: a 404 of Auth itself is about the user."""
    if answer.status == 404 and code_of(answer):
        return RefusedError(described(answer, what))
    return failure(answer, described(answer, what))


def described(answer: Answer, what: str) -> str:
    """An answer in words of ours; theirs may repeat what we sent."""
    code = code_of(answer)
    hint = f": {HINTS[code]}" if code in HINTS else ""
    named = "" if code in {"", str(answer.status)} else f" {code}"
    return f"Supabase, {what}: {answer.status}{named}{hint}"


def code_of(answer: Answer) -> str:
    """Auth's own code of an error, or its number where it is too old to have any; "" if none.

    The header is in all newer versions; the body is in the form of the version that was asked for.
    """
    try:
        problem = msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = Problem()
    named = answer.response.headers.get("x-sb-error-code") or problem.error_code or problem.code
    return "".join(letter for letter in str(named) if letter.isalnum() or letter == "_")[:64]


def read(answer: Answer, shape: type[T], what: str) -> T:
    """The answer as it is documented. Raises UnavailableError where it is something else."""
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnavailableError(f"Supabase, {what}: {answer.status}, and no JSON we know") from None


def encoded(body: Any) -> bytes:
    return msgspec.json.encode(body)


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def table(value: Any) -> dict[str, Any]:
    """What somebody may have written over, if it still is a table."""
    return value if isinstance(value, dict) else {}

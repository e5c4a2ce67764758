"""Supabase Auth's admin API, as far as its source says how it behaves, with a memory.

Also on its own: ``python -m tests.access.supabase_server``. Source: supabase/auth, internal/api.
"""

import argparse
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from tests.access.troubled_server import Asked, Told, TroubledServer, serve_as_a_process

#: Keys of the older kind are tokens of three parts.
SERVICE_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2VydmljZQ"
ANON_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.YW5vbg"
SECRET_KEY = "sb_secret_N7UND0UgjKTVK"

SITE = "https://app.example.com"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
DURATION = re.compile(r"([\d.]+(ns|us|µs|ms|s|m|h))+")
USER = re.compile(r"/auth/v1/admin/users/([^/]+)")
#: How the newer version of the API asks for its errors.
VERSION = "2024-01-01"

TEXTS = {
    "email_exists": "A user with this email address has already been registered",
    "unexpected_failure": "Database error creating new user",
    "user_not_found": "User not found",
    "not_admin": "User not allowed",
    "no_authorization": "This endpoint requires a valid Bearer token",
}


class ProblemError(Exception):
    """What the API answers instead."""

    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(code)


@dataclass
class Account:
    """A user as the database keeps him."""

    id: str
    email: str
    password: str
    is_confirmed: bool = False
    app_metadata: dict[str, Any] = field(default_factory=dict)
    user_metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    banned_until: datetime | None = None
    deleted_at: datetime | None = None
    recovery: str = ""  # the token of the newest link

    @property
    def is_banned(self) -> bool:
        return self.banned_until is not None and self.banned_until > datetime.now(UTC)

    def shown(self) -> dict[str, Any]:
        """As the API shows him: what is empty is left out."""
        times = {
            "email_confirmed_at": self.created_at if self.is_confirmed else None,
            "banned_until": self.banned_until,
            "deleted_at": self.deleted_at,
        }
        return {
            "id": self.id,
            "aud": "authenticated",
            "role": "authenticated",
            "email": self.email,
            "phone": "",
            "app_metadata": self.app_metadata,
            "user_metadata": self.user_metadata,
            "identities": [],
            "created_at": stamp(self.created_at),
            **{name: stamp(at) for name, at in times.items() if at},
        }


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class SupabaseServer(TroubledServer):
    """A project. ``sb_secret_wants_bearer``: it takes keys of the newer kind for writing only as a
    bearer too. ``trigger_refuses``: a trigger on auth.users refuses new users.
    """

    def __init__(
        self,
        *,
        sb_secret_wants_bearer: bool = False,
        trigger_refuses: bool = False,
        redirects: tuple[str, ...] = (f"{SITE}/entrar",),
        shortest_password: int = 6,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.sb_secret_wants_bearer = sb_secret_wants_bearer
        self.trigger_refuses = trigger_refuses
        self.redirects = redirects
        self.shortest_password = shortest_password
        self.accounts: dict[str, Account] = {}  # by id, oldest first
        self.created: Counter[str] = Counter()  # how many users were made of an e-mail

    def enrol(self, email: str, password: str = "his own", **more: Any) -> Account:
        """A user who was there before Recibo came."""
        provided = {"provider": "email", "providers": ["email"]}
        account = Account(
            **{
                "id": str(uuid.uuid4()),
                "email": email,
                "password": password,
                "is_confirmed": True,
                "app_metadata": provided,
                **more,
            }
        )
        self.accounts[account.id] = account
        return account

    def account_of(self, email: str) -> Account:
        """The only one with that address."""
        (account,) = [one for one in self.accounts.values() if one.email == email]
        return account

    def may_log_in(self, email: str, password: str) -> bool:
        account = self.account_of(email)
        return account.password == password and account.is_confirmed and not account.is_banned

    def works(self, link: str) -> bool:
        """A link of recovery is its user's newest."""
        token = link.split("token=")[1].split("&")[0]
        return any(one.recovery == token for one in self.accounts.values())

    def answer_to(self, asked: Asked) -> Told:
        try:
            self.prove(asked)
            return self.route(asked)
        except ProblemError as problem:
            return self.problem(problem, asked.headers.get("x-supabase-api-version") == VERSION)

    def problem(self, problem: ProblemError, is_newer: bool) -> Told:
        code, text = problem.code, TEXTS.get(problem.code, problem.code)
        older = {"code": problem.status, "error_code": code, "msg": text}
        body = {"code": code, "message": text} if is_newer else older
        return Told(problem.status, body, {"x-sb-error-code": code})

    def prove(self, asked: Asked) -> None:
        """Let through whoever has a key of the service, in the headers that its kind needs."""
        key = asked.headers.get("apikey", "")
        bearer = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if not bearer and key != SECRET_KEY:
            raise ProblemError(401, "no_authorization")
        if ANON_KEY in {key, bearer}:
            raise ProblemError(403, "not_admin")
        if key not in {SERVICE_KEY, SECRET_KEY} or bearer not in {"", key}:
            raise ProblemError(403, "bad_jwt")
        if self.sb_secret_wants_bearer and not bearer and asked.method != "GET":
            raise ProblemError(403, "bad_jwt")

    def route(self, asked: Asked) -> Told:
        routes: dict[str, Callable[[Asked], Told]] = {
            "POST /auth/v1/admin/users": self.create,
            "GET /auth/v1/admin/users": self.list_users,
            "POST /auth/v1/admin/generate_link": self.link,
        }
        if route := routes.get(self.name_of(asked)):
            return route(asked)
        if match := USER.fullmatch(asked.path):
            return self.one(asked, match[1])
        return Told(404, {"message": "no Route matched with those values"})

    def create(self, asked: Asked) -> Told:
        wanted = json.loads(asked.body)
        email = wanted.get("email", "").lower()
        if not EMAIL.fullmatch(email) or len(email) > 255:
            raise ProblemError(400, "validation_failed")
        if any(one.email == email and not one.deleted_at for one in self.accounts.values()):
            raise ProblemError(422, "email_exists")
        password = wanted.get("password") or uuid.uuid4().hex
        self.check_password(password)
        if self.trigger_refuses:
            raise ProblemError(500, "unexpected_failure")
        self.created[email] += 1
        account = self.enrol(email, password, is_confirmed=wanted.get("email_confirm", False))
        account.app_metadata |= wanted.get("app_metadata", {})
        account.user_metadata |= wanted.get("user_metadata", {})
        return Told(200, account.shown())

    def check_password(self, password: str) -> None:
        if len(password.encode()) > 72:
            raise ProblemError(400, "validation_failed")
        if len(password) < self.shortest_password:
            raise ProblemError(422, "weak_password")

    def list_users(self, asked: Asked) -> Told:
        """Newest first. The filter is a LIKE with the wildcards of its text: _ and %."""
        pattern = asked.query.get("filter", "").replace("_", "?").replace("%", "*")
        like = [
            one
            for one in reversed(self.accounts.values())
            if fnmatchcase(one.email, f"*{pattern}*")
            or fnmatchcase(
                str(one.user_metadata.get("full_name", "")).lower(), f"*{pattern.lower()}*"
            )
        ]
        size = int(asked.query.get("per_page", "50"))
        start = (int(asked.query.get("page", "1")) - 1) * size
        users = [one.shown() for one in like[start : start + size]]
        return Told(
            200, {"users": users, "aud": "authenticated"}, {"x-total-count": str(len(like))}
        )

    def one(self, asked: Asked, user_id: str) -> Told:
        try:
            uuid.UUID(user_id)
        except ValueError:
            raise ProblemError(404, "validation_failed") from None
        if (account := self.accounts.get(user_id)) is None:
            raise ProblemError(404, "user_not_found")
        if asked.method == "PUT":
            self.change(account, json.loads(asked.body))
        if asked.method == "DELETE":
            del self.accounts[user_id]
        return Told(200, account.shown())

    def change(self, account: Account, wanted: dict[str, Any]) -> None:
        """Keys of metadata are merged, null removes one, and what is in a key is replaced."""
        if "password" in wanted:
            self.check_password(wanted["password"])
            account.password, account.recovery = wanted["password"], ""
        if "ban_duration" in wanted:
            account.banned_until = banned_until(wanted["ban_duration"])
        for name in ("app_metadata", "user_metadata"):
            kept = {**getattr(account, name), **wanted.get(name, {})}
            setattr(account, name, {key: value for key, value in kept.items() if value is not None})

    def link(self, asked: Asked) -> Told:
        wanted = json.loads(asked.body)
        found = [one for one in self.accounts.values() if one.email == wanted["email"].lower()]
        if not found:
            raise ProblemError(404, "user_not_found")
        account = found[0]
        account.recovery = uuid.uuid4().hex
        asked_for = wanted.get("redirect_to", "")
        redirect = asked_for if asked_for in self.redirects else SITE
        path = f"/auth/v1/verify?token={account.recovery}&type={wanted['type']}"
        more = {
            "action_link": f"{self.url}{path}&redirect_to={redirect}",
            "email_otp": "123456",
            "hashed_token": account.recovery,
            "verification_type": wanted["type"],
            "redirect_to": redirect,
        }
        return Told(200, {**account.shown(), **more})

    def memory(self) -> dict[str, Any]:
        shown = {
            one.id: {**one.shown(), "password": one.password, "is_banned": one.is_banned}
            for one in self.accounts.values()
        }
        return {"accounts": shown, "created": self.created}


def banned_until(duration: str) -> datetime | None:
    """As Go reads a duration: there are no days."""
    if duration == "none":
        return None
    if not DURATION.fullmatch(duration):
        raise ProblemError(400, "validation_failed")
    return datetime.now(UTC) + timedelta(hours=float(duration.removesuffix("h")))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--trigger-refuses", action="store_true")
    told = parser.parse_args()
    serve_as_a_process(SupabaseServer(port=told.port, trigger_refuses=told.trigger_refuses))


if __name__ == "__main__":
    main()

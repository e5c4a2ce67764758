"""The seller's own application, as docs/access.md wants it: one address, signed calls, a memory.

Also on its own: ``python -m tests.access.seller_application --secret whsec_…``.
"""

import argparse
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.access.troubled_server import Asked, Told, TroubledServer, serve_as_a_process

SECRET = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="


@dataclass
class Account:
    """A user as the application keeps him. ``access``: "active" or "blocked" for each access_id."""

    user_id: str
    email: str
    password: str = ""
    access: dict[str, str] = field(default_factory=dict)


class SellerApplication(TroubledServer):
    """Makes a user once for each e-mail, and does each webhook-id once.

    ``looks_up`` False: a careless one, that makes a user for every webhook-id it has not seen.
    ``makes_links``: it gives an address at which a new user sets his password.
    """

    def __init__(
        self,
        secret: str | bytes = SECRET,
        *,
        looks_up: bool = True,
        makes_links: bool = False,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.webhook = Webhook(secret)
        self.looks_up = looks_up
        self.makes_links = makes_links
        self.accounts: dict[str, Account] = {}  # by e-mail
        self.created: Counter[str] = Counter()  # how many users were made of an e-mail
        self.deliveries: Counter[str] = Counter()  # how often a webhook-id came
        self.done: dict[str, Told] = {}  # what a webhook-id was answered
        self.calls: list[dict[str, Any]] = []  # what was understood, repeats left out

    def enrol(self, email: str, password: str = "his own") -> Account:
        """A user who was there before Recibo came."""
        account = self.accounts[email] = Account(f"u{len(self.accounts) + 1}", email, password)
        return account

    def may_log_in(self, email: str, password: str) -> bool:
        account = self.accounts.get(email)
        if account is None or account.password != password:
            return False
        return "active" in account.access.values() or not account.access

    def name_of(self, asked: Asked) -> str:
        """Its type, however wrong the rest may be."""
        try:
            return str(json.loads(asked.body)["type"])
        except (ValueError, TypeError, KeyError):
            return super().name_of(asked)

    def answer_to(self, asked: Asked) -> Told:
        try:
            call = self.webhook.verify(asked.body, dict(asked.headers))
        except (WebhookVerificationError, ValueError):
            return Told(401, {"error": "signature"})
        key = asked.headers["webhook-id"]
        self.deliveries[key] += 1
        if key not in self.done:
            self.calls.append(call)
            self.done[key] = self.carry_out(call["type"], call["data"])
        return self.done[key]

    def carry_out(self, kind: str, told: dict[str, Any]) -> Told:
        acts = {
            "user.create": self.create,
            "user.block": self.block,
            "user.unblock": self.unblock,
            "user.reset": self.reset,
        }
        return acts[kind](told) if kind in acts else Told(204)

    def create(self, told: dict[str, Any]) -> Told:
        account = self.accounts.get(told["email"]) if self.looks_up else None
        is_new = account is None
        if account is None:
            self.created[told["email"]] += 1
            account = self.enrol(told["email"], told.get("password", ""))
        account.access[told["access_id"]] = "active"
        return Told(200, {"user_id": account.user_id, "created": is_new, **self.links(account)})

    def links(self, account: Account) -> dict[str, str]:
        """Where he gets in."""
        if not self.makes_links:
            return {}
        return {
            "password_url": f"{self.url}/password/{account.user_id}",
            "login_url": f"{self.url}/login",
        }

    def block(self, told: dict[str, Any]) -> Told:
        return self.set_access(told, "blocked")

    def unblock(self, told: dict[str, Any]) -> Told:
        return self.set_access(told, "active")

    def set_access(self, told: dict[str, Any], state: str) -> Told:
        if (account := self.accounts.get(told["email"])) is not None:
            account.access[told["access_id"]] = state
        return Told(204)

    def reset(self, told: dict[str, Any]) -> Told:
        if (account := self.accounts.get(told["email"])) is None:
            return Told(422, {"error": "unknown user"})
        account.password = told.get("password", account.password)
        return Told(200, {"user_id": account.user_id, **self.links(account)})

    def memory(self) -> dict[str, Any]:
        return {
            "accounts": {email: asdict(account) for email, account in self.accounts.items()},
            "created": self.created,
            "deliveries": self.deliveries,
            "calls": self.calls,
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret", default=SECRET)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--careless", action="store_true")
    parser.add_argument("--links", action="store_true")
    told = parser.parse_args()
    serve_as_a_process(
        SellerApplication(
            told.secret, looks_up=not told.careless, makes_links=told.links, port=told.port
        )
    )


if __name__ == "__main__":
    main()

"""Hotmart's API as its documentation tells it, over a few sales and subscriptions in memory.

Its defaults hide what the real ones hide: statuses without a filter, and what is older than 30
days.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.recordings import recorded

Json = dict[str, Any]

PREFIX = "/payments/api/v1"
TOKEN_PATH = "/security/oauth/token"
HISTORY = f"{PREFIX}/sales/history"
USERS = f"{PREFIX}/sales/users"
COMMISSIONS = f"{PREFIX}/sales/commissions"
SUBSCRIPTIONS = f"{PREFIX}/subscriptions"
TRANSACTIONS = f"{SUBSCRIPTIONS}/transactions"
SWITCH = f"{SUBSCRIPTIONS}/switch-plan"

CLIENT_ID, SECRET = "cliente-ficticio", "segredo ficticio/+&"
NOW = datetime.now(UTC).replace(microsecond=0)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def whole(name: str, status: int, **headers: str) -> Canned:
    """A recording of an error as an answer."""
    return told(json.loads(recorded(f"hotmart/{name}").body), status, **headers)


def items_of(name: str) -> list[Json]:
    """The items of a recorded page."""
    found: list[Json] = json.loads(recorded(f"hotmart/{name}").body)["items"]
    return found


def sale(number: int, status: str = "APPROVED", *, at: datetime = NOW, **changes: Any) -> Json:
    """A sale of the history."""
    item = items_of("api-sales-history-page1")[1]
    item["buyer"]["email"] = f"comprador.{number}@example.com"
    item["purchase"] |= {
        "transaction": f"HP{number:010d}",
        "status": status,
        "order_date": milliseconds(at),
        "approved_date": milliseconds(at),
        "is_subscription": False,
        **changes,
    }
    return item


def subscription(
    number: int, status: str = "ACTIVE", *, at: datetime = NOW, **changes: Any
) -> Json:
    """A subscription of the list."""
    item = items_of("api-subscriptions-list-recorded")[1]
    item["subscriber"]["email"] = f"assinante.{number}@example.com"
    return item | {
        "subscriber_code": f"SUB{number:05d}",
        "status": status,
        "accession_date": milliseconds(at),
        "transaction": f"HP{number:010d}",
        **changes,
    }


def transaction_of(item: Json) -> str:
    found: str = item["purchase"]["transaction"]
    return found


class Hotmart:
    """The API on a server. Change ``sales`` and ``subscriptions`` as a test needs them."""

    def __init__(self, server: GatewayServer) -> None:
        self.server = server
        self.sales: list[Json] = []
        self.subscriptions: list[Json] = []
        self.tokens_given = 0
        self.good_tokens: set[str] = set()
        server.routes |= {
            f"POST {TOKEN_PATH}": self.token,
            HISTORY: self.proven(self.history),
            USERS: self.proven(self.users),
            COMMISSIONS: self.proven(self.commissions),
            TRANSACTIONS: self.proven(self.transactions),
            f"GET {SUBSCRIPTIONS}": self.proven(self.list_subscriptions),
        }

    @property
    def asked(self) -> list[Asked]:
        """What was asked for, but for tokens."""
        return [one for one in self.server.asked if one.path != TOKEN_PATH]

    @property
    def paths(self) -> list[str]:
        return [one.path.removeprefix(PREFIX) for one in self.asked]

    def credentials(self) -> dict[str, str]:
        return {"client_id": CLIENT_ID, "client_secret": SECRET, "auth_url": self.server.url}

    def token(self, asked: Asked) -> Canned:
        proof = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        wanted = {
            "grant_type": ["client_credentials"],
            "client_id": [CLIENT_ID],
            "client_secret": [SECRET],
        }
        if asked.query != wanted or asked.headers["authorization"] != f"Basic {proof}":
            return whole("api-error-401-unauthorized", 401)
        self.tokens_given += 1
        name = f"H4sIAAAA%2F{self.tokens_given}%3D"
        self.good_tokens.add(f"Bearer {name}")
        return told(json.loads(recorded("hotmart/api-oauth-token").body) | {"access_token": name})

    def proven(self, route: Callable[[Asked], Canned]) -> Callable[[Asked], Canned]:
        """A route that wants a token."""

        def answer(asked: Asked) -> Canned:
            if asked.headers.get("authorization") not in self.good_tokens:
                return whole("api-error-401-token-expired", 401)
            return route(asked)

        return answer

    def chosen(self, asked: Asked) -> list[Json]:
        """The sales that a question is about."""
        query = asked.query
        if "transaction" in query:
            return [one for one in self.sales if transaction_of(one) in query["transaction"]]
        statuses = query.get("transaction_status", ["APPROVED", "COMPLETE"])
        return [
            one
            for one in self.sales
            if one["purchase"]["status"] in statuses
            and is_within(one["purchase"]["order_date"], query, "start_date", "end_date")
            and one["buyer"]["email"] in query.get("buyer_email", [one["buyer"]["email"]])
        ]

    def history(self, asked: Asked) -> Canned:
        return page(asked, self.chosen(asked))

    def users(self, asked: Asked) -> Canned:
        return page(asked, map(users_of, self.chosen(asked)))

    def commissions(self, asked: Asked) -> Canned:
        return page(asked, map(commissions_of, self.chosen(asked)))

    def transactions(self, asked: Asked) -> Canned:
        """A transaction of each subscription's, by the time of its order."""
        query = asked.query
        listed = [
            one
            for one in self.sales
            if one["purchase"]["is_subscription"]
            and transaction_of(one) in query.get("transaction", [transaction_of(one)])
            and is_within(
                one["purchase"]["order_date"], query, "transaction_date", "end_transaction_date"
            )
        ]
        return page(asked, map(recurrence_of, listed))

    def list_subscriptions(self, asked: Asked) -> Canned:
        query = asked.query
        recently = str(milliseconds(datetime.now(UTC) - timedelta(days=30)))
        dated = {"accession_date": [recently], **query}
        listed = [
            one
            for one in self.subscriptions
            if one["accession_date"] >= int(dated["accession_date"][0])
            and is_listed_though_ended(one, query)
            and all(one[name] in query.get(name, [one[name]]) for name in FILTERS)
        ]
        return page(asked, listed)


FILTERS = ("status", "subscriber_code", "transaction")


def is_listed_though_ended(item: Json, query: Mapping[str, list[str]]) -> bool:
    """What ended is listed if it ended within the last 30 days, or as the filter says."""
    if not item["status"].startswith("CANCELLED"):
        return "cancelation_date" not in query
    recently = str(milliseconds(datetime.now(UTC) - timedelta(days=30)))
    dated = {"cancelation_date": [recently], **query}
    return is_within(item["end_accession_date"], dated, "cancelation_date", "end_cancelation_date")


def is_within(at: int, query: Mapping[str, list[str]], first: str, last: str) -> bool:
    """Whether a time is between two dates of a question, both included."""
    return int(query.get(first, ["0"])[0]) <= at <= int(query.get(last, ["9" * 15])[0])


def page(asked: Asked, found: Iterable[Json]) -> Canned:
    """One page, with a token for the next: there is none on the last."""
    rows = min(int(asked.query.get("max_results", ["50"])[0]), 500)
    token = asked.query.get("page_token", [""])[0]
    number = json.loads(base64.b64decode(token))["page"] if token else 1
    listed = list(found)
    start = (number - 1) * rows
    info: Json = {"results_per_page": rows, "total_results": len(listed)}
    if start + rows < len(listed):
        following = json.dumps({"rows": rows, "page": number + 1}).encode()
        info["next_page_token"] = base64.b64encode(following).decode()
    return told({"items": listed[start : start + rows], "page_info": info})


def users_of(item: Json) -> Json:
    """The participants of a sale."""
    found: Json = json.loads(recorded("hotmart/answer-buyer").body)
    found["transaction"] = transaction_of(item)
    found["users"][1]["user"]["email"] = item["buyer"]["email"].upper()
    return found


def commissions_of(item: Json) -> Json:
    """The shares in a sale."""
    found: Json = json.loads(recorded("hotmart/answer-sale-complete").body)["commissions"]
    return found | {"transaction": transaction_of(item)}


def recurrence_of(item: Json) -> Json:
    """What the transactions of subscriptions tell of a sale."""
    found: Json = json.loads(recorded("hotmart/answer-sale-complete").body)["recurrence"]
    code = "SUB" + transaction_of(item)[-5:]
    purchase = found["purchase"] | {"transaction": transaction_of(item)}
    return found | {"subscriber_code": code, "purchase": purchase}

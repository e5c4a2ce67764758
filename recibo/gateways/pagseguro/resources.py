"""One thing of PagSeguro's by its own id, with everything that is told of it.

Source: "Consultas", PagSeguro developers v1, and "Consultar pedido", "Consultar cobrança",
"Consultar assinatura", PagBank developers.
"""

from urllib.parse import quote

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import ApiError, NotFoundError, UnavailableError
from recibo.gateways.pagseguro import calls

#: The prefix of a v4 id -> where it is read, and what the answer is.
RESOURCES = {
    "ORDE": ("/orders/", "order"),
    "CHAR": ("/charges/", "charge"),
    "SUBS": ("/subscriptions/", "subscription"),
}

#: What the newer requests about subscriptions in XML are told apart by.
NEWER = {"Accept": "application/vnd.pagseguro.com.br.v3+xml;charset=ISO-8859-1"}
#: Where subscriptions in XML are read: those made on PagSeguro's page, and those of the newer kind.
PRE_APPROVALS = (("/v2/pre-approvals/", None), ("/pre-approvals/", NEWER))


class Resource(Struct):
    id: str


RESOURCE = msgspec.json.Decoder(Resource)


def read(api: Api, resource: str) -> RawRequest:
    """A v4 order, charge or subscription by its id, ORDE_, CHAR_ or SUBS_."""
    path, answer = RESOURCES[resource.partition("_")[0]]
    hosts = calls.hosts(api)
    host = hosts.subscriptions if answer == "subscription" else hosts.v4
    body = calls.call_v4(api, path + quote(resource, safe=""), host)
    if calls.read_json(RESOURCE, body).id != resource:
        raise UnavailableError(f"PagBank answered another {answer} than was asked for")
    return http.answer(answer, body)


def transaction(api: Api, code: str) -> RawRequest:
    """A legacy transaction by its own code, with everything that is told of it."""
    return calls.ask_legacy(api, f"/v3/transactions/{quote(code, safe='')}", "transaction")


def pre_approval(api: Api, code: str) -> RawRequest:
    """A legacy subscription by its own code. Raises NotFoundError where neither kind is it."""
    for path, headers in PRE_APPROVALS:
        try:
            return calls.ask_legacy(api, path + quote(code, safe=""), "pre-approval", headers)
        except ApiError as error:
            if not is_unknown(error):
                raise
    raise NotFoundError(f"PagSeguro has no subscription {code}", status=404)


def is_unknown(error: ApiError) -> bool:
    """Whether nothing of ours has this id: the XML API says so by 404 or by 400."""
    return error.status in {400, 404}

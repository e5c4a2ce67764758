"""What AppMax's APIs on this machine answer, and who asks them."""

import json

from tests.gateways.gateway_server import Canned, GatewayServer, told
from tests.recordings import recorded

KEY = "00000000-00000000-00000000-00000000"
TOKEN_PATH = "/oauth2/token"


def application_credentials(server: GatewayServer) -> dict[str, str]:
    """Those of an application, with a server that gives a token for them."""
    server.routes[TOKEN_PATH] = whole("appmax/api_v1_token")
    return {"client_id": "loja", "client_secret": "segredo", "auth_url": server.url}


def whole(name: str) -> Canned:
    """A recording as an answer: a body, or status, headers and body."""
    content = json.loads(recorded(name).body)
    if "http_status" not in content:
        return told(content)
    return Canned(
        content["http_status"], content.get("headers", {}), json.dumps(content["body"]).encode()
    )

"""A PagSeguro of its recordings: what it answers, and what it was asked."""

from tests.gateways.gateway_server import Canned
from tests.recordings import recorded

CREDENTIALS = {"email": "loja@example.com", "token": "token-ficticio"}


def recording(name: str, status: int = 200, **headers: str) -> Canned:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Canned(status, named, recorded(f"pagseguro/{name}").body)


def changed(name: str, *changes: tuple[str, str], status: int = 200) -> Canned:
    """A recording with some texts replaced; one that is not in it is an error of the test."""
    body = recorded(f"pagseguro/{name}", dict(changes)).body
    return Canned(status, {}, body)

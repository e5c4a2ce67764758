"""Where messages may go: not to this machine, nor its network, however a name leads there.

A name is resolved once, each address that it has is judged, and the connection is made to one that
was judged, so nobody can answer one thing to the judge and another to the caller.
"""

import ipaddress
import socket
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL = 500
#: Seconds to connect; what is left of the time for all of it, if that is less.
CONNECT = 5.0
#: IPv6 addresses that a translator turns into the IPv4 address at their end (RFC 6052, RFC 8215).
TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class AddressError(Exception):
    """Nothing is sent there. The message says why."""


class PrivateAddressError(AddressError):
    """A name leads to this machine or its network."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} leads to this machine or its own network: nothing is sent there unless"
            " RECIBO_ALLOW_PRIVATE_ADDRESSES=true."
        )


def known_url(text: str) -> str:
    """An address that messages may be sent to, as it goes over the wire. Raises AddressError."""
    text = text.strip()
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise AddressError(f"{text!r} is no address of the web.") from None
    schemes = {"https", "http"} if settings.RECIBO_ALLOW_PRIVATE_ADDRESSES else {"https"}
    if url.scheme not in schemes or not url.host or len(str(url)) > LONGEST_URL:
        raise AddressError(f"An address begins with https:// and a host, not {text!r}.")
    if not 0 < (url.port or 443) < 65_536:
        raise AddressError(f"A port is a number from 1 to 65535, not {url.port}.")
    if url.userinfo or url.fragment:
        raise AddressError("An address has neither a user nor a part after #: receivers verify us.")
    return str(url)


def require_public(url: str) -> None:
    """Raise AddressError at once for what would be refused at each delivery. A name that is not
    known yet passes.
    """
    host = httpx.URL(url).host
    try:
        addresses_of(host, 443)
    except httpcore.ConnectError:
        return


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host, all of them judged. Raises PrivateAddressError, ConnectError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} cannot be resolved") from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not settings.RECIBO_ALLOW_PRIVATE_ADDRESSES and not all(map(is_public, addresses)):
        raise PrivateAddressError(host)
    return addresses


def is_public(text: str) -> bool:
    """Whether an address is one of the internet, and so are those that it stands for."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return all(
        one.is_global and not one.is_multicast and not getattr(one, "is_site_local", False)
        for one in (address, *hidden(address))
    )


def hidden(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address may end up at."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    within = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in TRANSLATED):
        within.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in within if one is not None]


class Guarded(httpcore.NetworkBackend):
    """Connects to public addresses only, and lets nothing last longer than until ``end``.

    ``end``: by this process's monotonic clock.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self.backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  # ours is what is left
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises PrivateAddressError, ConnectError."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses_of(host, port):
            try:
                stream = self.backend.connect_tcp(
                    address, port, min(CONNECT, left(self.end)), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return Timed(stream, self.end)
        raise failure

    def sleep(self, seconds: float) -> None:
        """Wait, for a connection that is tried again."""
        self.backend.sleep(seconds)


class Timed(httpcore.NetworkStream):
    """A connection that ends in time, however slowly bytes drip in."""

    def __init__(self, stream: httpcore.NetworkStream, end: float) -> None:
        self.stream = stream
        self.end = end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Some bytes. Raises ReadTimeout."""
        return self.stream.read(max_bytes, left(self.end))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Send bytes. Raises WriteTimeout."""
        self.stream.write(buffer, left(self.end))

    def close(self) -> None:
        """Hang up."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """The same, encrypted; the certificate must be of the name, not of the address."""
        return Timed(self.stream.start_tls(ssl_context, server_hostname, left(self.end)), self.end)

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self.stream.get_extra_info(info)


def left(end: float) -> float:
    """Seconds until ``end``. Raises ReadTimeout where there are none."""
    if (seconds := end - time.monotonic()) <= 0:
        raise httpcore.ReadTimeout("no answer in time")
    return seconds

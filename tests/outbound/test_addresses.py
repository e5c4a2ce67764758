"""No message goes to this machine or its network, however its name leads there."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from recibo.outbound import addresses, wire
from recibo.outbound.addresses import AddressError, PrivateAddressError, is_public, known_url
from tests.outbound.receivers import receiving

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # shared by a carrier's customers
    "169.254.169.254",  # metadata of clouds
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "200.147.3.157", "2606:4700::1111", "2001:4860::8888"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.fixture
def _closed(settings) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = False


@pytest.fixture
def _open(settings) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = True


def resolving(monkeypatch, *answers: list[str]) -> list[str]:
    """Names resolve to these, one answer after the other; gives the names that were asked for."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[tuple]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (family[ipaddress.ip_address(one).version], socket.SOCK_STREAM, 6, "", (one, port))
            for one in found
        ]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    return asked


@contextmanager
def connecting(monkeypatch):
    """Where connections would be made to."""
    made: list[str] = []

    def connect_tcp(self: object, host: str, port: int, *_: object) -> httpcore.NetworkStream:
        made.append(host)
        raise httpcore.ConnectError("not in a test")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect_tcp)
    yield made


@pytest.mark.usefixtures("_closed")
@pytest.mark.parametrize("address", PRIVATE)
def test_nothing_connects_to_a_private_address(monkeypatch, address: str) -> None:
    resolving(monkeypatch, [address.partition("%")[0]])
    with connecting(monkeypatch) as made:
        answer = wire.post("https://loja.example.com/", {}, b"{}")
    assert made == []
    assert answer.status is None
    assert "RECIBO_ALLOW_PRIVATE_ADDRESSES" in answer.error


@pytest.mark.usefixtures("_closed")
def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with connecting(monkeypatch) as made:
        wire.post("https://loja.example.com/", {}, b"{}")
    assert made == []


@pytest.mark.usefixtures("_closed")
def test_the_connection_is_made_to_the_address_that_was_judged(monkeypatch) -> None:
    """A name that answers otherwise when it is asked again leads nowhere else."""
    asked = resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    with connecting(monkeypatch) as made:
        wire.post("https://loja.example.com/", {}, b"{}")
    assert asked == ["loja.example.com"]
    assert made == ["8.8.8.8"]


@pytest.mark.usefixtures("_closed")
def test_the_next_address_is_tried_where_one_does_not_answer(monkeypatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "8.8.4.4"])
    with connecting(monkeypatch) as made:
        wire.post("https://loja.example.com/", {}, b"{}")
    assert made == ["8.8.8.8", "8.8.4.4"]


@pytest.mark.usefixtures("_closed")
@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://2130706433:{port}/"])
def test_a_server_on_this_machine_hears_nothing(url: str) -> None:
    with receiving() as receiver:
        answer = wire.post(url.format(port=receiver.server_port), {"webhook-id": "1"}, b"{}")
    assert answer.status is None
    assert receiver.received == []


@pytest.mark.usefixtures("_open")
def test_it_hears_all_where_that_is_allowed() -> None:
    with receiving() as receiver:
        answer = wire.post(receiver.url, {"webhook-id": "1"}, b"{}")
    assert answer.status == 204
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("_closed")
@pytest.mark.parametrize(
    "url",
    [
        "http://loja.example.com/",
        "ftp://loja.example.com/",
        "https://",
        "loja.example.com",
        "https://user:secret@loja.example.com/",
        "https://loja.example.com/#part",
        "https://[::1",
        "https://loja.example.com/" + "x" * 500,
        "",
        "https://loja.example.com:99999/",
    ],
)
def test_what_is_no_address_for_messages_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        known_url(url)


@pytest.mark.usefixtures("_closed")
def test_an_address_is_written_as_it_goes_over_the_wire() -> None:
    assert known_url(" https://ação.example.com/caminho?x=1 ") == (
        "https://xn--ao-siap.example.com/caminho?x=1"
    )


@pytest.mark.usefixtures("_open")
def test_http_is_for_networks_that_are_allowed() -> None:
    assert known_url("http://10.0.0.1:8000/hook") == "http://10.0.0.1:8000/hook"


@pytest.mark.usefixtures("_closed")
def test_an_address_of_this_machine_is_refused_at_once(monkeypatch) -> None:
    with pytest.raises(PrivateAddressError):
        addresses.require_public("https://localhost/hook")


def test_a_name_that_nobody_knows_yet_passes_until_it_is_used(monkeypatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", unknown)
    addresses.require_public("https://nova.example.com/")
    answer = wire.post("https://nova.example.com/", {}, b"{}")
    assert "cannot be resolved" in answer.error


def certificate(name: str) -> tuple[bytes, bytes]:
    """A certificate of a name, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(names)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return (
        made.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, *form),
    )


@pytest.mark.usefixtures("_open")
@pytest.mark.parametrize(("host", "is_theirs"), [("loja.test", True), ("outra.test", False)])
def test_the_certificate_must_be_of_the_name_though_we_connect_to_an_address(
    monkeypatch, tmp_path, host: str, is_theirs: bool
) -> None:
    shown, key = certificate("loja.test")
    (tmp_path / "both.pem").write_bytes(shown + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    trusting = ssl.create_default_context(cadata=shown.decode())
    monkeypatch.setattr(wire, "trusted", lambda: trusting)
    with receiving() as receiver:
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
        resolving(monkeypatch, ["127.0.0.1"])
        answer = wire.post(f"https://{host}:{receiver.server_port}/", {"webhook-id": "1"}, b"{}")
    assert (answer.status == 204) is is_theirs
    assert len(receiver.received) == is_theirs


@pytest.mark.usefixtures("_open")
def test_nothing_lasts_longer_than_the_time_for_all_of_it(monkeypatch) -> None:
    """A server that takes the connection, and says nothing, or a byte now and then."""
    monkeypatch.setattr(wire, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hung: list[socket.socket] = []
        threading.Thread(target=lambda: hung.append(silent.accept()[0]), daemon=True).start()
        began = time.monotonic()
        answer = wire.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}, b"{}")
    assert "Timeout" in answer.error
    assert time.monotonic() - began < 2
    for one in hung:
        one.close()


@pytest.mark.usefixtures("_open")
@pytest.mark.parametrize("value", ["²", "soon", "-5", "99999999999", ""])
def test_a_strange_retry_after_breaks_nothing(value: str) -> None:
    from tests.outbound.receivers import Reply

    with receiving() as receiver:
        receiver.replies = [Reply(status=429, headers=(("retry-after", value),))]
        answer = wire.post(receiver.url, {"webhook-id": "1"}, b"{}")
    assert answer.status == 429
    assert answer.retry_after is None or answer.retry_after <= datetime.timedelta(days=1)

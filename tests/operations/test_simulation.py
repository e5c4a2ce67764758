"""Simulated webhooks, received by a real HTTP server that judges them as Recibo does."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from recibo.gateways.contract import RawRequest, Sale
from recibo.gateways.errors import UnprovenError
from recibo.gateways.hotmart import HOTMART
from recibo.gateways.registry import GATEWAYS
from recibo.operations import simulation
from recibo.operations.simulation import Simulation, UnknownSampleError, UnreachableError

SECRET = b"hottok-for-simulations"


class Gate(ThreadingHTTPServer):
    """Takes webhooks and remembers them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[RawRequest] = []
        self.paths: set[str] = set()
        self.statuses: list[int] = []  # answers to the first ones, oldest last; then 200
        self.seconds = 0.0  # that an answer takes
        self.inside = self.most_inside = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Gate
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        headers = {name.lower().encode(): value.encode() for name, value in self.headers.items()}
        body = self.rfile.read(int(self.headers["content-length"]))
        gate = self.server
        with gate.lock:
            path, _, query = self.path.partition("?")
            gate.requests.append(RawRequest(headers, body, query.encode()))
            gate.paths.add(path)
            gate.inside += 1
            gate.most_inside = max(gate.most_inside, gate.inside)
            status = gate.statuses.pop() if gate.statuses else 200
        time.sleep(gate.seconds)
        with gate.lock:
            gate.inside -= 1
        self.answer(status)

    def answer(self, status: int) -> None:
        if status == 0:  # hang up
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sending(gate: Gate, event: str = "purchase-approved", *, is_live: bool = False) -> Simulation:
    return Simulation(
        gateway=HOTMART,
        sample=simulation.sample_of(HOTMART, event),
        url=simulation.address(gate.url, "hotmart"),
        secret=SECRET,
        is_live=is_live,
    )


def test_a_sample_is_sent_as_it_is_with_its_query_its_headers_and_its_bytes(gate):
    def sample(sale: Sale) -> RawRequest:
        form = {b"content-type": b"application/x-www-form-urlencoded"}
        return RawRequest(form, b"code=9&type=\xe7", b"id=9&topic=payment")

    def sign(request: RawRequest, secret: bytes) -> RawRequest:
        assert abs(request.received_at - datetime.now(UTC)) < timedelta(minutes=1)
        return replace(request, query=request.query + b"&token=" + quote(secret).encode())

    odd = replace(HOTMART, sign=sign, samples={"odd": sample})
    for url in (gate.url, f"{gate.url}/api/webhooks/hotmart/loja-2?via=proxy"):
        whole = simulation.address(url, "hotmart")
        sent = Simulation(gateway=odd, sample=sample, url=whole, secret=b"a b%")
        assert simulation.run(sent, simulation.sales(1)).is_clean

    first, second = gate.requests
    assert first.body == b"code=9&type=\xe7"
    assert first.headers[b"content-type"] == b"application/x-www-form-urlencoded"
    assert first.query == b"id=9&topic=payment&token=a%20b%25"
    assert second.query == b"via=proxy&" + first.query
    assert gate.paths == {"/api/webhooks/hotmart", "/api/webhooks/hotmart/loja-2"}


def test_a_simulation_does_not_show_its_secret(gate):
    assert SECRET.decode() not in repr(sending(gate))


def run(gate: Gate, event: str = "purchase-approved", count: int = 1, **options: str):
    return simulation.run(sending(gate, event), simulation.sales(count, **options))


def event_ids(gate: Gate) -> list[str]:
    return [HOTMART.identify(request).event_id for request in gate.requests]


def charge_ids(gate: Gate) -> list[str]:
    return [HOTMART.identify(request).charge_id for request in gate.requests]


@pytest.mark.parametrize(
    ("slug", "event"), [(slug, name) for slug, one in GATEWAYS.items() for name in one.samples]
)
def test_every_sample_is_signed_marked_and_read_as_what_it_is_listed_as(gate, slug, event):
    gateway = GATEWAYS[slug]
    sent = replace(sending(gate), gateway=gateway, sample=gateway.samples[event])
    tally = simulation.run(sent, simulation.sales(1))

    [request] = gate.requests
    request = replace(request, received_at=datetime.now(UTC))
    with contextlib.suppress(UnprovenError):  # nothing in it could prove a real one either
        gateway.verify(request, [SECRET])
    assert request.headers[b"x-recibo-simulation"] == b"1"
    listed = {one.name: one.gateway_event for one in simulation.listed(gateway)}
    assert gateway.identify(request).gateway_event == listed[event]
    assert gate.paths == {"/api/webhooks/hotmart"}
    assert tally.is_clean


def test_a_live_one_carries_no_mark(gate):
    simulation.run(sending(gate, is_live=True), simulation.sales(1))

    [request] = gate.requests
    HOTMART.verify(request, [SECRET])
    assert b"x-recibo-simulation" not in request.headers


@pytest.mark.parametrize("word", ["PURCHASE_APPROVED", "purchase_approved", "Purchase-Approved"])
def test_an_event_goes_by_its_name_and_by_the_gateways_word_in_any_case(word):
    assert simulation.sample_of(HOTMART, word) is HOTMART.samples["purchase-approved"]


def test_an_unknown_event_is_answered_with_those_that_there_are():
    with pytest.raises(UnknownSampleError, match=r"purchase-approved, .*cart-abandonment"):
        simulation.sample_of(HOTMART, "purchase-levitated")


def test_every_webhook_of_every_run_tells_of_another_sale(gate):
    for _ in range(3):
        assert run(gate, count=40).answers == {"200": 40}

    assert len(set(event_ids(gate))) == 120
    assert len(set(charge_ids(gate))) == 120


def test_a_reference_ties_several_events_to_one_sale(gate):
    run(gate, "purchase-approved", reference="HP777")
    run(gate, "purchase-refunded", reference="HP777")

    assert charge_ids(gate) == ["HP777", "HP777"]
    assert len(set(event_ids(gate))) == 2
    buyers = {request.body.split(b'"email":"')[1].split(b'"')[0] for request in gate.requests}
    assert len(buyers) == 1


def test_the_same_event_of_the_same_reference_is_a_repeat(gate):
    for _ in range(2):
        run(gate, reference="HP777")

    assert len(set(event_ids(gate))) == 1


def test_answers_are_counted_by_status(gate):
    gate.statuses = [401, 503, 503]

    tally = run(gate, count=10)

    assert tally.answers == {"200": 7, "401": 1, "503": 2}
    assert not tally.is_clean
    assert len(tally.waits) == 10


def test_a_connection_that_breaks_is_counted_and_the_others_go_on(gate):
    gate.statuses = [0, 200]  # the second one: the first is answered

    tally = run(gate, count=10)

    assert tally.answers == {"200": 9, "RemoteProtocolError": 1}
    assert not tally.is_clean


def test_nobody_there_is_an_error_at_once():
    gate = Gate()
    gate.server_close()

    with pytest.raises(UnreachableError, match=rf"127\.0\.0\.1:{gate.server_port}"):
        run(gate, count=1_000)


def test_an_address_that_cannot_be_is_nobodys(gate):
    broken = replace(sending(gate), url=f"{gate.url}/\n")

    with pytest.raises(UnreachableError, match="InvalidURL"):
        simulation.run(broken, simulation.sales(1))


def test_a_rate_is_kept(gate):
    began = time.monotonic()
    simulation.run(sending(gate), simulation.sales(6), rate=20)

    assert 0.25 <= time.monotonic() - began < 5


def test_many_are_sent_at_the_same_time_but_not_all(gate):
    gate.seconds = 0.05
    run(gate, count=100)

    assert 8 <= gate.most_inside <= simulation.CONCURRENCY


def test_each_answer_moves_the_bar(gate):
    answered = []
    simulation.run(sending(gate), simulation.sales(7), answered=lambda: answered.append(1))

    assert len(answered) == 7


@pytest.mark.parametrize(
    ("base", "whole"),
    [
        ("http://shop.example", "http://shop.example/api/webhooks/hotmart"),
        ("http://shop.example/", "http://shop.example/api/webhooks/hotmart"),
        ("https://shop.example/pay", "https://shop.example/pay/api/webhooks/hotmart"),
        ("http://shop.example/api/webhook-hotmart", "http://shop.example/api/webhook-hotmart"),
    ],
)
def test_an_address_is_completed_unless_it_is_whole(base, whole):
    assert simulation.address(base, "hotmart") == whole


def test_waits_are_percentiles_of_all():
    tally = simulation.Tally(waits=[number / 1000 for number in range(1, 101)])

    assert tally.wait(50) == pytest.approx(0.0505)
    assert tally.wait(99) == pytest.approx(0.09901)
    assert simulation.Tally(waits=[0.2]).wait(99) == 0.2
    assert simulation.Tally().wait(99) == 0

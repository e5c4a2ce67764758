"""The receiver from the wire to the row."""

import hashlib
import json
import threading
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from recibo.inbox import batch, bodies
from recibo.inbox.models import Event, EventBody, Refusal
from tests.inbox.serving import SECRET, SIMULATION_SECRET, Served, account, until

PAID = {"id": "evt_1", "event": "paid", "charge": "ch_1"}


def refusals(served: Served) -> list[tuple[str, str, str, int]]:
    served.receiver.refusals.flush()
    return list(Refusal.objects.values_list("gateway", "account", "reason", "times"))


def test_an_event_is_on_disk_once_it_is_answered(served: Served) -> None:
    answer = served.post(json=PAID)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert answer.headers["content-type"] == "application/json"
    event = Event.objects.get()
    assert event.gateway_event_id == "evt_1"
    assert event.gateway_charge_id == "ch_1"
    assert bytes(event.key) == hashlib.sha256(b"evt_1").digest()[:16]
    assert (event.status, event.source, event.event_type) == ("pending", "webhook", "charge.paid")
    assert (event.priority, event.duplicates) == (0, 0)
    assert abs(event.next_attempt_at - event.received_at) < timedelta(seconds=5)
    assert event.body.retention == "charge"


def test_a_repeated_delivery_is_answered_alike_and_counted(served: Served) -> None:
    answers = [served.post(json=PAID) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert Event.objects.get().duplicates == 2
    assert EventBody.objects.count() == 1


def test_the_same_id_in_another_account_is_another_event(served: Served) -> None:
    served.post(json=PAID)
    served.post("/api/webhooks/acme/other", json=PAID, headers={"X-Acme-Token": "other-s3cret"})

    assert sorted(Event.objects.values_list("account__name", flat=True)) == ["default", "other"]


def test_the_body_is_kept_byte_for_byte(served: Served) -> None:
    body = b'{"id": "evt_2",\r\n "event" : "paid", "note": "\xff\xfe\x00 S\xc3\xa3o"}\n\n'

    assert served.post(content=body).status_code == 200
    event = Event.objects.get()
    assert bytes(event.body.body) == body
    assert event.gateway_event_id == f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_headers_are_kept_without_those_that_carry_secrets(served: Served) -> None:
    headers = {
        "X-Acme-Token": SECRET,
        "X-Trace": "caf\xe9",
        "Cookie": "session=1",
        "Authorization": "Basic abc",
    }
    served.post(json=PAID, headers=[(k.encode(), v.encode("latin-1")) for k, v in headers.items()])

    kept = bytes(Event.objects.get().body.headers)
    assert b"x-trace: caf\xe9\n" in kept
    assert SECRET.encode() not in kept
    assert b"cookie" not in kept
    assert b"authorization" not in kept


def test_the_query_is_kept_without_its_token(served: Served) -> None:
    served.post("/api/webhooks/acme?a=1&token=hidden&b=2", json=PAID)

    assert bytes(Event.objects.get().body.query) == b"a=1&b=2"


@pytest.mark.parametrize(
    "path",
    ["/api/webhooks/acme/", "/api/webhooks/acme/default", "/api/acme-hook", "/api/acme-hook/"],
)
def test_every_address_of_the_account_leads_to_it(served: Served, path: str) -> None:
    assert served.post(path, json=PAID).status_code == 200
    assert Event.objects.get().account.name == "default"


@pytest.mark.parametrize(
    ("token", "error", "reason"),
    [
        (b"forged", "signature_invalid", "signature_invalid"),
        ("segrêdo".encode(), "signature_invalid", "signature_invalid"),
        (b"\xff\xfe", "signature_invalid", "signature_invalid"),
        (b"", "signature_missing", "signature_missing"),
        (b"other-s3cret", "signature_invalid", "other_account"),
    ],
)
def test_who_does_not_prove_itself_is_refused_and_noted(
    served: Served, token: bytes, error: str, reason: str
) -> None:
    answer = served.post(json=PAID, headers=[(b"x-acme-token", token)])

    assert (answer.status_code, answer.json()) == (401, {"error": error})
    assert refusals(served) == [("acme", "default", reason, 1)]
    assert not Event.objects.exists()


def test_a_request_without_a_token_is_refused(served: Served) -> None:
    answer = served.post(json=PAID, headers={})

    assert (answer.status_code, answer.json()) == (401, {"error": "signature_missing"})


def test_an_account_without_a_secret_believes_nobody(served: Served) -> None:
    answer = served.post("/api/webhooks/acme/bare", json=PAID, headers={"X-Acme-Token": "x"})

    assert (answer.status_code, answer.json()) == (401, {"error": "signature_invalid"})
    assert refusals(served) == [("acme", "bare", "not_configured", 1)]


def test_an_unknown_gateway_is_400_and_noted(served: Served) -> None:
    answer = served.post("/api/webhooks/acne", json=PAID)

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_gateway"})
    assert refusals(served) == [("acne", "", "invalid_gateway", 1)]


def test_no_gateway_at_all_is_400(served: Served) -> None:
    assert served.post("/api/webhooks", json=PAID).status_code == 400


def test_an_unknown_account_is_404_and_noted(served: Served) -> None:
    answer = served.post("/api/webhooks/acme/nobody", json=PAID)

    assert (answer.status_code, answer.json()) == (404, {"error": "account_not_found"})
    assert refusals(served) == [("acme", "nobody", "account_not_found", 1)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_allowed(served: Served, method: str) -> None:
    answer = httpx.request(method, f"http://127.0.0.1:{served.port}/api/webhooks/acme")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_other_addresses_are_not_the_receivers(served: Served) -> None:
    assert httpx.get(f"http://127.0.0.1:{served.port}/api/events").status_code == 204


def test_what_cannot_be_read_is_stored_for_a_person_to_see(served: Served) -> None:
    assert served.post(content=b'{"id": ').status_code == 200

    event = Event.objects.get()
    assert (event.gateway_event, event.event_type) == ("unreadable", "unknown")
    assert event.body.retention == "other"


def test_the_same_unreadable_bytes_are_one_event(served: Served) -> None:
    served.post(content=b"not json")
    served.post(content=b"not json")

    assert Event.objects.get().duplicates == 1


def test_a_bug_in_identify_loses_no_event(served: Served) -> None:
    answer = served.post(json=PAID, headers={"X-Acme-Token": SECRET, "X-Acme-Bug": "identify"})

    assert answer.status_code == 200
    assert Event.objects.get().gateway_event == "unreadable"


def test_a_bug_in_verify_lets_nobody_in(served: Served) -> None:
    answer = served.post(json=PAID, headers={"X-Acme-Token": SECRET, "X-Acme-Bug": "verify"})

    assert answer.status_code == 401
    assert not Event.objects.exists()


@pytest.mark.parametrize("secret", [SECRET, SIMULATION_SECRET])
def test_a_simulation_says_so_and_may_use_the_secret_of_simulations(
    served: Served, secret: str
) -> None:
    headers = {"X-Acme-Token": secret, "X-Recibo-Simulation": "1"}

    assert served.post(json=PAID, headers=headers).status_code == 200
    assert Event.objects.get().source == "simulate"


def test_the_secret_of_simulations_opens_no_door_to_real_money(served: Served) -> None:
    answer = served.post(json=PAID, headers={"X-Acme-Token": SIMULATION_SECRET})

    assert answer.status_code == 401


def test_letters_that_postgresql_cannot_hold_do_not_lose_the_event(served: Served) -> None:
    body = json.dumps({"id": "a\0b", "event": "paid", "charge": "x" * 9000})

    assert served.post(content=body).status_code == 200
    event = Event.objects.get()
    assert event.gateway_event_id == "ab"
    assert len(event.gateway_charge_id) == 500


def test_the_drain_is_nudged_after_the_commit(served: Served) -> None:
    served.post(json=PAID)

    until(lambda: served.nudges)


def test_a_refusal_names_whom_the_proxy_names(served: Served) -> None:
    served.post(json=PAID, headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})

    served.receiver.refusals.flush()
    assert Refusal.objects.get().remote_address == "198.51.100.7"


# Notices that nothing proves


def test_a_request_cannot_pass_for_something_that_we_fetched(served: Served) -> None:
    headers = {"X-Acme-Token": SECRET, "X-Recibo-Answer": "charge", "X-Recibo-At": "now"}
    assert served.post(json=PAID, headers=headers).status_code == 200
    assert b"x-recibo" not in bytes(EventBody.objects.get().headers)


def test_repeated_headers_are_joined(served: Served) -> None:
    headers = [("X-Acme-Token", SECRET), ("X-Twice", "a"), ("X-Twice", "b")]
    assert served.post(json=PAID, headers=headers).status_code == 200
    assert b"x-twice: a, b\n" in bytes(EventBody.objects.get().headers)


UNPROVEN = {"X-Acme-Unproven": "1"}


def test_what_nothing_proves_is_a_hint_whose_word_about_a_charge_is_not_taken(
    served: Served,
) -> None:
    answer = served.post(json=PAID, headers=UNPROVEN)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    event = Event.objects.get()
    assert (event.status, event.is_thin, event.gateway_charge_id) == ("processing", True, "")


def test_without_credentials_to_ask_with_it_is_refused(served: Served) -> None:
    answer = served.post("/api/webhooks/acme/other", json=PAID, headers=UNPROVEN)

    assert (answer.status_code, answer.json()) == (401, {"error": "signature_invalid"})
    assert not Event.objects.exists()


def test_a_flood_of_hints_is_told_to_come_later(served: Served) -> None:
    served.receiver.hints.left = 2.0
    served.receiver.hints.per_second = 0.0
    statuses = [
        served.post(json={**PAID, "id": f"evt_{n}"}, headers=UNPROVEN).status_code for n in range(4)
    ]
    assert statuses == [200, 200, 503, 503]
    assert served.post(json={**PAID, "id": "proven"}).status_code == 200
    until(lambda: refusals(served) == [("acme", "default", "unavailable", 2)])


def test_who_finds_no_room_is_counted_as_turned_away(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MOST_WAITING", 0)
    assert served.post(json=PAID).status_code == 503
    monkeypatch.setattr(bodies, "ROOM", 10)
    large = {**PAID, "filler": "x" * 300_000}
    assert served.post(json=large).status_code == 503
    until(lambda: refusals(served) == [("acme", "default", "unavailable", 2)])


def test_no_one_who_was_turned_away_is_lost_while_the_counts_are_taken() -> None:
    counts, taken = batch.TurnedAway(), Counter[int]()
    adding = threading.Thread(target=lambda: [counts.add([1, 2]) for _ in range(20_000)])
    adding.start()
    while adding.is_alive():
        taken.update(counts.take())
    adding.join()
    taken.update(counts.take())
    assert taken == {1: 20_000, 2: 20_000}


def test_a_simulation_of_what_nothing_proves_proves_itself_to_us(served: Served) -> None:
    marked = {**UNPROVEN, "X-Recibo-Simulation": "1"}
    path = "/api/webhooks/acme/other"  # which has no credentials to ask with
    ours = {**marked, "X-Recibo-Proof": SIMULATION_SECRET}
    assert served.post(path, json=PAID, headers=ours).status_code == 200
    assert Event.objects.get().source == "simulate"

    forged = {**marked, "X-Recibo-Proof": "guessed"}
    assert served.post(path, json=PAID, headers=forged).status_code == 401
    assert served.post(path, json=PAID, headers=marked).status_code == 401


def test_what_a_refused_request_names_is_handed_on_after_the_answer(served: Served) -> None:
    named: list[tuple[int, str]] = []
    served.receiver.refusals.named = named.extend
    for body in ({"id": "e1", "charge": "c1"}, {"id": "e2", "charge": "c1"}, {"id": "e3"}):
        assert served.post(json=body, headers={"X-Acme-Token": "wrong"}).status_code == 401
    served.post(json={"id": "e4", "charge": "c4"})
    until(lambda: named)
    assert named == [(account("default"), "c1")]

"""`Idempotency-Key`: sent twice, done once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from recibo.api import idempotency, tokens
from recibo.api.models import KeptAnswer
from recibo.billing import actions
from recibo.billing.models import Customer, Note
from recibo.journal.models import AuditEntry
from tests.api.conftest import bearer, sold


@pytest.fixture
def address(client) -> str:
    """Where notes are written."""
    sold(1)
    return f"/api/all/customers/{Customer.objects.get().pk}/notes"


def write(client, address: str, text: str = "Called us.", key: str = "k-1"):
    return client.post(
        address,
        {"text": text},
        content_type="application/json",
        headers={"idempotency-key": key},
    )


@pytest.mark.django_db
class TestKeys:
    def test_the_same_again_is_answered_as_before_and_not_done(self, client, address):
        first, second = write(client, address), write(client, address)
        assert (first.status_code, second.status_code) == (201, 201)
        assert second.content == first.content
        assert second.headers["Content-Type"] == first.headers["Content-Type"]
        assert "Idempotent-Replayed" not in first.headers
        assert second.headers["Idempotent-Replayed"] == "true"
        assert Note.objects.count() == 1
        assert AuditEntry.objects.filter(action="customer.note").count() == 1

    def test_without_a_key_every_request_is_done(self, client, address):
        for _ in range(2):
            client.post(address, {"text": "x"}, content_type="application/json")
        assert Note.objects.count() == 2
        assert not KeptAnswer.objects.exists()

    def test_another_request_under_the_same_key_is_refused(self, client, address):
        write(client, address)
        response = write(client, address, text="Something else.")
        assert response.status_code == 422
        assert list(response.json()["fields"]) == ["Idempotency-Key"]
        assert Note.objects.count() == 1

    def test_another_address_is_another_request(self, client, address):
        write(client, address)
        assert write(client, address.replace("/all/", "/hotmart/")).status_code == 422

    def test_keys_of_other_tokens_are_others(self, client, address):
        write(client, address)
        assert write(bearer(tokens.create("other")), address).status_code == 201
        assert Note.objects.count() == 2

    def test_what_was_not_done_frees_the_key(self, client, address):
        assert write(client, address, text="").status_code == 422
        assert write(client, address, text="Better.").status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 201, "chave-ç", "tab\there"])
    def test_a_key_that_is_none_is_an_error(self, client, address, key):
        assert write(client, address, key=key).status_code == 422
        assert not Note.objects.exists()

    def test_a_read_minds_no_key(self, client, address):
        for _ in range(2):
            response = client.get("/api/charges", headers={"idempotency-key": "k-1"})
            assert response.status_code == 200
        assert not KeptAnswer.objects.exists()

    def test_a_key_is_forgotten_after_a_day(self, client, address):
        write(client, address)
        KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
        assert write(client, address, text="Something else.").status_code == 201
        assert Note.objects.count() == 2

    def test_old_answers_are_cleaned(self, client, address):
        write(client, address, key="old")
        KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
        write(client, address, key="new")
        assert idempotency.clean() == 1
        assert [kept.key for kept in KeptAnswer.objects.all()] == ["new"]

    def test_no_token_no_key(self, client, address):
        response = write(bearer("wrong"), address)
        assert (response.status_code, response.json()["error"]) == (401, "unauthorized")

    def test_a_token_that_may_only_read_is_told_so(self, reader, address):
        assert write(reader, address).status_code == 403

    def test_a_file_that_is_streamed_is_made_anew(self, client, address):
        wish = {"kind": "charges", "format": "csv"}
        for _ in range(2):
            response = client.post(
                "/api/all/export", wish, "application/json", headers={"idempotency-key": "f"}
            )
            assert b"HP2000000001" in b"".join(response.streaming_content)
        assert AuditEntry.objects.filter(action="export.charges").count() == 2

    def test_an_order_that_is_registered_twice_is_one_and_answered_alike(self, client):
        wish = {"gateway": "hotmart", "reference": "PED-1", "amount": "10.00"}
        answers = [
            client.post("/api/orders", wish, "application/json", headers={"idempotency-key": "o"})
            for _ in range(2)
        ]
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert AuditEntry.objects.filter(subject="order:PED-1").count() == 1

    def test_an_act_that_calls_out_is_answered_as_before_too(self, client):
        answers = [
            client.post("/api/admin/process-provisioning", headers={"idempotency-key": "p"})
            for _ in range(2)
        ]
        assert [one.status_code for one in answers] == [200, 200]
        assert answers[1].headers["Idempotent-Replayed"] == "true"

    def test_while_nobody_knows_how_the_first_ended_the_second_is_refused(self, client):
        client.post("/api/admin/process-provisioning", headers={"idempotency-key": "p"})
        KeptAnswer.objects.update(status=None)
        again = client.post("/api/admin/process-provisioning", headers={"idempotency-key": "p"})
        assert again.status_code == 409


@pytest.mark.django_db(transaction=True)
class TestCrashes:
    def test_a_crash_before_the_answer_is_kept_leaves_nothing_done(
        self, client, address, monkeypatch
    ):
        def dies(*_args: object) -> None:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "keep", dies)
            with pytest.raises(SystemExit):
                write(client, address)
        assert not Note.objects.exists()
        assert write(client, address).status_code == 201
        assert Note.objects.count() == 1

    def test_two_at_once_are_done_once(self, client, address, monkeypatch):
        both = threading.Barrier(2)
        annotate = actions.annotate

        def slowly(*args: object, **kwargs: object) -> Note:
            with_other.wait(5)
            return annotate(*args, **kwargs)

        with_other = threading.Event()
        monkeypatch.setattr(actions, "annotate", slowly)
        answers = []

        def ask() -> None:
            both.wait(5)
            try:
                answers.append(write(client, address))
            finally:
                connection.close()

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        with_other.wait(0.3)
        with_other.set()
        for thread in threads:
            thread.join(10)
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[0].content == answers[1].content
        assert Note.objects.count() == 1

"""`/api/{gateway}/export` and `/api/exports/{id}`: files by the request and by a worker."""

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from recibo.api import tokens
from recibo.journal.models import AuditEntry
from recibo.operations import exports
from recibo.operations.models import Export
from tests.api.conftest import sold

JSON = "application/json"


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.RECIBO_HOME = tmp_path


def ask(client, gateway: str = "all", **wish: object):
    return client.post(f"/api/{gateway}/export", {"kind": "charges", "format": "csv", **wish}, JSON)


def content(response) -> str:
    return b"".join(response.streaming_content).decode()


@pytest.mark.django_db
class TestStreams:
    def test_a_small_export_is_the_answer(self, client):
        sold(2)
        response = ask(client)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="charges.csv"'
        assert len(content(response).splitlines()) == 3
        assert AuditEntry.objects.get(action="export.charges").actor == "token:tests"

    def test_a_semicolon_brings_the_comma_of_amounts(self, client):
        sold(1)
        assert "97,90" in content(ask(client, separator=";", bom=True))
        assert "97.90" in content(ask(client, separator=";", decimal="."))

    def test_json_lines(self, client):
        sold(1)
        response = ask(client, format="jsonl", kind="events")
        assert response.headers["Content-Type"] == "application/jsonl; charset=utf-8"
        assert '"gateway_event":"PURCHASE_APPROVED"' in content(response)

    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            ({"kind": "secrets"}, "kind"),
            ({"format": "xls"}, "format"),
            ({"separator": "x"}, "separator"),
            ({"separator": ",", "decimal": ","}, "decimal"),
            ({"columns": "id"}, "columns"),
        ],
    )
    def test_a_wish_that_cannot_be_met_is_an_error(self, client, wish, field):
        response = ask(client, **wish)
        assert response.status_code == 422
        assert list(response.json()["fields"]) == [field]

    def test_a_file_that_is_not_there(self, client):
        for address in ("/api/exports/999", "/api/exports/999/file"):
            assert client.get(address).status_code == 404


@pytest.mark.django_db(transaction=True)
class TestJobs:
    def test_a_job_has_a_link_when_it_is_done(self, client):
        sold(2)
        response = ask(client, as_job=True)
        assert response.status_code == 202
        asked = response.json()
        assert (asked["status"], asked["file"]) == ("queued", None)
        assert client.get(f"/api/exports/{asked['id']}/file").status_code == 404
        exports.write_all()
        done = client.get(f"/api/exports/{asked['id']}").json()
        assert (done["status"], done["rows"]) == ("done", 2)
        file = client.get(done["file"])
        assert content(file) == content(ask(client))
        assert "charges-" in file.headers["Content-Disposition"]

    def test_a_large_export_is_a_job_unasked(self, client, monkeypatch):
        monkeypatch.setattr(exports, "STREAMED", 2)
        sold(2)
        assert ask(client).status_code == 200
        sold(3)
        assert ask(client).status_code == 202

    def test_a_file_whose_time_is_over_is_not_there(self, client):
        asked = ask(client, as_job=True).json()
        exports.write_all()
        Export.objects.update(expires_at="2020-01-01T00:00Z")
        shown = client.get(f"/api/exports/{asked['id']}").json()
        assert (shown["status"], shown["file"]) == ("expired", None)
        assert client.get(f"/api/exports/{asked['id']}/file").status_code == 404

    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def test_an_asynchronous_server_gets_it_batch_by_batch(self, monkeypatch, kind):
        monkeypatch.setattr(exports, "BATCH", 2)
        sold(5)
        headers = {"authorization": f"Bearer {tokens.create('async')}"}

        async def pieces() -> list[bytes]:
            response = await AsyncClient().post(
                "/api/all/export", {"kind": "charges", "format": kind}, JSON, headers=headers
            )
            return [piece async for piece in response]

        found = async_to_sync(pieces)()
        assert len(found) == 4
        assert sum(piece.count(b"HP2") > 0 for piece in found) == 3

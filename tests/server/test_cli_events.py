"""``recibo events`` and ``recibo token``, on a real database."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from recibo.api import tokens
from recibo.billing.models import Charge
from recibo.gateways.contract import Sale
from recibo.gateways.hotmart import HOTMART
from recibo.inbox.models import Event, EventBody, Status
from recibo.journal.models import AuditEntry
from recibo.processing.drain import drain
from recibo.server.cli import app
from recibo.server.cli.errors import CommandError
from recibo.server.cli.times import moment
from tests.inboxes import received

pytestmark = pytest.mark.django_db

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


def invoke(*words: object, answer: str | None = None):
    return CliRunner().invoke(app, [str(word) for word in words], input=answer)


def loaded(*words: object):
    """What a script reads."""
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def sale(number: int = 1, event: str = "purchase-approved", *, at: datetime = AT) -> Event:
    return received(HOTMART.samples[event](Sale(number=number, at=AT)), at=at)


def failed(number: int, attempts: int = 4) -> Event:
    one = sale(number)
    Event.objects.filter(pk=one.pk).update(
        status=Status.FAILED, attempts=attempts, next_attempt_at=None, error="PayloadError: no id"
    )
    return one


def test_stats_count_by_status_and_by_gateway():
    sale(1)
    failed(2)

    none = {"processing": 0, "processed": 0, "ignored": 0}
    expected = {"total": 2, "pending": 1, "failed": 1, **none}
    assert loaded("events", "stats") == expected
    assert loaded("events", "stats", "--gateway", "hotmart") == expected
    assert "pending" in invoke("events", "stats").stdout


def test_an_unknown_gateway_is_answered_with_those_that_there_are():
    result = invoke("events", "stats", "--gateway", "hotmort")

    assert result.exit_code == 2
    assert re.search(r"There are: .*hotmart", result.stderr)


def test_the_list_has_the_newest_first_and_counts_all():
    first, second = sale(1), sale(2)

    listed = loaded("events", "list")
    assert [item["id"] for item in listed["items"]] == [second.pk, first.pk]
    assert listed["count"] == 2
    assert listed["items"][0]["gateway"] == "hotmart"
    assert listed["items"][0]["received_at"] == AT.isoformat()
    limited = loaded("events", "list", "--limit", 1)
    assert ([item["id"] for item in limited["items"]], limited["count"]) == ([second.pk], 2)


@pytest.mark.parametrize(
    "filters",
    [
        ["--status", "failed"],
        ["--type", "cart.abandoned"],
        ["--since", "2026-04-02"],
        ["--search", "HP2000000002"],
    ],
)
def test_the_list_can_be_narrowed(filters):
    sale(1)
    wanted = sale(2) if "--search" in filters else sale(2, "cart-abandonment", at=AT + timedelta(2))
    if "--status" in filters:
        Event.objects.filter(pk=wanted.pk).update(status=Status.FAILED)

    listed = loaded("events", "list", *filters)
    assert [item["id"] for item in listed["items"]] == [wanted.pk]


def test_a_status_that_is_none_is_refused():
    result = invoke("events", "list", "--status", "lost")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "pending, processing, processed, ignored, failed" in result.stderr


def test_strangers_texts_cannot_steer_the_terminal():
    one = failed(1)
    Event.objects.filter(pk=one.pk).update(error="\x1b[2Jgone [bold]x[/bold]")

    told = invoke("events", "list").stdout
    assert "\x1b" not in told
    assert "[bold]x[/bold]" in told


def test_one_event_is_shown_with_its_facts_its_tries_and_its_effects():
    one = sale()
    drain()

    told = invoke("events", "show", one.pk).stdout
    for wanted in ("PURCHASE_APPROVED", "ChargeFact", "HP2000000001", "new → paid", "attempts"):
        assert wanted in told
    shown = loaded("events", "show", one.pk)
    assert shown["status"] == "processed"
    assert json.loads(shown["body"])["event"] == "PURCHASE_APPROVED"
    assert any(fact["fact"] == "ChargeFact" for fact in shown["facts"])


def test_raw_gives_the_bytes_and_nothing_else():
    one = sale()

    assert invoke("events", "show", one.pk, "--raw").stdout_bytes == bytes(
        EventBody.objects.get(event=one).body
    )


def test_an_event_that_cannot_be_read_is_shown_with_the_reason():
    one = received(b"{not json \xff")

    assert "No facts: " in invoke("events", "show", one.pk).stdout
    assert loaded("events", "show", one.pk)["facts"] == []


def test_an_event_without_its_bytes_says_how_they_come_back():
    one = sale()
    EventBody.objects.filter(event=one).delete()

    assert "recibo events restore" in invoke("events", "show", one.pk).stdout
    raw = invoke("events", "show", one.pk, "--raw")
    assert (raw.exit_code, raw.stdout) == (2, "")


def test_an_event_that_there_is_not():
    result = invoke("events", "show", 404)

    assert result.exit_code == 2
    assert "There is no event 404" in result.stderr


def test_process_drains_what_is_pending():
    for number in range(3):
        sale(number)

    assert invoke("events", "process").stdout == "Processed 3 events\n"
    assert Charge.objects.filter(status="paid").count() == 3
    assert invoke("events", "process").stdout == "Processed 0 events\n"


def test_retry_failed_queues_those_with_tries_left():
    again, spent = failed(1), failed(2, attempts=5)

    result = invoke("events", "retry-failed")

    assert result.stdout.startswith("Found 1 failed events\n")
    again.refresh_from_db()
    spent.refresh_from_db()
    assert again.next_attempt_at is not None
    assert spent.next_attempt_at is None
    assert AuditEntry.objects.get().actor.startswith("cli:")


def test_retry_failed_takes_the_oldest_up_to_its_limit():
    ids = [failed(number).pk for number in range(3)]

    assert loaded("events", "retry-failed", "--limit", 2) == {"found": 2, "queued": 2}
    queued = Event.objects.filter(next_attempt_at__isnull=False)
    assert list(queued.order_by("pk").values_list("pk", flat=True)) == ids[:2]


def test_nothing_to_retry_is_no_error():
    result = invoke("events", "retry-failed")

    assert (result.exit_code, result.stdout) == (0, "Found 0 failed events\n")


def test_replay_says_what_would_change_and_asks():
    one = failed(1)

    result = invoke("events", "replay", one.pk, answer="n\n")

    assert result.exit_code == 1
    assert "new → paid" in result.stdout
    assert "1 events: 1 with an effect, 0 without" in result.stdout
    one.refresh_from_db()
    assert one.status == Status.FAILED
    assert not Charge.objects.exists()


def test_a_replay_that_is_agreed_to_tells_nobody_unless_told_to():
    one, two = failed(1), failed(2)

    assert invoke("events", "replay", one.pk, answer="y\n").exit_code == 0
    assert invoke("events", "replay", two.pk, "--with-messages", "--yes").exit_code == 0
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.status, one.silent) == (Status.PENDING, True)
    assert (two.status, two.silent) == (Status.PENDING, False)


def test_replay_chooses_by_gateway_and_time():
    sale(1)
    sale(2, at=AT + timedelta(days=2))
    drain()

    result = invoke("events", "replay", "--gateway", "hotmart", "--since", "2026-04-02", "--yes")

    assert "1 events: 0 with an effect, 1 without" in result.stdout
    assert Event.objects.filter(status=Status.PENDING).count() == 1


def test_replay_leaves_out_events_without_their_bytes():
    kept, archived = sale(1), sale(2)
    drain()
    EventBody.objects.filter(event=archived).delete()

    result = invoke("events", "replay", kept.pk, archived.pk, "--yes")

    assert "1 events are left out" in result.stderr
    archived.refresh_from_db()
    assert archived.status == Status.PROCESSED


@pytest.mark.parametrize("words", [[], ["1", "--gateway", "hotmart"], ["404"]])
def test_replay_wants_to_know_which(words):
    result = invoke("events", "replay", *words, "--yes")

    assert (result.exit_code, result.stdout) == (2, "")


@pytest.fixture
def _no_bodies(db: None) -> None:
    """Django flushes only the tables that it manages."""
    EventBody.objects.all().delete()


@pytest.mark.usefixtures("_no_bodies")
def test_clean_archives_and_restore_reads_back(tmp_path):
    one = sale()
    drain()
    before = loaded("events", "show", one.pk)["body"]

    assert loaded("events", "clean", "--archive", tmp_path) == {"cleaned": 0}
    result = invoke("events", "clean", "--days", 0, "--archive", tmp_path)
    assert result.stdout == f"Cleaned 1 events, kept in {tmp_path}\n"
    assert loaded("events", "show", one.pk)["body"] is None
    expected = {"restored": 1, "present": 0, "unknown": 0, "damaged": 0}
    assert loaded("events", "restore", tmp_path) == expected
    assert loaded("events", "show", one.pk)["body"] == before


@pytest.mark.usefixtures("_no_bodies")
def test_damage_in_an_archive_is_an_exit_code(tmp_path):
    (tmp_path / "events-1.jsonl.gz").write_bytes(b"no gzip")
    result = invoke("events", "restore", tmp_path)

    assert result.exit_code == 1
    assert "1 lines are damaged" in result.stdout


def test_a_folder_without_archives_is_a_mistake(tmp_path):
    result = invoke("events", "restore", tmp_path)

    assert (result.exit_code, result.stdout) == (2, "")
    assert str(tmp_path) in result.stderr


def test_a_token_is_all_that_create_prints():
    token = invoke("token", "create", "erp", "--read-only", "--expires", "90d").stdout.rstrip("\n")

    found = tokens.find(token)
    assert found is not None
    assert (found.name, found.read_only) == ("erp", True)
    assert timedelta(days=89) < found.expires_at - datetime.now(UTC) < timedelta(days=91)
    assert token not in invoke("token", "list").stdout
    assert AuditEntry.objects.get().action == "token.create"


def test_tokens_are_listed_for_scripts():
    invoke("token", "create", "erp")

    [row] = loaded("token", "list")
    assert (row["name"], row["read_only"], row["expires_at"]) == ("erp", False, None)


def test_a_revoked_token_is_nobodys():
    token = invoke("token", "create", "erp").stdout.strip()

    assert invoke("token", "revoke", "erp").exit_code == 0
    assert tokens.find(token) is None
    assert invoke("token", "revoke", "erp").exit_code == 2


@pytest.mark.parametrize("words", [["erp"], ["other", "--expires", "soon"]])
def test_a_token_that_cannot_be_made_is_a_sentence(words):
    invoke("token", "create", "erp")
    result = invoke("token", "create", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-01", datetime(2026, 4, 1, 3, tzinfo=UTC)),  # midnight in São Paulo
        ("2026-04-01T18:30", datetime(2026, 4, 1, 21, 30, tzinfo=UTC)),
        ("2026-04-01T18:30+00:00", datetime(2026, 4, 1, 18, 30, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_moment_is_in_the_sellers_zone(text, expected):
    assert moment("--since", text) == expected


def test_a_moment_may_be_that_long_ago():
    assert abs(moment("--since", "2h") - (datetime.now(UTC) - timedelta(hours=2))) < timedelta(
        seconds=5
    )


def test_a_moment_that_is_none_names_its_option():
    with pytest.raises(CommandError, match="--since must read like"):
        moment("--since", "yesterday")

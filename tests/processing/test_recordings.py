"""Every recording of every gateway goes through the door and the fold, twice, with one effect."""

import pytest

from recibo.accounts.models import Account
from recibo.gateways.contract import ANSWER, RawRequest
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Event, Source, Status
from recibo.processing.drain import drain
from recibo.work.sql import execute
from tests.gateways.expectations import expected_of
from tests.processing.test_any_order import STATE
from tests.recordings import names, recorded

pytestmark = pytest.mark.django_db


def deliveries(slug: str) -> dict[str, RawRequest]:
    """What enters the inbox: webhooks as they came, and answers as they are fetched."""
    expected = expected_of(slug)
    found = {name: recorded(name) for name in names(slug) if name not in expected.not_webhooks}
    for name, resource in expected.answers.items():
        notes = expected.notes.get(name, {})
        headers = {f"x-recibo-{note}".encode(): text.encode() for note, text in notes.items()}
        found[name] = RawRequest({ANSWER: resource.encode(), **headers}, recorded(name).body)
    return found


def stored(slug: str) -> dict[str, Event]:
    """The events of all deliveries, each stored by itself."""
    account = Account.objects.get(gateway=slug, name=Account.DEFAULT)
    ids = {
        name: store(account, [request], Source.WEBHOOK)[0]
        for name, request in deliveries(slug).items()
    }
    return {name: Event.objects.get(pk=pk) for name, pk in ids.items()}


def state() -> list[list[dict]]:
    return [execute(question) for question in STATE]


@pytest.mark.parametrize("slug", GATEWAYS)
def test_every_recording_is_settled_as_its_reference_says(slug: str) -> None:
    events = stored(slug)
    drain()
    expected = expected_of(slug)
    for name, event in events.items():
        event.refresh_from_db()
        assert event.status == status_of(name, event, expected), (name, event.status, event.error)


def status_of(name: str, event: Event, expected) -> Status:
    if event.is_thin:
        return Status.PROCESSING
    if name in expected.fails:
        return Status.FAILED
    return Status.IGNORED if name in expected.ignored else Status.PROCESSED


@pytest.mark.parametrize("slug", GATEWAYS)
def test_every_recording_twice_in_a_row_has_one_effect(slug: str) -> None:
    stored(slug)
    drain()
    once, events = state(), Event.objects.count()
    stored(slug)
    drain()
    assert state() == once
    assert Event.objects.count() == events

"""What services tell is kept once, whatever the order, and by the right message."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recibo.messaging.actions import try_again
from recibo.messaging.delivery.actions import apply
from recibo.messaging.delivery.contract import DeliveryEvent
from recibo.messaging.models import Channel, Message, MessageStatus, Suppression

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ANA = "Ana.Souza@example.com"
DELIVERED, BOUNCED, FAILED = MessageStatus.DELIVERED, MessageStatus.BOUNCED, MessageStatus.FAILED
Reason = Suppression.Reason


def message(**changes: Any) -> Message:
    """A message that went out."""
    return Message.objects.create(
        **{
            "key": "welcome_credentials:access:9:email",
            "channel": Channel.EMAIL,
            "kind": "welcome_credentials",
            "to": ANA,
            "status": MessageStatus.SENT,
            "provider_id": "p1",
            "message_id": "<4f1c0e@escola.example.com>",
            "created_at": NOON,
            "sent_at": NOON,
            **changes,
        }
    )


def queued(**changes: Any) -> Message:
    """A message whose sender died before it wrote down that the service took it."""
    return message(
        **{
            "status": MessageStatus.QUEUED,
            "provider_id": "",
            "sent_at": None,
            "sealed": b"the password",
            "next_attempt_at": NOON,
            "claimed_until": NOON,
            **changes,
        }
    )


def event(status: MessageStatus | None = DELIVERED, **changes: Any) -> DeliveryEvent:
    return DeliveryEvent(
        **{
            "channel": Channel.EMAIL,
            "at": NOON + timedelta(seconds=30),
            "status": status,
            "provider_id": "p1",
            **changes,
        }
    )


def kept(found: Message) -> dict[str, Any]:
    """The row as it is now."""
    return Message.objects.filter(pk=found.pk).values().get()


def by_key(**changes: Any) -> dict[str, Any]:
    """What an event brings back of a message whose id at the service we never learnt."""
    return {
        "provider_id": "p9",
        "key": "welcome_credentials:access:9:email",
        "mark": "4f1c0e",
        **changes,
    }


def test_a_message_that_arrived_says_when():
    found = message()
    apply([event()])
    found.refresh_from_db()
    assert (found.status, found.delivered_at) == (DELIVERED, NOON + timedelta(seconds=30))
    assert found.sent_at == NOON


def test_a_message_that_came_back_says_why_and_its_address_is_not_written_to():
    found = message()
    apply([event(BOUNCED, suppression=Reason.BOUNCED, detail="550 5.1.1", address="other@x.org")])
    found.refresh_from_db()
    assert (found.status, found.error) == (BOUNCED, "550 5.1.1")
    one = Suppression.objects.get(address="ana.souza@example.com")
    assert (one.channel, one.reason, one.at) == ("email", "bounced", NOON + timedelta(seconds=30))


EVENTS = [
    event(DELIVERED),
    event(DELIVERED, at=NOON + timedelta(seconds=10)),
    event(FAILED, detail="mailbox full"),
    event(BOUNCED, detail="550 5.1.1", at=NOON + timedelta(minutes=1), suppression=Reason.BOUNCED),
    event(DELIVERED, at=NOON + timedelta(minutes=2), suppression=Reason.COMPLAINED),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
@pytest.mark.parametrize("is_batch", [True, False])
def test_neither_order_nor_repetition_matters(order, is_batch):
    found = message()
    told = [EVENTS[place] for place in (*order, *order)]
    for batch in [told] if is_batch else [[one] for one in told]:
        apply(batch)

    found.refresh_from_db()
    assert (found.status, found.error) == (BOUNCED, "550 5.1.1")
    assert found.delivered_at == NOON + timedelta(seconds=10)
    assert sorted(Suppression.objects.values_list("reason", flat=True)) == ["bounced", "complained"]


def test_a_mailbox_that_was_full_and_then_took_it_has_it():
    found = message()
    apply([event(FAILED, detail="mailbox full")])
    apply([event(DELIVERED)])
    found.refresh_from_db()
    assert (found.status, found.error) == (DELIVERED, "")


def test_the_same_again_writes_nothing(django_assert_num_queries):
    message()
    apply([event()])
    with django_assert_num_queries(3):  # a savepoint, the rows, its release
        apply([event()])


def test_a_batch_is_one_write(django_assert_max_num_queries):
    for number in range(20):
        message(key=f"k{number}", provider_id=f"id{number}")
    told = [event(provider_id=f"id{number}") for number in range(20)]
    with django_assert_max_num_queries(5):
        apply(told)
    assert Message.objects.filter(status=DELIVERED).count() == 20


def test_a_message_whose_sender_died_is_not_sent_again():
    found = queued()
    apply([event(**by_key())])

    found.refresh_from_db()
    assert (found.status, found.provider_id) == (DELIVERED, "p9")
    assert found.sent_at == NOON + timedelta(seconds=30)
    assert (bytes(found.sealed), found.next_attempt_at, found.claimed_until) == (b"", None, None)


@pytest.mark.parametrize(
    "changes",
    [
        by_key(mark="another installation's"),
        by_key(key="welcome_credentials:access:8:email"),
        by_key(key="", mark=""),
        {"provider_id": ""},
        {"provider_id": "", "mark": "4f1c0e"},
        by_key(channel=Channel.WHATSAPP),
    ],
)
def test_what_is_about_another_message_changes_none(changes):
    found = queued()
    before = kept(found)
    apply([event(**changes)])
    assert kept(found) == before


def test_an_earlier_try_that_the_service_knows_by_another_id_changes_nothing():
    found = message()
    apply([event(BOUNCED, **by_key(provider_id="p0"))])
    found.refresh_from_db()
    assert found.status == MessageStatus.SENT


def test_whatsapp_is_known_by_the_key_alone():
    found = queued(channel=Channel.WHATSAPP, to="+5531987654321")
    bounced = by_key(mark="", channel=Channel.WHATSAPP, suppression=Reason.BOUNCED)
    apply([event(BOUNCED, **bounced)])
    found.refresh_from_db()
    assert found.status == BOUNCED
    assert Suppression.objects.get().address == "+5531987654321"


def test_what_was_never_sent_stays_so():
    found = message(status=MessageStatus.SKIPPED, error="no longer wanted", sent_at=None)
    before = kept(found)
    apply([event()])
    assert kept(found) == before


def test_only_who_complains_about_our_messages_is_spared_them():
    told = [
        event(provider_id="x1", suppression=Reason.COMPLAINED, address="one@example.com"),
        event(None, provider_id="x2", suppression=Reason.OPTED_OUT, address="two@example.com"),
        event(BOUNCED, provider_id="x3", suppression=Reason.BOUNCED, address="three@example.com"),
        event(BOUNCED, provider_id="x4", suppression=Reason.BOUNCED),
    ]
    apply(told)
    assert list(Suppression.objects.values_list("address", "reason")) == [
        ("three@example.com", "bounced")
    ]


def test_who_unsubscribes_at_the_service_is_kept_and_the_message_stays():
    found = message()
    before = kept(found)
    apply([event(None, suppression=Reason.OPTED_OUT)])
    assert kept(found) == before
    assert Suppression.objects.get().reason == "opted_out"


def test_nothing_told_is_nothing_written():
    apply([])


def test_a_message_that_failed_on_its_way_can_be_sent_again():
    found = message()
    apply([event(FAILED, detail="mailbox full")])
    assert try_again(found, actor="cli:tests")

    apply([event(BOUNCED)])  # late news of the first try
    found.refresh_from_db()
    assert (found.status, found.sent_at) == (MessageStatus.QUEUED, None)
    assert found.next_attempt_at <= timezone.now()

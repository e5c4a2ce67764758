"""Counts: exact as far as it is cheap, then estimates that say so."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recibo.api import paging
from recibo.api.paging import Paging, page
from recibo.billing.models import Tag
from recibo.inbox.models import Refusal
from recibo.processing.drain import drain
from tests.api.conftest import sold, told
from tests.inboxes import NOW
from tests.plans import nodes

pytestmark = pytest.mark.django_db

FILL = """
    with owner as (
        insert into billing_customer
            (email, name, name_at, phone, phone_at, document, document_at, segment, created_at)
        values ('a@example.com', '', now(), '', now(), '', now(), 'lead', now()) returning id
    )
    insert into billing_tag (customer_id, tag) select id, n from owner, generate_series(1, %s) n
"""


def filled(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [count])
        cursor.execute("analyze billing_tag")


def test_up_to_the_limit_a_count_is_exact():
    filled(paging.COUNTED)
    shown = page(Tag.objects.order_by("-id"), Paging(limit=5))
    assert (shown["count"], shown["count_is_estimate"]) == (10_000, False)
    assert len(shown["items"]) == 5


def test_beyond_it_a_count_is_a_near_estimate_that_says_so(django_assert_num_queries):
    filled(20_000)
    with django_assert_num_queries(3):
        shown = page(Tag.objects.order_by("-id"), Paging())
    assert shown["count_is_estimate"] is True
    assert 18_000 <= shown["count"] <= 22_000


def test_an_estimate_is_never_less_than_what_was_seen():
    filled(10_002)
    with connection.cursor() as cursor:  # as if the table had been nearly empty until now
        cursor.execute("update pg_class set reltuples = 1 where relname = 'billing_tag'")
    shown = page(Tag.objects.order_by("-id"), Paging(limit=2, offset=10_000))
    assert shown["count"] >= 10_002


def walked(client, address: str, **asked: object) -> list[dict]:
    """Every item of a list, page after page by cursor."""
    items, cursor = [], ""
    while cursor is not None:
        page = client.get(address, {**asked, "cursor": cursor}).json()
        items += page["items"]
        cursor = page["next_cursor"]
    return items


def test_a_walk_by_cursor_sees_every_row_once(client):
    sold(7)
    walk = [item["id"] for item in walked(client, "/api/charges", limit=3)]
    assert walk == [item["id"] for item in client.get("/api/charges").json()["items"]]
    assert len(walk) == 7


def test_an_offset_gives_the_same_rows_as_a_walk(client):
    sold(5)
    walk = [item["id"] for item in walked(client, "/api/charges", limit=2)]
    page = client.get("/api/charges", {"limit": 2, "offset": 2}).json()
    assert [item["id"] for item in page["items"]] == walk[2:4]
    assert client.get("/api/charges", {"limit": 2, "offset": 9}).json()["items"] == []


def test_rows_that_are_passed_over_bring_nothing_of_other_tables(client):
    sold(3)
    with CaptureQueriesContext(connection) as queries:
        client.get("/api/charges", {"offset": 1})
    passing = [one["sql"] for one in queries if "OFFSET 1" in one["sql"]]
    assert len(passing) == 1
    assert "JOIN" not in passing[0]


def test_the_last_page_has_no_next_cursor_even_when_it_is_full(client):
    sold(4)
    first = client.get("/api/charges", {"limit": 2}).json()
    last = client.get("/api/charges", {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert (len(last["items"]), last["next_cursor"], last["count"]) == (2, None, 4)


def test_rows_that_come_meanwhile_move_nothing(client):
    sold(4)
    first = client.get("/api/charges", {"limit": 2}).json()
    told("purchase-approved", 9)
    drain()
    second = client.get("/api/charges", {"limit": 2, "cursor": first["next_cursor"]}).json()
    names = [item["gateway_charge_id"] for item in first["items"] + second["items"]]
    assert sorted(names) == [f"HP200000000{number}" for number in (1, 2, 3, 4)]


def test_a_walk_keeps_its_filters(client):
    sold(5)
    told("purchase-expired", 6)
    drain()
    assert len(walked(client, "/api/charges", limit=2, status="paid")) == 5


def test_rows_of_one_moment_are_told_apart(client):
    for number in range(5):
        Refusal.objects.create(
            account="default",
            hour=NOW,
            reason=f"r{number}",
            gateway="hotmart",
            first_at=NOW,
            last_at=NOW + timedelta(microseconds=number // 2),
            times=1,
            remote_address="192.0.2.1",
            excerpt=b"",
        )
    walk = [item["id"] for item in walked(client, "/api/refusals", limit=2)]
    assert walk == [item["id"] for item in client.get("/api/refusals").json()["items"]]
    assert len(set(walk)) == 5


@pytest.mark.parametrize(
    "cursor",
    ["x", "bnVsbA", "W10", "WzEsMl0", "W251bGxd", "W0luZmluaXR5XQ", "eyJhIjoxfQ", "W1tdXQ"],
)
def test_a_cursor_that_is_none_is_an_error(client, cursor):
    response = client.get("/api/charges", {"cursor": cursor})
    assert response.status_code == 422
    assert list(response.json()["fields"]) == ["cursor"]


def test_a_deep_page_by_cursor_reads_no_more_than_itself(client):
    filled(20_000)
    rows = Tag.objects.order_by("-id")
    middle = rows[10_000]
    [plan] = json.loads(
        paging.after(rows, paging.cursor_of(rows, middle))[:50].explain(format="json")
    )
    assert [node["Node Type"] for node in nodes(plan["Plan"])] == ["Limit", "Index Scan"]

"""Counts: exact as far as it is cheap, then estimates that say so."""

import pytest
from django.db import connection

from recibo.api import paging
from recibo.api.paging import Paging, page
from recibo.billing.models import Tag

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

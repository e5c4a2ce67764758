"""Tokens: shown once, kept as digests, in force until they end."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from recibo.api import tokens
from recibo.api.models import Token

pytestmark = pytest.mark.django_db


def test_a_token_is_found_by_itself_only():
    token = tokens.create("shop")
    assert re.fullmatch(r"rcb_[A-Za-z0-9_-]{43}", token)
    assert tokens.find(token).name == "shop"
    assert tokens.find(token[:-1]) is None
    assert tokens.find("") is None


def test_the_token_itself_is_kept_nowhere():
    token = tokens.create("shop")
    kept = Token.objects.values().get()
    assert token not in str(kept)
    assert bytes(kept["digest"]) == tokens.digest(token)
    assert token.startswith(kept["hint"])


def test_a_revoked_token_ends_at_once_and_leaves_its_name_free():
    token = tokens.create("shop")
    assert tokens.revoke("shop")
    assert tokens.find(token) is None
    assert not tokens.revoke("shop")
    tokens.create("shop")
    assert [one.name for one in tokens.listed()] == ["shop"]


def test_a_name_in_use_is_refused():
    tokens.create("shop")
    with pytest.raises(tokens.NameTakenError):
        tokens.create("shop")


def test_a_token_ends_when_it_expires():
    now = timezone.now()
    gone = tokens.create("gone", expires=now - timedelta(seconds=1))
    good = tokens.create("good", expires=now + timedelta(hours=1))
    assert tokens.find(gone) is None
    assert tokens.find(good) is not None


def test_use_is_noted_at_most_once_a_minute(django_assert_num_queries):
    token = tokens.create("shop")
    with django_assert_num_queries(2):
        tokens.find(token)
    with django_assert_num_queries(1):
        tokens.find(token)
    noted = Token.objects.get().last_used_at
    assert noted is not None
    Token.objects.update(last_used_at=noted - timedelta(seconds=61))
    tokens.find(token)
    assert Token.objects.get().last_used_at >= noted

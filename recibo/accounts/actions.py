"""Writes of accounts."""

from recibo.accounts.models import Account
from recibo.gateways.registry import GATEWAYS


def ensure_defaults() -> None:
    """Every gateway has its account ``default``. Safe to repeat."""
    Account.objects.bulk_create([Account(gateway=slug) for slug in GATEWAYS], ignore_conflicts=True)

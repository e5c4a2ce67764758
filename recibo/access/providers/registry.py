"""Every provider of user accounts, by its name in ``ACCESS_PROVIDER``."""

from collections.abc import Mapping

from recibo.access.providers.contract import Provider
from recibo.access.providers.http import HTTP
from recibo.access.providers.supabase import SUPABASE

PROVIDERS: Mapping[str, Provider] = {"http": HTTP, "supabase": SUPABASE}

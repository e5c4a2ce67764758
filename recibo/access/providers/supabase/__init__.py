"""Supabase Auth, where an application built on Supabase keeps its users. See docs/access.md."""

from recibo.access.providers.contract import Credentials, Provider
from recibo.access.providers.supabase import steps

SUPABASE = Provider(
    slug="supabase",
    name="Supabase",
    # Links die within a day at most, and mail scanners use them up; a password waits.
    credentials=Credentials.PASSWORD,
    create=steps.create,
    block=steps.block,
    unblock=steps.unblock,
    reset=steps.reset,
    ping=steps.ping,
)

"""What the environment says of the application where buyers get their access."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultApplication:
    """The application named ``default``."""

    provider: str  # http, supabase
    url: str
    secret: str = field(repr=False)
    credentials: str = ""  # password, link, or "": as the provider does by itself
    login_url: str = ""

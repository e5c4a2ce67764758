"""The only reader of the environment: variables and ``.env`` files in, one frozen record out.

A setting that cannot be right stops the start with one sentence that names it.
"""

import contextlib
import functools
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import dotenv
import platformdirs

from recibo.access.configuration import DefaultApplication
from recibo.analytics.definitions import Definitions
from recibo.gateways.contract import Gateway
from recibo.gateways.registry import GATEWAYS
from recibo.messaging.configuration import Mail, Seller, WhatsApp
from recibo.reconciliation import intervals
from recibo.reconciliation.intervals import Waits
from recibo.server import channels, reckoning
from recibo.server.values import (
    SettingError,
    count,
    duration,
    durations,
    language,
    time_zone,
    truth,
    words,
)

#: A notice may come before what it speaks of can be read; an API may be away for hours.
FETCH_DELAYS = "5s,30s,2m,10m,30m,1h,3h,6h"
#: A mail server may be away for a day.
MESSAGE_DELAYS = "30s,2m,5m,15m,1h,3h,6h,12h"
#: The ladder of Standard Webhooks: ten tries in about three days.
OUTBOUND_DELAYS = "5s,5m,30m,2h,5h,10h,14h,20h,24h"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything that the environment decides."""

    home: Path
    database_url: str = field(repr=False)  # "": the embedded PostgreSQL below ``home``
    secret_key: str = field(repr=False)
    public_url: str
    allowed_hosts: tuple[str, ...]
    time_zone: str
    language: str
    allow_private_addresses: bool
    event_retry_delays: tuple[timedelta, ...]
    fetch_delays: tuple[timedelta, ...]
    #: Of the account ``default``, by gateway slug: what proves its webhooks, what the API wants of
    #: us, where the API is. Absent where nothing is set.
    webhook_secrets: Mapping[str, tuple[bytes, ...]] = field(repr=False)
    credentials: Mapping[str, Mapping[str, str]] = field(repr=False)
    api_urls: Mapping[str, str]
    #: What goes out, and whose name it bears; None: not configured.
    mail: Mail | None
    whatsapp: WhatsApp | None
    application: DefaultApplication | None
    seller: Seller
    message_delays: tuple[timedelta, ...]
    outbound_delays: tuple[timedelta, ...]
    provisioning_delays: tuple[timedelta, ...]
    access_grace: timedelta
    cart_delay: timedelta
    #: Unpaid orders: the waits between looks (None: by the method), and when to stop (None: when
    #: their charges end, else after 30 days).
    payment_check_delays: Waits | None
    payment_check_give_up: timedelta | None
    payment_check_min_age: timedelta
    #: How old news may be that a poll or a sync finds, to be acted upon.
    react_within: timedelta
    #: Requests a minute that a token of the API may make of each web process; 0: any number.
    api_rate: int
    #: Sites whose pages may call the API from a browser.
    cors_origins: tuple[str, ...]
    #: How figures are defined.
    definitions: Definitions


@functools.cache
def environment() -> Environment:
    """The environment of this process, read once. Raises SettingError."""
    return read(collect())


def collect() -> dict[str, str]:
    """Variables, over ``.env`` of the working directory, over ``.env`` of ``RECIBO_HOME``."""
    found = {**dotenv_file(Path.cwd()), **os.environ}
    return {**dotenv_file(home_of(found)), **found}


def dotenv_file(folder: Path) -> dict[str, str]:
    """The variables of a ``.env`` file; none if there is no such file."""
    values = dotenv.dotenv_values(folder / ".env")
    return {name: value for name, value in values.items() if value is not None}


def read(variables: Mapping[str, str]) -> Environment:
    """Check and convert. Raises SettingError."""
    home = home_of(variables)
    return Environment(
        home=home,
        database_url=database_url(variables.get("DATABASE_URL", "").strip()),
        secret_key=variables.get("RECIBO_SECRET_KEY", "").strip() or kept_secret_key(home),
        public_url=public_url(variables.get("RECIBO_PUBLIC_URL", "").strip()),
        allowed_hosts=words(variables.get("RECIBO_ALLOWED_HOSTS", "*")),
        time_zone=time_zone(variables.get("RECIBO_TIME_ZONE", "America/Sao_Paulo")),
        language=language(variables.get("RECIBO_LANGUAGE", "pt-br")),
        allow_private_addresses=truth(
            "RECIBO_ALLOW_PRIVATE_ADDRESSES",
            variables.get("RECIBO_ALLOW_PRIVATE_ADDRESSES", "false"),
        ),
        event_retry_delays=durations(
            "RECIBO_EVENT_RETRY_DELAYS", variables.get("RECIBO_EVENT_RETRY_DELAYS", "5m,10m,20m")
        ),
        fetch_delays=durations(
            "RECIBO_FETCH_DELAYS", variables.get("RECIBO_FETCH_DELAYS", FETCH_DELAYS)
        ),
        webhook_secrets=found(variables, webhook_secrets),
        credentials=found(variables, credentials),
        api_urls=found(variables, api_url),
        mail=channels.mail(variables),
        whatsapp=channels.whatsapp(variables),
        application=channels.application(variables),
        seller=channels.seller(variables),
        message_delays=durations(
            "RECIBO_MESSAGE_DELAYS", variables.get("RECIBO_MESSAGE_DELAYS", MESSAGE_DELAYS)
        ),
        outbound_delays=durations(
            "RECIBO_OUTBOUND_DELAYS", variables.get("RECIBO_OUTBOUND_DELAYS", OUTBOUND_DELAYS)
        ),
        provisioning_delays=durations(
            "RECIBO_PROVISIONING_DELAYS", variables.get("RECIBO_PROVISIONING_DELAYS", "5m,10m,20m")
        ),
        access_grace=duration("RECIBO_ACCESS_GRACE", variables.get("RECIBO_ACCESS_GRACE", "5d")),
        cart_delay=duration("RECIBO_CART_DELAY", variables.get("RECIBO_CART_DELAY", "1h")),
        payment_check_delays=payment_check_delays(variables),
        payment_check_give_up=payment_check_give_up(variables),
        payment_check_min_age=duration(
            "RECIBO_PAYMENT_CHECK_MIN_AGE", variables.get("RECIBO_PAYMENT_CHECK_MIN_AGE", "10m")
        ),
        react_within=duration("RECIBO_REACT_WITHIN", variables.get("RECIBO_REACT_WITHIN", "7d")),
        api_rate=count("RECIBO_API_RATE", variables.get("RECIBO_API_RATE", "600")),
        cors_origins=origins(variables.get("RECIBO_CORS_ORIGINS", "")),
        definitions=reckoning.definitions(variables),
    )


def payment_check_delays(variables: Mapping[str, str]) -> Waits | None:
    """The waits between two looks at an unpaid order. Raises SettingError."""
    name = "RECIBO_PAYMENT_CHECK_DELAYS"
    if not (written := variables.get(name, "").strip()):
        return None
    try:
        return intervals.parse(written)
    except ValueError as error:
        raise SettingError(f"{name} {error}.") from None


def payment_check_give_up(variables: Mapping[str, str]) -> timedelta | None:
    """How long an unpaid order is followed. Raises SettingError."""
    name = "RECIBO_PAYMENT_CHECK_GIVE_UP"
    written = variables.get(name, "").strip()
    return duration(name, written) if written else None


def found(
    variables: Mapping[str, str], read_one: Callable[[Gateway, Mapping[str, str]], Value]
) -> dict[str, Value]:
    """What is set for each gateway."""
    values = {slug: read_one(gateway, variables) for slug, gateway in GATEWAYS.items()}
    return {slug: value for slug, value in values.items() if value}


def webhook_secrets(gateway: Gateway, variables: Mapping[str, str]) -> tuple[bytes, ...]:
    """The secrets that are wholly set: of ``A:B`` both, joined by a colon."""
    parts = [
        [variables.get(name, "").strip() for name in setting.split(":")]
        for setting in gateway.secret_settings
    ]
    return tuple(":".join(values).encode() for values in parts if all(values))


def credentials(gateway: Gateway, variables: Mapping[str, str]) -> dict[str, str]:
    """What the API wants of us; whole or not at all is for the gateway to judge."""
    values = {
        name: variables.get(setting, "").strip() for name, setting in gateway.credentials.items()
    }
    return {name: value for name, value in values.items() if value}


def api_url(gateway: Gateway, variables: Mapping[str, str]) -> str:
    """Where the API is, if not at its usual place: scheme, host and port."""
    value = variables.get(gateway.api_url_setting, "").strip().rstrip("/")
    if value and not is_base(value):
        raise SettingError(
            f"{gateway.api_url_setting} must be scheme, host and port, such as"
            f" https://api.example.com, not {value!r}."
        )
    return value


def is_base(value: str) -> bool:
    """Whether an address is no more than scheme, host and port."""
    return re.fullmatch(r"https?://[^/?#\s\[\]]+|https?://\[[0-9a-f:]+\](:\d+)?", value) is not None


def scheme(value: str) -> str:
    """The scheme of an address; "" for what is none."""
    try:
        return urlsplit(value).scheme
    except ValueError:
        return ""


def home_of(variables: Mapping[str, str]) -> Path:
    """The data directory: ``RECIBO_HOME``, else the platform's usual one (root: a public one)."""
    if chosen := variables.get("RECIBO_HOME", "").strip():
        return Path(chosen).expanduser().absolute()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/recibo")
    return Path(platformdirs.user_data_dir("recibo"))


def database_url(value: str) -> str:
    """A PostgreSQL address, or "" for the embedded one."""
    if value and scheme(value) not in {"postgres", "postgresql"}:
        raise SettingError(
            "DATABASE_URL must begin with postgresql:// (leave it out for the embedded PostgreSQL)."
        )
    return value


def kept_secret_key(home: Path) -> str:
    """The key in ``home/secret_key``, made on first use, readable by its owner only."""
    path = home / "secret_key"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        make_secret_key(path)
    return path.read_text().strip()


def make_secret_key(path: Path) -> None:
    """Write a new key whole or not at all; of several makers at once the first one wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(48))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def origins(value: str) -> tuple[str, ...]:
    """Origins, separated by commas: scheme, host and port, as a browser names them."""
    found = words(value)
    if wrong := [origin for origin in found if not is_base(origin)]:
        raise SettingError(
            "RECIBO_CORS_ORIGINS must be origins such as https://app.example.com, separated by"
            f" commas, not {wrong[0]!r}."
        )
    return found


def public_url(value: str) -> str:
    """Where the world reaches this installation, without a final slash."""
    if value and scheme(value) not in {"http", "https"}:
        raise SettingError(f"RECIBO_PUBLIC_URL must begin with http:// or https://, not {value!r}.")
    return value.rstrip("/")

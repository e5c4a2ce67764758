"""The only reader of the environment: variables and ``.env`` files in, one frozen record out.

A setting that cannot be right stops the start with one sentence that names it.
"""

import contextlib
import functools
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import dotenv
import platformdirs

from recibo.gateways.registry import GATEWAYS

LANGUAGES = {"pt-br": "pt-br", "pt": "pt-br", "en": "en", "en-us": "en"}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class SettingError(Exception):
    """A setting that cannot be right. The message names it and says what would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything that the environment decides."""

    home: Path
    database_url: str  # "" means the embedded PostgreSQL below ``home``
    secret_key: str
    public_url: str
    allowed_hosts: tuple[str, ...]
    time_zone: str
    language: str
    event_retry_delays: tuple[timedelta, ...]
    #: Secret of the account ``default`` by gateway slug; absent where it is not set.
    webhook_secrets: Mapping[str, bytes]


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
        event_retry_delays=durations(
            "RECIBO_EVENT_RETRY_DELAYS", variables.get("RECIBO_EVENT_RETRY_DELAYS", "5m,10m,20m")
        ),
        webhook_secrets={
            gateway.slug: value.encode()
            for gateway in GATEWAYS.values()
            if (value := variables.get(gateway.secret_setting, "").strip())
        },
    )


def home_of(variables: Mapping[str, str]) -> Path:
    """The data directory: ``RECIBO_HOME``, else the platform's usual one (root: a public one)."""
    if chosen := variables.get("RECIBO_HOME", "").strip():
        return Path(chosen).expanduser().absolute()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/recibo")
    return Path(platformdirs.user_data_dir("recibo"))


def database_url(value: str) -> str:
    """A PostgreSQL address, or "" for the embedded one."""
    if value and urlsplit(value).scheme not in {"postgres", "postgresql"}:
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
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(48))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def public_url(value: str) -> str:
    """Where the world reaches this installation, without a final slash."""
    if value and urlsplit(value).scheme not in {"http", "https"}:
        raise SettingError(f"RECIBO_PUBLIC_URL must begin with http:// or https://, not {value!r}.")
    return value.rstrip("/")


def words(value: str) -> tuple[str, ...]:
    """A list separated by commas."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


def time_zone(value: str) -> str:
    """A name of the time zone database."""
    if value not in available_timezones():
        raise SettingError(
            f"RECIBO_TIME_ZONE must be a name like America/Sao_Paulo, not {value!r}."
        )
    return ZoneInfo(value).key


def language(value: str) -> str:
    """pt-br or en."""
    if (known := LANGUAGES.get(value.strip().lower().replace("_", "-"))) is None:
        raise SettingError(f"RECIBO_LANGUAGE must be pt-br or en, not {value!r}.")
    return known


def durations(name: str, value: str) -> tuple[timedelta, ...]:
    """A list of durations: ``5m,10m,2h``."""
    return tuple(duration(name, word) for word in words(value))


def duration(name: str, value: str) -> timedelta:
    """A duration such as ``90s``, ``15m``, ``2h`` or ``7d``. Raises SettingError."""
    if (match := re.fullmatch(r"(\d+)([smhd])", value.strip())) is None:
        raise SettingError(f"{name} must read like 90s, 15m, 2h or 7d, not {value!r}.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})

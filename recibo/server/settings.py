"""Django's settings, all from the environment (see ``environment.py``)."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from corsheaders.defaults import default_headers
from django.utils.translation import gettext_lazy as _

from recibo.server import embedded
from recibo.server.environment import environment

ENVIRONMENT = environment()

DEBUG = False
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
ROOT_URLCONF = "recibo.server.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

RECIBO_HOME = ENVIRONMENT.home
RECIBO_PUBLIC_URL = ENVIRONMENT.public_url
RECIBO_WEBHOOK_SECRETS = ENVIRONMENT.webhook_secrets
#: Whether addresses that people enter may be of this machine or its network.
RECIBO_ALLOW_PRIVATE_ADDRESSES = ENVIRONMENT.allow_private_addresses
RECIBO_CREDENTIALS = ENVIRONMENT.credentials
RECIBO_API_URLS = ENVIRONMENT.api_urls
#: Waits before the automatic second, third and fourth try of an event.
RECIBO_EVENT_RETRY_DELAYS: tuple[timedelta, ...] = ENVIRONMENT.event_retry_delays

#: Waits before a gateway is asked again about a notice or a buyer; after the last one we give up.
RECIBO_FETCH_DELAYS: tuple[timedelta, ...] = ENVIRONMENT.fetch_delays

#: What goes out, and whose name it bears; None: not configured.
RECIBO_MAIL = ENVIRONMENT.mail
RECIBO_WHATSAPP = ENVIRONMENT.whatsapp
RECIBO_APPLICATION = ENVIRONMENT.application
RECIBO_SELLER = ENVIRONMENT.seller
#: Waits before a message is tried again; after the last one we give up.
RECIBO_MESSAGE_DELAYS: tuple[timedelta, ...] = ENVIRONMENT.message_delays
#: Waits before a failed stage of giving access is tried again; then a person has to look.
RECIBO_PROVISIONING_DELAYS: tuple[timedelta, ...] = ENVIRONMENT.provisioning_delays
#: Waits before a webhook to an endpoint of the seller's is tried again; then we give it up.
RECIBO_OUTBOUND_DELAYS: tuple[timedelta, ...] = ENVIRONMENT.outbound_delays
#: How long a late payment leaves the access standing.
RECIBO_ACCESS_GRACE: timedelta = ENVIRONMENT.access_grace
#: How long after a cart was abandoned its owner is written to.
RECIBO_CART_DELAY: timedelta = ENVIRONMENT.cart_delay

#: Unpaid orders: see reconciliation/intervals.py.
RECIBO_PAYMENT_CHECK_DELAYS = ENVIRONMENT.payment_check_delays
RECIBO_PAYMENT_CHECK_GIVE_UP: timedelta | None = ENVIRONMENT.payment_check_give_up
RECIBO_PAYMENT_CHECK_MIN_AGE: timedelta = ENVIRONMENT.payment_check_min_age
#: How old news may be that a poll or a sync finds, to be acted upon.
RECIBO_REACT_WITHIN: timedelta = ENVIRONMENT.react_within

#: Requests a minute that a token may make of each web process; 0: any number.
RECIBO_API_RATE: int = ENVIRONMENT.api_rate
# Pages of other sites, in a browser: none may call the API unless they are named.
CORS_ALLOWED_ORIGINS = list(ENVIRONMENT.cors_origins)
CORS_URLS_REGEX = r"^/(api/|openapi\.json$)"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-none-match"]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Idempotent-Replayed",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
]
#: How figures are defined: see docs/metrics.md.
RECIBO_DEFINITIONS = ENVIRONMENT.definitions

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "corsheaders",
    "ninja",
    "recibo.accounts",
    "recibo.work",
    "recibo.journal",
    "recibo.inbox",
    "recibo.billing",
    "recibo.messaging",
    "recibo.access",
    "recibo.outbound",
    "recibo.reconciliation",
    "recibo.analytics",
    "recibo.automation",
    "recibo.processing",
    "recibo.operations",
    "recibo.api",
    "recibo.buyer",
    "recibo.console",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def database(url: str) -> dict[str, Any]:
    """Django's description of the PostgreSQL at ``url``."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # Under ASGI a kept connection belongs to a thread that may never serve again.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "connect_timeout": 5,
            "application_name": "recibo",
            **dict(parse_qsl(parts.query)),
        },
    }


DATABASES = {
    "default": database(ENVIRONMENT.database_url or embedded.url(ENVIRONMENT.home / "postgres"))
}
DATABASES["default"]["HOST"] = DATABASES["default"]["OPTIONS"].pop(
    "host", DATABASES["default"]["HOST"]
)

LANGUAGE_CODE = ENVIRONMENT.language
LANGUAGES = [("pt-br", _("Portuguese")), ("en", _("English"))]
LOCALE_PATHS = [Path(__file__).parents[1] / "locale"]
TIME_ZONE = ENVIRONMENT.time_zone
USE_TZ = True

STATIC_URL = "static/"
SERVESTATIC_USE_FINDERS = True

# Behind the proxy that ends TLS (see docs/), cookies travel over HTTPS only.
IS_HTTPS = ENVIRONMENT.public_url.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.public_url] if ENVIRONMENT.public_url else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {
        # /readyz says "not yet" while a worker starts: that is an answer, not an error.
        "no_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 0) != 503,
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_503"]}
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"procrastinate": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"

"""PagSeguro, now PagBank: both generations of it. See docs/gateways/pagseguro.md."""

from recibo.gateways.contract import Gateway
from recibo.gateways.pagseguro import api, simulation, webhook

PAGSEGURO = Gateway(
    slug="pagseguro",
    name="PagSeguro / PagBank",
    verify=webhook.verify,
    identify=webhook.identify,
    parse=webhook.parse,
    sign=webhook.sign,
    events=webhook.EVENTS,
    personal_fields=webhook.PERSONAL_FIELDS,
    samples=simulation.SAMPLES,
    secret_settings=("PAGSEGURO_TOKEN", "PAGSEGURO_PUBLIC_KEY"),
    credentials={"email": "PAGSEGURO_EMAIL", "token": "PAGSEGURO_TOKEN"},
    api_url=api.PRODUCTION.v4,
    api_url_setting="PAGSEGURO_API_URL",
    calls_per_second=2.0,
    fetch=api.fetch,
    ping=api.ping,
)

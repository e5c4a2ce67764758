"""Mercado Pago: payments, Checkout Pro and subscriptions. See docs/gateways/mercadopago.md."""

from recibo.gateways.contract import Gateway
from recibo.gateways.mercadopago import api, simulation, webhook

MERCADOPAGO = Gateway(
    slug="mercadopago",
    name="Mercado Pago",
    verify=webhook.verify,
    identify=webhook.identify,
    parse=webhook.parse,
    sign=webhook.sign,
    events=webhook.EVENTS,
    personal_fields=webhook.PERSONAL_FIELDS,
    samples=simulation.SAMPLES,
    secret_settings=("MERCADOPAGO_WEBHOOK_SECRET",),
    aliases=("webhooks/mercadopago-v3",),
    credentials={"access_token": "MERCADOPAGO_ACCESS_TOKEN"},
    api_url="https://api.mercadopago.com",
    api_url_setting="MERCADOPAGO_API_URL",
    calls_per_second=5.0,  # no official limit is known
    fetch=api.fetch,
    ping=api.ping,
    # No fetch_customer: payments tell the e-mail, and the API knows no buyer by a payer's id.
)

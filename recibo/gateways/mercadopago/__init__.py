"""Mercado Pago: payments, Checkout Pro and subscriptions. See docs/gateways/mercadopago.md."""

from recibo.gateways.contract import Gateway
from recibo.gateways.mercadopago import api, changes, lists, simulation, webhook

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
    fetch_charge=api.fetch_charge,
    search_charges=lists.search_charges,
    list_sales=lists.list_sales,
    list_subscriptions=lists.list_subscriptions,
    cancel_subscription=changes.cancel_subscription,
    reactivate_subscription=changes.reactivate_subscription,
    ping=api.ping,
    # No fetch_customer: payments tell the e-mail, and the API knows no buyer by a payer's id.
    # No change_due_day or change_plan: the API answers 200 to both and changes nothing (measured).
    # No webhook_queues: how webhooks fare is shown in the panel only.
)

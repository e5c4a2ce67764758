"""Asaas: charges and subscriptions by boleto, Pix and card. See docs/gateways/asaas.md."""

from recibo.gateways.asaas import api, changes, lists, queues, simulation, webhook
from recibo.gateways.contract import Gateway

ASAAS = Gateway(
    slug="asaas",
    name="Asaas",
    verify=webhook.verify,
    identify=webhook.identify,
    parse=webhook.parse,
    sign=webhook.sign,
    events=webhook.EVENTS,
    personal_fields=webhook.PERSONAL_FIELDS,
    samples=simulation.SAMPLES,
    secret_settings=("ASAAS_WEBHOOK_TOKEN",),
    secret_headers=frozenset({webhook.TOKEN_HEADER}),
    credentials={"api_key": "ASAAS_API_KEY"},
    api_url="https://api.asaas.com",
    api_url_setting="ASAAS_API_URL",
    calls_per_second=0.5,  # 21,600 of the 25,000 that an account may make in 12 hours
    # No fetch: a webhook carries the whole payment, and its event is never in doubt.
    fetch_customer=api.fetch_customer,
    fetch_charge=api.fetch_charge,
    search_charges=api.search_charges,
    list_sales=lists.list_sales,
    list_subscriptions=lists.list_subscriptions,
    cancel_subscription=changes.cancel_subscription,
    reactivate_subscription=changes.reactivate_subscription,
    change_due_day=changes.change_due_day,
    # No change_plan: Asaas has no plans.
    webhook_queues=queues.webhook_queues,
    resume_webhooks=queues.resume_webhooks,
    ping=api.ping,
)

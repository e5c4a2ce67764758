"""Hotmart: sales and subscriptions of digital products. See docs/gateways/hotmart.md."""

from datetime import timedelta

from recibo.gateways.contract import Gateway
from recibo.gateways.hotmart import (
    access,
    sales_api,
    simulation,
    subscriptions_api,
    webhook,
    words,
)

HOTMART = Gateway(
    slug="hotmart",
    name="Hotmart",
    verify=webhook.verify,
    identify=webhook.identify,
    parse=webhook.parse,
    sign=webhook.sign,
    events=words.EVENTS,
    personal_fields=webhook.PERSONAL_FIELDS,
    samples=simulation.SAMPLES,
    secret_settings=("HOTMART_WEBHOOK_TOKEN",),
    secret_headers=frozenset({webhook.TOKEN_HEADER}),
    aliases=("webhook-hotmart", "hotmart/webhook/user"),
    credentials={
        "client_id": "HOTMART_CLIENT_ID",
        "client_secret": "HOTMART_CLIENT_SECRET",
        "auth_url": "HOTMART_AUTH_URL",
    },
    api_url=access.API_URL,
    api_url_setting="HOTMART_API_URL",
    calls_per_second=access.CALLS_PER_SECOND,
    # No fetch: a webhook carries the whole sale.
    fetch_customer=sales_api.fetch_customer,
    finds_buyers_by_email=True,
    fetch_charge=sales_api.fetch_charge,
    search_charges=sales_api.search_charges,
    list_sales=sales_api.list_sales,
    list_subscriptions=subscriptions_api.list_subscriptions,
    sales_change_for=timedelta(days=60),  # the list is of when they were made
    subscriptions_change_for=timedelta(days=3650),  # likewise
    cancel_subscription=subscriptions_api.cancel_subscription,
    reactivate_subscription=subscriptions_api.reactivate_subscription,
    change_due_day=subscriptions_api.change_due_day,
    change_plan=subscriptions_api.change_plan,
    # No webhook_queues: a seller's configurations are in the panel only.
    ping=access.ping,
)

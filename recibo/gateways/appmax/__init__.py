"""AppMax: card, Pix and boleto for Brazilian shops. See docs/gateways/appmax.md."""

from datetime import timedelta

from recibo.gateways.appmax import api, calls, changes, lists, simulation, webhook, words
from recibo.gateways.contract import Gateway

APPMAX = Gateway(
    slug="appmax",
    name="AppMax",
    verify=webhook.verify,
    identify=webhook.identify,
    parse=webhook.parse,
    sign=webhook.sign,
    events=words.EVENTS,
    personal_fields=words.PERSONAL_FIELDS,
    samples=simulation.SAMPLES,
    secret_settings=("APPMAX_WEBHOOK_TOKEN",),
    secret_parameters=frozenset({webhook.TOKEN_PARAMETER}),
    credentials={
        "access_token": "APPMAX_ACCESS_TOKEN",
        "client_id": "APPMAX_CLIENT_ID",
        "client_secret": "APPMAX_CLIENT_SECRET",
        "auth_url": "APPMAX_AUTH_URL",
    },
    api_url=calls.V1_URL,
    api_url_setting="APPMAX_API_URL",
    calls_per_second=api.CALLS_PER_SECOND,
    fetch=api.fetch,
    fetch_customer=api.fetch_customer,
    fetch_charge=api.fetch_charge,
    search_charges=api.search_charges,
    list_sales=lists.list_sales,
    list_subscriptions=lists.list_subscriptions,
    sales_change_for=timedelta(days=30),  # the list is of when they were made
    cancel_subscription=changes.cancel_subscription,
    # No reactivate_subscription, change_due_day or change_plan: the API has no such call.
    # No webhook_queues: Apphooks and an application's webhooks are shown in the panel only.
    ping=api.ping,
)

"""PagSeguro, now PagBank: both generations of it. See docs/gateways/pagseguro.md."""

from datetime import timedelta

from recibo.gateways.contract import Gateway
from recibo.gateways.pagseguro import (
    api,
    calls,
    charges,
    simulation,
    subscription_changes,
    subscription_lists,
    webhook,
)

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
    api_url=calls.PRODUCTION.v4,
    api_url_setting="PAGSEGURO_API_URL",
    calls_per_second=2.0,
    fetch=api.fetch,
    fetch_charge=charges.fetch_charge,
    search_charges=charges.search_charges,
    list_sales=charges.list_sales,
    list_subscriptions=subscription_lists.list_subscriptions,
    sales_change_for=timedelta(days=30),  # the list is of when they were made
    cancel_subscription=subscription_changes.cancel_subscription,
    reactivate_subscription=subscription_changes.reactivate_subscription,
    change_due_day=subscription_changes.change_due_day,
    change_plan=subscription_changes.change_plan,
    # No webhook_queues: no API tells how the notifications stand.
    ping=api.ping,
)

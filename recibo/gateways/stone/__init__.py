"""Stone / Pagar.me: online payments, subscriptions, card machines. See docs/gateways/stone.md."""

from recibo.gateways.contract import Gateway
from recibo.gateways.stone import api, changes, deliveries, lists, proof, simulation, webhook

STONE = Gateway(
    slug="stone",
    name="Stone / Pagar.me",
    verify=proof.verify,
    identify=webhook.identify,
    parse=webhook.parse,
    sign=proof.sign,
    events=webhook.EVENTS,
    personal_fields=webhook.PERSONAL_FIELDS,
    samples=simulation.SAMPLES,
    secret_settings=("STONE_WEBHOOK_USER:STONE_WEBHOOK_PASSWORD", "STONE_WEBHOOK_SECRET"),
    secret_headers=frozenset({proof.AUTHORIZATION}),
    credentials=api.CREDENTIALS,
    api_url=api.URL,
    api_url_setting="STONE_API_URL",
    calls_per_second=api.CALLS_PER_SECOND,
    fetch=api.fetch,
    fetch_charge=api.fetch_charge,
    search_charges=lists.search_charges,
    list_sales=lists.list_sales,
    list_subscriptions=lists.list_subscriptions,
    cancel_subscription=changes.cancel_subscription,
    # No reactivate_subscription: what was cancelled is made anew.
    change_due_day=changes.change_due_day,
    # No change_plan: a subscription keeps the items that it was made with.
    webhook_queues=deliveries.webhook_queues,
    resume_webhooks=deliveries.resume_webhooks,
    ping=api.ping,
)

"""Hotmart: sales and subscriptions of digital products. See docs/gateways/hotmart.md."""

from recibo.gateways.contract import Gateway
from recibo.gateways.hotmart import simulation, webhook, words

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
)

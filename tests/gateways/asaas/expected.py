"""What the conformance suite has to know of Asaas; what the names mean is said there."""

from tests.recordings import names

SECRET = b"token-de-exemplo-asaas-7d3f2b91c0aa"

IGNORED = {
    "asaas/webhook_PAYMENT_CHECKOUT_VIEWED": "a buyer who looked",
    "asaas/webhook_boleto_PAYMENT_BANK_SLIP_VIEWED": "a buyer who looked",
}

NOT_WEBHOOKS = {
    "asaas/authentication_examples",
    *(name for name in names("asaas") if name.startswith("asaas/api_")),
}

ANSWERS = {
    "asaas/api_customer": "customer",
    "asaas/api_payment_boleto_pending": "payment",
    "asaas/api_payment_card_confirmed": "payment",
    "asaas/api_payment_pix_received": "payment",
    "asaas/api_subscription_active": "subscription",
    "asaas/api_subscription_deleted": "removed-subscription",
    "asaas/api_subscription_expired": "subscription",
    "asaas/api_subscription_inactive": "subscription",
}

NOTES = {name: {"at": "2026-10-05T14:05:13+00:00"} for name in ANSWERS}

REFERENCE = "PED-2026-0007"

"""What the conformance suite has to know of Mercado Pago; what the names mean is said there."""

from tests.recordings import names

SECRET = b"segredo-de-teste-nao-use-em-producao-0001"

ALL = names("mercadopago")
NOT_WEBHOOKS = {name for name in ALL if "/webhook_" not in name and "/ipn_" not in name}

#: What is read on the way to a payment, and what is no resource, never enters the inbox.
RESOURCES = {
    "_payment_": "payment",
    "_preapproval_": "preapproval",
    "_authorized_payment_": "authorized_payment",
}
NEVER_ANSWERS = {
    "mercadopago/api_payment_not_found_404",
    "mercadopago/api_preapproval_search",
    "mercadopago/api_error_preapproval_already_cancelled_400",
}
ANSWERS = {
    name: resource
    for part, resource in RESOURCES.items()
    for name in sorted(NOT_WEBHOOKS - NEVER_ANSWERS)
    if part in f"{name}_"
}

UNPROVEN = {name for name in ALL if "/ipn_" in name}

IGNORED = {
    "mercadopago/webhook_claim": "in_mediation",
    "mercadopago/webhook_mp_connect_deauthorized": "no sale",
    "mercadopago/webhook_order_processed": "Orders API",
    "mercadopago/webhook_payment_test_simulated": "never a sale",
    "mercadopago/webhook_stop_delivery_op": "suspects fraud",
    "mercadopago/webhook_subscription_preapproval_plan_updated": "plan changed",
    "mercadopago/api_authorized_payment_scheduled": "nothing was collected",
    "mercadopago/api_payment_card_validation": "no sale and no failed charge",
    "mercadopago/api_preapproval_pending": "not authorized",
    "mercadopago/public_api_preapproval": "not authorized",
}

THIN = {name for name in ALL if name not in NOT_WEBHOOKS and name not in IGNORED}

SPELLINGS = {"topic_merchant_order_wh.create"}

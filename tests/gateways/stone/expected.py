"""What the conformance suite has to know of Stone; what the names mean is said there."""

from tests.recordings import names

SECRET = b"recibo:fixture:password"

IGNORED = {
    "stone/banking-webhook-encrypted": "Banking API are encrypted",
    "stone/webhook-invoice-canceled": "has no charge to tell of",
    "stone/webhook-invoice-created": "has no charge to tell of",
    "stone/webhook-order-closed": "order.closed moves no money",
}

THIN = {"stone/webhook-chargeback-received-unconfirmed-shape"}

TWINS = {"stone/webhook-charge-paid-pix-tampered": "stone/webhook-charge-paid-pix"}

ANSWERS = {
    "stone/api-delete-charge-refund": "charge",
    "stone/api-delete-subscription": "subscription",
    "stone/api-get-charge-paid": "charge",
    "stone/api-get-charge-pending-boleto": "charge",
    "stone/api-get-hook": "hook",
    "stone/api-get-order-paid": "order",
    "stone/api-get-subscription": "subscription",
}

NOT_WEBHOOKS = {
    *("stone/hub-jwks", "stone/signatures"),
    *(name for name in names("stone") if name.startswith("stone/api-")),
}

REFERENCE = "PEDIDO-7777"

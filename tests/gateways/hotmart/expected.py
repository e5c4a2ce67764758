"""What the conformance suite has to know of Hotmart; what the names mean is said there."""

from tests.recordings import names

SECRET = b"a-secret-of-forty-characters-0123456789ab"

IGNORED = {
    "hotmart/webhook-order-fulfillment": "transport",
    "hotmart/webhook-panel-test-club-first-access": "never a sale",
    "hotmart/webhook-panel-test-club-module-completed": "never a sale",
    "hotmart/webhook-panel-test-purchase-approved": "never a sale",
    "hotmart/webhook-panel-test-purchase-canceled": "never a sale",
    "hotmart/webhook-panel-test-purchase-chargeback": "never a sale",
    "hotmart/webhook-panel-test-purchase-complete": "never a sale",
    "hotmart/webhook-panel-test-purchase-expired": "never a sale",
    "hotmart/webhook-panel-test-purchase-protest": "never a sale",
    "hotmart/webhook-panel-test-purchase-refunded": "never a sale",
    "hotmart/webhook-panel-test-subscription-cancellation": "never a sale",
    "hotmart/webhook-panel-test-switch-plan": "never a sale",
    "hotmart/webhook-panel-test-update-subscription-charge-date": "never a sale",
    "hotmart/webhook-v1-purchase-approved": "create a configuration of version 2.0.0",
}

SPELLINGS = {
    "CART_ABANDONED",
    "CART_ABANDONMENT",
    "CHARGEBACK",
    "PURCHASE_CANCELLED",
    "PURCHASE_COMPLETED",
    "PURCHASE_RECURRENCE_CANCELLATION",
    "PURCHASE_REFUND_REQUESTED",
    "PURCHASE_REFUSED",
    "PURCHASE_WAITING_PAYMENT",
    "SUBSCRIPTION_BILLING_DATE_CHANGE",
    "SUBSCRIPTION_BILLING_DATE_UPDATED",
    "SUBSCRIPTION_CANCELED",
    "SUBSCRIPTION_CANCELLED",
    "SUBSCRIPTION_CHANGED",
}

#: The time at which an answer was read.
AT = {"at": "2026-03-20T05:00:00.000+00:00"}

ANSWERS = {
    "hotmart/answer-buyer": "buyer",
    "hotmart/answer-cancellation": "cancellation",
    "hotmart/answer-sale-approved": "sale",
    "hotmart/answer-sale-complete": "sale",
    "hotmart/answer-sale-refunded": "sale",
    "hotmart/answer-sale-under-analysis": "sale",
    "hotmart/answer-subscription-active": "subscription",
    "hotmart/answer-subscription-cancelled": "subscription",
}
NOTES = dict.fromkeys(ANSWERS, AT)

#: Whole answers of the API: only their parts enter the inbox.
NOT_WEBHOOKS = {
    *ANSWERS,
    *(name for name in names("hotmart") if name.startswith("hotmart/api-")),
}

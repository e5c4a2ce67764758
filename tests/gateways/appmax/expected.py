"""What the conformance suite has to know of AppMax; what the names mean is said there."""

SECRET = b"token-de-exemplo-9c1f4a7e2b-0123456789"

#: Models of the panel without an amount or a time, and events of applications without either.
THIN = {
    "appmax/app_payment_authorized_with_delay",
    "appmax/app_payment_not_authorized",
    "appmax/app_subscription_cancelation",
    "appmax/app_subscription_charge_failed",
    "appmax/app_subscription_charge_success",
    "appmax/app_subscription_created",
    "appmax/app_subscription_delayed",
    "appmax/panel_custom_content_OrderApproved",
    "appmax/panel_custom_content_OrderRefund",
    "appmax/panel_old_legacy_order_approved",
    "appmax/panel_old_legacy_order_billet_created",
    "appmax/panel_old_legacy_order_paid",
    "appmax/panel_old_legacy_order_paid_by_pix",
    "appmax/panel_old_legacy_order_pix_created",
    "appmax/panel_old_legacy_order_pix_expired",
    "appmax/panel_old_legacy_order_refund",
    "appmax/panel_two_level_flat_OrderApproved",
    "appmax/panel_two_level_flat_OrderPixCreated",
    "appmax/panel_two_level_flat_OrderRefund",
    # Samples
    "appmax/app-payment-authorized-with-delay",
    "appmax/app-payment-not-authorized",
    "appmax/app-subscription-cancelation",
    "appmax/app-subscription-charge-failed",
    "appmax/app-subscription-charge-success",
    "appmax/app-subscription-created",
    "appmax/app-subscription-delayed",
}

NOT_WEBHOOKS = {
    "appmax/api_v1_order",
    "appmax/api_v1_order_not_found_404",
    "appmax/api_v1_order_refunded",
    "appmax/api_v1_order_total_liquid",
    "appmax/api_v1_subscription",
    "appmax/api_v1_subscription_canceled",
    "appmax/api_v1_token",
    "appmax/api_v1_too_many_requests_429",
    "appmax/api_v3_invalid_token",
    "appmax/api_v3_order",
    "appmax/api_v3_order_not_found",
    "appmax/api_v3_order_pix_pending",
    "appmax/api_v3_orders_page",
    "appmax/api_v3_refund_ok",
}

ANSWERS = {
    "appmax/api_v1_order": "order-v1",
    "appmax/api_v1_order_refunded": "order-v1",
    "appmax/api_v1_subscription": "subscription-v1",
    "appmax/api_v1_subscription_canceled": "subscription-v1",
    "appmax/api_v3_order": "order-v3",
    "appmax/api_v3_order_pix_pending": "order-v3",
}

#: A model that adds an empty field is still the same news.
TWINS = {
    "appmax/panel_standard_with_meta_OrderApproved": "appmax/panel_standard_OrderApproved",
}

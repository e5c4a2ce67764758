"""What the conformance suite has to know of Asaas; what the names mean is said there."""

SECRET = b"token-de-exemplo-asaas-7d3f2b91c0aa"

IGNORED = {
    "asaas/webhook_PAYMENT_CHECKOUT_VIEWED": "a buyer who looked",
    "asaas/webhook_boleto_PAYMENT_BANK_SLIP_VIEWED": "a buyer who looked",
}

NOT_WEBHOOKS = {
    "asaas/api_customer",
    "asaas/api_customers_list",
    "asaas/api_error_invalid_token_401",
    "asaas/api_error_not_found_404",
    "asaas/api_error_too_many_requests_429",
    "asaas/authentication_examples",
}

ANSWERS = {"asaas/api_customer": "customer"}

NOTES = {"asaas/api_customer": {"at": "2026-10-05T14:05:13+00:00"}}

REFERENCE = "PED-2026-0007"

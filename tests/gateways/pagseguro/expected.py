"""What the conformance suite has to know of PagSeguro; what the names mean is said there."""

SECRET = b"11111111-2222-4333-8444-555555555555"

#: Legacy forms: no secret can prove them, and they tell only a code.
NOTICES = {
    "pagseguro/legacy-notification-authorization",
    "pagseguro/legacy-notification-preapproval",
    "pagseguro/legacy-notification-transaction",
    "pagseguro/legacy-notification-transaction-swapped",
    "pagseguro/notification-authorization",
    "pagseguro/notification-preapproval",
    "pagseguro/notification-transaction",
}
UNPROVEN = NOTICES

#: Rows of searches: they name no buyer, so that each is read in full.
TRANSACTION_ROWS = {
    "pagseguro/row-transaction-status1-without-reference",
    "pagseguro/row-transaction-status3-boleto-paid",
}
PRE_APPROVAL_ROWS = {"pagseguro/row-preapproval-cancelled-by-sender"}
THIN = {*NOTICES, *TRANSACTION_ROWS, *PRE_APPROVAL_ROWS}

TRANSACTIONS = {
    "pagseguro/found-perl-v2-transaction-lossy-encoding",
    "pagseguro/found-ruby-v2-transaction-with-cancellation-source",
    "pagseguro/found-ruby-v3-transaction-boleto-waiting",
    "pagseguro/legacy-v2-transaction-status3-card-paid",
    "pagseguro/legacy-v2-transaction-type11-subscription-cycle-paid",
    "pagseguro/legacy-v3-transaction-status1-boleto-waiting",
    "pagseguro/legacy-v3-transaction-status2-card-in-analysis",
    "pagseguro/legacy-v3-transaction-status3-boleto-paid",
    "pagseguro/legacy-v3-transaction-status3-card-paid",
    "pagseguro/legacy-v3-transaction-status3-online-debit-discount",
    "pagseguro/legacy-v3-transaction-status3-pix-paid",
    "pagseguro/legacy-v3-transaction-status4-card-available",
    "pagseguro/legacy-v3-transaction-status5-card-in-dispute",
    "pagseguro/legacy-v3-transaction-status6-card-refunded",
    "pagseguro/legacy-v3-transaction-status7-boleto-unpaid-cancelled",
    "pagseguro/legacy-v3-transaction-status7-card-refused-by-bank",
    "pagseguro/legacy-v3-transaction-status8-card-chargeback-lost",
    "pagseguro/legacy-v3-transaction-status9-card-chargeback-opened",
    "pagseguro/legacy-v3-transaction-utf8-declared",
}
PRE_APPROVALS = {
    "pagseguro/legacy-v2-preapproval-active",
    "pagseguro/legacy-v2-preapproval-cancelled-by-receiver",
    "pagseguro/legacy-v2-preapproval-cancelled-by-sender",
    "pagseguro/legacy-v2-preapproval-expired",
    "pagseguro/legacy-v2-preapproval-pending",
    "pagseguro/legacy-v2-preapproval-suspended",
}
ANSWERS = {
    **dict.fromkeys(TRANSACTIONS, "transaction"),
    **dict.fromkeys(PRE_APPROVALS, "pre-approval"),
    **dict.fromkeys(TRANSACTION_ROWS, "transaction-row"),
    **dict.fromkeys(PRE_APPROVAL_ROWS, "pre-approval-row"),
    "pagseguro/v4-api-get-charge-paid": "charge",
    "pagseguro/v4-api-get-order-boleto-waiting": "order",
}

#: Pages of searches, errors, keys: they are read while asking, and never enter the inbox.
NOT_WEBHOOKS = {
    *ANSWERS,
    "pagseguro/found-perl-search-abandoned",
    "pagseguro/found-perl-search-by-date",
    "pagseguro/found-ruby-payment-order",
    "pagseguro/found-ruby-payment-order-search",
    "pagseguro/found-ruby-preapproval-search",
    "pagseguro/found-ruby-search-by-date",
    "pagseguro/found-ruby-search-wrong-results-count",
    "pagseguro/legacy-error-400-13001-invalid-notification-code",
    "pagseguro/legacy-error-400-13003-invalid-transaction-code",
    "pagseguro/legacy-error-400-non-numeric-code",
    "pagseguro/legacy-error-400-several",
    "pagseguro/legacy-error-401-unauthorized",
    "pagseguro/legacy-error-404-13015-transaction-not-found",
    "pagseguro/legacy-error-503-outage",
    "pagseguro/legacy-refund-ok",
    "pagseguro/legacy-v2-preapproval-search",
    "pagseguro/legacy-v2-search-abandoned",
    "pagseguro/legacy-v2-search-by-date-page1",
    "pagseguro/legacy-v2-search-by-date-page2",
    "pagseguro/legacy-v2-search-by-reference-empty",
    "pagseguro/legacy-v2-search-by-reference-one",
    "pagseguro/legacy-v2-search-by-reference-several-one-paid",
    "pagseguro/signatures",
    "pagseguro/v4-api-error-400",
    "pagseguro/v4-api-error-401",
    "pagseguro/v4-api-error-404",
    "pagseguro/v4-api-public-key-webhook",
}

IGNORED = {
    "pagseguro/checkout-expired": "comes as an order",
    "pagseguro/legacy-v2-preapproval-pending": "not begun",
    "pagseguro/v4-webhook-checkout-expired": "comes as an order",
}

FAILS = {"pagseguro/v4-webhook-chargeback-unconfirmed-shape": "PayloadError"}

#: One state, told in the form of v2 and in that of v3; one code, with its fields swapped.
TWINS = {
    "pagseguro/found-ruby-v2-transaction-with-cancellation-source": (
        "pagseguro/found-ruby-v3-transaction-boleto-waiting"
    ),
    "pagseguro/legacy-notification-transaction-swapped": (
        "pagseguro/legacy-notification-transaction"
    ),
}

SPELLINGS = {
    "charge/PAID/refunded",
    "preApproval/CANCELLED",
    "preApproval/INITIATED",
    "preApproval/PAYMENT_METHOD_CHANGE",
    "subscription/ACTIVE",
    "subscription/CANCELED",
    "subscription/EXPIRED",
    "subscription/OVERDUE",
    "subscription/PENDING_ACTION",
    "subscription/SUSPENDED",
    "subscription/TRIAL",
    "transaction/0",
    "transaction/11",
}

REFERENCE = "PEDIDO-7777"

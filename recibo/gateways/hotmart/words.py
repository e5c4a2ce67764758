"""Hotmart's words and ours: events, statuses, ways to pay."""

from recibo.gateways.facts import ChargeStatus, EventType, PaymentMethod, SubscriptionStatus

#: Events of version 2.0.0.
EVENTS = {
    "PURCHASE_BILLET_PRINTED": EventType.CHARGE_CREATED,  # a boleto or a Pix code
    "PURCHASE_APPROVED": EventType.CHARGE_PAID,  # first sale and every renewal
    "PURCHASE_COMPLETE": EventType.CHARGE_UPDATED,  # warranty over: the same sale, once more
    "PURCHASE_CANCELED": EventType.CHARGE_CANCELLED,
    "PURCHASE_EXPIRED": EventType.CHARGE_EXPIRED,
    "PURCHASE_DELAYED": EventType.CHARGE_OVERDUE,  # one for each failed attempt at a renewal
    "PURCHASE_PROTEST": EventType.CHARGE_DISPUTED,  # the buyer asks for a refund
    "PURCHASE_REFUNDED": EventType.CHARGE_REFUNDED,
    "PURCHASE_CHARGEBACK": EventType.CHARGE_CHARGED_BACK,
    "PURCHASE_OUT_OF_SHOPPING_CART": EventType.CART_ABANDONED,
    "SUBSCRIPTION_CANCELLATION": EventType.SUBSCRIPTION_CANCELLED,
    "SWITCH_PLAN": EventType.SUBSCRIPTION_PLAN_CHANGED,
    "UPDATE_SUBSCRIPTION_CHARGE_DATE": EventType.SUBSCRIPTION_BILLING_DATE_CHANGED,
    "CLUB_FIRST_ACCESS": EventType.MEMBER_FIRST_ACCESS,
    "CLUB_MODULE_COMPLETED": EventType.MEMBER_MODULE_COMPLETED,
}

#: Older and looser spellings, met in integrations -> the documented word.
SPELLINGS = {
    "PURCHASE_WAITING_PAYMENT": "PURCHASE_BILLET_PRINTED",
    "PURCHASE_COMPLETED": "PURCHASE_COMPLETE",
    "PURCHASE_CANCELLED": "PURCHASE_CANCELED",
    "PURCHASE_REFUSED": "PURCHASE_CANCELED",
    "PURCHASE_REFUND_REQUESTED": "PURCHASE_PROTEST",
    "CHARGEBACK": "PURCHASE_CHARGEBACK",
    "CART_ABANDONED": "PURCHASE_OUT_OF_SHOPPING_CART",
    "CART_ABANDONMENT": "PURCHASE_OUT_OF_SHOPPING_CART",
    "SUBSCRIPTION_CANCELED": "SUBSCRIPTION_CANCELLATION",
    "SUBSCRIPTION_CANCELLED": "SUBSCRIPTION_CANCELLATION",
    "PURCHASE_RECURRENCE_CANCELLATION": "SUBSCRIPTION_CANCELLATION",
    "SUBSCRIPTION_CHANGED": "SWITCH_PLAN",
    "SUBSCRIPTION_BILLING_DATE_CHANGE": "UPDATE_SUBSCRIPTION_CHARGE_DATE",
    "SUBSCRIPTION_BILLING_DATE_UPDATED": "UPDATE_SUBSCRIPTION_CHARGE_DATE",
}
EVENTS |= {spelling: EVENTS[word] for spelling, word in SPELLINGS.items()}

#: Events that move neither money nor a subscription -> why nothing is done.
IGNORED = {
    "ORDER_FULFILLMENT": "Hotmart event ORDER_FULFILLMENT tells of transport only; it is kept",
}

#: Status of a purchase, as webhooks and as the API spell it.
STATUSES = {
    "STARTED": ChargeStatus.PENDING,
    "BILLET_PRINTED": ChargeStatus.PENDING,
    "PRINTED_BILLET": ChargeStatus.PENDING,
    "WAITING_PAYMENT": ChargeStatus.PENDING,
    "PRE_ORDER": ChargeStatus.PENDING,
    "PROCESSING_TRANSACTION": ChargeStatus.PENDING,
    "UNDER_ANALISYS": ChargeStatus.PENDING,  # Hotmart's spelling
    "APPROVED": ChargeStatus.PAID,
    "COMPLETED": ChargeStatus.PAID,
    "COMPLETE": ChargeStatus.PAID,
    "DELAYED": ChargeStatus.OVERDUE,
    "OVERDUE": ChargeStatus.OVERDUE,
    "NO_FUNDS": ChargeStatus.FAILED,
    "BLOCKED": ChargeStatus.FAILED,
    "CANCELED": ChargeStatus.CANCELLED,  # refused or given up: Hotmart does not tell them apart
    "CANCELLED": ChargeStatus.CANCELLED,
    "EXPIRED": ChargeStatus.EXPIRED,
    "DISPUTE": ChargeStatus.DISPUTED,
    "PROTESTED": ChargeStatus.DISPUTED,
    "PARTIALLY_REFUNDED": ChargeStatus.PARTIALLY_REFUNDED,  # how much is not said
    "REFUNDED": ChargeStatus.REFUNDED,
    "CHARGEBACK": ChargeStatus.CHARGED_BACK,
}

#: What the status inside may say, by event. Where the two contradict one another neither is
#: believed: a refund that claims to be approved must not mark anything paid.
EXPECTED = {
    EventType.CHARGE_CREATED: {ChargeStatus.PENDING},
    EventType.CHARGE_PAID: {ChargeStatus.PAID},
    EventType.CHARGE_UPDATED: {ChargeStatus.PAID},
    EventType.CHARGE_OVERDUE: {ChargeStatus.OVERDUE},
    EventType.CHARGE_CANCELLED: {ChargeStatus.CANCELLED, ChargeStatus.FAILED},
    EventType.CHARGE_EXPIRED: {ChargeStatus.EXPIRED},
    EventType.CHARGE_DISPUTED: {ChargeStatus.DISPUTED},
    EventType.CHARGE_REFUNDED: {ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED},
    EventType.CHARGE_CHARGED_BACK: {ChargeStatus.CHARGED_BACK},
}

#: Statuses of a charge that was paid at some time.
PAID_ONCE = {
    ChargeStatus.PAID,
    ChargeStatus.DISPUTED,
    ChargeStatus.PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED,
    ChargeStatus.CHARGED_BACK,
}

#: Status of a subscription. None: its first payment never came, for which we have no word.
SUBSCRIPTION_STATUSES = {
    "STARTED": None,
    "INACTIVE": None,
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "DELAYED": SubscriptionStatus.PAST_DUE,
    "OVERDUE": SubscriptionStatus.PAST_DUE,
    "CANCELED": SubscriptionStatus.CANCELLED,
    "CANCELLED": SubscriptionStatus.CANCELLED,
    "CANCELLED_BY_CUSTOMER": SubscriptionStatus.CANCELLED,
    "CANCELLED_BY_SELLER": SubscriptionStatus.CANCELLED,
    "CANCELLED_BY_ADMIN": SubscriptionStatus.CANCELLED,
    "EXPIRED": SubscriptionStatus.EXPIRED,
}

#: ``payment.type``; a word that is not here is OTHER.
PAYMENT_METHODS = {
    "APPLE_PAY": PaymentMethod.WALLET,
    "BALANCE_HOTMART": PaymentMethod.WALLET,
    "BILLET": PaymentMethod.BOLETO,
    "CASHPAYMENT": PaymentMethod.CASH,
    "CASH_PAYMENT": PaymentMethod.CASH,
    "CREDIT_CARD": PaymentMethod.CARD,
    "DIRECT_BANK_TRANSFER": PaymentMethod.BANK_TRANSFER,
    "DIRECT_DEBIT": PaymentMethod.BANK_DEBIT,
    "ECHECK": PaymentMethod.BANK_DEBIT,
    "FINANCED_BILLET": PaymentMethod.FINANCING,
    "FINANCED_INSTALLMENT": PaymentMethod.FINANCING,
    "GOOGLE_PAY": PaymentMethod.WALLET,
    "HOTCARD": PaymentMethod.CARD,
    "HOTMART_BALANCE": PaymentMethod.WALLET,
    "HYBRID": PaymentMethod.MIXED,
    "MANUAL_TRANSFER": PaymentMethod.BANK_TRANSFER,
    "PAYPAL": PaymentMethod.PAYPAL,
    "PAYPAL_INTERNACIONAL": PaymentMethod.PAYPAL,
    "PICPAY": PaymentMethod.WALLET,
    "PIX": PaymentMethod.PIX,
    "SAMSUNG_PAY": PaymentMethod.WALLET,
    "WALLET": PaymentMethod.WALLET,
}

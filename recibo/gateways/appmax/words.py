"""AppMax's words and ours.

Sources: guides "Webhooks" and "Status de pedidos", docs.appmax.com.br.
"""

from recibo.gateways.facts import ChargeStatus, EventType, PaymentMethod, SubscriptionStatus

#: Events of the panel ("Apphooks"), but for those of customers.
PANEL_EVENTS = {
    "OrderPixCreated": EventType.CHARGE_CREATED,
    "OrderBilletCreated": EventType.CHARGE_CREATED,
    "OrderAuthorized": EventType.CHARGE_AUTHORIZED,
    "OrderAuthorizedWithDelay": EventType.CHARGE_AUTHORIZED,
    "OrderApproved": EventType.CHARGE_PAID,
    "OrderPaid": EventType.CHARGE_PAID,  # at the authorization and again at the approval
    "OrderPaidByPix": EventType.CHARGE_PAID,
    "OrderUpSold": EventType.CHARGE_PAID,
    "OrderPendingIntegration": EventType.CHARGE_UPDATED,
    "OrderIntegrated": EventType.CHARGE_UPDATED,
    "OrderBilletOverdue": EventType.CHARGE_OVERDUE,
    "OrderPixExpired": EventType.CHARGE_EXPIRED,
    "PaymentNotAuthorized": EventType.CHARGE_FAILED,
    "PaymentNotAuthorizedWithDelay": EventType.CHARGE_FAILED,
    "OrderPartialRefund": EventType.CHARGE_PARTIALLY_REFUNDED,
    "OrderRefund": EventType.CHARGE_REFUNDED,
    "OrderChargeBackInTreatment": EventType.CHARGE_DISPUTED,
    "OrderChargeBackGain": EventType.CHARGE_PAID,  # the seller won
    "CreatedSubscription": EventType.SUBSCRIPTION_CREATED,
    "ChargeSuccess": EventType.CHARGE_PAID,
    "ChargeFailed": EventType.SUBSCRIPTION_PAST_DUE,
    "SubscriptionDelayedEvent": EventType.SUBSCRIPTION_PAST_DUE,
    "CanceledSubscription": EventType.SUBSCRIPTION_CANCELLED,
    "SubscriptionCancellationEvent": EventType.SUBSCRIPTION_CANCELLED,
    "CustomerInterested": EventType.CART_ABANDONED,
}

#: Events of applications, and of the panel's model "Old Legacy".
APP_EVENTS = {
    "order_pix_created": EventType.CHARGE_CREATED,
    "order_billet_created": EventType.CHARGE_CREATED,
    "order_authorized": EventType.CHARGE_AUTHORIZED,
    "order_authorized_with_delay": EventType.CHARGE_AUTHORIZED,
    "payment_authorized_with_delay": EventType.CHARGE_AUTHORIZED,
    "order_approved": EventType.CHARGE_PAID,
    "order_paid": EventType.CHARGE_PAID,
    "order_paid_by_pix": EventType.CHARGE_PAID,
    "order_up_sold": EventType.CHARGE_PAID,
    "order_pending_integration": EventType.CHARGE_UPDATED,
    "order_integrated": EventType.CHARGE_UPDATED,
    "split_orders": EventType.CHARGE_UPDATED,
    "order_billet_overdue": EventType.CHARGE_OVERDUE,
    "order_pix_expired": EventType.CHARGE_EXPIRED,
    "payment_not_authorized": EventType.CHARGE_FAILED,
    "order_refused_by_risk": EventType.CHARGE_FAILED,
    "order_partial_refund": EventType.CHARGE_PARTIALLY_REFUNDED,
    "order_refund": EventType.CHARGE_REFUNDED,
    "order_chargeback_in_treatment": EventType.CHARGE_DISPUTED,
    "order_charge_back_gain": EventType.CHARGE_PAID,
    "subscription_created": EventType.SUBSCRIPTION_CREATED,
    "subscription_charge_success": EventType.CHARGE_PAID,
    "subscription_charge_failed": EventType.SUBSCRIPTION_PAST_DUE,
    "subscription_delayed": EventType.SUBSCRIPTION_PAST_DUE,
    "subscription_cancelation": EventType.SUBSCRIPTION_CANCELLED,  # AppMax's spelling
    "customer_interested": EventType.CART_ABANDONED,
}
EVENTS = PANEL_EVENTS | APP_EVENTS

#: Events whose ``data`` is a customer. Those that are in no table above tell who somebody is and
#: nothing more, for which there is no type of event.
CUSTOMER_EVENTS = {
    *("CustomerCreated", "CustomerInterested", "CustomerContacted"),
    *("customer_created", "customer_interested", "customer_contacted"),
}

#: What an event says of its subscription.
SUBSCRIPTION_EVENTS = {
    "CreatedSubscription": SubscriptionStatus.ACTIVE,
    "ChargeSuccess": SubscriptionStatus.ACTIVE,
    "ChargeFailed": SubscriptionStatus.PAST_DUE,
    "SubscriptionDelayedEvent": SubscriptionStatus.PAST_DUE,
    "CanceledSubscription": SubscriptionStatus.CANCELLED,
    "SubscriptionCancellationEvent": SubscriptionStatus.CANCELLED,
    "subscription_created": SubscriptionStatus.ACTIVE,
    "subscription_charge_success": SubscriptionStatus.ACTIVE,
    "subscription_charge_failed": SubscriptionStatus.PAST_DUE,
    "subscription_delayed": SubscriptionStatus.PAST_DUE,
    "subscription_cancelation": SubscriptionStatus.CANCELLED,
}

#: What a subscription's event says of the order that it comes with, where that is more than the
#: order's own status.
EVENTS_OF_CHARGES = {"ChargeFailed": EventType.CHARGE_FAILED}

#: A dispute that the seller won, by event and by status: money, unlike every other chargeback.
WON_EVENTS = {"OrderChargeBackGain", "order_charge_back_gain"}
WON_STATUS = "chargeback_vencido"

#: Status of an order, in the panel, in applications and in both APIs.
STATUSES = {
    "pendente": ChargeStatus.PENDING,
    "aguardando_pagamento": ChargeStatus.PENDING,
    "waiting_payment": ChargeStatus.PENDING,
    "autorizado": ChargeStatus.AUTHORIZED,  # in antifraud
    "processing": ChargeStatus.AUTHORIZED,
    "analyzing": ChargeStatus.AUTHORIZED,
    "aprovado": ChargeStatus.PAID,
    "pendente_integracao": ChargeStatus.PAID,
    "pendente_integracao_em_analise": ChargeStatus.PAID,
    "integrado": ChargeStatus.PAID,
    "cancelado": ChargeStatus.CANCELLED,
    "recusado_por_risco": ChargeStatus.FAILED,
    "pending_refund": ChargeStatus.REFUNDED,
    "estornado": ChargeStatus.REFUNDED,
    "chargeback_em_tratativa": ChargeStatus.DISPUTED,
    "chargeback_em_disputa": ChargeStatus.DISPUTED,
    "chargeback_perdido": ChargeStatus.CHARGED_BACK,
    WON_STATUS: ChargeStatus.PAID,
}

#: Events that mean one thing, whatever status they come with: AppMax's own tests show a dispute
#: and an expired Pix that say "aprovado". None of them makes a charge paid.
DECIDED = {
    EventType.CHARGE_CREATED: ChargeStatus.PENDING,
    EventType.CHARGE_AUTHORIZED: ChargeStatus.AUTHORIZED,
    EventType.CHARGE_OVERDUE: ChargeStatus.EXPIRED,
    EventType.CHARGE_EXPIRED: ChargeStatus.EXPIRED,
    EventType.CHARGE_FAILED: ChargeStatus.FAILED,
    EventType.CHARGE_DISPUTED: ChargeStatus.DISPUTED,
    EventType.CHARGE_PARTIALLY_REFUNDED: ChargeStatus.PARTIALLY_REFUNDED,
}

#: Events that move money -> the statuses that bear them out, the first where none is told. With
#: any other the order is asked for.
BORNE_OUT = {
    EventType.CHARGE_PAID: (ChargeStatus.PAID, ChargeStatus.AUTHORIZED),
    EventType.CHARGE_UPDATED: (ChargeStatus.PAID, ChargeStatus.AUTHORIZED),
    EventType.CHARGE_REFUNDED: (ChargeStatus.REFUNDED,),
}

#: The news that made us ask, and the status that was read -> what the two mean together. All
#: others mean what was read.
READ = {
    (EventType.CHARGE_OVERDUE, ChargeStatus.CANCELLED): ChargeStatus.EXPIRED,
    (EventType.CHARGE_EXPIRED, ChargeStatus.CANCELLED): ChargeStatus.EXPIRED,
    (EventType.CHARGE_FAILED, ChargeStatus.CANCELLED): ChargeStatus.FAILED,
    (EventType.CHARGE_FAILED, ChargeStatus.PENDING): ChargeStatus.FAILED,
    (EventType.CHARGE_DISPUTED, ChargeStatus.PAID): ChargeStatus.DISPUTED,
}

#: The type of event that an order which was read amounts to.
TYPE_OF = {
    ChargeStatus.PENDING: EventType.CHARGE_CREATED,
    ChargeStatus.AUTHORIZED: EventType.CHARGE_AUTHORIZED,
    ChargeStatus.PAID: EventType.CHARGE_PAID,
    ChargeStatus.FAILED: EventType.CHARGE_FAILED,
    ChargeStatus.CANCELLED: EventType.CHARGE_CANCELLED,
    ChargeStatus.EXPIRED: EventType.CHARGE_EXPIRED,
    ChargeStatus.DISPUTED: EventType.CHARGE_DISPUTED,
    ChargeStatus.PARTIALLY_REFUNDED: EventType.CHARGE_PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED: EventType.CHARGE_REFUNDED,
    ChargeStatus.CHARGED_BACK: EventType.CHARGE_CHARGED_BACK,
}

#: Statuses of a charge that was paid at some time.
PAID_ONCE = {
    ChargeStatus.PAID,
    ChargeStatus.DISPUTED,
    ChargeStatus.PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED,
    ChargeStatus.CHARGED_BACK,
}

#: Status of a subscription in the API, in small letters.
SUBSCRIPTION_STATUSES = {
    "active": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    "canceled": SubscriptionStatus.CANCELLED,
}
SUBSCRIPTION_TYPE_OF = {
    SubscriptionStatus.ACTIVE: EventType.SUBSCRIPTION_ACTIVATED,
    SubscriptionStatus.PAST_DUE: EventType.SUBSCRIPTION_PAST_DUE,
    SubscriptionStatus.PAUSED: EventType.SUBSCRIPTION_PAST_DUE,
    SubscriptionStatus.CANCELLED: EventType.SUBSCRIPTION_CANCELLED,
}

#: How it is paid, without regard to case and underscores; a word that is not here is OTHER.
PAYMENT_METHODS = {
    "creditcard": PaymentMethod.CARD,
    "pix": PaymentMethod.PIX,
    "boleto": PaymentMethod.BOLETO,
    "billet": PaymentMethod.BOLETO,
}

PERSONAL_FIELDS = frozenset(
    {
        *("firstname", "lastname", "fullname", "name", "email", "telephone", "document_number"),
        *("postcode", "uf", "address_street", "address_street_number", "address_street_complement"),
        *("address_street_district", "address_city", "address_state", "custom_txt"),
        *("street", "street_number", "street_complement", "street_district", "city", "state"),
        *("customer_firstname", "customer_lastname", "customer_fullname", "customer_email"),
        *("customer_telephone", "customer_document_number", "customer_postcode", "customer_uf"),
        *("customer_address_street", "customer_address_street_number"),
        *("customer_address_street_complement", "customer_address_street_district"),
        *("customer_address_city", "customer_address_state"),
        *("card_details", "number"),
    }
)

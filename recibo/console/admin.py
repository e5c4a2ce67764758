"""The console's lists: a look at what is there.

Nothing is changed from here, but what has buttons: subscriptions, which their gateways are asked to
change, and what the seller's applications are told.
"""

from django.contrib import admin

from recibo.access.models import Access, Provisioning
from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.console.deliveries import DeliveryAdmin
from recibo.console.endpoints import EndpointAdmin
from recibo.console.shown import Shown
from recibo.console.subscriptions import SubscriptionAdmin
from recibo.inbox.models import Event, Refusal
from recibo.journal.models import Alert, AuditEntry, IntegrationCall
from recibo.messaging.models import Message
from recibo.outbound.models import Delivery, Endpoint
from recibo.reconciliation.models import PaymentCheck

admin.site.site_header = admin.site.site_title = "Recibo"
admin.site.register(Subscription, SubscriptionAdmin)
admin.site.register(Endpoint, EndpointAdmin)
admin.site.register(Delivery, DeliveryAdmin)


@admin.register(Event)
class EventAdmin(Shown):
    list_display = ("id", "account", "gateway_event", "status", "received_at", "result", "error")
    list_filter = ("status",)
    list_select_related = ("account",)
    search_fields = ("gateway_charge_id__exact",)


@admin.register(Refusal)
class RefusalAdmin(Shown):
    list_display = ("last_at", "gateway", "account", "reason", "remote_address", "times")


@admin.register(Customer)
class CustomerAdmin(Shown):
    list_display = ("email", "name", "segment", "created_at")
    list_filter = ("segment",)
    search_fields = ("email__exact",)


@admin.register(Order)
class OrderAdmin(Shown):
    list_display = ("reference", "status", "customer", "product", "amount", "created_at")
    list_filter = ("status",)
    list_select_related = ("account", "customer")
    search_fields = ("reference__exact",)


@admin.register(Charge)
class ChargeAdmin(Shown):
    list_display = ("gateway_charge_id", "status", "customer", "amount", "currency", "paid_at")
    list_filter = ("status",)
    list_select_related = ("account", "customer")
    search_fields = ("order__reference__exact",)


@admin.register(Provisioning)
class ProvisioningAdmin(Shown):
    list_display = ("order", "product", "stage", "stage_at", "attempts", "next_attempt_at", "error")
    list_filter = ("stage",)
    list_select_related = ("order", "access")
    search_fields = ("order__reference__exact",)


@admin.register(Access)
class AccessAdmin(Shown):
    list_display = ("customer", "application", "product", "plan", "state", "valid_until", "error")
    list_filter = ("state",)
    list_select_related = ("customer",)
    search_fields = ("customer__email__exact",)


@admin.register(Message)
class MessageAdmin(Shown):
    list_display = ("created_at", "kind", "channel", "to", "order", "status", "sent_at", "error")
    list_filter = ("status", "channel")
    list_select_related = ("order", "customer")
    search_fields = ("order__reference__exact",)


@admin.register(PaymentCheck)
class PaymentCheckAdmin(Shown):
    list_display = ("order", "account", "status", "attempts", "next_attempt_at", "reason")
    list_filter = ("status",)
    list_select_related = ("order", "account")
    search_fields = ("order__reference__exact",)


@admin.register(IntegrationCall)
class IntegrationCallAdmin(Shown):
    list_display = ("created_at", "account", "operation", "status_code", "duration_ms", "error")
    search_fields = ("account__exact",)


@admin.register(Alert)
class AlertAdmin(Shown):
    list_display = ("kind", "text", "opened_at", "seen_at", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)


@admin.register(AuditEntry)
class AuditAdmin(Shown):
    list_display = ("at", "actor", "action", "subject")

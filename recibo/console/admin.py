"""The console's lists: a look at what is there. Nothing is changed from here."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.inbox.models import Event, Refusal
from recibo.journal.models import AuditEntry

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Model]
else:
    Base = admin.ModelAdmin  # generic to type checkers only

admin.site.site_header = admin.site.site_title = "Recibo"


class Shown(Base):
    """Rows to look at, newest first."""

    ordering = ("-id",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


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


@admin.register(Subscription)
class SubscriptionAdmin(Shown):
    list_display = ("code", "status", "customer", "plan", "price", "currency", "next_billing_at")
    list_filter = ("status",)
    list_select_related = ("account", "customer")
    search_fields = ("code__exact",)


@admin.register(AuditEntry)
class AuditAdmin(Shown):
    list_display = ("at", "actor", "action", "subject")

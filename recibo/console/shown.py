"""Lists of what is there, to look at."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import BinaryField, Model
from django.http import HttpRequest

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Model]
    Table = admin.TabularInline[Model, Model]
else:
    Base, Table = admin.ModelAdmin, admin.TabularInline  # generic to type checkers only


class Shown(Base):
    """Rows to look at, newest first."""

    ordering = ("-id",)
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Every column but bytes: those are sealed, or no text."""
        columns = self.opts.concrete_fields
        shown = [one.name for one in columns if not isinstance(one, BinaryField)]
        return [*shown, *self.get_readonly_fields(request, obj)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Within(Table):
    """Rows to look at on the page of what they belong to, for all who see that page."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def actor(request: HttpRequest) -> str:
    """Who is logged in, as the audit calls them."""
    return f"user:{request.user.get_username()}"[:120]

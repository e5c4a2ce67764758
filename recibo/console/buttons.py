"""Buttons of a row's page: each asks whether it is meant, and then says what came of it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise

from recibo.console.shown import Shown, actor


class NotDoneError(Exception):
    """What a button asked for did not come about. The message says why, to whoever pressed it."""


def always(row: Any) -> bool:
    """Whether a button suits a row: it suits every one."""
    return True


def nothing(row: Any) -> str:
    """There is nothing to say of a row."""
    return ""


class Button(NamedTuple):
    """Something that can be asked for from a row's page."""

    label: Promise
    question: Promise
    #: Does it for a row and an actor, and gives what is said then. Raises NotDoneError.
    press: Callable[[Any, str], str]
    #: Whether it is offered at all.
    suits: Callable[[Any], bool] = always
    #: Why it cannot be done now; "" where it can.
    obstacle: Callable[[Any], str] = nothing
    #: What may surprise.
    note: Callable[[Any], str] = nothing


class Pressed(Shown):
    """Rows whose pages have buttons, for those who have a permission."""

    buttons: ClassVar[Mapping[str, Button]]
    permission: ClassVar[str]
    change_form_template = "console/buttons.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<path:object_id>/{verb}/",
                self.admin_site.admin_view(partial(self.ask_for, button=button)),
                name=f"{self.opts.model_name}_{verb}",
            )
            for verb, button in self.buttons.items()
        ] + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {}), "buttons": self.offered(request, object_id)}
        return super().change_view(request, object_id, form_url, context)

    def offered(self, request: HttpRequest, object_id: str) -> dict[str, Button]:
        """The buttons of a row's page for who is logged in."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.may_press(request):
            return {}
        return {verb: button for verb, button in self.buttons.items() if button.suits(row)}

    def may_press(self, request: HttpRequest) -> bool:
        """Whether who is logged in may do more than look."""
        return self.has_view_permission(request) and request.user.has_perm(self.permission)

    def ask_for(self, request: HttpRequest, object_id: str, button: Button) -> HttpResponse:
        """Ask whether it is meant; then do it. No transaction is open meanwhile."""
        if not self.may_press(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if request.method != "POST":
            return self.confirmation(request, row, button)
        press(request, row, button)
        return HttpResponseRedirect(self.page_of(row))

    def confirmation(self, request: HttpRequest, row: Model, button: Button) -> HttpResponse:
        """The question, what may surprise, or why it cannot be done."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": button.label,
            "button": button,
            "row": row,
            "about": self.about(row),
            "page": self.page_of(row),
            "obstacle": button.obstacle(row),
            "note": button.note(row),
        }
        return TemplateResponse(request, "console/question.html", context)

    def page_of(self, row: Model) -> str:
        """Where a row is shown."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=(row.pk,))

    def about(self, row: Any) -> str:
        """A row in a few words, above the question."""
        return str(row)


def press(request: HttpRequest, row: Model, button: Button) -> None:
    """Do it, and say what came of it."""
    try:
        said = button.press(row, actor(request))
    except NotDoneError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)

"""The seller's applications that are told of changes."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from recibo.console.buttons import Button, NotDoneError, Pressed
from recibo.console.endpoint_form import EndpointForm
from recibo.console.shown import actor
from recibo.outbound import actions, queries
from recibo.outbound.actions import EndpointError, Wish
from recibo.outbound.models import Endpoint


def disable(endpoint: Endpoint, actor: str) -> str:
    """Tell it of nothing more."""
    actions.disable(endpoint, actor=actor)
    return _("Endpoint %s is disabled.") % endpoint.pk


def enable(endpoint: Endpoint, actor: str) -> str:
    """Tell it again."""
    actions.enable(endpoint, actor=actor)
    return _("Endpoint %s is enabled.") % endpoint.pk


def test(endpoint: Endpoint, actor: str) -> str:
    """Send a test, and give what came back. Raises NotDoneError."""
    try:
        answer = actions.test(endpoint)
    except EndpointError as error:
        raise NotDoneError(str(error)) from None
    facts = {"status": answer.status or answer.error, "ms": answer.duration_ms}
    said = f"{_('%(status)s, in %(ms)s ms') % facts} {answer.text[:200]}".strip()
    if not answer.is_success:
        raise NotDoneError(said)
    return said


def rotate(endpoint: Endpoint, actor: str) -> str:
    """Make a new secret, and show it this once."""
    secret = actions.rotate(endpoint, actor=actor)
    return _("The new secret, shown only now: %s") % secret


def replay_failed(endpoint: Endpoint, actor: str) -> str:
    """Deliver what did not arrive."""
    count = actions.replay_failed(endpoint, actor=actor)
    return _("Deliveries begun again: %s") % count


def is_disabled(endpoint: Endpoint) -> bool:
    """Whether it gets nothing."""
    return endpoint.disabled_at is not None


def is_enabled(endpoint: Endpoint) -> bool:
    """Whether it gets what it wants."""
    return endpoint.disabled_at is None


BUTTONS = {
    "disable": Button(
        _("Disable"),
        _("Tell this endpoint of nothing more? What is on its way waits."),
        disable,
        is_enabled,
    ),
    "enable": Button(
        _("Enable"),
        _("Tell this endpoint of changes again?"),
        enable,
        is_disabled,
    ),
    "test": Button(
        _("Test"),
        _("Send a test message to this endpoint now?"),
        test,
    ),
    "rotate": Button(
        _("New secret"),
        _("Make a new secret for this endpoint? The old one signs beside it for a day."),
        rotate,
    ),
    "replay-failed": Button(
        _("Deliver what failed"),
        _("Deliver now all that was given up, or waits to be tried again?"),
        replay_failed,
    ),
}


class EndpointAdmin(Pressed):
    list_display = ("url", "event_types", "state", "failing_since", "error")
    buttons = BUTTONS
    permission = "outbound.change_endpoint"

    @admin.display(description=_("Events"))
    def event_types(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "*"

    @admin.display(description=_("State"))
    def state(self, endpoint: Endpoint) -> str:
        return queries.state(endpoint)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_press(request)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A form of what it is to be like. Its secret is shown after it, this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EndpointForm(request.POST or None)
        if form.is_valid() and (endpoint := added(request, form)):
            return HttpResponseRedirect(self.page_of(endpoint))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Add an endpoint"),
            "form": form,
        }
        return TemplateResponse(request, "console/endpoint_add.html", context)


def added(request: HttpRequest, form: EndpointForm) -> Endpoint | None:
    """The endpoint that a form wishes for; None: the form says why there is none."""
    try:
        endpoint, secret = actions.add(Wish(**form.cleaned_data), actor=actor(request))
    except EndpointError as error:
        form.add_error(None, str(error))
        return None
    facts = {"id": endpoint.pk, "secret": secret}
    sentence = _("Endpoint %(id)s is there. Its secret, shown only now: %(secret)s")
    messages.success(request, sentence % facts)
    return endpoint

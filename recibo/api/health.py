"""`/healthz` and `/readyz`, for whoever starts and watches this process. They need no token."""

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recibo.operations import health


@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Whether database, migrations and worker are as they must be; 503 if not."""
    checks = health.ready()
    found = [{"name": one.name, "state": one.state, "message": one.sentence} for one in checks]
    if health.is_well(checks):
        return JsonResponse({"status": "ready", "checks": found})
    content = {"error": "not_ready", "message": _("See `checks`."), "checks": found}
    return JsonResponse(content, status=503)

"""Addresses of everything but the webhooks, which ``asgi.py`` takes before Django."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from recibo.api import api, deliveries, health, pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("console/", admin.site.urls),
    path("", RedirectView.as_view(url="/console/")),
    path("", include("recibo.buyer.urls")),
    path("api/deliveries/<str:service>", deliveries.deliveries),
    path("", api.urls()),
]

#: What no view answers.
handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.server_error

"""Addresses of the buyer's pages."""

from django.urls import URLPattern, path

from recibo.buyer import views

urlpatterns: list[URLPattern] = [
    path("pedido/<str:token>", views.order, name="buyer-order"),
    path("descadastro/<str:token>", views.unsubscribe, name="buyer-unsubscribe"),
]

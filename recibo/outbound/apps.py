from django.apps import AppConfig


class OutboundConfig(AppConfig):
    name = "recibo.outbound"
    label = "outbound"

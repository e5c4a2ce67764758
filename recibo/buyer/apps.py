from django.apps import AppConfig


class BuyerConfig(AppConfig):
    name = "recibo.buyer"
    label = "buyer"

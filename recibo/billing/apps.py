from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "recibo.billing"
    label = "billing"

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "recibo.analytics"
    label = "analytics"

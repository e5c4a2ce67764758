from django.apps import AppConfig


class AutomationConfig(AppConfig):
    name = "recibo.automation"
    label = "automation"

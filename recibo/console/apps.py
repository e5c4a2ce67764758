from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "recibo.console"
    label = "console"

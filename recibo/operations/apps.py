from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "recibo.operations"
    label = "operations"

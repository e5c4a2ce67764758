from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "recibo.access"
    label = "access"

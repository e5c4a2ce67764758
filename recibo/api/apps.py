from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "recibo.api"
    label = "api"

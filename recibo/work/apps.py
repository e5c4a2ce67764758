from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "recibo.work"
    label = "work"

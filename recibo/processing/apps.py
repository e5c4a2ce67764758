from django.apps import AppConfig


class ProcessingConfig(AppConfig):
    name = "recibo.processing"
    label = "processing"

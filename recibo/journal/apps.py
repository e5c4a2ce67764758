from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "recibo.journal"
    label = "journal"

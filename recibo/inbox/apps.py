from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "recibo.inbox"
    label = "inbox"

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "recibo.messaging"
    label = "messaging"

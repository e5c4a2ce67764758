from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "recibo.accounts"
    label = "accounts"

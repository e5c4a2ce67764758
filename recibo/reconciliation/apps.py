from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    name = "recibo.reconciliation"
    label = "reconciliation"

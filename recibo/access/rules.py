"""Which access a product gives."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from django.conf import settings
from msgspec import Struct

from recibo.access.models import AccessRule, Application


class Given(Struct, frozen=True):
    """What a product gives: access at an application, known by its scope."""

    application: str
    scope: str
    plan: str = ""
    days: int | None = None


class Rules:
    """The rules as they are now, read once."""

    @cached_property
    def known(self) -> Sequence[AccessRule]:
        """Every rule, and the one for all where an application is set."""
        is_set = settings.RECIBO_APPLICATION is not None
        return [AccessRule(application=Application.DEFAULT if is_set else ""), *stored()]

    def given_by(self, gateway: str, product_id: str, offer: str, product: str) -> Given | None:
        """What this product gives; None: no access at all."""
        fitting = (rule for rule in self.known if fits(rule, gateway, product_id, offer))
        rule = max(fitting, key=particularity)
        if not rule.application:
            return None
        own = f"product:{gateway}:{product_id or product}"
        scope = f"plan:{rule.plan}" if rule.plan else own
        return Given(rule.application, scope, rule.plan, rule.days)


def stored() -> Iterable[AccessRule]:
    """The rules that a person set."""
    return AccessRule.objects.order_by("pk")


def fits(rule: AccessRule, gateway: str, product_id: str, offer: str) -> bool:
    """Whether a rule speaks of this product."""
    asked = ((rule.gateway, gateway), (rule.product_id, product_id), (rule.offer, offer))
    return all(not wanted or wanted == found for wanted, found in asked)


def particularity(rule: AccessRule) -> tuple[bool, bool, bool, bool]:
    """An offer says more than a product, that more than a gateway, any rule more than none."""
    return bool(rule.offer), bool(rule.product_id), bool(rule.gateway), rule.pk is not None


def gives_access() -> bool:
    """Whether any product may give access."""
    return settings.RECIBO_APPLICATION is not None or Application.objects.exists()


def names() -> Iterable[str]:
    """What a rule may call an application."""
    return [Application.DEFAULT, *Application.objects.values_list("name", flat=True)]

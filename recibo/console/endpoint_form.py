"""What a person fills in for a new endpoint."""

from itertools import groupby

from django import forms
from django.utils.translation import gettext_lazy as _

from recibo.gateways.registry import GATEWAYS
from recibo.outbound.actions import MOST_CONCURRENCY
from recibo.outbound.payloads import CATALOGUE

EVERYTHING = _("None: all of them.")


def event_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The types of the catalogue by kind, each after the word for all of its kind."""
    kinds = groupby(sorted(CATALOGUE), key=lambda name: name.partition(".")[0])
    return [(kind, [(name, name) for name in (f"{kind}.*", *names)]) for kind, names in kinds]


def gateway_choices() -> list[tuple[str, str]]:
    """The gateways by their names."""
    return [(slug, gateway.name) for slug, gateway in GATEWAYS.items()]


class Lines(forms.Field):
    """Words, one a line."""

    widget = forms.Textarea(attrs={"class": "vLargeTextField", "rows": 3})

    def to_python(self, value: str | None) -> list[str]:
        return (value or "").splitlines()


class Choices(forms.MultipleChoiceField):
    """Boxes to tick."""

    widget = forms.CheckboxSelectMultiple


class EndpointForm(forms.Form):
    """What an endpoint is to be like, named as in ``Wish``."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.TextInput({"class": "vTextField", "type": "url"}),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"class": "vTextField"}),
    )
    events = Choices(label=_("Events"), choices=event_choices, required=False, help_text=EVERYTHING)
    gateways = Choices(
        label=_("Of these gateways"), choices=gateway_choices, required=False, help_text=EVERYTHING
    )
    accounts = Lines(
        label=_("Of these accounts"),
        required=False,
        help_text=_("gateway/name, one a line. Empty: all."),
    )
    products = Lines(
        label=_("Of these products"),
        required=False,
        help_text=_("The gateways' ids, one a line. Empty: all."),
    )
    is_ordered = forms.BooleanField(
        label=_("In order"),
        required=False,
        help_text=_("What is told of one charge goes one after the other."),
    )
    concurrency = forms.IntegerField(
        label=_("Deliveries at the same time"),
        initial=4,
        min_value=1,
        max_value=MOST_CONCURRENCY,
    )
    per_second = forms.FloatField(
        label=_("Deliveries a second, at most"),
        required=False,
        help_text=_("Empty: as many as there are."),
    )

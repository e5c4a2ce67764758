"""What the seller may say about customers: corrections, notes and tags. No gateway changes them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from recibo.billing.models import Customer, Note, Tag
from recibo.journal.actions import audit


def correct(customer_id: int, fields: Mapping[str, str | None], *, actor: str) -> None:
    """Correct fields of a ``Person``; None takes a correction back. The others stay as they are.

    From then on the person is shown, written to and given access by these. Who the gateways mean
    by the e-mail that they know does not change.
    """
    with transaction.atomic():
        customer = Customer.objects.select_for_update().get(pk=customer_id)
        before = customer.person
        merged = {**customer.corrections, **fields}
        customer.corrections = {name: text for name, text in merged.items() if text is not None}
        customer.save(update_fields=["corrections"])
        changed = [
            name for name in fields if getattr(before, name) != getattr(customer.person, name)
        ]
        audit(
            actor,
            "customer.correct",
            subject(customer_id),
            before={name: getattr(before, name) for name in changed},
            after={name: getattr(customer.person, name) for name in changed},
        )


def annotate(customer_id: int, text: str, *, actor: str) -> Note:
    """Write a note about a customer."""
    with transaction.atomic():
        note = Note.objects.create(customer_id=customer_id, author=actor, text=text)
        audit(actor, "customer.note", subject(customer_id), after={"note": note.pk, "text": text})
    return note


def tag(customer_id: int, word: str, *, actor: str) -> list[str]:
    """Put a tag on a customer, who may have it already. Gives all tags."""
    with transaction.atomic():
        before = tags(customer_id)
        Tag.objects.bulk_create([Tag(customer_id=customer_id, tag=word)], ignore_conflicts=True)
        return audited("customer.tag", customer_id, before, actor)


def untag(customer_id: int, word: str, *, actor: str) -> list[str]:
    """Take a tag off a customer, who need not have it. Gives the tags that are left."""
    with transaction.atomic():
        before = tags(customer_id)
        Tag.objects.filter(customer=customer_id, tag=word).delete()
        return audited("customer.untag", customer_id, before, actor)


def audited(action: str, customer_id: int, before: list[str], actor: str) -> list[str]:
    """The tags as they are now; if they are others than before, that is kept."""
    after = tags(customer_id)
    if after != before:
        told: dict[str, dict[str, Any]] = {"before": {"tags": before}, "after": {"tags": after}}
        audit(actor, action, subject(customer_id), **told)
    return after


def tags(customer_id: int) -> list[str]:
    """The tags of a customer, by the alphabet."""
    found = Tag.objects.filter(customer=customer_id).order_by("tag")
    return list(found.values_list("tag", flat=True))


def subject(customer_id: int) -> str:
    """A customer as the audit calls it."""
    return f"customer:{customer_id}"

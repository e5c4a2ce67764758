"""Numbers as buyers write them; the vectors were checked against Google's library."""

import csv
from pathlib import Path

import pytest

from recibo.messaging.phones import Phone, PhoneKind, mobile, normalise

with (Path(__file__).parent / "phone-normalisation.csv").open(newline="") as file:
    VECTORS = list(csv.DictReader(file))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["input"] or "nothing")
def test_a_number_is_read_as_its_owner_means_it(vector: dict[str, str]) -> None:
    expected = Phone(vector["e164"], PhoneKind(vector["kind"])) if vector["e164"] else None
    assert normalise(vector["input"]) == expected


def test_what_is_normalised_stays_as_it_is() -> None:
    known = [vector["e164"] for vector in VECTORS if vector["e164"]]
    assert [phone and phone.e164 for phone in map(normalise, known)] == known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(11) 98765-4321", "+5511987654321"),
        ("(31) 8765-4321", "+5531987654321"),
        ("+1 415 555 2671", "+14155552671"),
        ("1133334444", ""),  # a landline
        ("0800 123 4567", ""),
        ("telefone", ""),
        ("", ""),
    ],
)
def test_only_mobiles_are_sent_to(text: str, expected: str) -> None:
    assert mobile(text) == expected


def test_a_number_with_an_extension_is_no_mobile() -> None:
    assert normalise("+55 11 98765-4321 ext. 5") is None


@pytest.mark.parametrize("text", ["+" * 300, "9" * 5000, "١١٩٨٧٦٥٤٣٢١", "11\x00987654321"])
def test_nothing_that_a_form_lets_through_breaks_it(text: str) -> None:
    assert mobile(text) in {"", "+5511987654321"}

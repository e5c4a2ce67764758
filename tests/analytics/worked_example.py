"""The files of the worked example (docs/metrics.md), which lie beside the tests."""

import csv
from pathlib import Path

HERE = Path(__file__).parent / "worked_example"


def path(name: str) -> Path:
    """Where a file of the example is."""
    return HERE / f"{name}.csv"


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a file of the example."""
    with path(name).open(newline="") as file:
        return list(csv.DictReader(file))

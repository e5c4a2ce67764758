"""The page that says what each gateway can is made from the tables, and stays true."""

import runpy
from dataclasses import fields
from pathlib import Path

import pytest

from recibo.gateways.contract import Gateway
from recibo.gateways.matrix import page
from recibo.gateways.registry import GATEWAYS

ROOT = Path(__file__).parents[2]

#: Which row of the page tells of which function; every function that the contract has over HTTP.
ROWS = {
    "fetch": "what a thin or unproven notice is about",
    "fetch_customer": "who a buyer is",
    "fetch_charge": "how a charge stands",
    "search_charges": "the charges of a reference",
    "list_sales": "the sales of a time",
    "list_subscriptions": "the subscriptions of a time",
    "cancel_subscription": "to cancel a subscription",
    "reactivate_subscription": "to take it up again",
    "change_due_day": "to collect it on another day",
    "change_plan": "to move it to another plan",
    "webhook_queues": "how its webhooks to us stand",
    "resume_webhooks": "to send them again where it stopped",
    "ping": "whether our credentials work",
}


def cells(row: str) -> list[str]:
    """What a row of the page says of each gateway."""
    (line,) = (line for line in page().splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_page_is_what_the_tables_say():
    kept = (ROOT / "docs" / "gateway-matrix.md").read_text()
    assert kept == page(), "python -m recibo.gateways.matrix > docs/gateway-matrix.md"


@pytest.mark.filterwarnings("ignore:'recibo.gateways.matrix' found in sys.modules")
def test_the_command_that_the_page_names_makes_it(capsys: pytest.CaptureFixture[str]):
    runpy.run_module("recibo.gateways.matrix", run_name="__main__")
    assert capsys.readouterr().out == page()


@pytest.mark.parametrize("function", ROWS)
def test_what_an_api_can_be_asked_is_what_the_gateway_has_functions_for(function: str):
    has = [getattr(gateway, function) is not None for gateway in GATEWAYS.values()]
    assert [cell == "yes" for cell in cells(ROWS[function])] == has


def test_no_function_of_an_api_is_left_out():
    optional = {one.name for one in fields(Gateway) if one.default is None}
    assert set(ROWS) == optional


def test_every_setting_of_the_credentials_is_named():
    named = [set(cell.split(", ")) - {""} for cell in cells("its credentials")]
    assert named == [
        {f"`{setting}`" for setting in gateway.credentials.values()}
        for gateway in GATEWAYS.values()
    ]

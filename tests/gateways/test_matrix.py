"""The page that says what each gateway can is made from the tables, and stays true."""

import runpy
from pathlib import Path

import pytest

from recibo.gateways.matrix import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_tables_say():
    kept = (ROOT / "docs" / "gateway-matrix.md").read_text()
    assert kept == page(), "python -m recibo.gateways.matrix > docs/gateway-matrix.md"


@pytest.mark.filterwarnings("ignore:'recibo.gateways.matrix' found in sys.modules")
def test_the_command_that_the_page_names_makes_it(capsys: pytest.CaptureFixture[str]):
    runpy.run_module("recibo.gateways.matrix", run_name="__main__")
    assert capsys.readouterr().out == page()

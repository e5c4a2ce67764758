"""The page that says what each gateway can is made from the tables, and stays true."""

from pathlib import Path

from recibo.gateways.matrix import page

PAGE = Path(__file__).parents[2] / "docs" / "gateway-matrix.md"


def test_the_page_is_what_the_tables_say():
    assert PAGE.read_text() == page(), "python -m recibo.gateways.matrix > docs/gateway-matrix.md"

"""What the test button of Hotmart's panel sends: never a sale."""

from recibo.gateways.errors import IgnoredError
from recibo.gateways.hotmart.payload import Product
from recibo.gateways.hotmart.subjects import normal

#: Not all of it has product 0: the cancellation does not.
PANEL_TRANSACTION = "HP16015479281022"
PANEL_EMAILS = {"test@hotmart.com", "teste@hotmart.com.br"}


def refuse_panel_test(product: Product, email: str, transaction: str = "") -> None:
    """Raise IgnoredError for what the test button of Hotmart's panel sends."""
    has_no_product = not str(product.id).strip("0")
    if has_no_product or transaction == PANEL_TRANSACTION or normal(email) in PANEL_EMAILS:
        raise IgnoredError("test sent from Hotmart's panel: never a sale")

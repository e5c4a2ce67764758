"""Every gateway that Recibo speaks, by its slug. Explicit: one line each, no discovery."""

from recibo.gateways.appmax import APPMAX
from recibo.gateways.asaas import ASAAS
from recibo.gateways.contract import Gateway
from recibo.gateways.hotmart import HOTMART
from recibo.gateways.mercadopago import MERCADOPAGO
from recibo.gateways.pagseguro import PAGSEGURO
from recibo.gateways.stone import STONE

ALL = (
    APPMAX,
    ASAAS,
    HOTMART,
    MERCADOPAGO,
    PAGSEGURO,
    STONE,
)

GATEWAYS: dict[str, Gateway] = {gateway.slug: gateway for gateway in ALL}

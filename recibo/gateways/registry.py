"""Every gateway that Recibo speaks, by its slug. Explicit: one line each, no discovery."""

from recibo.gateways.contract import Gateway
from recibo.gateways.hotmart import HOTMART

GATEWAYS: dict[str, Gateway] = {gateway.slug: gateway for gateway in (HOTMART,)}

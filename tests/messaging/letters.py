"""Messages to render: with all that can be known, and with as little as there can be."""

from recibo.messaging.configuration import Seller
from recibo.messaging.kinds import Kind
from recibo.messaging.rendering import Content

PIX = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"
    "5204000053039865406 97.905802BR5913Escola Violao6008BRASILIA62070503***6304ABCD"
)
BOLETO = "34191.79001 01043.510047 91020.150008 6 99990000009790"
SELLER = Seller(
    name="Escola de Violão & Cia",
    email="atendimento@escola-de-violao.example.com",
    colour="#7c3aed",
    site="https://escola-de-violao.example.com",
)
FULL = Content(
    name="MARIA DA SILVA",
    order="HP16015479281022",
    product="Violão do Zero ao Palco: <Turma> 12",
    amount="R$ 1.297,90",
    payment_method="cartão em 12x",
    order_url="https://recibo.example.com/pedido/17.1xVHTU.kw5bJ0D5Ic-P7g3m2K8bSTdUmezZ-lRfR",
    login_url="https://app.escola-de-violao.example.com/entrar",
    email="maria.aparecida.da.silva.souza@provedor-de-nome-comprido.example.com",
    payment_code=PIX,
    payment_url="https://pay.example.com/checkout/9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    expires_at="05/03/2026 às 14:30",
    days_late=3,
    cart_url="https://pay.example.com/cart?id=1&step=2",
    refund_amount="R$ 97,90",
    reason="O pagamento da assinatura está em atraso.",
    unsubscribe_url="https://recibo.example.com/descadastro/wyb3wVJEdq-9vYEEaiWYy",
    title="7 compradores esperam há mais de uma hora",
    lines=("A aplicação não responde desde as 14:30.", "Rode recibo check."),
)
PASSWORD = "Kx7-wQ2<m&9"
PASSWORD_URL = "https://app.escola-de-violao.example.com/senha?token=segredo-do-link"
#: By name: what each kind may have to tell.
LETTERS = {
    **{str(kind): (kind, FULL) for kind in Kind},
    "renewal": (Kind.PURCHASE_CONFIRMATION, Content(is_renewal=True, product="Violão")),
    "nothing-follows": (Kind.PURCHASE_CONFIRMATION, Content(gives_access=False)),
    "boleto": (
        Kind.PAYMENT_INSTRUCTIONS,
        Content(payment_code=BOLETO, payment_url="https://pay.example.com/b", amount="R$ 97,90"),
    ),
    "password": (
        Kind.WELCOME_CREDENTIALS,
        Content(
            name="Ana Souza",
            product="Violão",
            email=FULL.email,
            password=PASSWORD,
            login_url=FULL.login_url,
        ),
    ),
    "password-link": (
        Kind.WELCOME_CREDENTIALS,
        Content(name="Ana Souza", product="Violão", email=FULL.email, password_url=PASSWORD_URL),
    ),
    "has-account": (
        Kind.WELCOME_CREDENTIALS,
        Content(product="Violão", email=FULL.email, has_account=True, login_url=FULL.login_url),
    ),
}
EMPTY = {f"{kind} of nothing": (kind, Content()) for kind in Kind}

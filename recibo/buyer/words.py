"""What the buyer's pages say, in each language."""

from collections.abc import Mapping

from msgspec import Struct

from recibo.buyer.standing import Situation

S = Situation


class Said(Struct, frozen=True):
    """A headline and what follows from it."""

    headline: str
    text: str


class Words(Struct, frozen=True, kw_only=True):
    """All the words of the pages in one language."""

    code: str  # BCP 47
    name: str  # of the language, in itself
    title: str
    situations: Mapping[Situation, Said]
    steps: tuple[str, str, str, str]
    step_states: Mapping[str, str]  # for those who do not see the picture
    how_to_pay: str
    pix: str
    pix_label: str
    boleto: str
    boleto_label: str
    other: str
    other_label: str
    copy: str
    copied: str
    pay_pix: str
    pay_boleto: str
    pay: str
    due: str
    details: str
    order: str
    product: str
    amount: str
    refunded: str
    method: str
    ordered: str
    paid: str
    email: str
    reloads: str
    contact: str
    forged: Said
    expired: Said
    unsubscribe: Said
    unsubscribe_button: str
    unsubscribed: Said
    receipts: str


PORTUGUESE = Words(
    code="pt-BR",
    name="Português",
    title="Seu pedido",
    situations={
        S.AWAITING: Said(
            "Falta só o pagamento",
            "Assim que ele for confirmado, seu pedido segue sozinho.",
        ),
        S.REVIEWING: Said(
            "Pagamento em análise",
            "Isso costuma levar poucos minutos. Avisaremos você por e-mail.",
        ),
        S.REFUSED: Said(
            "O pagamento não foi aprovado",
            "Nada foi cobrado. Você pode tentar de novo ou usar outra forma de pagamento.",
        ),
        S.CREATING: Said(
            "Pagamento confirmado!",
            "Estamos criando o seu acesso. Leva poucos minutos.",
        ),
        S.SENDING: Said(
            "Seu acesso está a caminho",
            "Estamos enviando os dados para entrar ao seu e-mail.",
        ),
        S.READY: Said(
            "Seu acesso está pronto!",
            "Enviamos a você um e-mail com tudo para entrar. Não achou? Veja também o spam.",
        ),
        S.CONFIRMED: Said(
            "Pagamento confirmado!",
            "Está tudo certo com o seu pedido. Obrigado pela compra!",
        ),
        S.DELAYED: Said(
            "Seu acesso está demorando",
            "Seu pagamento está confirmado. Nossa equipe já foi avisada e está cuidando disso.",
        ),
        S.BLOCKED: Said(
            "Seu acesso está suspenso",
            "O motivo está no e-mail que enviamos a você.",
        ),
        S.REFUNDED: Said(
            "Pedido reembolsado",
            "O valor volta pelo mesmo meio de pagamento: no Pix costuma ser na hora;"
            " no cartão, em uma ou duas faturas.",
        ),
        S.CHARGED_BACK: Said(
            "Pagamento contestado",
            "O pagamento foi contestado no banco ou no cartão e devolvido.",
        ),
        S.CANCELLED: Said(
            "Pedido cancelado",
            "Nada mais será cobrado por este pedido.",
        ),
        S.EXPIRED: Said(
            "O prazo para pagar terminou",
            "Nada foi cobrado. Para comprar, faça um novo pedido.",
        ),
    },
    steps=("Pagamento", "Acesso", "E-mail", "Pronto"),
    step_states={
        "done": "concluído",
        "now": "em andamento",
        "later": "a seguir",
        "stuck": "precisa de atenção",
    },
    how_to_pay="Como pagar",
    pix="No aplicativo do seu banco, escolha Pix copia e cola e cole este código.",
    pix_label="Código Pix",
    boleto="No aplicativo do seu banco, escolha pagar boleto e use esta linha digitável."
    " A confirmação leva até três dias úteis.",
    boleto_label="Linha digitável",
    other="Use este código para pagar.",
    other_label="Código",
    copy="Copiar código",
    copied="Copiado!",
    pay_pix="Ver o QR Code",
    pay_boleto="Abrir o boleto",
    pay="Pagar agora",
    due="Válido até",
    details="Detalhes do pedido",
    order="Pedido",
    product="Produto",
    amount="Valor",
    refunded="Valor devolvido",
    method="Pagamento",
    ordered="Feito em",
    paid="Pago em",
    email="E-mail",
    reloads="Esta página se atualiza sozinha.",
    contact="Dúvidas? Escreva para",
    forged=Said(
        "Este link não funciona",
        "O endereço parece incompleto. Abra de novo o link do e-mail que enviamos a você, inteiro.",
    ),
    expired=Said(
        "Este link já expirou",
        "Por segurança, ele vale por tempo limitado. Se ainda precisar de algo, fale com quem"
        " vendeu o produto a você.",
    ),
    unsubscribe=Said(
        "Não receber mais lembretes?",
        "Não enviaremos mais lembretes de pagamento nem avisos de compras não terminadas para",
    ),
    unsubscribe_button="Não quero mais receber",
    unsubscribed=Said(
        "Pronto, sem mais lembretes",
        "Não enviaremos mais lembretes de pagamento nem avisos de compras não terminadas para",
    ),
    receipts="Confirmações e dados de acesso do que você compra continuam chegando.",
)
ENGLISH = Words(
    code="en",
    name="English",
    title="Your order",
    situations={
        S.AWAITING: Said(
            "Only the payment is left",
            "As soon as it is confirmed, your order goes on by itself.",
        ),
        S.REVIEWING: Said(
            "Payment under review",
            "This usually takes a few minutes. We will tell you by e-mail.",
        ),
        S.REFUSED: Said(
            "The payment was not approved",
            "Nothing was charged. You can try again, or pay in another way.",
        ),
        S.CREATING: Said(
            "Payment confirmed!",
            "We are creating your access. It takes a few minutes.",
        ),
        S.SENDING: Said(
            "Your access is on its way",
            "We are sending what you need to log in to your e-mail.",
        ),
        S.READY: Said(
            "Your access is ready!",
            "We sent you an e-mail with all you need to log in. Is it missing? Look in the"
            " spam folder too.",
        ),
        S.CONFIRMED: Said(
            "Payment confirmed!",
            "All is well with your order. Thank you for your purchase!",
        ),
        S.DELAYED: Said(
            "Your access takes longer",
            "Your payment is confirmed. Our team has been told and is looking into it.",
        ),
        S.BLOCKED: Said(
            "Your access is suspended",
            "Why is in the e-mail that we sent you.",
        ),
        S.REFUNDED: Said(
            "Order refunded",
            "The money goes back the way it came: at once with Pix, as a rule; on one of the"
            " next two statements of a card.",
        ),
        S.CHARGED_BACK: Said(
            "Payment disputed",
            "The payment was disputed with the bank or the card, and returned.",
        ),
        S.CANCELLED: Said(
            "Order cancelled",
            "Nothing more will be charged for this order.",
        ),
        S.EXPIRED: Said(
            "The time to pay is over",
            "Nothing was charged. To buy, please place a new order.",
        ),
    },
    steps=("Payment", "Access", "E-mail", "Ready"),
    step_states={
        "done": "done",
        "now": "under way",
        "later": "to come",
        "stuck": "needs attention",
    },
    how_to_pay="How to pay",
    pix="In your bank's app choose Pix copy and paste (“Pix copia e cola”) and paste this code.",
    pix_label="Pix code",
    boleto="In your bank's app choose to pay a boleto and use this number. The confirmation takes"
    " up to three business days.",
    boleto_label="Number of the boleto",
    other="Use this code to pay.",
    other_label="Code",
    copy="Copy the code",
    copied="Copied!",
    pay_pix="See the QR code",
    pay_boleto="Open the boleto",
    pay="Pay now",
    due="Valid until",
    details="Your order in detail",
    order="Order",
    product="Product",
    amount="Amount",
    refunded="Amount returned",
    method="Payment",
    ordered="Placed on",
    paid="Paid on",
    email="E-mail",
    reloads="This page keeps itself up to date.",
    contact="Questions? Write to",
    forged=Said(
        "This link does not work",
        "The address seems to be incomplete. Please open the whole link of the e-mail that we"
        " sent you.",
    ),
    expired=Said(
        "This link has expired",
        "For your safety it works for a limited time. If you still need something, contact"
        " whoever sold you the product.",
    ),
    unsubscribe=Said(
        "No more reminders?",
        "We will send no more payment reminders and notes on unfinished purchases to",
    ),
    unsubscribe_button="Send me no more",
    unsubscribed=Said(
        "Done: no more reminders",
        "We will send no more payment reminders and notes on unfinished purchases to",
    ),
    receipts="Confirmations and log-in details of what you buy will still come.",
)
WORDS = {"pt-br": PORTUGUESE, "en": ENGLISH}

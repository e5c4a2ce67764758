"""Messages as people read them: from what is known to subject, HTML, text and WhatsApp.

``templates/messaging/LANGUAGE/KIND.html`` holds all the words of a kind in one language; the
layouts make its parts of them. Nothing here asks the database or the network.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from django.template import Context, Engine
from msgspec import Struct

from recibo.messaging.blocks import one_line
from recibo.messaging.configuration import Seller
from recibo.messaging.kinds import RULES, WHATSAPP, Kind
from recibo.messaging.wording import first_name

LANGUAGES = ("pt-br", "en")
ENGINE = Engine(
    dirs=[str(Path(__file__).with_name("templates"))], builtins=["recibo.messaging.blocks"]
)
#: Mail programs show about 70 letters of a subject; more than this is a broken product name.
LONGEST_SUBJECT = 150
#: How every Pix code begins: payload format 01 (Banco Central, "Manual do BR Code").
PIX_CODE = "000201"
WHITE, BLACK = "#ffffff", "#111827"


class Content(Struct, frozen=True, kw_only=True):
    """What a message tells, in words ready to be read (``wording.py`` makes them).

    "" is not known: nothing is said of it then.
    """

    name: str = ""  # whole, as the gateway told it
    order: str = ""  # the reference
    product: str = ""
    amount: str = ""
    payment_method: str = ""
    order_url: str = ""  # the buyer's page
    login_url: str = ""
    email: str = ""  # with which he logs in
    password: str = ""  # of a new user; in e-mail only
    password_url: str = ""  # at which a new user sets one; in e-mail only
    is_renewal: bool = False  # of a confirmation: the access goes on
    gives_access: bool = True  # of a confirmation: access follows by itself
    has_account: bool = False  # he had a user before, and keeps its password
    payment_code: str = ""  # Pix copy and paste, or a boleto's line
    payment_url: str = ""
    expires_at: str = ""  # of a Pix, a boleto or the link for a password
    days_late: int | None = None
    cart_url: str = ""
    refund_amount: str = ""
    is_partial_refund: bool = False
    reason: str = ""  # of a block: a whole sentence
    unsubscribe_url: str = ""
    title: str = ""  # of reports and alerts
    lines: Sequence[str] = ()  # likewise


class Rendered(Struct, frozen=True, kw_only=True):
    """A message for every channel. ``whatsapp`` is "" for kinds that do not go there."""

    subject: str  # one line
    text: str
    html: str
    whatsapp: str
    parameters: tuple[str, ...]  # of the template of the same text at Meta, in its order


def render(kind: Kind, language: str, content: Content, seller: Seller) -> Rendered:
    """The message in a language of ``LANGUAGES``."""
    values = known(kind, language, content, seller)
    subject = one_line(part("subject.txt", values))[:LONGEST_SUBJECT]
    whatsapp = tidied(part("whatsapp.txt", values))
    return Rendered(
        subject=subject,
        text=tidied(part("email.txt", values)) + "\n",
        html=tidied(part("email.html", {**values, "is_html": True, "subject": subject})),
        whatsapp=whatsapp if WHATSAPP in RULES[kind].channels else "",
        parameters=tuple(values["slots"]),
    )


def register_text(kind: Kind, language: str) -> str:
    """The body to register at Meta: the WhatsApp text with {{1}}, {{2}} … for what differs."""
    values = known(kind, language, Content(), Seller())
    return tidied(part("whatsapp.txt", {**values, "is_register": True}))


def known(kind: Kind, language: str, content: Content, seller: Seller) -> dict[str, Any]:
    """What the templates may use."""
    return {
        **msgspec.structs.asdict(content),
        "first_name": first_name(content.name),
        "is_pix": content.payment_code.startswith(PIX_CODE),
        "seller": seller,
        "ink": ink_on(seller.colour),
        "language": language,
        "template": f"messaging/{language}/{kind}.html",
        "footer": f"messaging/{language}/footer.html",
        "is_html": False,
        "is_register": False,
        "slots": [],
    }


def part(layout: str, values: dict[str, Any]) -> str:
    """One part of a message: its words in a layout."""
    context = Context({**values, "layout": f"messaging/layouts/{layout}"}, use_l10n=False)
    return ENGINE.get_template(values["template"]).render(context)


def tidied(text: str) -> str:
    """Without white space at the ends of lines, and with one empty line at most."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()


def ink_on(colour: str) -> str:
    """The colour of letters on a ground of ``colour`` (#rrggbb): whichever has more contrast.

    By the relative luminance of WCAG 2.2; both contrasts are the same at 0.179.
    """
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return BLACK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else WHITE

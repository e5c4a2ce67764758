"""What buyers read: complete, in their language, safe, and fit for a phone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.template import Engine
from msgspec import structs

from recibo.messaging import rendering, wording
from recibo.messaging.configuration import Seller
from recibo.messaging.kinds import RULES, WHATSAPP, Kind
from recibo.messaging.rendering import LANGUAGES, Content, Rendered, register_text, render
from tests.browser import Chromium, chromium, overflowing
from tests.messaging.letters import (
    BOLETO,
    EMPTY,
    FULL,
    LETTERS,
    PASSWORD,
    PASSWORD_URL,
    PIX,
    SELLER,
)

DOCS = Path(__file__).parents[2] / "docs" / "messages.md"
#: Gmail cuts what is longer.
LARGEST_HTML = 102 * 1024
#: Of a template's body with its parameters (Meta, "Message templates").
LARGEST_WHATSAPP = 1024
#: What a sentence looks like when a word of it is missing.
BROKEN = re.compile(r"None|\{\{|\{%|\s[,.:;!?]|,\s*[.,!]|\(\s*\)|:\s*\.|!\s*\.|\.\s*\.")
#: Kinds whose words come from elsewhere.
NOT_OURS = {Kind.REPORT, Kind.ALERT}
TO_WHATSAPP = [kind for kind in Kind if WHATSAPP in RULES[kind].channels]

every_language = pytest.mark.parametrize("language", LANGUAGES)
every_kind = pytest.mark.parametrize("kind", list(Kind))
every_letter = pytest.mark.parametrize("name", [*LETTERS, *EMPTY])


def letter(name: str, language: str, seller: Seller = SELLER) -> Rendered:
    kind, content = {**LETTERS, **EMPTY}[name]
    return render(kind, language, content, seller)


class Reader(HTMLParser):
    """Reads a message: its visible text, its links, what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.links, self.loaded, self.open = "", list[str](), list[str](), list[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)
        if tag == "a":
            self.links.append(values["href"])
        self.loaded += [values[name] for name in ("src", "background") if name in values]
        assert tag not in {"script", "link", "iframe", "form", "object", "video"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += f" {data}"


@every_language
@every_letter
def test_every_message_has_all_its_parts(name, language):
    told = letter(name, language)

    assert told.subject.strip() == told.subject != ""
    assert "\n" not in told.subject
    assert len(told.text) > 40
    assert len(told.html.encode()) < LARGEST_HTML
    kind, _ = {**LETTERS, **EMPTY}[name]
    assert bool(told.whatsapp) == (kind in TO_WHATSAPP)
    assert len(told.whatsapp) < LARGEST_WHATSAPP


@every_language
@every_letter
def test_what_is_not_known_breaks_no_sentence(name, language):
    told = letter(name, language, Seller())

    visible = " ".join(Reader(told.html).text.split())
    for part in (told.subject, told.text, told.whatsapp, visible):
        assert not (found := BROKEN.search(part)), (found, part)
    if name in EMPTY:
        assert not re.search(r":$", told.text, re.MULTILINE), "it announces what does not follow"


@every_language
@every_letter
def test_the_html_is_whole_and_loads_nothing(name, language):
    read = Reader(letter(name, language).html)
    assert read.open == []
    assert read.loaded == []


@every_language
@every_letter
def test_text_and_html_say_the_same(name, language):
    told = letter(name, language)
    read = Reader(told.html)
    visible = " ".join(read.text.split())

    for line in filter(None, told.text.splitlines()):
        for words in re.split(r": |:$", line):
            # Links are words in HTML and addresses in the text.
            known = words in visible or words in read.links or words == "--"
            assert known, (words, line)


@pytest.mark.parametrize("name", [name for name in LETTERS if name not in NOT_OURS])
def test_portuguese_and_english_are_not_mixed(name):
    portuguese, english = letter(name, "pt-br"), letter(name, "en")

    assert 'lang="pt-BR"' in portuguese.html
    assert 'lang="en"' in english.html
    assert not re.search(r"\b(the|your|order|hello)\b", portuguese.text, re.IGNORECASE)
    assert not re.search(
        r"\b(seu|sua|você|pedido|olá|não)\b", english.text.replace("/pedido/", "/"), re.IGNORECASE
    )


def test_a_confirmation_tells_name_order_amount_and_method():
    told = letter("purchase_confirmation", "pt-br")

    for part in (told.text, Reader(told.html).text):
        for known in ("Maria", FULL.order, FULL.product, FULL.amount, FULL.payment_method):
            assert known in part
    assert "Seu acesso chega em poucos minutos" in told.text
    assert FULL.order_url in told.text
    assert told.subject == f"Pagamento confirmado: {FULL.product}"


@every_language
def test_a_renewal_promises_no_new_access(language):
    told = letter("renewal", language)
    assert re.search("continua|goes on", told.text)
    assert not re.search("em outro e-mail|in another e-mail", told.text)


@every_language
def test_a_product_without_access_promises_none(language):
    told = letter("nothing-follows", language)
    for part in (told.text, told.html, told.whatsapp):
        assert not re.search("acesso|access", part)


@every_language
def test_a_pix_and_a_boleto_are_told_apart(language):
    pix = letter("payment_instructions", language)
    boleto = letter("boleto", language)

    assert PIX in pix.text
    assert PIX in pix.html
    assert "Pix" in pix.subject
    assert "boleto" not in pix.text
    assert BOLETO in boleto.text
    assert "boleto" in boleto.subject
    assert "Pix" not in boleto.text


@every_language
def test_a_password_is_in_the_mail_and_never_in_whatsapp(language):
    told = letter("password", language)

    assert PASSWORD in told.text
    assert PASSWORD in Reader(told.html).text
    assert PASSWORD not in told.subject
    assert PASSWORD not in told.whatsapp
    assert all(PASSWORD not in parameter for parameter in told.parameters)


@every_language
def test_a_link_to_set_a_password_is_never_in_whatsapp(language):
    told = letter("password-link", language)

    assert PASSWORD_URL in told.text
    assert PASSWORD_URL in Reader(told.html).links
    assert "segredo-do-link" not in told.whatsapp
    assert all("segredo-do-link" not in parameter for parameter in told.parameters)


@every_language
def test_who_has_an_account_is_told_no_credentials(language):
    content = structs.replace(
        LETTERS["has-account"][1], password=PASSWORD, password_url=PASSWORD_URL
    )
    told = render(Kind.WELCOME_CREDENTIALS, language, content, SELLER)

    for part in (told.text, told.html):
        assert PASSWORD not in part
        assert "segredo-do-link" not in part
    assert re.search("já tem uma conta|already have an account", told.text)


@every_kind
@every_language
def test_what_others_wrote_cannot_become_html(kind, language):
    evil = '<img src=x onerror="alert(1)">'
    strings = {
        field: evil for field in Content.__struct_fields__ if isinstance(getattr(FULL, field), str)
    }
    told = render(kind, language, Content(**strings, lines=(evil,)), Seller(name=evil))

    assert "<img" not in told.html
    assert Reader(told.html).loaded == []


@every_kind
def test_what_is_no_web_address_is_no_link(kind):
    urls = {field for field in Content.__struct_fields__ if field.endswith("_url")}
    content = structs.replace(FULL, **dict.fromkeys(urls, "javascript:alert(1)"))

    told = render(kind, "en", content, Seller())
    assert Reader(told.html).links == []


def test_a_subject_stays_one_line():
    content = Content(product="Violão\r\nBcc: all@example.com")
    subject = render(Kind.PURCHASE_CONFIRMATION, "pt-br", content, SELLER).subject
    assert subject == "Pagamento confirmado: Violão Bcc: all@example.com"


def test_the_longest_product_leaves_a_subject_that_servers_take():
    content = Content(product="Violão " * 200)
    assert len(render(Kind.PURCHASE_CONFIRMATION, "pt-br", content, SELLER).subject) == 150


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("MARIA DA SILVA", "Maria"),
        ("joão souza", "João"),
        ("Ana-Clara Dias", "Ana-Clara"),
        ("D'Artagnan Lima", "D'Artagnan"),
        ("McDonald", "McDonald"),
        ("", ""),
        ("   ", ""),
        ("J. Silva", ""),
        ("www.ganhe-dinheiro.example.com", ""),
        ("https://evil.example.com", ""),
        ("ana@example.com", ""),
        ("12345", ""),
        ("X" * 31, ""),
    ],
)
def test_people_are_greeted_by_what_looks_like_a_first_name(name, first):
    assert wording.first_name(name) == first


@pytest.mark.parametrize("kind", TO_WHATSAPP)
@every_language
def test_the_template_at_meta_filled_with_the_parameters_is_the_same_text(kind, language):
    body = register_text(kind, language)
    for content in (FULL, Content()):
        told = render(kind, language, content, SELLER)
        filled = body
        for number, parameter in enumerate(told.parameters, 1):
            filled = filled.replace(f"{{{{{number}}}}}", parameter)
        assert filled == told.whatsapp
        assert body.count("{{") == len(told.parameters)


@pytest.mark.parametrize("kind", TO_WHATSAPP)
@every_language
def test_a_template_follows_the_rules_of_meta(kind, language):
    """Source: Meta, "Template guidelines": where variables may stand, what they may hold."""
    body = register_text(kind, language)
    numbers = [int(number) for number in re.findall(r"\{\{(\d+)\}\}", body)]

    assert numbers == list(range(1, len(numbers) + 1))
    assert not body.startswith("{{")
    assert not body.endswith("}}")
    assert not re.search(r"\}\}\s*\{\{", body.replace("\n\n", "|"))
    for content in (FULL, Content()):
        for parameter in render(kind, language, content, Seller()).parameters:
            assert parameter.strip()
            assert not re.search(r"[\n\t]| {4}", parameter)


@pytest.mark.parametrize("kind", TO_WHATSAPP)
@every_language
def test_what_is_to_be_registered_is_documented(kind, language):
    documented = DOCS.read_text()
    assert register_text(kind, language) in documented
    assert f"`recibo_{kind}`" in documented


@every_kind
def test_every_kind_is_documented_with_whether_it_can_be_declined(kind):
    [row] = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{kind}` |")]
    assert row.endswith("| yes |" if RULES[kind].is_optional else "| no |")


@every_kind
def test_reminders_can_be_ended_and_receipts_need_no_end(kind):
    content = FULL if RULES[kind].is_optional else structs.replace(FULL, unsubscribe_url="")
    told = render(kind, "pt-br", content, SELLER)

    has_end = content.unsubscribe_url and content.unsubscribe_url in told.text
    assert bool(has_end) == RULES[kind].is_optional
    assert ("descadastro" in told.html) == RULES[kind].is_optional
    assert ("descadastro" in told.whatsapp) == RULES[kind].is_optional


@pytest.mark.parametrize("kind", list(Kind))
@every_language
def test_templates_name_nothing_that_does_not_exist(kind, language, monkeypatch):
    engine = Engine(
        dirs=rendering.ENGINE.dirs,
        builtins=["recibo.messaging.blocks"],
        string_if_invalid="nowhere:%s",
    )
    monkeypatch.setattr(rendering, "ENGINE", engine)
    for content in (FULL, structs.replace(FULL, payment_code=BOLETO)):
        told = render(kind, language, content, SELLER)
        assert "nowhere:" not in told.html + told.text + told.whatsapp + told.subject


@pytest.mark.parametrize(
    ("colour", "ink"),
    [
        ("#0f766e", "#ffffff"),
        ("#fde047", "#111827"),
        ("#000000", "#ffffff"),
        ("#FFFFFF", "#111827"),
    ],
)
def test_the_button_can_be_read_in_any_colour(colour, ink):
    html = render(Kind.PURCHASE_CONFIRMATION, "en", FULL, Seller(colour=colour)).html
    assert f'bgcolor="{colour}"' in html
    assert f"color:{ink};" in html


def test_a_logo_has_a_text_for_those_who_do_not_see_it():
    seller = Seller(name="Escola & Cia", logo_url="https://cdn.example.com/logo.png")
    html = render(Kind.ALERT, "en", FULL, seller).html
    assert '<img class="logo" src="https://cdn.example.com/logo.png" alt="Escola &amp; Cia"' in html


@pytest.mark.parametrize(
    ("amount", "currency", "portuguese", "english"),
    [
        ("97.9000", "BRL", "R$ 97,90", "R$97.90"),
        ("1234567.5", "BRL", "R$ 1.234.567,50", "R$1,234,567.50"),
        ("0", "BRL", "R$ 0,00", "R$0.00"),
        ("19.99", "USD", "US$ 19,99", "$19.99"),
        ("5000", "CLP", "CLP 5.000", "CLP 5,000"),
        ("12.5", "MXN", "MXN 12,50", "MXN 12.50"),
        ("-3.1", "EUR", "-€ 3,10", "-€3.10"),
    ],
)
def test_an_amount_is_written_as_people_write_it(amount, currency, portuguese, english):
    assert wording.money(Decimal(amount), currency, "pt-br") == portuguese
    assert wording.money(Decimal(amount), currency, "en") == english


def test_a_method_is_told_with_its_installments():
    assert wording.payment_method("card", "pt-br", 12) == "cartão em 12x"
    assert wording.payment_method("card", "en", 3) == "card in 3 installments"
    assert wording.payment_method("card", "pt-br", 1) == "cartão"
    assert wording.payment_method("pix", "pt-br") == "Pix"
    assert wording.payment_method("other", "pt-br", 3) == ""


def test_times_are_told_in_the_zone_of_the_seller():
    at, zone = datetime(2026, 3, 6, 1, 5, tzinfo=UTC), ZoneInfo("America/Sao_Paulo")
    assert wording.moment(at, "pt-br", zone) == "05/03/2026 às 22:05"
    assert wording.moment(at, "en", zone) == "March 5, 2026 at 22:05"


@pytest.mark.parametrize("reason", ["refunded", "charged_back", "past_due", "cancelled", "expired"])
@every_language
def test_every_reason_of_a_block_is_a_sentence(reason, language):
    assert re.fullmatch(r"[A-Z].+\.", wording.reason(reason, language))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as running:
        yield running


@every_language
@pytest.mark.parametrize("name", LETTERS)
def test_a_phone_shows_it_without_scrolling_sideways(browser, name, language):
    html = letter(name, language).html
    seen = browser.visit(
        overflowing, content=html, dark=language == "en", name=f"{name}-{language}"
    )
    assert seen.value == []
    assert seen.complaints == []
    assert seen.asked == []


def test_a_wide_screen_shows_600_pixels(browser):
    html = letter("purchase_confirmation", "pt-br").html
    measure = "() => document.querySelector('.card').getBoundingClientRect().width"
    seen = browser.visit(lambda page: page.evaluate(measure), content=html, width=1200)
    assert seen.value == 600

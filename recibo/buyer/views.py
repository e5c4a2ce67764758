"""The pages of a buyer: where his order stands, and the end of reminders. No log-in: the signed
address is what proves who he is.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from recibo.billing.models import OrderStatus
from recibo.buyer import actions, queries
from recibo.buyer.masking import masked
from recibo.buyer.page import page_of
from recibo.buyer.words import WORDS, Said
from recibo.messaging import links
from recibo.messaging.rendering import ink_on
from recibo.reconciliation.payment_checks import ask_about_order

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

#: What ?lang= may say.
LANGUAGES = {"pt": "pt-br", "pt-br": "pt-br", "en": "en"}
HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",  # the address is the key to the page
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Vary": "Accept-Language, Cookie",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{colours}';"
    " img-src 'self' {logo}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def private(view: View[P]) -> View[P]:
    """For its reader alone: kept by no cache, found by no search, loading nothing from others."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        for name, value in {**HEADERS, "Content-Security-Policy": policy()}.items():
            response.headers[name] = value
        return response

    return guarded


def policy() -> str:
    """The Content-Security-Policy: our own files, the seller's colours and logo."""
    digest = base64.b64encode(hashlib.sha256(colours().encode()).digest()).decode()
    logo = urlsplit(settings.RECIBO_SELLER.logo_url)
    origin = f"{logo.scheme}://{logo.netloc}" if logo.netloc else ""
    return POLICY.format(colours=digest, logo=origin).replace(" ;", ";")


def colours() -> str:
    """The seller's colour as a style sheet; the policy knows it by its hash."""
    colour = settings.RECIBO_SELLER.colour
    return f":root{{--seller:{colour};--on-seller:{ink_on(colour)}}}"


@private
@require_safe
def order(request: HttpRequest, token: str) -> HttpResponse:
    """Where an order stands; 404 for an address that is not ours, 410 for one that expired."""
    language = language_of(request)
    try:
        order_id = links.order_of(token)
    except links.ExpiredLinkError:
        return said(language, WORDS[language].expired, status=410)
    found = queries.order_shown(order_id) if order_id is not None else None
    if found is None:
        return said(language, WORDS[language].forged, status=404)
    if found.status == OrderStatus.PENDING:
        ask_about_order(found.pk)  # whoever looks has most likely just paid
    return shown("order", language, page=page_of(found, language))


@csrf_exempt  # RFC 8058: mail programs post here by themselves, and the token is the proof
@private
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """End reminders by a POST. A GET only asks: mail filters open every link."""
    language = language_of(request)
    words = WORDS[language]
    try:
        chosen = links.address_of(token)
    except links.ExpiredLinkError:
        return said(language, words.expired, status=410)
    if chosen is None:
        return said(language, words.forged, status=404)
    if request.method != "POST":
        return shown("unsubscribe", language, address=masked(chosen.address))
    actions.opt_out(chosen)
    return shown("unsubscribed", language, address=masked(chosen.address))


def language_of(request: HttpRequest) -> str:
    """What ?lang= says, else what the browser asks for."""
    chosen = request.GET.get("lang", "").lower()
    return LANGUAGES.get(chosen) or LANGUAGES.get(request.LANGUAGE_CODE, "pt-br")


def said(language: str, words: Said, *, status: int) -> HttpResponse:
    """A page that says one thing."""
    return shown("said", language, status=status, said=words)


def shown(name: str, language: str, *, status: int = 200, **values: Any) -> HttpResponse:
    """A page of ours in a language."""
    words = WORDS[language]
    other = WORDS["en" if language == "pt-br" else "pt-br"]
    context = {
        "words": words,
        "other": other,
        "seller": settings.RECIBO_SELLER,
        "colours": colours(),
        **values,
    }
    content = render_to_string(f"buyer/{name}.html", context)
    return HttpResponse(content, status=status, headers={"Content-Language": words.code})

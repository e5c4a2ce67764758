"""The blocks that messages are made of, as template tags: each says itself in HTML and in text.

A message is written once; ``is_html`` of its context chooses which files of
``templates/messaging/blocks`` show it. A block without content is left out whole, so that what is
not known leaves no gap.
"""

from django.template import Context, Library
from django.utils.safestring import SafeString

register = Library()


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def is_web_address(url: str) -> bool:
    """Whether it may stand in a link: what gateways send could be ``javascript:``."""
    return url.startswith(("https://", "http://"))


def shown(context: Context, block: str, **values: str) -> str:
    """A block in the form of the part that is being made."""
    extension = "html" if context["is_html"] else "txt"
    engine = context.template.engine  # type: ignore[union-attr]  # set while rendering
    with context.push(**values):
        return engine.get_template(f"messaging/blocks/{block}.{extension}").render(context)


def sentences(context: Context, block: str, content: str) -> str:
    """A block of running text, escaped already where that is needed."""
    return shown(context, block, content=SafeString(one_line(content))) if content.strip() else ""


@register.simple_block_tag(takes_context=True)
def headline(context: Context, content: str) -> str:
    """What it is about, once, at the top."""
    return sentences(context, "headline", content)


@register.simple_block_tag(takes_context=True)
def paragraph(context: Context, content: str) -> str:
    """A few sentences."""
    return sentences(context, "paragraph", content)


@register.simple_block_tag(takes_context=True)
def note(context: Context, content: str) -> str:
    """A few sentences in small."""
    return sentences(context, "note", content)


@register.simple_block_tag(takes_context=True)
def facts(context: Context, content: str) -> str:
    """A list of ``fact`` and ``typed``."""
    lines = [line for line in content.splitlines() if line.strip()]
    return shown(context, "facts", content=SafeString("\n".join(lines))) if lines else ""


@register.simple_tag(takes_context=True)
def fact(context: Context, label: str, value: str) -> str:
    """A name and a value."""
    return shown(context, "fact", label=label, value=value) if value else ""


@register.simple_tag(takes_context=True)
def typed(context: Context, label: str, value: str) -> str:
    """A name and a value that people copy letter by letter, such as a password."""
    return shown(context, "typed", label=label, value=value) if value else ""


@register.simple_tag(takes_context=True)
def code(context: Context, value: str) -> str:
    """Something long to copy, such as a Pix code."""
    return shown(context, "code", value=value) if value else ""


@register.simple_tag(takes_context=True)
def button(context: Context, url: str, label: str) -> str:
    """What to do next."""
    return shown(context, "button", url=url, label=label) if is_web_address(url) else ""


@register.simple_tag(takes_context=True)
def link(context: Context, url: str, label: str) -> str:
    """A link within a sentence."""
    return shown(context, "link", url=url, label=label) if is_web_address(url) else ""


@register.simple_block_tag(takes_context=True)
def slot(context: Context, content: str, otherwise: str) -> str:
    """A part of a WhatsApp message that differs from person to person, in one line.

    Meta takes no empty one: without content it is ``otherwise``. For Meta's register it is
    {{1}}, {{2}} …
    """
    slots: list[str] = context["slots"]
    slots.append(one_line(content) or otherwise)
    return f"{{{{{len(slots)}}}}}" if context["is_register"] else slots[-1]

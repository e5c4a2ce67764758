"""A real browser: Debian's Chromium, headless, and nothing but this machine within its reach.

With RECIBO_TEST_PICTURES=FOLDER every page that is visited under a name is kept there as a PNG.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, Route, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PICTURES = os.environ.get("RECIBO_TEST_PICTURES", "")
#: Milliseconds that anything may take.
PATIENCE = 15_000
#: Widths of phones: the narrowest that is still used, and the usual one.
NARROW, USUAL = 320, 375
OVERFLOWS = """() => [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map((one) => one.outerHTML.slice(0, 120))"""

Value = TypeVar("Value")


@dataclass
class Seen:
    """What a page did besides being shown."""

    asked: list[str] = field(default_factory=list)  # addresses, also those out of reach
    complaints: list[str] = field(default_factory=list)  # errors of scripts and of policies
    status: int | None = None  # None for content that was given
    value: Any = None  # what ``act`` gave


class Chromium:
    """The browser, in a thread of its own: there Django sees no event loop of Playwright's."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self.thread = thread
        self.playwright: Playwright = self.run(lambda: sync_playwright().start())
        self.browser: Browser = self.run(
            lambda: self.playwright.chromium.launch(
                executable_path=CHROMIUM, args=ARGUMENTS, timeout=60_000
            )
        )

    def run(self, act: Callable[[], Value]) -> Value:
        """Do something in the browser's thread."""
        return self.thread.submit(act).result(timeout=120)

    def close(self) -> None:
        self.run(self.browser.close)
        self.run(self.playwright.stop)

    def visit(
        self,
        act: Callable[[Page], Any] = lambda page: None,
        *,
        url: str = "",
        content: str = "",
        width: int = USUAL,
        dark: bool = False,
        scripts: bool = True,
        language: str = "pt-BR",
        name: str = "",
    ) -> Seen:
        """Show an address, or some HTML, on a phone, and ``act`` on it."""

        def shown() -> Seen:
            seen = Seen()
            context = self.browser.new_context(
                viewport={"width": width, "height": 700},
                color_scheme="dark" if dark else "light",
                java_script_enabled=scripts,
                locale=language,
                device_scale_factor=2,
            )
            context.set_default_timeout(PATIENCE)
            with closing(context), context.new_page() as page:
                watch(page, seen)
                if url:
                    answer = page.goto(url)
                    seen.status = answer.status if answer else None
                else:
                    page.set_content(content)
                if PICTURES and name:
                    page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
                seen.value = act(page)
            return seen

        return self.run(shown)


@contextmanager
def closing(context: Any) -> Iterator[None]:
    """Close the window, also after an error."""
    try:
        yield
    finally:
        context.close()


def watch(page: Page, seen: Seen) -> None:
    """Note what the page asks for and complains of; keep it on this machine."""

    def guard(route: Route) -> None:
        seen.asked.append(route.request.url)
        if urlsplit(route.request.url).hostname in {"127.0.0.1", "localhost"}:
            route.continue_()
        else:
            route.abort()

    page.route("**/*", guard)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: seen.complaints.append(message.text) if message.type == "error" else None,
    )


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A running browser."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        browser = Chromium(thread)
        try:
            yield browser
        finally:
            browser.close()


def overflowing(page: Page) -> list[str]:
    """What reaches beyond the right edge of a phone's window, narrow or usual."""
    return [*overflowing_at(page, NARROW), *overflowing_at(page, USUAL)]


def overflowing_at(page: Page, width: int) -> list[str]:
    """What reaches beyond the right edge of a window of this width."""
    page.set_viewport_size({"width": width, "height": 700})
    widths = page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    found: list[str] = page.evaluate(OVERFLOWS)
    return found or (["the page scrolls sideways"] if widths[0] > widths[1] else [])

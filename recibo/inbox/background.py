"""Threads beside the requests: what they do may fail or wait without a request noticing."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import connections

logger = logging.getLogger(__name__)


class Repeater(threading.Thread):
    """Does ``act`` at once, every so many seconds, and a last time when it is stopped."""

    def __init__(self, name: str, act: Callable[[], None], *, every: float) -> None:
        super().__init__(name=name, daemon=True)
        self.act = act
        self.every = every
        self.stopping = threading.Event()
        self.has_begun = threading.Event()
        self.is_well = True

    def run(self) -> None:
        self.once()
        self.has_begun.set()
        while not self.stopping.wait(self.every):
            self.once()
        self.once()
        connections.close_all()

    def once(self) -> None:
        """Do it now, on this thread."""
        self.is_well = attempt(self.name, self.act, was_well=self.is_well)

    def stop(self) -> None:
        """Wait for the last act. Blocks."""
        self.stopping.set()
        self.join()


class Nudger(threading.Thread):
    """Calls ``nudge`` soon after each ``wake``; many wakes within ``gap`` seconds are one call."""

    def __init__(self, nudge: Callable[[], None], *, gap: float = 0.25, rest: float = 1.0) -> None:
        super().__init__(name="inbox-nudger", daemon=True)
        self.nudge = nudge
        self.gap = gap
        self.rest = rest  # seconds before a failed call is tried again
        self.due = threading.Event()
        self.stopping = False
        self.is_well = True

    def wake(self) -> None:
        """There is something to nudge about. Never blocks."""
        if not self.due.is_set():
            self.due.set()

    def run(self) -> None:
        while not self.stopping:
            self.due.wait()
            self.due.clear()
            self.is_well = attempt(self.name, self.nudge, was_well=self.is_well)
            if self.is_well:
                time.sleep(self.gap)
            elif not self.stopping:
                time.sleep(self.rest)
                self.due.set()
        connections.close_all()

    def stop(self) -> None:
        """Nudge a last time. Blocks."""
        self.stopping = True
        self.due.set()
        self.join()


def attempt(name: str, act: Callable[[], None], *, was_well: bool) -> bool:
    """Whether it went well. The first failure in a row is logged; no connection stays broken."""
    try:
        act()
    except Exception:
        if was_well:
            logger.exception("%s failed; it will be tried again", name)
        connections.close_all()
        return False
    return True

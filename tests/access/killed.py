"""A worker that is killed after so many of its lines: ``python -m tests.access.killed``.

Each line on standard input is a number: a child does all the work that is due and is killed with
SIGKILL when it has run so many lines of Recibo's access and messaging; 0: it is let live. The
answer is the exit status of the child. Children are forked off a process that did nothing else.
"""

import itertools
import os
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import Any

import django

WATCHED = ("/recibo/access/", "/recibo/messaging/", "/recibo/work/lease")


class Killer:
    """Counts lines on every thread."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.count = itertools.count(1)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not any(part in frame.f_code.co_filename for part in WATCHED):
            return None
        if event == "line" and next(self.count) >= self.lines:
            os.kill(os.getpid(), signal.SIGKILL)
        return self


def work(lines: int) -> None:
    """All that is due."""
    from recibo.access import reviewing, stages
    from recibo.automation.reactions import react
    from recibo.messaging import sending

    if lines:
        killer = Killer(lines)
        threading.settrace(killer)
        sys.settrace(killer)
    jobs = (
        sending.send_all,
        partial(stages.advance_all, react),
        partial(reviewing.review_all, react),
    )
    while sum(job() for job in jobs):
        pass


def forked(lines: int) -> int:
    """The exit status of a child that works."""
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    try:
        work(lines)
    finally:
        sys.settrace(None)
        os._exit(0)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recibo.server.settings")
    django.setup()
    for line in sys.stdin:
        print(forked(int(line)), flush=True)


if __name__ == "__main__":
    main()

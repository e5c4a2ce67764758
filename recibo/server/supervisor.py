"""Keeps programs running until told to stop. It knows nothing of what they do.

A program that ends is started again whatever its exit code: a worker that loses its database can
end with 0. Each program has a session of its own, so Ctrl-C in the terminal reaches the supervisor
only, and a pipe as standard input, whose end tells it that the supervisor was killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: Set to "1" for a program that runs under a supervisor.
VARIABLE = "RECIBO_SUPERVISED"

# Seconds
FIRST_DELAY = 0.5
LONGEST_DELAY = 10.0
SOUND_LIFE = 30.0  # who lived that long starts again after the first delay
STOP_PATIENCE = 15.0
#: Wrappers such as uv and docker compose pass on the Ctrl-C that the terminal sent as well.
SAME_KEYSTROKE = 0.5
BEAT = 0.1


@dataclass(frozen=True, slots=True)
class Program:
    """What is kept running."""

    name: str
    command: Sequence[str]


def announce(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Supervisor:
    """Runs programs from ``run`` until SIGINT or SIGTERM."""

    def __init__(
        self, programs: Sequence[Program], *, say: Callable[[str], None] = announce
    ) -> None:
        self.children = [Child(program, say) for program in programs]
        self.signals: list[float] = []  # when we were told to stop

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Start the programs, call ``on_ready``, keep them running; return when all have ended.

        Only in the main thread. On a signal the programs get SIGTERM and 15 seconds; a second
        signal, or the end of that time, kills them.
        """
        with self.listening():
            try:
                self.keep()
                if on_ready is not None:
                    on_ready()
                while not self.signals:
                    self.keep()
                    time.sleep(BEAT)
            finally:
                self.stop()

    def keep(self) -> None:
        """Start every program that is due."""
        for child in self.children:
            child.keep(time.monotonic())

    def stop(self) -> None:
        """End the programs: kindly, then not."""
        deadline = time.monotonic() + STOP_PATIENCE
        for child in self.children:
            child.terminate()
        while any(child.is_running() for child in self.children):
            if time.monotonic() > deadline or self.is_told_twice():
                break
            time.sleep(BEAT)
        for child in self.children:
            child.kill()

    def is_told_twice(self) -> bool:
        """Whether somebody lost patience."""
        return bool(self.signals) and self.signals[-1] - self.signals[0] > SAME_KEYSTROKE

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Note SIGINT and SIGTERM instead of ending."""
        before = {
            number: signal.signal(number, self.note) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def note(self, *_: object) -> None:
        """Take a signal."""
        self.signals.append(time.monotonic())


class Child:
    """A program and the process that runs it at the moment, if any."""

    def __init__(self, program: Program, say: Callable[[str], None]) -> None:
        self.program = program
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.delay = 0.0  # before the last start
        self.due = 0.0  # monotonic time of the next start
        self.began = 0.0

    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self.process is not None and self.process.poll() is None

    def keep(self, now: float) -> None:
        """Start it if it is due; if it just ended, decide when."""
        if self.is_running():
            return
        if self.process is not None:
            self.bury(self.process, now)
        elif now >= self.due:
            self.start(now)

    def start(self, now: float) -> None:
        """Run the program."""
        self.began = now
        try:
            self.process = subprocess.Popen(
                self.program.command,
                stdin=subprocess.PIPE,
                start_new_session=True,
                env={**os.environ, VARIABLE: "1"},
            )
        except OSError as error:  # no memory or no process left, or no such program
            self.postpone(f"does not start ({error})", now)

    def bury(self, process: subprocess.Popen[bytes], now: float) -> None:
        """Take leave of a process that ended by itself."""
        self.end_session(process)
        self.process = None
        self.postpone(describe(process.returncode), now)

    def postpone(self, news: str, now: float) -> None:
        """Say what happened and when the program starts again."""
        is_sound = now - self.began >= SOUND_LIFE
        self.delay = (
            min(self.delay * 2, LONGEST_DELAY) if self.delay and not is_sound else FIRST_DELAY
        )
        self.due = now + self.delay
        self.say(f"{self.program.name} {news}; starting it again in {self.delay:g} s")

    def terminate(self) -> None:
        """Ask its process to end."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End its process and what that left behind, and wait for it."""
        if self.process is not None:
            self.end_session(self.process)
            self.process.wait()

    def end_session(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process and those it started, or they would hold its port."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()


def describe(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by signal {-code} ({signal.strsignal(-code)})"


def stop_with_parent() -> None:
    """Have this process end soon after its supervisor does, however that ends.

    A supervised program calls it once, early; elsewhere it does nothing. Programs that this one
    starts are not concerned.
    """
    if os.environ.pop(VARIABLE, "") == "1":
        threading.Thread(target=outlive_nobody, name="supervised", daemon=True).start()


def outlive_nobody() -> None:
    """Wait for the end of standard input, then end this process: kindly, then not."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)

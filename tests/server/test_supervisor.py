"""Real processes: a supervisor in one of its own, programs that do as little as possible."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from recibo.server import supervisor
from recibo.server.supervisor import Child, Program

ROOT = Path(__file__).parents[2]

RUN = """
import sys
from recibo.server.supervisor import Program, Supervisor
programs = [Program(f"program{n}", [sys.executable, "-c", code])
            for n, code in enumerate(sys.argv[1:], start=1)]
Supervisor(programs).run(on_ready=lambda: print("ready", flush=True))
print("all ended", flush=True)
"""
TELL = r"import os, time; os.write(1, b'pid %d\n' % os.getpid());"
SUPERVISED = f"{TELL} from recibo.server import supervisor; supervisor.stop_with_parent();"
WAIT = "time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
DEADLINE = 20.0


class Running:
    """A supervisor that runs, and what it and its programs printed."""

    def __init__(self, *codes: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", RUN, *codes],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.seen: list[psutil.Process] = []  # who told its pid and was still there then

    def read_until(self, wanted: Callable[[list[str]], bool]) -> None:
        assert self.process.stdout is not None
        while not wanted(self.lines):
            line = self.process.stdout.readline()
            assert line, f"ended after {self.lines}"
            self.note(line.rstrip())

    def note(self, line: str) -> None:
        self.lines.append(line)
        if line.startswith("pid "):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.seen.append(psutil.Process(int(line.split()[1])))

    def programs(self, count: int) -> list[psutil.Process]:
        """The first ``count`` processes that told their pid."""
        self.read_until(lambda _: len(self.seen) >= count)
        return self.seen[:count]

    def rest(self) -> list[str]:
        """What was printed until the end, all told."""
        assert self.process.stdout is not None
        for line in self.process.stdout.read().splitlines():
            self.note(line)
        return self.lines

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for process in self.seen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def supervise() -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def begin(*codes: str) -> Running:
        running.append(Running(*codes))
        return running[-1]

    yield begin
    for each in running:
        each.end()


def is_gone(process: psutil.Process) -> bool:
    with_status = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return not with_status


def eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def test_a_killed_program_is_started_again(supervise: Callable[..., Running]) -> None:
    running = supervise(TELL + WAIT)
    (first,) = running.programs(1)
    first.kill()
    _, second = running.programs(2)
    assert second.pid != first.pid
    said = "program1 was ended by signal 9 (Killed); starting it again in 0.5 s"
    assert said in running.lines


@pytest.mark.parametrize("code", [0, 1])
def test_a_program_that_ends_is_started_again_whatever_its_exit_code(
    supervise: Callable[..., Running], code: int
) -> None:
    running = supervise(f"{TELL} os._exit({code})", TELL + WAIT)
    running.read_until(lambda lines: sum(line.startswith("pid") for line in lines) >= 3)
    said = f"program1 ended with exit code {code}; starting it again in 0.5 s"
    assert said in running.lines
    assert not any(line.startswith("program2") for line in running.lines)


def test_a_program_that_cannot_start_does_not_end_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    child = Child(Program("web", ["/nowhere/program"]), supervisor.announce)
    child.keep(0.0)
    assert not child.is_running()
    assert "web does not start" in capsys.readouterr().out


def test_the_wait_before_a_start_doubles_up_to_ten_seconds_and_a_sound_life_resets_it() -> None:
    child = Child(Program("web", []), lambda line: None)
    waits = []
    for now in range(7):
        child.began = now
        child.postpone("ended", now)
        waits.append(child.due - now)
    assert waits == [0.5, 1, 2, 4, 8, 10, 10]
    child.began = 100
    child.postpone("ended", 131)
    assert child.due == 131.5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_programs_and_then_the_supervisor(
    supervise: Callable[..., Running], number: signal.Signals
) -> None:
    running = supervise(TELL + WAIT, TELL + WAIT)
    programs = running.programs(2)
    running.read_until(lambda lines: "ready" in lines)
    running.process.send_signal(number)
    assert running.process.wait(DEADLINE) == 0
    assert running.rest()[-1] == "all ended"
    assert not any("again" in line for line in running.lines)
    assert all(is_gone(program) for program in programs)


def test_ctrl_c_in_the_terminal_reaches_the_supervisor_only(
    supervise: Callable[..., Running],
) -> None:
    finish = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye')));"
    running = supervise(finish + TELL + WAIT)
    running.programs(1)
    running.read_until(lambda lines: "ready" in lines)
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(DEADLINE) == 0
    assert "bye" in running.rest()


def test_a_second_ctrl_c_kills_at_once(supervise: Callable[..., Running]) -> None:
    running = supervise(DEAF + TELL + WAIT)
    (program,) = running.programs(1)
    running.read_until(lambda lines: "ready" in lines)
    began = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    time.sleep(supervisor.SAME_KEYSTROKE + 0.2)
    assert program.is_running()
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(DEADLINE) == 0
    assert time.monotonic() - began < supervisor.STOP_PATIENCE / 2
    assert is_gone(program)


def test_the_same_ctrl_c_passed_on_by_a_wrapper_is_not_a_second_one(
    supervise: Callable[..., Running],
) -> None:
    slow = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1),"
    running = supervise(slow + "sys.exit(print('finished'))));" + TELL + WAIT)
    running.programs(1)
    running.read_until(lambda lines: "ready" in lines)
    running.process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(DEADLINE) == 0
    assert "finished" in running.rest()


def test_a_program_that_does_not_stop_in_time_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_PATIENCE", 0.3)
    code = DEAF + "import time; print('deaf', flush=True); time.sleep(60)"
    watched = supervisor.Supervisor([Program("deaf", [sys.executable, "-c", code])])
    watched.keep()
    process = watched.children[0].process
    assert process is not None
    time.sleep(0.5)
    watched.stop()
    assert process.returncode == -signal.SIGKILL


def test_programs_stop_when_the_supervisor_is_killed(supervise: Callable[..., Running]) -> None:
    running = supervise(SUPERVISED + WAIT, SUPERVISED + WAIT)
    programs = running.programs(2)
    running.process.kill()
    assert eventually(lambda: all(is_gone(program) for program in programs))


def test_what_a_killed_program_left_running_is_ended_before_the_next_start(
    supervise: Callable[..., Running],
) -> None:
    running = supervise(f"import os; os.fork(); {TELL} {WAIT}")
    either, other = running.programs(2)
    leader, left = (either, other) if other.ppid() == either.pid else (other, either)
    leader.kill()
    running.programs(3)
    assert is_gone(left)


def test_a_program_without_a_supervisor_does_not_read_its_standard_input() -> None:
    code = "from recibo.server import supervisor; supervisor.stop_with_parent(); print(input())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        input="typed\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )
    assert result.stdout == "typed\n"

"""What exporters do is at rest while the process forks, and no fork waits long for it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_obs._exporters.attempts import Attempts
from mcp_obs._exporters.forks import Gate, after_fork, before_fork
from mcp_obs._exporters.grpc_threads import LEAST_SECONDS, MOST_SECONDS, GrpcThreads
from mcp_obs._guard import STRICT, Guard


class Exporter:
    """Has nothing but an end."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def shutdown(self) -> None:
        """End."""
        self.over.set()


def with_threads(make: Callable[[], Exporter] = Exporter) -> Attempts[Exporter]:
    return Attempts(make, "kit", has_threads=True)


def fork() -> None:
    """All of it but the child."""
    before_fork()
    after_fork()


@pytest.fixture
def grace(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    """Sets how long a fork waits, before it cuts off and afterwards."""

    def set_seconds(grace: float, cut_off: float) -> None:
        monkeypatch.setattr("mcp_obs._exporters.forks.GRACE_SECONDS", grace)
        monkeypatch.setattr("mcp_obs._exporters.forks.CUT_OFF_SECONDS", cut_off)

    return set_seconds


class Threads:
    """Some of a process, and a clock that goes on only when they are waited for."""

    def __init__(self, folder: Path, *names: bytes) -> None:
        self.now = 1000.0
        self.slept = 0.0
        self.lives_for = 60.0
        self.of_grpc = GrpcThreads(folder, lambda: self.now, self.sleep)
        for number, name in enumerate(names):
            (folder / str(number)).mkdir()
            (folder / str(number) / "comm").write_bytes(name)
        self._files = list(folder.glob("*/comm"))

    def sleep(self, seconds: float) -> None:
        """Until then all may have ended."""
        self.now += seconds
        self.slept += seconds
        if self.slept >= self.lives_for:
            for each in self._files:
                each.unlink(missing_ok=True)

    def waited(self) -> float:
        """How long a fork waits."""
        self.slept = 0.0
        self.of_grpc.wait_until_gone()
        return self.slept


@pytest.mark.parametrize("raises", [False, True], ids=["fails", "raises"])
def test_what_every_fork_cuts_off_is_tried_twice_and_is_then_a_failure(
    raises: bool, grace: Callable[[float, float], None]
):
    grace(0, 0)
    attempts = with_threads()
    tried: list[Exporter] = []

    def send(exporter: Exporter) -> bool:
        tried.append(exporter)
        assert not exporter.over.is_set()
        fork()
        assert exporter.over.is_set()
        if raises:
            raise ValueError("closed")
        return False

    assert not attempts.attempt(send)
    first, second = tried
    assert first is not second
    assert attempts.is_resting


def test_a_fork_waits_for_what_ends_in_time(grace: Callable[[float, float], None]):
    grace(60, 0)
    entered, closing, ended = threading.Event(), threading.Event(), threading.Event()
    had_ended: list[bool] = []

    def has_grace() -> bool:
        closing.set()
        return True

    def work() -> None:
        with gate.entered():
            entered.set()
            closing.wait(60)
            ended.set()

    gate = Gate(has_grace, lambda: had_ended.append(ended.is_set()))
    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(60)
    fork()
    thread.join()
    assert had_ended == [True]


def test_a_fork_waits_for_the_end_of_what_it_cuts_off(grace: Callable[[float, float], None]):
    grace(0, 60)
    entered, seeing, ended = threading.Event(), threading.Event(), threading.Event()

    class Seeing(Gate):
        def see_end(self, end: float) -> None:
            seeing.set()
            super().see_end(end)

    def work() -> None:
        with gate.entered():
            entered.set()
            seeing.wait(60)
            ended.set()

    gate = Seeing(cut_off=lambda: None)
    threading.Thread(target=work, daemon=True).start()
    entered.wait(60)
    fork()
    assert ended.is_set()


def test_a_collector_that_failed_before_is_given_no_time(grace: Callable[[float, float], None]):
    grace(30, 0)
    attempts = with_threads()
    attempts.attempt(lambda exporter: False)
    attempts.hurry()
    began = time.monotonic()

    def send(exporter: Exporter) -> bool:
        fork()
        return True

    assert attempts.attempt(send)
    assert time.monotonic() - began < 30


def test_all_share_a_tenth_of_a_second():
    ends: list[float] = []

    class Noting(Gate):
        def let_end(self, end: float) -> None:
            ends.append(end)

    gates = [Noting() for _ in range(3)]
    fork()
    assert len(ends) == len(gates)
    assert len(set(ends)) == 1
    assert ends[0] <= time.monotonic() + 0.1


def test_nothing_begins_during_a_fork():
    attempts = with_threads()
    is_forking = True
    seen: list[bool] = []

    def send(exporter: Exporter) -> bool:
        seen.append(is_forking)
        return True

    before_fork()
    thread = threading.Thread(target=attempts.attempt, args=(send,))
    thread.start()
    is_forking = False
    after_fork()
    thread.join()
    assert seen == [False]


def test_a_gate_that_nobody_opened_opens(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mcp_obs._exporters.forks.LONGEST_SECONDS", 0)
    attempts = with_threads()
    before_fork()
    assert attempts.attempt(lambda exporter: True)
    after_fork()


def test_an_exporter_that_raises_at_its_end_is_told_of_once_and_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    class Raising(Exporter):
        def shutdown(self) -> None:
            super().shutdown()
            raise RuntimeError("a filter of the host's log")

    monkeypatch.delenv(STRICT)
    monkeypatch.setattr("mcp_obs._exporters.forks._preparing", Guard("preparing for a fork"))
    all_of_them = [with_threads(Raising), with_threads(Raising)]
    ended = [each.exporter for each in all_of_them]
    fork()
    assert [each.over.is_set() for each in ended] == [True, True]
    assert [each.attempt(lambda exporter: True) for each in all_of_them] == [True, True]
    for each in all_of_them:
        with pytest.raises(RuntimeError):
            each.shutdown()
    assert [record.getMessage() for record in caplog.records] == [
        "mcp-obs failed preparing for a fork; the server is not affected. Reported once."
    ]


def test_an_exporter_that_is_made_during_a_fork_is_not_used(grace: Callable[[float, float], None]):
    grace(0, 0)
    made: list[Exporter] = []

    def make() -> Exporter:
        made.append(Exporter())
        if len(made) == 2:
            fork()
        return made[-1]

    attempts = with_threads(make)
    fork()
    used: list[Exporter] = []

    def send(exporter: Exporter) -> bool:
        used.append(exporter)
        return True

    assert attempts.attempt(send)
    assert used == made[2:]
    assert [each.over.is_set() for each in made] == [True, True, False]


def test_an_exporter_that_is_made_during_the_end_is_ended():
    made: list[Exporter] = []

    def make() -> Exporter:
        made.append(Exporter())
        if len(made) == 2:
            attempts.shutdown()
        return made[-1]

    attempts = with_threads(make)
    fork()
    assert not attempts.attempt(lambda exporter: True)
    assert [each.over.is_set() for each in made] == [True, True]


@pytest.mark.parametrize("is_replaced", [False, True], ids=["in use", "ended just before"])
def test_a_fork_waits_for_the_threads_of_an_exporter(
    is_replaced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    threads = Threads(tmp_path, b"python\n", b"grpc_global_tim\n")
    threads.lives_for = 0.003
    monkeypatch.setattr("mcp_obs._exporters.forks.grpc_threads", threads.of_grpc)
    monkeypatch.setattr("mcp_obs._exporters.attempts.grpc_threads", threads.of_grpc)
    attempts = with_threads()
    if is_replaced:
        attempts.shutdown()
    fork()
    assert threads.slept == pytest.approx(0.003)
    threads.slept = 0.0
    fork()
    assert threads.slept == 0


def test_threads_of_the_host_s_own_channels_are_waited_for_once(tmp_path: Path):
    threads = Threads(tmp_path, b"event_engine\n")
    waited: list[float] = []
    for _ in range(2):
        threads.now += 60
        threads.of_grpc.expect_end()
        waited.append(threads.waited())
    assert waited == [pytest.approx(MOST_SECONDS, abs=0.002), pytest.approx(LEAST_SECONDS, abs=0.002)]
    threads.now += 60
    assert threads.waited() == 0


def test_once_they_have_ended_in_time_they_are_given_all_of_it_again(tmp_path: Path):
    threads = Threads(tmp_path, b"event_engine\n")
    threads.of_grpc.expect_end()
    threads.waited()
    threads.lives_for = 0.002
    threads.of_grpc.expect_end()
    threads.waited()
    (tmp_path / "0" / "comm").write_bytes(b"event_engine\n")
    threads.lives_for = 60
    threads.of_grpc.expect_end()
    assert threads.waited() == pytest.approx(MOST_SECONDS, abs=0.002)


def test_threads_of_other_names_even_of_no_utf_8_are_not_waited_for(tmp_path: Path):
    threads = Threads(tmp_path, b"abcdefghijklmn\xc3\n", b"python\n")
    threads.of_grpc.expect_end()
    assert threads.waited() == 0


FORKS = """
import os
from mcp_obs._exporters.attempts import Attempts
made = []
class Exporter:
    def __init__(self):
        made.append(self)
attempts = Attempts(Exporter, "kit")
child = os.fork()
attempts.attempt(lambda exporter: True)
if child:
    os.waitpid(child, 0)
print("parent" if child else "child", len(made), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_what_has_no_threads_is_kept_by_the_parent_and_made_again_by_the_child() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("child 2\nparent 1\n", "")

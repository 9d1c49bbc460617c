"""A process of the agent."""

import itertools
import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from opentelemetry import propagate

from claude_code_mcp.errors import AgentCrashedError, AgentProtocolError, AgentSilentError, AnswerFailedError
from claude_code_mcp.messages import AgentMessage, interrupt_line, prompt_line
from claude_code_mcp.settings import Settings

# A message can hold a screenshot; what is larger is no message.
LONGEST_LINE_BYTES = 8 * 1024 * 1024
# Wrappers of the agent print a few lines of their own.
MOST_FOREIGN_LINES = 100
LOG_TAIL_BYTES = 2000


class AgentProcess:
    """A running agent: prompts go in, messages come out."""

    def __init__(self, process: Process, log: Path, settings: Settings) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input = process.stdin
        self._output = BufferedByteReceiveStream(process.stdout)
        self._log = log
        self._settings = settings
        self._is_answering = False
        self._interrupts = itertools.count(1)

    @classmethod
    async def start(cls, command: list[str], prompt: str, log: Path, settings: Settings) -> "AgentProcess":
        """Start it with its first prompt, without which it does not begin; what it complains of goes to `log`.

        Raises:
            AgentLostError: it did not get ready.
            AnswerFailedError: it refused to begin.
        """
        with _opened(log) as complaints:
            process = await anyio.open_process(
                command, stderr=complaints, env=environment(os.environ), start_new_session=True
            )
        agent = cls(process, log, settings)
        try:
            await agent.send(prompt)
            await agent._until_ready()
        except BaseException:
            await agent.stop(at_once=True)
            raise
        return agent

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    async def send(self, prompt: str) -> None:
        """Give it a prompt; what is left of an answer that nobody waited for is read away before.

        Raises:
            AgentLostError: it does not take it.
        """
        with patience(self._settings.silence_seconds):
            while self._is_answering:
                await self._receive()
            self._is_answering = True
            await self._write(prompt_line(prompt))

    async def receive(self) -> AgentMessage:
        """Its next message.

        Raises:
            AgentLostError: none came.
        """
        with patience(self._settings.silence_seconds):
            return await self._receive()

    async def interrupt(self) -> None:
        """Ask it to stop answering; it says a result all the same.

        Raises:
            AgentLostError: it does not listen any more.
        """
        with patience(self._settings.stop_seconds):
            await self._write(interrupt_line(next(self._interrupts)))

    async def stop(self, *, at_once: bool = False) -> None:
        """End it and what it has started: by the end of its input, and by force where that is not enough."""
        with anyio.CancelScope(shield=True):
            await self._input.aclose()
            with anyio.move_on_after(0 if at_once else self._settings.stop_seconds):
                await self._process.wait()
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self._process.aclose()

    async def _until_ready(self) -> None:
        with patience(self._settings.start_seconds):
            while not (message := await self._receive()).is_ready:
                if message.is_result:
                    raise AnswerFailedError(f"The agent did not begin: {message.result or message.subtype}")

    async def _receive(self) -> AgentMessage:
        try:
            for _ in range(MOST_FOREIGN_LINES):
                message = AgentMessage.of(await self._output.receive_until(b"\n", LONGEST_LINE_BYTES))
                if message is not None:
                    self._is_answering = self._is_answering and not message.is_result
                    return message
        except anyio.DelimiterNotFound as error:
            raise AgentProtocolError(f"The agent wrote a line of over {LONGEST_LINE_BYTES} bytes.") from error
        except (anyio.IncompleteRead, anyio.ClosedResourceError) as error:
            raise await self._crash() from error
        raise AgentProtocolError(f"The agent wrote {MOST_FOREIGN_LINES} lines that are no messages.")

    async def _write(self, line: bytes) -> None:
        try:
            await self._input.send(line)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise await self._crash() from error

    async def _crash(self) -> AgentCrashedError:
        with anyio.move_on_after(self._settings.stop_seconds):
            await self._process.wait()
        code = self._process.returncode
        ended = "fell silent for good" if code is None else f"ended with {code}"
        return AgentCrashedError(f"The agent {ended}. {_tail(self._log)}".rstrip())


@contextmanager
def patience(seconds: float) -> Generator[None]:
    """Wait so long for the agent and no longer."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        raise AgentSilentError(f"The agent said nothing for {seconds:g} s.") from error


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The agent's: its own telemetry goes on in this trace, and it does not think that it runs in itself."""
    trace = dict[str, str]()
    propagate.inject(trace)
    kept = {name: value for name, value in inherited.items() if name != "CLAUDECODE"}
    return kept | {name.upper(): value for name, value in trace.items()}


def _opened(log: Path) -> BinaryIO:
    return log.open("wb")


def _tail(log: Path) -> str:
    with log.open("rb") as complaints:
        complaints.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return complaints.read().decode(errors="replace").strip()

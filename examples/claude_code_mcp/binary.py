"""The agent's program."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from claude_code_mcp.errors import BinaryBrokenError, BinaryNotFoundError
from claude_code_mcp.settings import Settings

NAME = "claude"
LONGEST_VERSION_BYTES = 1000
HOW_TO_GET_ONE = (
    "Install Claude Code (npm install -g @anthropic-ai/claude-code) or set CLAUDE_CODE_BINARY to its path;"
    " examples/claude_code_mcp/stand_in.py plays its part where there is none."
)


@dataclass(frozen=True)
class AgentBinary:
    """A program that runs."""

    path: Path
    version: str


class BinaryManager:
    """Finds the agent's program: the one that is set, the first on the PATH, or one in a usual place."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def discover(self) -> AgentBinary:
        """The program and its version; looked up each time, so that an upgrade is seen.

        Raises:
            BinaryNotFoundError: there is none.
            BinaryBrokenError: it does not say its version.
        """
        path = self._find()
        return AgentBinary(path, await self._version(path))

    def _find(self) -> Path:
        configured = self._settings.binary
        if configured is not None:
            if not is_program(configured):
                raise BinaryNotFoundError(f"CLAUDE_CODE_BINARY is {configured}, where no program is.")
            return configured
        on_the_path = shutil.which(NAME, path=self._settings.search_path)
        if on_the_path is not None:
            return Path(on_the_path)
        for place in self._settings.places:
            if is_program(place):
                return place
        raise BinaryNotFoundError(f"No agent is on the PATH or in a usual place. {HOW_TO_GET_ONE}")

    async def _version(self, path: Path) -> str:
        try:
            with anyio.fail_after(self._settings.start_seconds):
                said = await first_line([str(path), "--version"])
        except TimeoutError as error:
            raise BinaryBrokenError(
                f"{path} did not say its version within {self._settings.start_seconds:g} s."
            ) from error
        except (OSError, anyio.IncompleteRead, anyio.DelimiterNotFound) as error:
            raise BinaryBrokenError(f"{path} does not run. {HOW_TO_GET_ONE}") from error
        version = re.search(r"\d+(\.\d+)+\S*", said)
        if version is None:
            raise BinaryBrokenError(f"{path} says {said!r} where its version is asked for. {HOW_TO_GET_ONE}")
        return version[0]


def is_program(path: Path) -> bool:
    """Whether a file is there that may be run."""
    return path.is_file() and os.access(path, os.X_OK)


async def first_line(command: list[str]) -> str:
    """The first line that a program writes."""
    async with await anyio.open_process(command, stdin=DEVNULL, stderr=DEVNULL) as process:
        assert process.stdout is not None
        output = BufferedByteReceiveStream(process.stdout)
        line = await output.receive_until(b"\n", LONGEST_VERSION_BYTES)
    return line.decode(errors="replace")

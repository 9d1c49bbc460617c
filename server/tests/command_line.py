"""The real `mcp-obs` as a process."""

import asyncio
import os
import sysconfig
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

MCP_OBS = Path(sysconfig.get_path("scripts")) / "mcp-obs"
SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """A shell in an empty folder, with nothing of mcp-obs in its environment but what the test puts there."""

    folder: Path
    environment: dict[str, str]

    def with_environment(self, **more: str) -> "CommandLine":
        """The same shell with more variables."""
        return CommandLine(self.folder, self.environment | more)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start `mcp-obs` with these arguments."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MCP_OBS_")}
        environment = inherited | {"COLUMNS": "100", "NO_COLOR": "1"} | self.environment
        return await asyncio.create_subprocess_exec(
            MCP_OBS, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=self.folder, env=environment
        )

    async def __call__(self, *arguments: str, typed: str = "") -> Ended:
        """Run `mcp-obs` with these arguments, and with what is typed when it asks, to its end."""
        process = await self.start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(typed.encode()), SECONDS)
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

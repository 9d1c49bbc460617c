"""`mcp-obs doctor`, and the programs that it is given."""

import io
import json
import os
import sysconfig
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from mcp_obs.cli import group

from .lines import FASTMCP, MCP

MCP_OBS = str(Path(sysconfig.get_path("scripts")) / "mcp-obs")
KEY = "mcpobs_live_0123456789abcdefghijABCDEFGHIJ0123456789"
# What a machine has before anybody configures anything.
BARE = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("MCP_OBS_", "OTEL_")) and name != "DO_NOT_TRACK"
}
_PLAIN_SERVER = """
from {module} import {kind}
server = {kind}("kit")
@server.tool()
def greet(name: str) -> str:
    return f"Hello, {{name}}"
server.run({options})
"""
_OF_MCP = ("mcp.server", "MCPServer") if MCP > 1 else ("mcp.server.fastmcp", "FastMCP")
PLAIN_SERVERS = {
    "mcp": _PLAIN_SERVER.format(module=_OF_MCP[0], kind=_OF_MCP[1], options=""),
}
"""The text of a program by the library with which it serves on its standard streams; none knows of mcp-obs."""
if FASTMCP:
    PLAIN_SERVERS["fastmcp"] = _PLAIN_SERVER.format(
        module="fastmcp", kind="FastMCP", options="show_banner=False"
    )


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def checks(self) -> dict[str, dict[str, str]]:
        """The checks of a report in JSON, by name."""
        return {check["name"]: check for check in json.loads(self.out)["checks"]}

    @property
    def statuses(self) -> dict[str, str]:
        """Their statuses."""
        return {name: check["status"] for name, check in self.checks.items()}


def doctor(*arguments: str, cwd: Path | None = None, **environment: str) -> Ended:
    """Run it to its end in this process; what it observes has one of its own."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, {**BARE, "COLUMNS": "200", "NO_COLOR": "1", **environment}, clear=True),
        chdir(cwd or Path.cwd()),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = group.run(["doctor", *arguments])
    return Ended(code, out.getvalue(), err.getvalue())

"""Runs an MCP server, speaks with it as a client, and keeps what it would have sent."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_obs._message import mapping_or_empty
from mcp_obs.cli.doctor.kept import Kept, read_kept
from mcp_obs.cli.doctor.sample_server import ARGUMENTS, TOOL
from mcp_obs.cli.doctor.stdio_client import ANSWER_SECONDS, NoAnswerError, StdioClient
from mcp_obs.cli.run import recording

# In _run/mcp_obs_kept_exports.py, which only the observed program imports.
FILE = "MCP_OBS_DOCTOR_FILE"
_PLACE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_LAST_WORDS = 5
_MOST_OF_A_LINE = 200
# How the messages in our log begin, whatever a program's own logging puts before them.
_OURS = re.compile(r"(?:^|\s)mcp-obs[ :]")


@dataclass(frozen=True)
class Observation:
    """What came of one server: `failure` says what it did not do."""

    name: str
    kept: Kept
    tools: tuple[str, ...] = ()
    protocol_version: str = ""
    failure: str = ""
    strays: tuple[str, ...] = ()
    """Lines on its standard output that are no MCP."""
    said: tuple[str, ...] = ()
    """The last lines of its standard error."""
    warnings: tuple[str, ...] = ()
    """What mcp-obs has said there."""


def sample(library: str, environ: Mapping[str, str], *, is_called: bool) -> Observation:
    """Observe a server of a library with one tool, which is called if that is wanted."""
    command = (sys.executable, "-m", "mcp_obs.cli.doctor.sample_server", library)
    return observe(command, environ, {"name": TOOL, "arguments": ARGUMENTS} if is_called else None, library)


def command_of(words: Sequence[str]) -> tuple[str, ...]:
    """The program to run; one for a server that is given as `module:attribute`."""
    if len(words) == 1 and _PLACE.fullmatch(words[0]) and shutil.which(words[0]) is None:
        return (sys.executable, "-m", "mcp_obs.cli.doctor.serve", words[0])
    return tuple(words)


def observe(
    command: Sequence[str],
    environ: Mapping[str, str],
    call: Mapping[str, Any] | None = None,
    name: str = "",
    seconds: float = ANSWER_SECONDS,
) -> Observation:
    """Run a server that speaks on its standard streams: initialize, tools/list, and the call."""
    with tempfile.TemporaryDirectory() as folder:
        kept, said = Path(folder) / "kept", Path(folder) / "said"
        environment = recording(environ) | {FILE: str(kept)}
        with said.open("wb") as errors:
            try:
                process = subprocess.Popen(  # noqa: S603  what it is for
                    command,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                return Observation(name or command[0], Kept(), failure=f"it can't be run: {error.strerror}")
        client = StdioClient(process, seconds)
        found = _converse(client, call)
        lines = tuple(said.read_text(errors="replace").splitlines())
        return Observation(
            name=name or found.get("name") or command[0],
            kept=read_kept(kept),
            tools=found.get("tools", ()),
            protocol_version=found.get("protocol_version", ""),
            failure=found.get("failure", ""),
            strays=tuple(client.strays),
            said=tuple(line[:_MOST_OF_A_LINE] for line in lines[-_LAST_WORDS:]),
            warnings=tuple(line for line in lines if _OURS.search(line)),
        )


def _converse(client: StdioClient, call: Mapping[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        answer = client.initialize()
        found["name"] = str(mapping_or_empty(answer.get("serverInfo")).get("name") or "")
        found["protocol_version"] = str(answer.get("protocolVersion") or "")
        if "tools" in mapping_or_empty(answer.get("capabilities")):
            found["tools"] = tuple(client.tools())
        if call is not None:
            client.ask("tools/call", call)
    except NoAnswerError as error:
        found["failure"] = str(error)
    finally:
        client.close()
    return found

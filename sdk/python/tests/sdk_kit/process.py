"""A process that records one span."""

import os
import subprocess
import sys
from typing import IO

RECORDS_ONE_SPAN = """
import sys, mcp_obs
from mcp_obs._message import Message
from mcp_obs._operation import begin
mcp_obs.configure_mcp_telemetry()
operation = begin(lambda: Message("ping", None, 1, None, None, None))
if operation is not None:
    operation.answer({})
print("recorded", flush=True)
"""


def recording_process(
    environment: dict[str, str],
    then: str = "",
    command: list[str] | None = None,
    stderr: "int | IO[str]" = subprocess.PIPE,
) -> "subprocess.Popen[str]":
    """Records one span, prints `recorded`, and goes on with `then`; or runs another command."""
    return subprocess.Popen(
        command or [sys.executable, "-c", RECORDS_ONE_SPAN + then],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )

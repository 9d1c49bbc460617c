"""The server that is killed again and again: always the same folder and port."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.receivers.receiver import free_port

# Half of it is one organisation's, and fills within half a second without an insert.
_SPOOL_BYTES = 8 * 2**20
_STOP_SECONDS = 120
_TRIES = 10
_KEY = re.compile(r"mcpobs_live_\w+")


class Victim:
    """`mcp-obs start` in a folder."""

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.key = ""
        self._log = folder / "log"
        self._command = [
            Path(sys.executable).with_name("mcp-obs"),
            *("start", "--data-dir", self.data, "--port", str(self.port)),
            *arguments,
        ]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return when it answers; like a supervisor, try again while the engine keeps it from starting.

        Raises SystemExit when it doesn't in ten tries.
        """
        for _ in range(_TRIES):
            if self._starts():
                return
        raise SystemExit(f"mcp-obs did not start: {self._log.read_text(errors='replace')[-2000:]}")

    def _starts(self) -> bool:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"MCP_OBS_SPOOL_MAX_BYTES": str(_SPOOL_BYTES), "MCP_OBS_GRPC_PORT": "0"},
            )
        assert self._process.stdout
        for line in self._process.stdout:
            if found := _KEY.search(line):
                self.key = self.key or found[0]
            if line.startswith("Ctrl-C stops"):
                return True
        self.kill()
        return False

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As a supervisor would: what is in the spool goes to the engine first."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()

"""An MCP client over the standard streams of a process, which is the same for every server and library."""

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any, cast

from mcp_obs._telemetry import RELEASE

PROTOCOL_VERSION = "2025-11-25"
# A server may have much to import and to connect to before it answers.
ANSWER_SECONDS = 30.0
# What mcp's own clients give a server whose stdin they have closed.
_END_SECONDS = 5.0
_MOST_STRAYS = 3


class NoAnswerError(Exception):
    """A server that does not answer as a server does; the message says how."""


class StdioClient:
    """Speaks with one process, which has `stdin` and `stdout` as text."""

    def __init__(self, process: "subprocess.Popen[str]", seconds: float = ANSWER_SECONDS) -> None:
        self._process = process
        self._seconds = seconds
        self._lines = queue.SimpleQueue[str | None]()
        self._requests = 0
        self.strays: list[str] = []
        """The first lines on standard output that are no MCP messages."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def initialize(self) -> Mapping[str, Any]:
        """The result of the handshake. Raises NoAnswerError."""
        result = self.ask(
            "initialize",
            {
                "protocolVersion": PROTOCOL_VERSION,
                "capabilities": {},
                "clientInfo": {"name": "mcp-obs doctor", "version": RELEASE},
            },
        )
        self._send({"method": "notifications/initialized"})
        return result

    def tools(self) -> list[str]:
        """The names of the tools. Raises NoAnswerError."""
        tools: object = self.ask("tools/list", {}).get("tools")
        found = cast("list[Mapping[str, Any]]", tools) if isinstance(tools, list) else []
        return [str(tool.get("name")) for tool in found]

    def ask(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of one request. Raises NoAnswerError."""
        self._requests += 1
        self._send({"id": self._requests, "method": method, "params": params})
        deadline = time.monotonic() + self._seconds
        while True:
            message = self._next(method, deadline)
            if message.get("id") == self._requests and "method" not in message:
                return _result(method, message)
            if "id" in message and "method" in message:
                # Roots, sampling, elicitation: this client offers none of it.
                self._send({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})

    def close(self) -> int:
        """End the connection, as clients do, and wait for the process; its exit code, negative for a signal."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it is gone
                self._process.stdin.close()
        code = self._wait()
        self._reader.join(_END_SECONDS)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()
        return code

    def _wait(self) -> int:
        for end in (self._process.terminate, self._process.kill):
            try:
                return self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                end()
        return self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise NoAnswerError("it has closed its standard input") from error

    def _next(self, method: str, deadline: float) -> Mapping[str, Any]:
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise NoAnswerError(f"it does not answer {method} within {self._seconds:g} s") from None
            if line is None:
                raise NoAnswerError(f"it has ended before it answered {method}")
            message = _message(line)
            if message is not None:
                return message
            if line.strip() and len(self.strays) < _MOST_STRAYS:
                self.strays.append(line.strip())


def _message(line: str) -> Mapping[str, Any] | None:
    try:
        message: object = json.loads(line)
    except ValueError:
        return None
    return cast("Mapping[str, Any]", message) if isinstance(message, dict) and "jsonrpc" in message else None


def _result(method: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
    result = message.get("result")
    if isinstance(result, dict):
        return cast("Mapping[str, Any]", result)
    raise NoAnswerError(f"it answers {method} with {json.dumps(message.get('error'))[:300]}")
